package estimate

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// feed books steps of one expected event each, of which rate come.
func feed(l *Level, rate float64, steps int) {
	owed := 0.0
	for range steps {
		owed += rate
		seen := math.Floor(owed)
		owed -= seen
		l.Add(seen, 1)
	}
}

func TestLevelFindsTheRate(t *testing.T) {
	for _, rate := range []float64{0.2, 0.5, 1, 2, 4} {
		l := NewAnswerLevel()
		feed(&l, rate, 600)
		if got := l.Value(); math.Abs(got-rate) > 0.12*rate+0.02 {
			t.Errorf("rate %v: level = %.3f", rate, got)
		}
	}
}

func TestLevelStartsDoubtful(t *testing.T) {
	l := NewAnswerLevel()
	if got := l.Value(); got != 1 {
		t.Errorf("level before any evidence = %v, want 1", got)
	}
	before := l.Spread()
	feed(&l, 1, 100)
	if got := l.Spread(); got >= before/2 {
		t.Errorf("spread after 100 events = %.3f, want under half of %.3f", got, before)
	}
}

// A jump is followed within a few short memories, not within the long one.
func TestLevelFollowsAJump(t *testing.T) {
	for _, c := range []struct {
		name     string
		from, to float64
		steps    int
		within   float64
	}{
		{"answers treble", 1, 3, 60, 0.2},
		{"answers fall to a fifth", 1, 0.2, 200, 0.4},
	} {
		l := NewAnswerLevel()
		feed(&l, c.from, 500)
		feed(&l, c.to, c.steps)
		if got := l.Value(); math.Abs(got-c.to) > c.within*math.Max(1, c.to) {
			t.Errorf("%s: level after %d expected events = %.2f, want about %.2f", c.name, c.steps, got, c.to)
		}
	}
}

func TestFailureLevelNoticesTheEndOfAnOutage(t *testing.T) {
	l := NewFailureLevel()
	feed(&l, 1, 200)
	feed(&l, 8, 20)
	if got := l.Value(); got < 4 {
		t.Fatalf("level in the outage = %.2f, want near 8", got)
	}
	feed(&l, 1, 20)
	if got := l.Value(); got > 4 {
		t.Errorf("level 20 expected failures after the outage = %.2f, want near 1", got)
	}
}

// When the hazards absorb the evidence and the level is rescaled by what they
// absorbed, nothing is counted twice.
func TestRescaleGivesTheEvidenceBack(t *testing.T) {
	l := NewAnswerLevel()
	feed(&l, 2, 400)
	l.Rescale(2)
	if got := l.Value(); math.Abs(got-1) > 0.05 {
		t.Errorf("level after the hazards doubled = %.3f, want 1", got)
	}
}

func TestLevelIsAlwaysPositiveAndFinite(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := NewAnswerLevel()
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			l.Add(float64(rapid.IntRange(0, 3).Draw(t, "seen")), rapid.Float64Range(-1, 30).Draw(t, "expected"))
			if v := l.Value(); !(v > 0) || math.IsInf(v, 0) {
				t.Fatalf("level = %v", v)
			}
			if s := l.Spread(); !(s > 0) || s > 0.41 {
				t.Fatalf("spread = %v", s)
			}
		}
	})
}

// What may be chance is no reason to believe in a change; what may not, is.
func TestBeyondChance(t *testing.T) {
	l := NewTalkLevel()
	if got := l.Beyond(2); got != 1 {
		t.Errorf("before any evidence: %v, want 1", got)
	}
	feed(&l, 1.04, 200)
	if got := l.Beyond(2); got != 1 {
		t.Errorf("four more ends in a hundred: %v, want 1", got)
	}
	feed(&l, 0.4, 400)
	if got := l.Beyond(2); got > 0.7 || got < 0.4 {
		t.Errorf("0.4 times as many ends as expected: %.2f, want between 0.4 and 0.7", got)
	}
	feed(&l, 2, 400)
	if got := l.Beyond(2); got < 1.4 || got > 2 {
		t.Errorf("twice as many: %.2f, want between 1.4 and 2", got)
	}
}
