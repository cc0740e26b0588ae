package api

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// burstSeconds is how many seconds' worth of requests a token may make at once: a page
// that is opened asks for many things.
const burstSeconds = 4

// rates bound what each token may ask for: a program in a loop must not take from calls
// what it takes to answer it. Nothing is asked of the store for it.
type rates struct {
	perSecond int

	mu      sync.Mutex
	buckets map[string]*rate.Limiter // by the hash of the token
}

func newRates(perSecond int) *rates {
	return &rates{perSecond: perSecond, buckets: map[string]*rate.Limiter{}}
}

// wait is how long the token must wait for its next request; 0 where it need not.
func (r *rates) wait(now time.Time, hash string) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.buckets[hash]
	if b == nil {
		r.makeRoom(now)
		b = rate.NewLimiter(rate.Limit(r.perSecond), burstSeconds*r.perSecond)
		r.buckets[hash] = b
	}
	if b.AllowN(now, 1) {
		return 0
	}
	return time.Duration(float64(time.Second) * (1 - b.TokensAt(now)) / float64(r.perSecond))
}

// makeRoom forgets, where there are too many, those who have asked for nothing for so
// long that it makes no difference; and where all are busy, everybody.
func (r *rates) makeRoom(now time.Time) {
	if len(r.buckets) < maxKeys {
		return
	}
	for hash, b := range r.buckets {
		if b.TokensAt(now) >= float64(b.Burst()) {
			delete(r.buckets, hash)
		}
	}
	if len(r.buckets) >= maxKeys {
		clear(r.buckets)
	}
}

// limited answers 429 to a token that asks for too much.
func (r *rates) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		token, is := strings.CutPrefix(req.Header.Get("Authorization"), "Bearer ")
		if is {
			if wait := r.wait(time.Now(), hashToken(token)); wait > 0 {
				w.Header().Set("Retry-After", retryAfter(wait))
				refuse(w, http.StatusTooManyRequests, "too many requests")
				return
			}
		}
		next.ServeHTTP(w, req)
	})
}
