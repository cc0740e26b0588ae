package identity

import (
	"strings"
	"testing"
)

// A key file may hold anything; a certificate's URL that is taken stays inside its <>.
func FuzzConfig(f *testing.F) {
	f.Add([]byte("-----BEGIN EC PRIVATE KEY-----\nMHcCAQ==\n-----END EC PRIVATE KEY-----\n"), "https://c.example/a.pem")
	f.Add([]byte("-----BEGIN EC PARAMETERS-----\n\n-----END EC PARAMETERS-----"), "https://c.example/>;x")
	f.Fuzz(func(t *testing.T, pem []byte, certificate string) {
		if key, err := parseKey(pem); err == nil && key == nil {
			t.Error("neither a key nor an error")
		}
		c := Config{KeyFile: "k", CertificateURL: certificate, OriginID: "de305d54-75b4-431b-adb2-eb6b9e546014"}
		if c.Validate() == nil && strings.ContainsAny(certificate, "<>\"\r\n ") {
			t.Errorf("%q is taken", certificate)
		}
	})
}
