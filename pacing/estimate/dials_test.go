package estimate

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestPriorOfADial(t *testing.T) {
	c := NewDials(25).Curve(1, 1)
	if got := c.Answer(); math.Abs(got-priorAnswer) > 0.03 {
		t.Errorf("answer chance before any dial = %.3f, want about %v", got, priorAnswer)
	}
	if got := c.Quantile(0.5); got < 9 || got > 15 {
		t.Errorf("median ring before any dial = %.1f s, want about 12", got)
	}
}

func TestDialsFindTheAnswerShareAndRing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	d := NewDials(25)
	for range 6000 {
		if rng.Float64() < 0.15 {
			d.Human(8 + 4*rng.Float64())
		} else if rng.Float64() < 0.3 {
			d.Other(2)
		} else {
			d.Other(27)
		}
	}
	d.Rebuild(Ages{})
	c := d.Curve(1, 1)
	if got := c.Answer(); math.Abs(got-0.15) > 0.012 {
		t.Errorf("answer chance = %.3f, want 0.15", got)
	}
	if got := c.Quantile(0.5); math.Abs(got-10) > 0.6 {
		t.Errorf("median ring = %.1f s, want 10", got)
	}
	// 70 % of 85 % still ring at 6 s besides the 15 %; of these all 15 % answer.
	if got, want := c.Within(DialAgeBin(6), 10), 0.15/(0.15+0.85*0.7); math.Abs(got-want) > 0.02 {
		t.Errorf("chance at 6 s of an answer within 10 s = %.3f, want %.3f", got, want)
	}
	if got := c.Within(DialAgeBin(20), 10); got > 0.02 {
		t.Errorf("chance at 20 s of an answer = %.3f, want about 0", got)
	}
}

// After a burst only the failures have come back. Dials still ringing are
// evidence that a dial lives that long; without them answers look impossible.
func TestDialsInFlightCountAsExposed(t *testing.T) {
	with, without := NewDials(25), NewDials(25)
	var ringing Ages
	for i := range 1000 {
		if i < 50 {
			with.Other(1)
			without.Other(1)
		} else {
			ringing.Add(5)
		}
	}
	with.Rebuild(ringing)
	without.Rebuild(Ages{})
	if got := with.Curve(1, 1).Answer(); got < 0.2 {
		t.Errorf("answer chance with 950 dials ringing = %.3f, want near the prior", got)
	}
	if got := without.Curve(1, 1).Answer(); got > 0.1 {
		t.Errorf("answer chance without them = %.3f; the test shows nothing", got)
	}
}

// Our own cancels say nothing about what would have happened later.
func TestCancelledDialsAreCensored(t *testing.T) {
	censored, failed := NewDials(25), NewDials(25)
	for i := range 3000 {
		for _, d := range []*Dials{censored, failed} {
			switch {
			case i%10 == 0:
				d.Human(20)
			case i%2 == 0 && d == censored:
				d.Cancelled(15)
			case i%2 == 0:
				d.Other(15)
			default:
				d.Other(27)
			}
		}
	}
	censored.Rebuild(Ages{})
	failed.Rebuild(Ages{})
	// Of those that rang on to 20 s, 300 in 1,800 were answered.
	if got, want := censored.Curve(1, 1).Answer(), 300.0/1800; math.Abs(got-want) > 0.02 {
		t.Errorf("answer chance = %.3f, want %.3f", got, want)
	}
	if got := failed.Curve(1, 1).Answer(); math.Abs(got-0.1) > 0.01 {
		t.Errorf("answer chance where they failed = %.3f, want 0.1", got)
	}
}

func TestRebuildTellsWhatTheHazardsAbsorbed(t *testing.T) {
	d := NewDials(25)
	for range 4000 { // twice the answers the prior expects
		for range 6 {
			d.Human(13)
		}
		for range 4 {
			d.Other(27)
		}
	}
	human, _ := d.Rebuild(Ages{})
	if human < 1.3 {
		t.Errorf("ratio = %.2f, want well above 1", human)
	}
	if again, _ := d.Rebuild(Ages{}); math.Abs(again-1) > 0.01 {
		t.Errorf("ratio with nothing new = %.3f, want 1", again)
	}
}

func TestCurveIsAlwaysAChance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := NewDials(rapid.Float64Range(5, 90).Draw(t, "timeout"))
		for range rapid.IntRange(0, 100).Draw(t, "ends") {
			age := rapid.Float64Range(-5, 200).Draw(t, "age")
			switch rapid.IntRange(0, 3).Draw(t, "how") {
			case 0:
				d.Human(age)
			case 1:
				d.Other(age)
			case 2:
				d.Cancelled(age)
			case 3:
				d.Rebuild(Ages{})
			}
		}
		d.Rebuild(Ages{})
		c := d.Curve(rapid.Float64Range(0.01, 50).Draw(t, "answers"), rapid.Float64Range(0.01, 50).Draw(t, "failures"))
		for i := range DialBins {
			if c.Answered[i+1] < c.Answered[i] || c.InFlight[i+1] > c.InFlight[i] || c.InFlight[i+1] < 0 {
				t.Fatalf("bin %d: answered %v then %v, in flight %v then %v", i, c.Answered[i], c.Answered[i+1], c.InFlight[i], c.InFlight[i+1])
			}
			if p := c.Within(i, 10); p < 0 || p > 1 || math.IsNaN(p) {
				t.Fatalf("bin %d: chance = %v", i, p)
			}
		}
		if p := c.Answer(); p < 0 || p > 1+1e-9 {
			t.Fatalf("answer chance = %v", p)
		}
	})
}
