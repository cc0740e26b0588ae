package api

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func withKey(key string) http.Header { return http.Header{idempotencyKey: {key}} }

func TestIdempotencyKey(t *testing.T) {
	w := newWorld(t)
	post := func(user, key, reason string) reply {
		t.Helper()
		return w.send(t, w.tokens[user], "POST", "/api/v1/operator/pause", map[string]string{"reason": reason}, withKey(key))
	}
	first := post("olga", "k1", "lunch").want(t, noContent)
	again := post("olga", "k1", "lunch").want(t, noContent)
	if first.header.Get("Idempotency-Replayed") != "" || again.header.Get("Idempotency-Replayed") != "true" {
		t.Errorf("replayed = %q, then %q", first.header.Get("Idempotency-Replayed"), again.header.Get("Idempotency-Replayed"))
	}
	post("olga", "k1", "break").want(t, 422).code(t, "key_reused")
	w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/ready", nil, withKey("k1")).want(t, 422)
	post("mia", "k1", "break").want(t, noContent) // somebody else's key
	post("olga", strings.Repeat("k", 256), "x").want(t, 400).code(t, "bad_key")
	if got, want := strings.Join(w.engine.heard(), "; "), "Pause olga lunch; Pause mia break"; got != want {
		t.Errorf("told %q, want %q", got, want)
	}
}

// TestIdempotencyAnswer is about answers with a body, which are the same to a byte.
func TestIdempotencyAnswer(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	start := func() reply {
		return w.send(t, w.tokens["mia"], "POST", "/api/v1/campaigns/spring/start", nil, withKey("s")).want(t, 200)
	}
	first := start()
	w.as(t, "mia", "POST", "/api/v1/campaigns/spring/pause", nil).want(t, 200)
	again := start()
	if again.body != first.body || again.header.Get("ETag") != first.header.Get("ETag") || again.header.Get("Content-Type") != first.header.Get("Content-Type") {
		t.Errorf("the answers differ:\n%s\n%s", first.body, again.body)
	}
	if c, _ := w.store.Campaign(t.Context(), "spring"); c.State != campaigns.Paused {
		t.Errorf("state = %s: it was started twice", c.State)
	}
}

// TestIdempotencyRefused sends a request again that had no effect: it is tried again.
func TestIdempotencyRefused(t *testing.T) {
	w := newWorld(t)
	w.engine.fail(campaigns.ErrConflict)
	w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/ready", nil, withKey("r")).want(t, 409)
	w.engine.fail(nil)
	w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/ready", nil, withKey("r")).want(t, noContent)
}

// TestIdempotencyUnderWay sends many at once; the first is let through alone.
func TestIdempotencyUnderWay(t *testing.T) {
	w := newWorld(t)
	var mu sync.Mutex
	count := map[int]int{}
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			got := w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/ready", nil, withKey("u"))
			mu.Lock()
			defer mu.Unlock()
			count[got.status]++
		})
	}
	wg.Wait()
	if count[noContent] < 1 || count[noContent]+count[409] != 12 {
		t.Errorf("statuses = %v", count)
	}
	if told := w.engine.heard(); len(told) != 1 {
		t.Errorf("told %q, want once", told)
	}
	// One whose node died.
	_, begun, err := w.store.BeginAnswer(t.Context(), campaigns.Answer{
		Key: digest("key", "olga", "dead"), Request: digest("POST", "/api/v1/operator/ready", "", ""), ExpiresAt: time.Now().Add(time.Hour),
	}, time.Now())
	if err != nil || !begun {
		t.Fatal(begun, err)
	}
	w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/ready", nil, withKey("dead")).want(t, 409).code(t, "under_way")
}

func TestETags(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	path := "/api/v1/campaigns/spring"
	tag := w.as(t, "mia", "GET", path, nil).want(t, 200).header.Get("ETag")
	pace := func(match string) reply {
		return w.send(t, w.tokens["mia"], "PATCH", path+"/pacing", map[string]any{"max_ratio": 3}, http.Header{"If-Match": {match}})
	}
	next := pace(tag).want(t, 200).header.Get("ETag")
	if tag == "" || next == "" || tag == next {
		t.Errorf("ETags %q, then %q", tag, next)
	}
	pace(tag).want(t, 412).code(t, "changed")
	pace("W/"+next).want(t, 412)
	pace(`"x", `+next).want(t, 200)
	pace("*").want(t, 200)
	w.as(t, "mia", "PATCH", path+"/pacing", map[string]any{"max_ratio": 3}).want(t, 428).code(t, "needs_if_match")
	var c campaigns.Campaign
	got := w.as(t, "mia", "GET", path, nil).want(t, 200)
	got.into(t, &c)
	c.Name, c.Version = "Summer", 0 // the header says it
	w.as(t, "mia", "PUT", path, c).want(t, 428).code(t, "needs_if_match")
	w.send(t, w.tokens["mia"], "PUT", path, c, http.Header{"If-Match": {tag}}).want(t, 412)
	w.send(t, w.tokens["mia"], "PUT", path, c, http.Header{"If-None-Match": {"*"}}).want(t, 412).code(t, "exists")
	w.send(t, w.tokens["mia"], "PUT", path, c, http.Header{"If-Match": {got.header.Get("ETag")}}).want(t, 200)
	w.send(t, w.tokens["mia"], "PUT", "/api/v1/campaigns/none", c, http.Header{"If-Match": {"*"}}).want(t, 412)
}

func TestCampaignScope(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "mia", Role: campaigns.RoleManager, Campaigns: []campaigns.CampaignID{"other"}}); err != nil {
		t.Fatal(err)
	}
	if got := w.as(t, "mia", "GET", "/api/v1/campaigns", nil).want(t, 200); strings.Contains(got.body, "spring") {
		t.Errorf("she sees %s", got.body)
	}
	for _, request := range []string{
		"GET /campaigns/spring", "PUT /campaigns/spring", "PUT /campaigns/new", "PATCH /campaigns/spring/pacing", "POST /campaigns/spring/start",
		"GET /campaigns/spring/explain", "GET /campaigns/spring/queues", "GET /campaigns/spring/forecast", "GET /campaigns/spring/detection",
		"GET /campaigns/spring/pacing-log", "GET /recordings/a1",
	} {
		method, path, _ := strings.Cut(request, " ")
		var content any
		if method != "GET" && method != "POST" {
			content = map[string]any{}
		}
		if got := w.as(t, "mia", method, "/api/v1"+path, content); got.status != 404 {
			t.Errorf("%s: status %d, want 404: %s", request, got.status, got.body)
		}
	}
	if got := w.as(t, "mia", "GET", "/api/v1/attempts", nil).want(t, 200); strings.Contains(got.body, "spring") {
		t.Errorf("she sees %s", got.body)
	}
	if got := w.as(t, "mia", "GET", "/api/v1/live", nil).want(t, 200); strings.Contains(got.body, "spring") || strings.Contains(got.body, "olga") {
		t.Errorf("she sees %s", got.body)
	}
}

// code fails the test where a problem has another code.
func (r reply) code(t *testing.T, want string) {
	t.Helper()
	var p Problem
	r.into(t, &p)
	if p.Code != want || r.header.Get("Content-Type") != problemType {
		t.Errorf("code = %q as %s, want %q: %s", p.Code, r.header.Get("Content-Type"), want, r.body)
	}
}
