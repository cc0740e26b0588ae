// Package identity signs who calls whom: the Identity header of RFC 8224 with a
// "shaken" PASSporT (RFC 8225, RFC 8588), by ES256. Most callers leave that to
// their carrier; who has a certificate of their own signs here. It verifies
// nothing and fetches nothing.
//
// It does not pass on the Identity of others. A PASSporT is of one call: it names
// the caller, the called number and the second of its signing, and verifiers refuse
// it a minute later (RFC 8224 section 6.2.4). So none can be configured ahead, and
// one that came with a call to us is for our number: to send it on with a call of
// ours, from another number to another, would be a replay. Only who forwards a call
// may pass it on, beside a "div" PASSporT of its own (RFC 8946); calls to a carrier
// begin here. A carrier or a signing service that stands behind the trunk adds its
// header there.
package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// Config is the signer of one trunk.
type Config struct {
	KeyFile        string `yaml:"key_file"`        // PEM of an EC key on P-256; empty: we do not sign
	CertificateURL string `yaml:"certificate_url"` // where verifiers find the certificate, https
	Attestation    string `yaml:"attestation"`     // "A" (default): the caller may use the number; "B", "C"
	OriginID       string `yaml:"origin_id"`       // a UUID that names us to traceback
}

// Validate names the YAML key that is wrong.
func (c Config) Validate() error {
	if c.KeyFile == "" {
		if c != (Config{}) {
			return errors.New("key_file: required to sign")
		}
		return nil
	}
	var errs []error
	if u, err := url.Parse(c.CertificateURL); err != nil || u.Scheme != "https" || u.Host == "" || strings.ContainsAny(c.CertificateURL, "<>\"\r\n ") {
		errs = append(errs, fmt.Errorf("certificate_url: %q is not https://...", c.CertificateURL))
	}
	if c.Attestation != "" && c.Attestation != "A" && c.Attestation != "B" && c.Attestation != "C" {
		errs = append(errs, fmt.Errorf("attestation: %q is not A, B or C", c.Attestation))
	}
	if !isUUID(c.OriginID) {
		errs = append(errs, fmt.Errorf("origin_id: %q is not a UUID", c.OriginID))
	}
	return errors.Join(errs...)
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i, r := range s {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		if dash != (r == '-') || !dash && !strings.ContainsRune("0123456789abcdefABCDEF", r) {
			return false
		}
	}
	return true
}

// Signer makes Identity headers. It is safe for concurrent use.
type Signer struct {
	key    *ecdsa.PrivateKey
	cfg    Config
	header string // of the PASSporT, encoded
}

// New reads the key. A valid Config without a key file gives nil: nobody signs.
func New(cfg Config) (*Signer, error) {
	if cfg.KeyFile == "" {
		return nil, nil //nolint:nilnil // nobody signs
	}
	text, err := os.ReadFile(cfg.KeyFile)
	if err != nil {
		return nil, fmt.Errorf("key_file: %w", err)
	}
	key, err := parseKey(text)
	if err != nil {
		return nil, fmt.Errorf("key_file: %s: %w", cfg.KeyFile, err)
	}
	if cfg.Attestation == "" {
		cfg.Attestation = "A"
	}
	header, err := encode(struct {
		Alg string `json:"alg"`
		PPT string `json:"ppt"`
		Typ string `json:"typ"`
		X5U string `json:"x5u"`
	}{"ES256", "shaken", "passport", cfg.CertificateURL})
	return &Signer{key, cfg, header}, err
}

var errKey = errors.New("not an EC key on P-256 in PEM")

func parseKey(text []byte) (*ecdsa.PrivateKey, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		var key any
		var err error
		switch block.Type {
		case "EC PRIVATE KEY":
			key, err = x509.ParseECPrivateKey(block.Bytes)
		case "PRIVATE KEY":
			key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
		default:
			continue // "EC PARAMETERS" stand before the key
		}
		if ec, ok := key.(*ecdsa.PrivateKey); err == nil && ok && ec.Curve == elliptic.P256() {
			return ec, nil
		}
		return nil, errKey
	}
	return nil, errKey
}

// claims are in the order of their names (RFC 8225 section 9).
type claims struct {
	Attest string `json:"attest"`
	Dest   struct {
		TN []string `json:"tn"`
	} `json:"dest"`
	IAT  int64 `json:"iat"`
	Orig struct {
		TN string `json:"tn"`
	} `json:"orig"`
	OrigID string `json:"origid"`
}

// Header is the value of an Identity header for a call from a number to another
// (E.164, with or without "+") that leaves now. Verifiers refuse it a minute later.
func (s *Signer) Header(from, to string, now time.Time) (string, error) {
	c := claims{Attest: s.cfg.Attestation, IAT: now.Unix(), OrigID: s.cfg.OriginID}
	c.Orig.TN, c.Dest.TN = strings.TrimPrefix(from, "+"), []string{strings.TrimPrefix(to, "+")}
	payload, err := encode(c)
	if err != nil {
		return "", err
	}
	signed := s.header + "." + payload
	digest := sha256.Sum256([]byte(signed))
	r, sig, err := ecdsa.Sign(rand.Reader, s.key, digest[:])
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	raw := make([]byte, 64)
	r.FillBytes(raw[:32])
	sig.FillBytes(raw[32:])
	return fmt.Sprintf("%s.%s;info=<%s>;alg=ES256;ppt=\"shaken\"", signed, base64.RawURLEncoding.EncodeToString(raw), s.cfg.CertificateURL), nil
}

func encode(v any) (string, error) {
	b, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b), err
}
