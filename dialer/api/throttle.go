package api

import (
	"strconv"
	"sync"
	"time"
)

// throttle counts failures per key and blocks a key that has had too many.
type throttle struct {
	mu     sync.Mutex
	limit  int
	window time.Duration
	keys   map[string]*failures
}

type failures struct {
	count int
	since time.Time
}

// maxKeys bounds the table; when it is full, old entries go first.
const maxKeys = 10_000

func newThrottle(limit int, window time.Duration) *throttle {
	return &throttle{limit: limit, window: window, keys: map[string]*failures{}}
}

// blocked is how long the slowest of the keys must wait; 0 if none must.
func (t *throttle) blocked(now time.Time, keys ...string) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	var wait time.Duration
	for _, k := range keys {
		if f := t.keys[k]; f != nil && f.count >= t.limit {
			wait = max(wait, f.since.Add(t.window).Sub(now))
		}
	}
	return wait
}

func (t *throttle) failed(now time.Time, keys ...string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.keys) >= maxKeys {
		for k, f := range t.keys {
			if now.Sub(f.since) > t.window {
				delete(t.keys, k)
			}
		}
	}
	for _, k := range keys {
		f := t.keys[k]
		if f == nil || now.Sub(f.since) > t.window {
			f = &failures{since: now}
			t.keys[k] = f
		}
		f.count++
	}
}

// retryAfter is a wait as the header wants it: whole seconds, rounded up.
func retryAfter(d time.Duration) string { return strconv.Itoa(int(d/time.Second) + 1) }
