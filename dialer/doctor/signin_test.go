package doctor

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// TestSignIn looks at providers that answer as what they are called, as somebody else, and
// not at all.
func TestSignIn(t *testing.T) {
	t.Parallel()
	name := ""
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"issuer":"`+name+`"}`) }))
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
	cfg.OIDC.Issuer += "/" // a slash is enough to be somebody else
	look(Fail, "did not match the issuer")
	s.Close()
	look(Fail, "connection refused")
	cfg.OIDC.ClientSecretFile = t.TempDir()
	look(Fail, "oidc.client_secret_file")
}
