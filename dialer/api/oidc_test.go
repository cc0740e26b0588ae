package api

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// TestProvider goes there and back: S-23 for who signs in with a provider.
func TestProvider(t *testing.T) {
	w, p := withProvider(t, nil)
	b := w.browser(t)
	if _, text := b.visit(t, w.URL+"/api/v1/login/ways"); text != `{"provider":"Example","passwords":true}`+"\n" {
		t.Errorf("ways = %s", text)
	}
	if at := b.signIn(t, p, nina(nil), "/desk"); at.String() != w.URL+"/desk" {
		t.Fatalf("at %s", at)
	}
	who := b.me(t)
	if who.ID != "nina-novak" || who.Name != "Nina Novak" || who.Role != campaigns.RoleOperator || who.Team != "" || !slices.Equal(who.Campaigns, []campaigns.CampaignID{"spring"}) {
		t.Errorf("made %+v", who.User)
	}
	if c := b.cookie(t, "-oidc"); c.Value != "" {
		t.Error("the cookie of the way there is left")
	}
	for _, session := range p.SessionStore.Store {
		if session.CodeChallengeMethod != "S256" || len(session.CodeChallenge) != 43 || len(session.OIDCNonce) != 43 {
			t.Errorf("asked with %+v, want PKCE and a nonce", session)
		}
	}
	if log := w.audited(t, "user.oidc"); len(log) != 1 || log[0].Object != "nina-novak" || log[0].By != "oidc" || log[0].From != "127.0.0.1" || !strings.Contains(log[0].After, `"role":"operator"`) {
		t.Errorf("audited %+v", log)
	}
	if log := w.audited(t, "login.oidc"); len(log) != 1 || !strings.Contains(log[0].After, "s-nina") {
		t.Errorf("audited %+v", log)
	}
	w.login(t, "nina-novak", "nobody has this password").want(t, 401) // she has none
	if got := w.as(t, "ada", "GET", "/api/v1/users", nil).want(t, 200); strings.Contains(got.body, "s-nina") {
		t.Errorf("users = %s", got.body)
	}

	t.Run("cookie", func(t *testing.T) {
		home := w.send(t, "", "GET", "/api/v1/login/ways", nil, nil)
		if got := home.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control = %q", got)
		}
		if c := (origin{secure: true}).setTrip("x"); c != "__Host-outpace-oidc=x; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax" {
			t.Errorf("cookie = %s", c)
		}
	})
	t.Run("logout", func(t *testing.T) {
		c := b.cookie(t, plainCookie+"-"+port(w))
		w.byCookie(t, c, "POST", "/api/v1/logout", nil).want(t, noContent)
		if who := b.me(t); who.ID != "" {
			t.Errorf("%s is still signed in", who.ID)
		}
	})
	t.Run("fixation", func(t *testing.T) { // what somebody planted is not gone on with
		b := w.browser(t)
		b.signIn(t, p, nina(nil), "/")
		planted := b.cookie(t, plainCookie+"-"+port(w))
		b.signIn(t, p, nina(nil), "/")
		next := b.cookie(t, plainCookie+"-"+port(w))
		if next.Value == planted.Value || b.me(t).ID != "nina-novak" {
			t.Error("the session is still the one that was there before")
		}
		w.byCookie(t, planted, "GET", "/api/v1/me", nil).want(t, 401)
	})
	t.Run("identity", func(t *testing.T) { // lets nobody in, and nobody makes one
		hash := identityHash(oidc.Identity{Issuer: p.Issuer(), Subject: "s-nina"})
		if kept, err := w.store.Token(t.Context(), hash); err != nil || kept.User != "nina-novak" {
			t.Fatalf("kept %+v, %v", kept, err)
		}
		kept := campaigns.Token{Hash: hashToken("dlr_known"), User: "ada", Name: identityName, CreatedAt: time.Now()}
		if err := w.store.SaveToken(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		w.send(t, "dlr_known", "GET", "/api/v1/me", nil, nil).want(t, 401)
		w.as(t, "ada", "POST", "/api/v1/tokens", map[string]any{"name": identityName}).want(t, 422)
		w.as(t, "ada", "DELETE", "/api/v1/tokens/"+kept.Hash[:shownHash], nil).want(t, 404)
		if got := w.as(t, "ada", "GET", "/api/v1/tokens", nil).want(t, 200); strings.Contains(got.body, kept.Hash[:shownHash]) {
			t.Errorf("tokens = %s", got.body)
		}
	})
}

func port(w *world) string { return w.URL[strings.LastIndex(w.URL, ":")+1:] }

// TestProviderRefuses: no session comes of any of these.
func TestProviderRefuses(t *testing.T) {
	past := float64(time.Now().Add(-time.Minute).Unix())
	w, p := withProvider(t, nil)
	w.employ(t, campaigns.User{ID: "dora", Role: campaigns.RoleOperator, Disabled: true})
	for name, tc := range map[string]struct {
		who    person
		config func(*oidc.Config)
		forge  func(p *idp, token string) string
		want   string
	}{
		"another nonce":         {who: nina(map[string]any{"nonce": "of another sign-in"}), want: refusedProof},
		"no nonce":              {who: nina(map[string]any{"nonce": nil}), want: refusedProof},
		"expired":               {who: nina(map[string]any{"exp": past}), want: refusedProof},
		"another audience":      {who: nina(map[string]any{"aud": "somebody else"}), want: refusedProof},
		"another issuer":        {who: nina(map[string]any{"iss": "https://evil.example"}), want: refusedProof},
		"another party":         {who: nina(map[string]any{"azp": "somebody else"}), want: refusedProof},
		"no subject":            {who: nina(map[string]any{"sub": ""}), want: refusedProof},
		"no name":               {who: nina(map[string]any{"preferred_username": nil}), want: refusedProof},
		"no expiry":             {who: nina(map[string]any{"exp": nil}), want: refusedProof},
		"a name that is none":   {who: nina(map[string]any{"preferred_username": "___"}), want: refusedProof},
		"a changed signature":   {who: nina(nil), forge: broken, want: refusedProof},
		"a changed payload":     {who: nina(nil), forge: promoted, want: refusedProof},
		"no signature":          {who: nina(nil), forge: unsigned, want: refusedProof},
		"another key":           {who: nina(nil), forge: resigned, want: refusedProof},
		"our secret as the key": {who: nina(nil), forge: (*idp).symmetric, want: refusedProof},
		"no token":              {who: nina(nil), forge: func(*idp, string) string { return "" }, want: refusedProof},
		"another secret":        {who: nina(nil), config: func(c *oidc.Config) { c.ClientSecret = "wrong" }, want: refusedProof},
		"unknown here":          {who: nina(nil), config: func(c *oidc.Config) { c.CreateUsers = false }, want: refusedUnknown},
		"disabled here":         {who: nina(map[string]any{"preferred_username": "dora"}), want: refusedOff},
		"no grant":              {who: nina(map[string]any{"groups": []string{"sales"}}), want: refusedGroup},
		"no group":              {who: nina(nil), config: func(c *oidc.Config) { c.Groups = []string{"south", "west"} }, want: refusedGroup},
		"another domain":        {who: nina(nil), config: func(c *oidc.Config) { c.Domains = []string{"ample.com"} }, want: refusedGroup},
		"address not verified":  {who: nina(map[string]any{"email_verified": "false"}), config: func(c *oidc.Config) { c.Domains = []string{"example.com"} }, want: refusedGroup},
		"name not verified":     {who: nina(map[string]any{"email_verified": nil}), config: func(c *oidc.Config) { c.UserClaim = "email" }, want: refusedGroup},
		"the break-glass user":  {who: nina(map[string]any{"preferred_username": "ada"}), config: func(c *oidc.Config) { c.BreakGlass = "ada" }, want: refusedGroup},
	} {
		t.Run(name, func(t *testing.T) {
			w.believe(t, p, tc.config)
			w.api.logins = newThrottle(guesses, time.Minute)
			p.forge = func(token string) string { return token }
			if tc.forge != nil {
				p.forge = func(token string) string { return tc.forge(p, token) }
			}
			audited := len(w.audited(t, "login.oidc.refused"))
			before, err := w.store.Users(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			b := w.browser(t)
			b.refused(t, b.signIn(t, p, tc.who, "/desk"), tc.want)
			if after, err := w.store.Users(t.Context()); err != nil || fmt.Sprint(after) != fmt.Sprint(before) {
				t.Errorf("%v; the users were %v and are %v", err, before, after)
			}
			vouched := tc.want != refusedProof || strings.Contains(name, "name") // it is she, and that is written down
			if log := w.audited(t, "login.oidc.refused"); (len(log) == audited+1) != vouched {
				t.Errorf("audited %+v", log)
			}
		})
	}
}

// broken is a token whose signature is another.
func broken(_ *idp, token string) string {
	at := strings.LastIndex(token, ".") + 10
	other := "A"
	if token[at:at+1] == other {
		other = "B"
	}
	return token[:at] + other + token[at+1:]
}

// promoted is a token that says more than was signed.
func promoted(_ *idp, token string) string {
	parts := strings.Split(token, ".")
	payload, _ := base64.RawURLEncoding.DecodeString(parts[1])
	parts[1] = base64.RawURLEncoding.EncodeToString(bytes.Replace(payload, []byte(`"north"`), []byte(`"leads"`), 1))
	return strings.Join(parts, ".")
}

func unsigned(_ *idp, token string) string {
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + strings.Split(token, ".")[1] + "."
}

// resigned is a token of somebody else under the name of the provider's key.
func resigned(_ *idp, token string) string {
	read, _, _ := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	other := jwt.NewWithClaims(jwt.SigningMethodRS256, read.Claims)
	other.Header["kid"] = read.Header["kid"]
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	signed, _ := other.SignedString(key)
	return signed
}

// symmetric is a token signed with what the provider and we both know, and others may.
func (p *idp) symmetric(token string) string {
	read, _, _ := jwt.NewParser().ParseUnverified(token, jwt.MapClaims{})
	signed, _ := jwt.NewWithClaims(jwt.SigningMethodHS256, read.Claims).SignedString([]byte(p.ClientSecret))
	return signed
}

// TestProviderBindsTheBrowser: the way back is for the browser that went, and once.
func TestProviderBindsTheBrowser(t *testing.T) {
	w, p := withProvider(t, nil)
	b := w.browser(t)
	visit := func(b *browser, address string) *url.URL { at, _ := b.visit(t, address); return at }

	stranger := w.browser(t) // somebody is sent the attacker's address
	stranger.refused(t, visit(stranger, b.leave(t, p, nina(nil))), refusedLate)
	stranger.leave(t, p, nina(nil)) // and is on the way there, too
	stranger.refused(t, visit(stranger, b.leave(t, p, nina(nil))), refusedLate)

	// Their state with the attacker's code: the provider holds the code to who asked for it.
	theirs, own := w.browser(t).leave(t, p, nina(nil)), stranger.leave(t, p, nina(nil))
	stranger.refused(t, visit(stranger, own[:strings.Index(own, "code=")]+"code="+between(theirs, "code=", "&")+own[strings.Index(own, "&state="):]), refusedProof)

	back := b.leave(t, p, nina(nil))
	b.refused(t, visit(b, strings.Replace(back, "state=", "state=x", 1)), refusedLate)
	b.refused(t, visit(b, back), refusedLate) // the cookie is used up
}

func between(text, from, to string) string {
	_, rest, _ := strings.Cut(text, from)
	middle, _, _ := strings.Cut(rest, to)
	return middle
}

// TestProviderSays: what the provider does not confirm, and an answer of another one.
func TestProviderSays(t *testing.T) {
	w, p := withProvider(t, nil)
	b := w.browser(t)
	back := b.leave(t, p, nina(nil))
	at, _ := b.visit(t, strings.Replace(back, "code=", "error=access_denied&error_description=%0Ano&was=", 1))
	b.refused(t, at, refusedProof)
	at, _ = b.visit(t, b.leave(t, p, nina(nil))+"&iss=https%3A%2F%2Fevil.example")
	b.refused(t, at, refusedLate)
	at, _ = b.visit(t, b.leave(t, p, nina(nil))+"&iss="+url.QueryEscape(p.Issuer()))
	if at.Fragment != "" || b.me(t).ID != "nina-novak" {
		t.Errorf("the right one: at %s", at)
	}
}

// TestS24ProviderThrottle: who fails too often waits, and who signs in otherwise does not.
func TestS24ProviderThrottle(t *testing.T) {
	w, p := withProvider(t, nil)
	w.employ(t, olga)
	b := w.browser(t)
	for range guesses {
		at, _ := b.visit(t, strings.Replace(b.leave(t, p, nina(nil)), "code=", "code=x", 1))
		b.refused(t, at, refusedProof)
	}
	b.refused(t, b.signIn(t, p, nina(nil), "/"), refusedOften)
	w.login(t, "olga", password).want(t, 200)
	// A page of somebody else's can have a browser ask without a cookie, which counts for
	// nothing: else it could shut a whole office out.
	far := w.browser(t)
	for range 3 * guesses {
		if at, _ := far.visit(t, w.URL+"/api/v1/login/oidc/callback?code=x&state=y"); at.Fragment != "refused="+refusedLate {
			t.Fatalf("at %s", at)
		}
	}
}

// TestProviderOpenRedirect: nobody is led to another host.
func TestProviderOpenRedirect(t *testing.T) {
	w, p := withProvider(t, nil)
	for _, page := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "/%2fevil.example", "/desk?x=//evil.example", "/desk#x", "javascript:alert(1)", "/../evil", "/DESK", "/.evil.example", "@evil.example", "/\r\nSet-Cookie: x=y"} {
		b := w.browser(t)
		if at := b.signIn(t, p, nina(nil), page); at.String() != w.URL+"/" {
			t.Errorf("%q leads to %s", page, at)
		}
		b = w.browser(t)
		back := b.leave(t, p, nina(nil))
		c := b.cookie(t, "-oidc") // somebody changes where it leads to
		secret, _, _ := strings.Cut(c.Value, ".")
		c.Value, c.Path = secret+"."+url.QueryEscape(page), "/"
		home, _ := url.Parse(w.URL)
		b.Jar.SetCookies(home, []*http.Cookie{c})
		at, _ := b.visit(t, back)
		b.refused(t, at, refusedLate)
		w.api.logins = newThrottle(guesses, time.Minute)
		if at.Host != home.Host {
			t.Errorf("%q leads to %s", page, at)
		}
	}
	// Whoever comes by another name of ours is sent to the one that the provider knows.
	b := w.browser(t)
	p.QueueUser(nina(nil))
	at, _ := b.visit(t, strings.Replace(w.URL, "127.0.0.1", "localhost", 1)+"/api/v1/login/oidc?page=/live")
	if at.String() != w.URL+"/live" || b.me(t).ID != "nina-novak" {
		t.Errorf("from localhost: at %s", at)
	}
}

// TestProviderNeedsHTTPS: away from this machine there is no session in the clear.
func TestProviderNeedsHTTPS(t *testing.T) {
	w, p := withProvider(t, nil)
	w.believe(t, p, func(c *oidc.Config) { c.URL = "https://dialer.example" })
	r := httptest.NewRequest("GET", "http://dialer.example/api/v1/login/oidc", nil)
	got := httptest.NewRecorder()
	w.api.Handler().ServeHTTP(got, r)
	if to := got.Header().Get("Location"); to != "/#refused="+refusedPlain || got.Header().Get("Set-Cookie") != "" {
		t.Errorf("sent to %q with %q", to, got.Header().Get("Set-Cookie"))
	}
}
