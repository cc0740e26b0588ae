package trunk

import "time"

// limiter is a token bucket over call attempts: in any window of length t it
// lets through at most rate·t + burst. It is kept as the time at which the
// bucket would be full again (the generic cell rate algorithm), so there is
// nothing to refill. It is pure: the caller gives the time and the lock.
type limiter struct {
	every  time.Duration // between two tokens: 1/rate; 0: there are none
	spare  time.Duration // how far full may lie ahead: (burst-1)·every
	fullAt time.Time     // zero: full
}

// burstSeconds is the share of a second that may go out at once. Carriers
// count calls per second; 0.2 s of the rate never overruns their window by
// more than a fifth.
const burstSeconds = 0.2

// newLimiter allows rate calls per second (> 0) with a burst of 0.2 s of the
// rate, at least 1.
func newLimiter(rate float64) limiter {
	every := time.Duration(float64(time.Second) / rate)
	burst := max(1, burstSeconds*rate)
	return limiter{every: every, spare: time.Duration((burst - 1) * float64(every))}
}

// take takes a token, or says that there is none.
func (l *limiter) take(now time.Time) bool {
	if l.every <= 0 || l.next().After(now) {
		return false
	}
	if l.fullAt.Before(now) {
		l.fullAt = now
	}
	l.fullAt = l.fullAt.Add(l.every)
	return true
}

// tokens is how many calls may leave at this moment.
func (l *limiter) tokens(now time.Time) int {
	behind := max(0, l.fullAt.Sub(now))
	if l.every <= 0 || behind > l.spare {
		return 0
	}
	return 1 + int((l.spare-behind)/l.every)
}

// next is when there is a token: now or before if there is one already. Where there
// are none it means nothing.
func (l *limiter) next() time.Time { return l.fullAt.Add(-l.spare) }
