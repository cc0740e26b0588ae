package registrar

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/icholy/digest"

	sipgosip "github.com/emiago/sipgo/sip"
)

// Users is where the secrets of the phones are. Digest must be quick, safe
// for concurrent use, and take the same time for users that are not there.
type Users interface {
	Digest(user string) (Secret, bool)
}

// Secret is what a digest is checked against: H(user:realm:password) in
// lower-case hexadecimal (RFC 7616 section 3.4.2). It is as good as the
// password within the realm, so it is stored like one.
type Secret struct {
	HA1MD5    string
	HA1SHA256 string
}

// HA1 makes the secret of a user's phone.
func HA1(user, realm, password string) Secret {
	a1 := []byte(user + ":" + realm + ":" + password)
	weak, strong := md5.Sum(a1), sha256.Sum256(a1)
	return Secret{HA1MD5: hex.EncodeToString(weak[:]), HA1SHA256: hex.EncodeToString(strong[:])}
}

// nobody is the secret that unknown users are checked against, so that they
// take the work of known ones.
func nobody() Secret {
	password := make([]byte, 32)
	_, _ = rand.Read(password) // never returns an error
	return HA1("", "", string(password))
}

// matches checks a response (RFC 7616 section 3.4.1, qop=auth) in constant
// time.
func (s Secret) matches(method string, c *digest.Credentials) bool {
	a1 := s.HA1SHA256
	if isMD5(c.Algorithm) {
		a1 = s.HA1MD5
	}
	want, err := digest.Digest(
		&digest.Challenge{Realm: c.Realm, Nonce: c.Nonce, Algorithm: c.Algorithm, QOP: []string{"auth"}},
		digest.Options{Method: method, URI: c.URI, Count: c.Nc, Cnonce: c.Cnonce, Username: c.Username, A1: a1},
	)
	return err == nil && a1 != "" && hmac.Equal([]byte(want.Response), []byte(strings.ToLower(c.Response)))
}

// isMD5 says whether an algorithm parameter means MD5; without one it does
// (RFC 7616 section 3.3).
func isMD5(algorithm string) bool { return algorithm == "" || strings.EqualFold(algorithm, "MD5") }

// maxCredentials bounds the header we are ready to parse, in bytes.
const maxCredentials = 4096

// credentials finds the digest credentials for our realm; nil if there are
// none. A phone may send several, for other proxies too.
func credentials(req *sipgosip.Request, realm string) *digest.Credentials {
	for _, name := range []string{"Authorization", "Proxy-Authorization"} {
		for _, header := range req.GetHeaders(name) {
			value := header.Value()
			if len(value) > maxCredentials {
				continue
			}
			if c, err := digest.ParseCredentials(value); err == nil && c.Realm == realm {
				return c
			}
		}
	}
	return nil
}

// acceptable says whether credentials have the form we ask for. count and
// cnonce are part of what qop=auth protects.
func (r *Registrar) acceptable(c *digest.Credentials) bool {
	algorithm := strings.EqualFold(c.Algorithm, "SHA-256") && *r.cfg.SHA256 || isMD5(c.Algorithm) && *r.cfg.MD5
	return algorithm && c.QOP == "auth" && c.Nc >= 1 && c.Cnonce != "" && !c.Userhash
}

// forThis says whether the digest was made for this request: its uri is the
// Request-URI. Phones may write the same URI in another way.
func forThis(req *sipgosip.Request, c *digest.Credentials) bool {
	want := req.Recipient.String()
	if c.URI == want {
		return true
	}
	var uri sipgosip.Uri
	return sipgosip.ParseUri(c.URI, &uri) == nil && uri.String() == want
}
