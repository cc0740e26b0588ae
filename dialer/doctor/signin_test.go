package doctor

import (
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// TestSignIn looks at providers that answer as what they are called, as somebody else, and
// not at all.
func TestSignIn(t *testing.T) {
	t.Parallel()
	name, ends := "", ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"issuer":"`+name+`","end_session_endpoint":"`+ends+`"}`)
	}))
	name = s.URL
	cfg := loopback(t, "127.0.0.1:5999")
	look := func(verdict Verdict, words string) {
		t.Helper()
		e := &examination{cfg: cfg}
		e.checkSignIn(t.Context())
		want(t, e.found, CheckSignIn, verdict, words)
	}
	look(OK, "passwords alone")
	cfg.OIDC = oidc.Config{Issuer: s.URL, ClientID: "outpace", URL: "https://dialer.example.com"}
	look(OK, "https://dialer.example.com/api/v1/login/oidc/callback")
	ends = "https://id.example.com/end"
	look(OK, "the post-logout redirect URI https://dialer.example.com/ ")
	cfg.OIDC.Issuer += "/" // a slash is enough to be somebody else
	look(Fail, "did not match the issuer")
	s.Close()
	look(Fail, "the provider does not answer")
	cfg.OIDC.ClientSecretFile = t.TempDir()
	look(Fail, "oidc.client_secret_file")
}

// TestAuthority looks at an authority in the network, which the system does not know.
func TestAuthority(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"newOrder":"x","newNonce":"y"}`)
	}))
	cfg := loopback(t, "127.0.0.1:5999")
	cfg.HTTP.TLS.ACME = &config.ACME{Hosts: []string{"dialer.example.com"}, Directory: s.URL}
	look := func(verdict Verdict, words string) {
		t.Helper()
		e := &examination{cfg: cfg}
		e.checkCertificates(t.Context())
		want(t, e.found, CheckCertificates, verdict, words)
	}
	look(Fail, "unknown authority")
	cfg.HTTP.TLS.ACME.Authorities = filepath.Join(t.TempDir(), "ca.pem")
	look(Fail, "no such file")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(cfg.HTTP.TLS.ACME.Authorities, text, 0o600); err != nil {
		t.Fatal(err)
	}
	look(OK, "port 443 of dialer.example.com")
	s.Close()
	look(Fail, "the authority does not answer")
}
