package phone

import (
	"crypto/md5" //nolint:gosec // RFC 3261 phones still speak MD5
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"sync"
)

// hash is H of RFC 7616 section 3.2 for an algorithm; SHA-256, else MD5.
func hash(algorithm string, parts ...string) string {
	text := []byte(strings.Join(parts, ":"))
	if strings.EqualFold(algorithm, "SHA-256") {
		sum := sha256.Sum256(text)
		return hex.EncodeToString(sum[:])
	}
	sum := md5.Sum(text)
	return hex.EncodeToString(sum[:])
}

// fields reads the parameters of a challenge or of credentials.
func fields(value string) map[string]string {
	_, rest, _ := strings.Cut(value, " ")
	out := map[string]string{}
	for rest != "" {
		key, tail, found := strings.Cut(rest, "=")
		if !found {
			break
		}
		var v string
		if strings.HasPrefix(tail, `"`) {
			v, rest, _ = strings.Cut(tail[1:], `"`)
		} else {
			v, rest = firstOf(tail), ""
			rest = tail[len(v):]
		}
		out[strings.ToLower(strings.Trim(key, ", "))] = strings.TrimSpace(v)
		rest = strings.TrimLeft(rest, ", ")
	}
	return out
}

// random is n random bytes in hexadecimal.
func random(n int) string {
	b := make([]byte, n)
	rand.Read(b) //nolint:errcheck // never fails, see crypto/rand
	return hex.EncodeToString(b)
}

// credentials answers the challenges of a 401 or 407: the first whose algorithm
// we know. ok is false where there is none.
func credentials(resp *Message, method, uri, user, password string) (h Header, ok bool) {
	challenge, answer := "WWW-Authenticate", "Authorization"
	if resp.Code == 407 {
		challenge, answer = "Proxy-Authenticate", "Proxy-Authorization"
	}
	for _, value := range resp.All(challenge) {
		c := fields(value)
		algorithm := c["algorithm"]
		if algorithm == "" {
			algorithm = "MD5"
		}
		if !strings.EqualFold(algorithm, "MD5") && !strings.EqualFold(algorithm, "SHA-256") {
			continue
		}
		ha1, ha2 := hash(algorithm, user, c["realm"], password), hash(algorithm, method, uri)
		v := fmt.Sprintf(`Digest username="%s", realm="%s", nonce="%s", uri="%s", algorithm=%s`, user, c["realm"], c["nonce"], uri, algorithm)
		if strings.Contains(c["qop"], "auth") {
			cnonce := random(8)
			v += fmt.Sprintf(`, qop=auth, nc=00000001, cnonce="%s", response="%s"`, cnonce,
				hash(algorithm, ha1, c["nonce"], "00000001", cnonce, "auth", ha2))
		} else {
			v += fmt.Sprintf(`, response="%s"`, hash(algorithm, ha1, c["nonce"], ha2))
		}
		if c["opaque"] != "" {
			v += fmt.Sprintf(`, opaque="%s"`, c["opaque"])
		}
		return Header{answer, v}, true
	}
	return Header{}, false
}

// Challenge makes a phone ask for digest credentials (RFC 7616) before it takes
// an INVITE or REGISTER. It is safe for use by many goroutines.
type Challenge struct {
	User            string // empty lets every name in
	Password, Realm string
	SHA256          bool // else MD5

	mu     sync.Mutex
	nonces map[string]uint64 // the last count of each nonce that we gave
}

// header is the challenge of a 407, or of a registrar's 401.
func (c *Challenge) header(code int, stale bool) Header {
	nonce := random(16)
	c.mu.Lock()
	if c.nonces == nil || len(c.nonces) > 100_000 {
		c.nonces = map[string]uint64{}
	}
	c.nonces[nonce] = 0
	c.mu.Unlock()
	v := fmt.Sprintf(`Digest realm="%s", nonce="%s", algorithm=%s, qop="auth"`, c.Realm, nonce, c.algorithm())
	if stale {
		v += ", stale=true"
	}
	if code == 401 {
		return Header{"WWW-Authenticate", v}
	}
	return Header{"Proxy-Authenticate", v}
}

func (c *Challenge) algorithm() string {
	if c.SHA256 {
		return "SHA-256"
	}
	return "MD5"
}

// check says whether a request carries good credentials, and if not, what is
// wrong with them; "" means that it carries none. A nonce may be used again
// with a higher count; one that we do not know is stale.
func (c *Challenge) check(req *Message) (ok, stale bool, fault string) {
	value := req.Get("Proxy-Authorization")
	if req.Method == "REGISTER" {
		value = req.Get("Authorization")
	}
	if value == "" {
		return false, false, ""
	}
	f := fields(value)
	count, err := strconv.ParseUint(f["nc"], 16, 64)
	if err != nil || f["qop"] != "auth" {
		return false, false, "credentials without qop=auth and nc"
	}
	ha1, ha2 := hash(c.algorithm(), f["username"], c.Realm, c.Password), hash(c.algorithm(), req.Method, f["uri"])
	want := hash(c.algorithm(), ha1, f["nonce"], f["nc"], f["cnonce"], "auth", ha2)
	if c.User != "" && f["username"] != c.User || subtle.ConstantTimeCompare([]byte(want), []byte(f["response"])) != 1 {
		return false, false, "wrong credentials"
	}
	if f["uri"] != req.URI {
		return false, false, "credentials are for another Request-URI"
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	last, known := c.nonces[f["nonce"]]
	switch {
	case !known:
		return false, true, ""
	case count <= last:
		return false, true, "nonce count did not rise"
	}
	c.nonces[f["nonce"]] = count
	return true, false, ""
}
