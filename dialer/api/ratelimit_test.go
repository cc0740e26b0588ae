package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// TestS35RateLimit: a token that asks a thousand times a second gets its share and 429
// with Retry-After for the rest, and is served after that time; others see nothing of it.
func TestS35RateLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		served := 0
		h := newRates(50).limited(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }))
		ask := func(token string) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/api/v1/me", nil)
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			h.ServeHTTP(w, r)
			return w
		}
		const seconds = 10
		refused := 0
		for range seconds * 1000 {
			if w := ask("greedy"); w.Code == http.StatusTooManyRequests {
				refused++
				if got := w.Header().Get("Retry-After"); got != "1" {
					t.Fatalf("Retry-After = %q", got)
				}
			}
			time.Sleep(time.Millisecond)
		}
		if most := (burstSeconds+seconds)*50 + 1; served > most || served < most-2 || served+refused != seconds*1000 {
			t.Errorf("%d served, %d refused; want %d served", served, refused, most)
		}
		for _, other := range []string{"modest", ""} {
			if w := ask(other); w.Code != http.StatusOK {
				t.Errorf("%q pays for another: %d", other, w.Code)
			}
		}
		time.Sleep(time.Second)
		if w := ask("greedy"); w.Code != http.StatusOK {
			t.Errorf("after the time that was asked for: %d", w.Code)
		}
	})
}

// Made-up tokens take no memory without end.
func TestRatesAreBounded(t *testing.T) {
	r, now := newRates(50), time.Now()
	for i := range 3 * maxKeys {
		r.wait(now, fmt.Sprint(i))
	}
	if len(r.buckets) > maxKeys {
		t.Errorf("%d tokens are remembered", len(r.buckets))
	}
}
