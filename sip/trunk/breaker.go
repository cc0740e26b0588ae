package trunk

import (
	"cmp"
	"time"
)

const (
	// maxPause caps a Retry-After: a carrier that says an hour by mistake
	// must not silence the floor.
	maxPause = 300 * time.Second
	// A run of failures without a Retry-After pauses too, first for
	// firstPause, then twice as long each time up to longestPause.
	patience     = 3
	firstPause   = time.Second
	longestPause = 30 * time.Second
)

// breaker keeps calls away from a target that says it is overloaded (503) or
// does not answer. After a pause one call probes; the next ones wait for its
// result. It is pure.
type breaker struct {
	first, longest time.Duration // of pauses; zero: firstPause, longestPause

	failures int       // in a row
	until    time.Time // no call before; zero: closed, calls flow
	probing  bool      // one call is out after a pause
}

// allows says whether a call may go to the target now.
func (b *breaker) allows(now time.Time) bool {
	return b.until.IsZero() || (!b.probing && !now.Before(b.until))
}

// start notes that an allowed call goes out, and says whether it is the probe.
func (b *breaker) start() (probe bool) {
	if b.until.IsZero() {
		return false
	}
	b.probing = true
	return true
}

// fail notes a 503 or a call without any response. retryAfter is what the
// carrier asked for, 0 if nothing. Calls that left before the pause began and
// fail in it are no news, unless they bring a longer Retry-After.
func (b *breaker) fail(now time.Time, retryAfter time.Duration, probe bool) {
	pause := min(retryAfter, maxPause)
	if probe || b.until.IsZero() {
		b.failures++
		b.probing = false
		if over := b.failures - patience; pause <= 0 && over >= 0 {
			pause = min(cmp.Or(b.first, firstPause)<<min(over, 10), cmp.Or(b.longest, longestPause))
		}
	}
	if until := now.Add(pause); pause > 0 && until.After(b.until) {
		b.until = until
	}
}

// ok notes any other response: the target takes calls. While it is paused
// only the probe may say so; a call from before the pause knows nothing.
func (b *breaker) ok(probe bool) {
	if probe || b.until.IsZero() {
		b.failures, b.until, b.probing = 0, time.Time{}, false
	}
}

// forget takes back a probe that brought no news.
func (b *breaker) forget(probe bool) {
	if probe {
		b.probing = false
	}
}
