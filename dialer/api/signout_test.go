package api

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"

	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// ending is where a provider ends sessions: it writes down what it is asked for, and
// sends browsers back to where they may go.
type ending struct {
	*httptest.Server
	mu    sync.Mutex
	asked []url.Values
}

func (p *idp) end(t *testing.T, home string) *ending {
	t.Helper()
	e := &ending{}
	e.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.asked = append(e.asked, r.URL.Query())
		e.mu.Unlock()
		if to := r.URL.Query().Get("post_logout_redirect_uri"); to == home+"/" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		http.Error(w, "not one of yours", http.StatusBadRequest)
	}))
	t.Cleanup(e.Close)
	p.ends = e.URL + "/end?realm=main"
	return e
}

// last is what was asked for last, of so many times.
func (e *ending) last(t *testing.T, times int) url.Values {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.asked) != times {
		t.Fatalf("the provider was asked %d times to end a session, want %d", len(e.asked), times)
	}
	return e.asked[times-1]
}

// signOut does what the page does: it says where the browser is to go.
func (b *browser) signOut(t *testing.T, token string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", b.w.URL+"/api/v1/logout", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != noContent {
		t.Fatalf("sign-out: %s", res.Status)
	}
	return res.Header.Get("Location")
}

// Who signed in with a provider that ends sessions is signed out there as well, by the
// token of that sign-in.
func TestSignOutAtProvider(t *testing.T) {
	w, p := withProvider(t, nil)
	far := p.end(t, w.URL)
	b := w.browser(t)
	b.signIn(t, p, nina(nil), "/desk")
	to := b.signOut(t, "")
	if to != "/api/v1/logout/oidc" || b.me(t).ID != "" {
		t.Fatalf("to %q; signed in is still %q", to, b.me(t).ID)
	}
	if at, _ := b.visit(t, w.URL+to); at.String() != w.URL+"/" {
		t.Errorf("came back to %s", at)
	}
	asked := far.last(t, 1)
	if asked.Get("client_id") != p.ClientID || asked.Get("realm") != "main" {
		t.Errorf("asked with %v", asked)
	}
	token, err := p.Keypair.VerifyJWT(asked.Get("id_token_hint"), p.Now)
	if err != nil {
		t.Fatal(err)
	}
	if claims, _ := token.Claims.(jwt.MapClaims); claims["sub"] != "s-nina" {
		t.Errorf("the hint is of %v", claims)
	}
	if at, _ := b.visit(t, w.URL+to); at.String() != w.URL+"/" { // once
		t.Errorf("at %s", at)
	}
	far.last(t, 1)

	t.Run("long token", func(t *testing.T) { // that no cookie holds
		b.signIn(t, p, nina(map[string]any{"groups": []string{"dialer", strings.Repeat("x", longestHint)}}), "/")
		b.visit(t, w.URL+b.signOut(t, ""))
		if asked := far.last(t, 2); asked.Has("id_token_hint") || asked.Get("client_id") != p.ClientID {
			t.Errorf("asked with %v", asked)
		}
	})
	t.Run("another session", func(t *testing.T) { // in the same browser, which the provider does not know
		b.signIn(t, p, nina(nil), "/")
		hers := b.cookie(t, plainCookie+"-"+port(w))
		if to := b.signOut(t, w.tokens["ada"]); to != "" {
			t.Errorf("ada is sent to %s", to)
		}
		w.byCookie(t, hers, "GET", "/api/v1/me", nil).want(t, 200)
	})
	t.Run("provider away", func(t *testing.T) {
		b.signIn(t, p, nina(nil), "/")
		w.believe(t, p, nil) // a start of the product, which does not know it yet
		to := b.signOut(t, "")
		p.away.Store(true)
		at, _ := b.visit(t, w.URL+to)
		p.away.Store(false)
		b.refused(t, at, refusedStill)
	})
	t.Run("wanted here alone", func(t *testing.T) {
		w.believe(t, p, func(c *oidc.Config) { c.SignOutHere = true })
		b.signIn(t, p, nina(nil), "/")
		if to := b.signOut(t, ""); to != "" || b.me(t).ID != "" {
			t.Errorf("sent to %q", to)
		}
	})
	far.last(t, 2)
}

// A provider that ends no sessions is not gone to, and nothing is kept for it.
func TestSignOutHereAlone(t *testing.T) {
	w, p := withProvider(t, nil)
	b := w.browser(t)
	b.signIn(t, p, nina(nil), "/desk")
	home, _ := url.Parse(w.URL + logoutPath)
	for _, c := range b.Jar.Cookies(home) {
		if strings.HasSuffix(c.Name, "-hint") {
			t.Errorf("kept %s", c.Name)
		}
	}
	if to := b.signOut(t, ""); to != "" || b.me(t).ID != "" {
		t.Errorf("sent to %q", to)
	}
	if at, _ := b.visit(t, w.URL+signOutPath); at.String() != w.URL+"/" {
		t.Errorf("at %s", at)
	}
}

func TestHintCookie(t *testing.T) {
	o := origin{secure: true}
	if got := o.setHint("x"); got != "__Secure-outpace-hint=x; Path=/api/v1/logout; HttpOnly; Secure; SameSite=Strict" {
		t.Errorf("cookie = %s", got)
	}
	for header, want := range map[string]hint{
		"__Secure-outpace-hint=0123456789abcdef.a.b.c": {"0123456789abcdef", "a.b.c"},
		"x=y; __Secure-outpace-hint=0123456789abcdef.": {"0123456789abcdef", ""},
		"__Secure-outpace-hint=0123456789abcdef":       {},
		"__Secure-outpace-hint=.a.b.c":                 {},
		"outpace-hint=0123456789abcdef.a.b.c":          {},
		"":                                             {},
	} {
		if got := o.hintIn(header); got != want {
			t.Errorf("%q: %+v, want %+v", header, got, want)
		}
	}
	if (hint{}).of("") || (hint{}).of("0123") || !(hint{session: "0123"}).of("0123456") || (hint{session: "0123"}).of("9123456") {
		t.Error("whose a hint is")
	}
}
