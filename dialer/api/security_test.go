package api

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// cookieOf is the session cookie that an answer sets.
func cookieOf(t *testing.T, r reply) *http.Cookie {
	t.Helper()
	all := (&http.Response{Header: r.header}).Cookies()
	if len(all) != 1 {
		t.Fatalf("cookies = %v, want one", all)
	}
	return all[0]
}

// byCookie sends a request as a browser does, from a page of ours.
func (w *world) byCookie(t *testing.T, c *http.Cookie, method, path string, content any) reply {
	t.Helper()
	return w.send(t, "", method, path, content, http.Header{"Cookie": {c.Name + "=" + c.Value}, "Sec-Fetch-Site": {"same-origin"}})
}

// TestS23Sessions goes through the session requirements of ASVS 4.0.3, chapter V3.
func TestS23Sessions(t *testing.T) {
	w := newWorld(t)
	w.employ(t, olga)
	begin := func(with http.Header) *http.Cookie {
		t.Helper()
		got := w.send(t, "", "POST", "/api/v1/login", map[string]any{"user": "olga", "password": password, "cookie": true}, with).want(t, 200)
		if strings.Contains(got.body, TokenPrefix) {
			t.Errorf("the page's scripts get the token: %s", got.body)
		}
		return cookieOf(t, got)
	}
	one := begin(nil)
	if !strings.HasPrefix(one.Name, plainCookie+"-") || !one.HttpOnly || one.SameSite != http.SameSiteStrictMode || one.Path != "/" || one.Domain != "" {
		t.Errorf("cookie = %+v", one)
	}
	w.byCookie(t, one, "GET", "/api/v1/me", nil).want(t, 200)

	t.Run("fixation", func(t *testing.T) { // a session that came along is not gone on with
		planted := begin(nil)
		next := begin(http.Header{"Cookie": {planted.Name + "=" + planted.Value}, "Sec-Fetch-Site": {"same-origin"}})
		if next.Value == planted.Value {
			t.Error("the session is still the one that was there before")
		}
		w.byCookie(t, planted, "GET", "/api/v1/me", nil).want(t, 401)
		chosen := begin(http.Header{"Cookie": {one.Name + "=dlr_chosen"}, "Sec-Fetch-Site": {"same-origin"}})
		if chosen.Value == "dlr_chosen" {
			t.Error("who signs in gets the token that somebody chose")
		}
	})
	t.Run("logout", func(t *testing.T) {
		c := begin(nil)
		gone := cookieOf(t, w.byCookie(t, c, "POST", "/api/v1/logout", nil).want(t, noContent))
		if gone.MaxAge >= 0 {
			t.Errorf("the cookie stays: %+v", gone)
		}
		w.byCookie(t, c, "GET", "/api/v1/me", nil).want(t, 401)
	})
	t.Run("cross site", func(t *testing.T) { // on all unsafe routes
		c := begin(nil)
		for _, route := range w.routes(t) {
			method, path, _ := strings.Cut(route, " ")
			if !unsafe(method) {
				continue
			}
			for _, h := range []http.Header{{"Sec-Fetch-Site": {"cross-site"}}, {"Sec-Fetch-Site": {"same-site"}}, {"Origin": {"https://evil.example"}}, {}} {
				h.Set("Cookie", c.Name+"="+c.Value)
				w.send(t, "", method, path, nil, h).want(t, 403)
			}
		}
		if told := w.engine.heard(); len(told) > 0 {
			t.Errorf("the engine was told %q", told)
		}
	})
	t.Run("password change", func(t *testing.T) {
		mine, other := begin(nil), begin(nil)
		script := w.tokens["olga"]
		w.byCookie(t, mine, "POST", "/api/v1/me/password", map[string]string{"present": "wrong", "new": "another fine one"}).want(t, 403).code(t, "wrong_password")
		w.byCookie(t, mine, "POST", "/api/v1/me/password", map[string]string{"present": password, "new": "another fine one"}).want(t, noContent)
		w.byCookie(t, mine, "GET", "/api/v1/me", nil).want(t, 200)
		w.byCookie(t, other, "GET", "/api/v1/me", nil).want(t, 401)
		w.send(t, script, "GET", "/api/v1/me", nil, nil).want(t, 200) // of a script, with a name of its own
		w.as(t, "ada", "PUT", "/api/v1/users/olga", map[string]string{"name": "Olga", "role": "operator", "password": password}).want(t, noContent)
		w.byCookie(t, mine, "GET", "/api/v1/me", nil).want(t, 401)
	})
	t.Run("times", func(t *testing.T) {
		now := time.Now()
		for name, tc := range map[string]struct {
			begun, used, now time.Duration // ago, ago, from now
			want             int
		}{
			"idle":           {31 * time.Minute, 31 * time.Minute, 0, 401},
			"never used":     {31 * time.Minute, 200 * time.Hour, 0, 401},
			"used":           {11 * time.Hour, 29 * time.Minute, 0, 200},
			"used all along": {12*time.Hour + time.Second, time.Second, 0, 401},
		} {
			token, hash := NewToken()
			err := w.store.SaveToken(t.Context(), campaigns.Token{
				Hash: hash, User: "mia", Name: sessionName, CreatedAt: now.Add(-tc.begun), UsedAt: now.Add(-tc.used), ExpiresAt: now.Add(12*time.Hour - tc.begun),
			})
			if err != nil {
				t.Fatal(err)
			}
			if got := w.send(t, token, "GET", "/api/v1/me", nil, nil); got.status != tc.want {
				t.Errorf("%s: status %d, want %d", name, got.status, tc.want)
			}
			if kept, _ := w.store.Token(t.Context(), hash); tc.want == 200 && now.Sub(kept.UsedAt) > time.Second {
				t.Errorf("%s: used at %v is not kept", name, kept.UsedAt)
			}
		}
	})
	t.Run("https", func(t *testing.T) {
		for _, tc := range []struct {
			o    origin
			name string
		}{{origin{secure: true}, secureCookie}, {origin{secure: true, loopback: true}, secureCookie}, {origin{loopback: true}, plainCookie}, {origin{loopback: true, port: "8081"}, plainCookie + "-8081"}, {origin{secure: true, port: "8443"}, secureCookie}, {origin{}, ""}} {
			if got := tc.o.cookie(); got != tc.name {
				t.Errorf("%+v: cookie %q, want %q", tc.o, got, tc.name)
			}
		}
		if h := (origin{secure: true}).set("x"); h != "__Host-outpace=x; Path=/; HttpOnly; Secure; SameSite=Strict" {
			t.Errorf("cookie = %s", h)
		}
		far := httptest.NewRequest("POST", "http://dialer.example/api/v1/login", strings.NewReader(`{"user":"ada","password":"x","cookie":true}`))
		if got := w.api.originOf(far).cookie(); got != "" {
			t.Errorf("cookie %q in the clear", got)
		}
	})
}

// TestS21IDOR has an operator ask for what is not theirs, by 10,000 ids of each kind.
func TestS21IDOR(t *testing.T) {
	w := newWorldWith(t, Config{LoginsPerMinute: guesses, RequestsPerSecond: 1_000_000})
	w.fill(t)
	random := rand.New(rand.NewPCG(7, 7))
	ask := func(path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/api/v1"+path, nil)
		r.Header.Set("Authorization", "Bearer "+w.tokens["olga"])
		got := httptest.NewRecorder()
		w.api.Handler().ServeHTTP(got, r)
		return got
	}
	w.engine.idle = true // lead 1 is there, and not in her hands
	lead, recording := ask("/leads/1").Body.String(), ask("/recordings/a1").Body.String()
	for i := range 10_000 {
		id := random.Int64()
		if i%2 == 0 {
			id = random.Int64N(100)
		}
		for path, want := range map[string]string{
			fmt.Sprint("/leads/", id): lead, fmt.Sprintf("/recordings/a%d", id): recording,
		} {
			if got := ask(path); got.Code != http.StatusNotFound || got.Body.String() != want {
				t.Fatalf("%s: status %d, %s; want 404, as for what is there", path, got.Code, got.Body)
			}
		}
	}
	w.engine.idle = false // lead 1 is on her screen
	if got := ask("/leads/1"); got.Code != http.StatusOK || strings.Contains(got.Body.String(), marker) {
		t.Errorf("her own lead: %d, %s", got.Code, got.Body)
	}
	if got := ask("/leads/2"); got.Code != http.StatusNotFound {
		t.Errorf("another lead: %d", got.Code)
	}
}

func TestScopedTokens(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	var made newToken
	w.as(t, "max", "POST", "/api/v1/tokens", map[string]any{"name": "crm", "scopes": []string{"leads.read", "tokens"}}).want(t, 200).into(t, &made)
	use := func(method, path string, content any) reply { return w.send(t, made.Token, method, path, content, nil) }
	if got := use("GET", "/api/v1/leads", nil).want(t, 200); strings.Contains(got.body, marker) {
		t.Errorf("the token shows numbers: %s", got.body)
	}
	use("GET", "/api/v1/campaigns", nil).want(t, 403)
	use("POST", "/api/v1/tokens", map[string]any{"name": "more", "scopes": []string{"pace.write"}}).want(t, 403)
	var less newToken
	use("POST", "/api/v1/tokens", map[string]any{"name": "same"}).want(t, 200).into(t, &less)
	w.send(t, less.Token, "GET", "/api/v1/campaigns", nil, nil).want(t, 403)
	w.as(t, "max", "POST", "/api/v1/tokens", map[string]any{"name": "x", "scopes": []string{"nothing"}}).want(t, 422).code(t, "invalid")
	w.as(t, "max", "POST", "/api/v1/tokens", map[string]any{"name": sessionName}).want(t, 422)
	for _, at := range []string{"9999-12-31T23:59:59Z", "2020-01-01T00:00:00Z"} { // the one too late for stores, the other over
		got := w.as(t, "max", "POST", "/api/v1/tokens", map[string]any{"name": "x", "expires_at": at}).want(t, 422)
		if !strings.Contains(got.body, `"pointer":"#/expires_at"`) {
			t.Errorf("a token until %s: %s", at, got.body)
		}
	}
	if got := w.as(t, "max", "GET", "/api/v1/tokens", nil).want(t, 200); strings.Contains(got.body, TokenPrefix) || !strings.Contains(got.body, `"crm"`) {
		t.Errorf("tokens = %s", got.body)
	}
	w.as(t, "mia", "DELETE", "/api/v1/tokens/"+made.ID, nil).want(t, 404)
	w.as(t, "max", "DELETE", "/api/v1/tokens/"+made.ID, nil).want(t, noContent)
	use("GET", "/api/v1/leads", nil).want(t, 401)
}
