package e2e

import (
	"fmt"
	"html"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/oauth2-proxy/mockoidc"

	"github.com/outpace-dialer/outpace/dialer/app"
)

// TestConsoleProvider has a browser go to a provider on another site and come back: the
// cookies are as strict as they are, and the browser holds them to it. The product is
// called localhost and the provider 127.0.0.1, which are two sites.
func TestConsoleProvider(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	idp, err := mockoidc.NewServer(nil)
	must(t, err)
	must(t, idp.AddMiddleware(asksFirst))
	left := make(chan url.Values, 8)
	must(t, idp.AddMiddleware(endsSessions(t, left)))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	must(t, idp.Start(l, nil))
	t.Cleanup(func() { _ = idp.Server.Close() })
	idp.QueueUser(&mockoidc.MockUser{Subject: "s-nina", PreferredUsername: "nina", Groups: []string{"dialer"}})
	idp.QueueUser(&mockoidc.MockUser{Subject: "s-zoe", PreferredUsername: "zoe", Groups: []string{"sales"}})

	far, _ := personsOnly(t, time.Minute)
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(app.Store) {})
	port := freePort(t)
	p.env = append(p.env, "OUTPACE_HTTP__LISTEN=127.0.0.1:"+fmt.Sprint(port), fmt.Sprintf(
		`OUTPACE_OIDC={issuer: %q, name: Example, client_id: %q, client_secret: %q, url: "http://localhost:%d", scopes: [openid, profile, email, groups], create_users: true, break_glass: boss, grants: [{groups: [dialer], role: operator}]}`,
		idp.Issuer(), idp.ClientID, idp.ClientSecret, port))
	p.serve(t)
	browse(t, "provider.mjs", 3*time.Minute, "OUTPACE_URL="+fmt.Sprintf("http://localhost:%d", port))
	if len(left) != 1 {
		t.Fatalf("the provider ended %d sessions, want one", len(left))
	}
	asked := <-left
	if _, err := idp.Keypair.VerifyJWT(asked.Get("id_token_hint"), idp.Now); err != nil || asked.Get("client_id") != idp.ClientID {
		t.Errorf("ended with %v: %v", asked, err)
	}
}

// endsSessions has a provider say where it ends sessions: at a server that shows a page,
// from which people go on.
func endsSessions(t *testing.T, left chan<- url.Values) func(http.Handler) http.Handler {
	end := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/end" { // the page's icon
			http.NotFound(w, r)
			return
		}
		left <- r.URL.Query()
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>Provider</title><a href="%s">Signed out</a>`, html.EscapeString(r.URL.Query().Get("post_logout_redirect_uri")))
	}))
	t.Cleanup(end.Close)
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != mockoidc.DiscoveryEndpoint {
				next.ServeHTTP(w, r)
				return
			}
			said := httptest.NewRecorder()
			next.ServeHTTP(said, r)
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(w, `%s,"end_session_endpoint":%q}`, strings.TrimSuffix(strings.TrimSpace(said.Body.String()), "}"), end.URL+"/end")
		})
	}
}

// asksFirst is the page on which a provider asks who somebody is: a browser that stays
// there is on that site, and not on its way through.
func asksFirst(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != mockoidc.AuthorizationEndpoint || strings.HasSuffix(r.URL.RawQuery, "&asked") {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>Provider</title><a href="%s">It is me</a>`, html.EscapeString(r.URL.String()+"&asked"))
	})
}
