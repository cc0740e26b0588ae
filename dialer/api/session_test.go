package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

const password = "correct horse battery"

// employ gives a user a password.
func (w *world) employ(t *testing.T, u campaigns.User) {
	t.Helper()
	u.PasswordHash = HashPassword(password)
	if err := w.store.SaveUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
}

func (w *world) login(t *testing.T, user, password string) reply {
	t.Helper()
	return w.as(t, "", "POST", "/api/v1/login", map[string]string{"user": user, "password": password})
}

func TestLogin(t *testing.T) {
	w := newWorld(t)
	w.employ(t, olga)
	var s session
	w.login(t, "olga", password).want(t, 200).into(t, &s)
	if s.User != "olga" || s.Role != campaigns.RoleOperator || !strings.HasPrefix(s.Token, TokenPrefix) {
		t.Errorf("session = %+v", s)
	}
	if lasts := time.Until(s.ExpiresAt); lasts < 11*time.Hour || lasts > 12*time.Hour {
		t.Errorf("session lasts %v, want 12 h", lasts)
	}
	got := w.send(t, s.Token, "GET", "/api/v1/me", nil, nil).want(t, 200)
	if !strings.Contains(got.body, `"id":"olga"`) || !strings.Contains(got.body, `"may":["calls","manual.dial","tokens"]`) || strings.Contains(got.body, "argon2id") {
		t.Errorf("me = %s", got.body)
	}
	w.send(t, s.Token, "POST", "/api/v1/logout", nil, nil).want(t, noContent)
	w.send(t, s.Token, "GET", "/api/v1/me", nil, nil).want(t, 401)
	w.as(t, "olga", "GET", "/api/v1/me", nil).want(t, 200) // her other session lives
}

// TestLoginTellsNothing compares what a stranger learns of users.
func TestLoginTellsNothing(t *testing.T) {
	w := newWorld(t)
	w.employ(t, olga)
	w.employ(t, campaigns.User{ID: "dora", Role: campaigns.RoleOperator, Disabled: true})
	wrong := w.login(t, "olga", "wrong")
	for user, got := range map[string]reply{
		"unknown": w.login(t, "nobody", "wrong"), "disabled": w.login(t, "dora", password),
	} {
		if got.status != 401 || got.body != wrong.body || got.status != wrong.status {
			t.Errorf("%s: %d %s, want as for a wrong password: %d %s", user, got.status, got.body, wrong.status, wrong.body)
		}
	}
}

func TestUsersWithoutPassword(t *testing.T) {
	w := newWorld(t)
	for _, guess := range []string{"x", "nobody has this password"} {
		w.login(t, "ada", guess).want(t, 401)
	}
}

func TestS24LoginThrottle(t *testing.T) {
	w := newWorld(t)
	w.employ(t, olga)
	for range guesses {
		w.login(t, "olga", "wrong").want(t, 401)
	}
	for _, user := range []string{"olga", "nobody"} { // the account, and the address
		got := w.login(t, user, password).want(t, 429)
		if after := got.header.Get("Retry-After"); after == "" || after == "0" || len(after) > 2 {
			t.Errorf("Retry-After = %q, want 1 to 60 seconds", after)
		}
	}
}

// TestLoginStorm sends guesses all at once: waiting together for their turn
// they must not get more of them.
func TestLoginStorm(t *testing.T) {
	w := newWorld(t)
	w.employ(t, olga)
	var mu sync.Mutex
	count := map[int]int{}
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			got := w.login(t, "olga", "wrong")
			mu.Lock()
			defer mu.Unlock()
			count[got.status]++
		})
	}
	wg.Wait()
	// As many more as are hashed at the same moment.
	if count[401] < guesses || count[401] >= guesses+parallelHashes || count[401]+count[429] != 30 {
		t.Errorf("statuses = %v, want %d to %d times 401, else 429", count, guesses, guesses+parallelHashes-1)
	}
}

func TestThrottle(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := newThrottle(2, time.Minute)
	h.failed(now, "addr:a", "user:x")
	if wait := h.blocked(now, "addr:a", "user:x"); wait != 0 {
		t.Errorf("blocked for %v after one failure of two", wait)
	}
	h.failed(now.Add(10*time.Second), "addr:b", "user:x")
	for keys, want := range map[string]time.Duration{"addr:a": 0, "addr:b": 0, "user:x": 40 * time.Second} {
		if got := h.blocked(now.Add(20*time.Second), keys); got != want {
			t.Errorf("blocked(%s) = %v, want %v", keys, got, want)
		}
	}
	if wait := h.blocked(now.Add(61*time.Second), "user:x"); wait > 0 {
		t.Errorf("blocked for %v after the window", wait)
	}
	h.failed(now.Add(2*time.Minute), "user:x")
	if wait := h.blocked(now.Add(2*time.Minute), "user:x"); wait != 0 {
		t.Errorf("a new window begins blocked for %v", wait)
	}
	if got := retryAfter(1500 * time.Millisecond); got != "2" {
		t.Errorf("retryAfter = %s, want 2", got)
	}
}

// TestThrottleForgets fills the table: what is old goes first.
func TestThrottleForgets(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	h := newThrottle(1, time.Minute)
	for i := range maxKeys {
		h.failed(now, fmt.Sprint("user:", i))
	}
	h.failed(now.Add(2*time.Minute), "user:new")
	if len(h.keys) != 1 {
		t.Errorf("keys = %d, want the new one alone", len(h.keys))
	}
}

func TestTokens(t *testing.T) {
	w := newWorld(t)
	expired := w.signIn(t, "olga", -time.Second)
	w.send(t, expired, "GET", "/api/v1/me", nil, nil).want(t, 401)
	w.send(t, TokenPrefix+"00", "GET", "/api/v1/me", nil, nil).want(t, 401)
	for _, header := range []string{"", "Basic b2xnYTp4", "Bearer", "bearer " + w.tokens["olga"], "Bearer  " + w.tokens["olga"]} {
		w.send(t, "", "GET", "/api/v1/me", nil, http.Header{"Authorization": {header}}).want(t, 401)
	}
	disabled := olga
	disabled.Disabled = true
	if err := w.store.SaveUser(t.Context(), disabled); err != nil {
		t.Fatal(err)
	}
	w.as(t, "olga", "GET", "/api/v1/me", nil).want(t, 401)
	w.send(t, w.tokens["olga"], "GET", "/api/v1/events/stream", nil, nil).want(t, 401)
}

// TestStoreDown is no reason to tell people that they are not signed in, nor to keep
// those from their work who were just let in: an operator must be able to end a talk.
func TestStoreDown(t *testing.T) {
	w := newWorld(t)
	w.as(t, "mia", "GET", "/api/v1/me", nil).want(t, 200)
	leaver := w.signIn(t, "mia", time.Hour)
	w.send(t, leaver, "GET", "/api/v1/me", nil, nil).want(t, 200)
	w.store.Close()
	for range 2 { // the second time the store is not asked
		w.as(t, "mia", "POST", "/api/v1/operator/hangup", nil).want(t, noContent)
		w.as(t, "mia", "DELETE", "/api/v1/do-not-call?number=%2B48225557391", nil).want(t, 403)
	}
	w.send(t, leaver, "POST", "/api/v1/logout", nil, nil)
	w.send(t, leaver, "GET", "/api/v1/me", nil, nil).want(t, 503)
	got := w.as(t, "olga", "GET", "/api/v1/me", nil).want(t, 503)
	if strings.Contains(got.body, "sqlite") {
		t.Errorf("the answer shows the inside: %s", got.body)
	}
	got = w.login(t, "olga", password).want(t, 500)
	if strings.Contains(got.body, "sqlite") {
		t.Errorf("the answer shows the inside: %s", got.body)
	}
}

func TestHeaders(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/api/v1/me", "/api/openapi.json", "/api/v1/nothing"} {
		got := w.as(t, "olga", "GET", path, nil)
		for name, want := range map[string]string{
			"Content-Security-Policy": "frame-ancestors 'none'", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
		} {
			if h := got.header.Get(name); !strings.Contains(h, want) {
				t.Errorf("%s: %s = %q, want %q in it", path, name, h, want)
			}
		}
		if csp := got.header.Get("Content-Security-Policy"); strings.Contains(csp, "unsafe") {
			t.Errorf("%s: the policy lets a page run what stands in it: %s", path, csp)
		}
		if private := got.header.Get("Cache-Control") == "no-store"; private != strings.HasPrefix(path, "/api/") {
			t.Errorf("%s: Cache-Control = %q", path, got.header.Get("Cache-Control"))
		}
	}
}

// TestCrossSite has a page of somebody else's send a request with a browser.
func TestCrossSite(t *testing.T) {
	w := newWorld(t)
	for _, h := range []http.Header{
		{"Sec-Fetch-Site": {"cross-site"}}, {"Origin": {"https://evil.example"}},
	} {
		w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/ready", nil, h).want(t, 403)
	}
	if told := w.engine.heard(); len(told) > 0 {
		t.Errorf("the engine was told %q", told)
	}
	w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/ready", nil, http.Header{"Sec-Fetch-Site": {"same-origin"}}).want(t, noContent)
}

func TestBodyLimit(t *testing.T) {
	w := newWorld(t)
	got := w.as(t, "olga", "POST", "/api/v1/operator/pause", `{"reason":"`+strings.Repeat("x", 2<<20)+`"}`)
	if got.status != http.StatusRequestEntityTooLarge {
		t.Errorf("status = %d, want 413", got.status)
	}
}

func TestPasswords(t *testing.T) {
	phc := HashPassword(password)
	if !strings.HasPrefix(phc, "$argon2id$v=19$m=19456,t=2,p=1$") {
		t.Errorf("PHC string = %q", phc)
	}
	if HashPassword(password) == phc {
		t.Error("two hashes of one password are equal: no salt")
	}
	if !VerifyPassword(phc, password) || VerifyPassword(phc, password+"x") || VerifyPassword(phc, "") {
		t.Error("the right password does not match, or a wrong one does")
	}
	parts := strings.Split(phc, "$")
	change := func(i int, to string) string {
		other := slices.Clone(parts)
		other[i] = to
		return strings.Join(other, "$")
	}
	for _, wrong := range []string{
		"", "$", "x", password, "$argon2id$", strings.TrimPrefix(phc, "$"), phc + "$", change(1, "argon2i"), change(2, "v=16"),
		change(3, "m=19456,t=0,p=1"), change(3, "m=19456,t=2,p=0"), change(3, "m=4294967295,t=2,p=1"), change(3, "m=19456,t=99,p=1"), change(3, ""),
		change(4, "!"), change(5, "!"), change(5, ""), change(4, ""),
	} {
		if VerifyPassword(wrong, password) {
			t.Errorf("%q matches", wrong)
		}
	}
}

func FuzzVerifyPassword(f *testing.F) {
	f.Add("$argon2id$v=19$m=8,t=1,p=1$AAAA$AAAA")
	f.Add("$argon2id$v=19$m=,t=1,p=1$AAAA$AAAA")
	f.Fuzz(func(t *testing.T, phc string) {
		if len(phc) < 40 && VerifyPassword(phc, password) { // too short for a whole key: a chance match is none
			t.Errorf("%q matches", phc)
		}
	})
}
