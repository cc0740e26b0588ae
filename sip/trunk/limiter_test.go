package trunk

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// In any window of length t no more than rate·t + burst calls pass, whatever
// the pattern of asking.
func TestLimiterNeverExceedsTheRate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(0.1, 500).Draw(t, "rate")
		burst := max(1, burstSeconds*rate)
		l := newLimiter(rate)
		now := epoch
		var passed []time.Time
		for range rapid.IntRange(1, 300).Draw(t, "asked") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(3*l.every)).Draw(t, "gap")))
			tokens := l.tokens(now)
			ok := l.take(now)
			if ok != (tokens > 0) {
				t.Fatalf("take = %v with %d tokens", ok, tokens)
			}
			if ok {
				passed = append(passed, now)
			}
		}
		for i := range passed {
			for j := i; j < len(passed); j++ {
				window := passed[j].Sub(passed[i])
				limit := float64(window)/float64(l.every) + burst + 1e-6
				if got := float64(j - i + 1); got > limit {
					t.Fatalf("%v calls in %s at %v cps, limit %.3f", got, window, rate, limit)
				}
			}
		}
	})
}

// Who always asks gets the whole rate: nothing is lost to rounding.
func TestLimiterGivesTheRate(t *testing.T) {
	for _, rate := range []float64{0.5, 1, 3, 10, 47.3, 200} {
		l := newLimiter(rate)
		passed := 0
		for at := time.Duration(0); at < 60*time.Second; at += time.Millisecond {
			for l.take(epoch.Add(at)) {
				passed++
			}
		}
		if want := rate * 60; float64(passed) < want-1 || float64(passed) > want+max(1, burstSeconds*rate) {
			t.Errorf("%v cps: %d calls in 60 s, want about %.0f", rate, passed, want)
		}
	}
}

func TestLimiterBurst(t *testing.T) {
	for _, tt := range []struct {
		rate float64
		want int
	}{{1, 1}, {5, 1}, {10, 2}, {50, 10}, {0.2, 1}} {
		l := newLimiter(tt.rate)
		if got := l.tokens(epoch); got != tt.want {
			t.Errorf("%v cps: %d tokens at rest, want %d", tt.rate, got, tt.want)
		}
		got := 0
		for l.take(epoch) {
			got++
		}
		if got != tt.want {
			t.Errorf("%v cps: burst of %d, want %d", tt.rate, got, tt.want)
		}
		if next := l.next(); !l.take(next) || l.take(next) {
			t.Errorf("%v cps: next() is not the moment of exactly one token", tt.rate)
		}
	}
}
