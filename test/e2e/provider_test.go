package e2e

import (
	"fmt"
	"html"
	"net"
	"net/http"
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
