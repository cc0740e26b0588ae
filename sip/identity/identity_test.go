package identity

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const origin = "de305d54-75b4-431b-adb2-eb6b9e546014"

func keyFile(t *testing.T, blocks ...*pem.Block) string {
	t.Helper()
	var text []byte
	for _, b := range blocks {
		text = append(text, pem.EncodeToMemory(b)...)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// The header holds a token whose every part is as the RFCs want it, and whose
// signature the public key of the certificate verifies.
func TestHeader(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	sec1, _ := x509.MarshalECPrivateKey(key)
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	for _, blocks := range [][]*pem.Block{
		{{Type: "EC PARAMETERS", Bytes: []byte{6, 1, 1}}, {Type: "EC PRIVATE KEY", Bytes: sec1}},
		{{Type: "PRIVATE KEY", Bytes: pkcs8}},
	} {
		cfg := Config{KeyFile: keyFile(t, blocks...), CertificateURL: "https://cert.example/a.pem", OriginID: origin}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		s, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		got, err := s.Header("+12125550001", "+12025550123", time.Unix(1471375418, 0))
		if err != nil {
			t.Fatal(err)
		}
		token, params, _ := strings.Cut(got, ";")
		if params != `info=<https://cert.example/a.pem>;alg=ES256;ppt="shaken"` {
			t.Errorf("parameters %s", params)
		}
		parts := strings.Split(token, ".")
		if len(parts) != 3 {
			t.Fatalf("token %s", token)
		}
		for i, want := range []string{
			`{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example/a.pem"}`,
			`{"attest":"A","dest":{"tn":["12025550123"]},"iat":1471375418,"orig":{"tn":"12125550001"},"origid":"` + origin + `"}`,
		} {
			if b, err := base64.RawURLEncoding.DecodeString(parts[i]); err != nil || string(b) != want {
				t.Errorf("part %d: %s, %v; want %s", i, b, err, want)
			}
		}
		raw, err := base64.RawURLEncoding.DecodeString(parts[2])
		digest := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
		if err != nil || len(raw) != 64 || !ecdsa.Verify(&key.PublicKey, digest[:], new(big.Int).SetBytes(raw[:32]), new(big.Int).SetBytes(raw[32:])) {
			t.Errorf("signature of %d bytes does not verify: %v", len(raw), err)
		}
	}
}

func TestKeysThatDoNotServe(t *testing.T) {
	other, _ := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	p384, _ := x509.MarshalECPrivateKey(other)
	rsaKey, _ := rsa.GenerateKey(rand.Reader, 2048)
	for name, path := range map[string]string{
		"another curve": keyFile(t, &pem.Block{Type: "EC PRIVATE KEY", Bytes: p384}),
		"RSA":           keyFile(t, &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(rsaKey)}),
		"nothing":       keyFile(t),
		"no file":       filepath.Join(t.TempDir(), "none.pem"),
	} {
		if s, err := New(Config{KeyFile: path}); err == nil || s != nil || !strings.HasPrefix(err.Error(), "key_file: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if s, err := New(Config{}); s != nil || err != nil {
		t.Errorf("nobody signs: %v, %v", s, err)
	}
}

func TestValidate(t *testing.T) {
	good := Config{KeyFile: "k", CertificateURL: "https://c.example/a", OriginID: origin}
	for key, spoil := range map[string]func(*Config){
		"key_file":        func(c *Config) { c.KeyFile = "" },
		"certificate_url": func(c *Config) { c.CertificateURL = "http://c.example/a" },
		"attestation":     func(c *Config) { c.Attestation = "D" },
		"origin_id":       func(c *Config) { c.OriginID = "us" },
	} {
		c := good
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.HasPrefix(err.Error(), key+": ") {
			t.Errorf("%v, want it to name %s", err, key)
		}
	}
	if (Config{}).Validate() != nil || good.Validate() != nil {
		t.Error("good ones are refused")
	}
}
