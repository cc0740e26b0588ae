package trunk

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestBreakerRetryAfter(t *testing.T) {
	var b breaker
	b.fail(epoch, 7*time.Second, false)
	if b.allows(epoch.Add(6999 * time.Millisecond)) {
		t.Error("a call is allowed inside Retry-After")
	}
	after := epoch.Add(7 * time.Second)
	if !b.allows(after) || !b.start() {
		t.Fatal("no probe after the pause")
	}
	if b.allows(after) {
		t.Error("a second call is allowed while the probe is out")
	}
	b.ok(false)
	if b.allows(after) {
		t.Error("a call from before the pause closed the breaker")
	}
	b.ok(true)
	if !b.allows(after) || b.start() {
		t.Error("the probe did not close the breaker")
	}
}

func TestBreakerCapsRetryAfter(t *testing.T) {
	var b breaker
	b.fail(epoch, time.Hour, false)
	if b.until.Sub(epoch) != maxPause {
		t.Errorf("pause = %s, want %s", b.until.Sub(epoch), maxPause)
	}
}

// A carrier that only says 503 gets at most one call per second once the
// storm is seen (three calls), and fewer the longer it lasts.
func TestBreakerStorm(t *testing.T) {
	var b breaker
	calls := make(map[time.Duration]int)
	for at := time.Duration(0); at < 2*time.Minute; at += 20 * time.Millisecond {
		if now := epoch.Add(at); b.allows(now) {
			probe := b.start()
			b.fail(now, 0, probe)
			calls[at.Truncate(time.Second)]++
		}
	}
	total := 0
	for second, n := range calls {
		total += n
		if second > 0 && n > 1 {
			t.Errorf("%d calls in second %s", n, second)
		}
	}
	if total < 5 || total > 12 {
		t.Errorf("%d calls in two minutes of 503, want 5 to 12", total)
	}
}

func TestBreakerForgetsAnUnheardProbe(t *testing.T) {
	var b breaker
	b.fail(epoch, time.Second, false)
	now := epoch.Add(time.Second)
	b.forget(b.start())
	if !b.allows(now) {
		t.Error("a probe that we ended ourselves blocks the target for ever")
	}
}

// Whatever happens, a target is asked again at the latest after the longest
// pause: it is never lost.
func TestBreakerNeverLosesATarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var b breaker
		now := epoch
		var probe bool // the probe that is out
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "gap")))
			if !probe && b.allows(now) {
				probe = b.start()
			}
			mine := probe && rapid.Bool().Draw(t, "mine")
			switch rapid.IntRange(0, 2).Draw(t, "what") {
			case 0:
				b.fail(now, time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "retry")), mine)
			case 1:
				b.ok(mine)
			case 2:
				b.forget(mine)
			}
			if mine || b.until.IsZero() {
				probe = false
			}
		}
		if probe {
			b.forget(true)
		}
		if !b.allows(now.Add(maxPause)) {
			t.Fatalf("still closed %s later: %+v", maxPause, b)
		}
	})
}
