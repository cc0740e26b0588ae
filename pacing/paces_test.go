package pacing

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// worked returns a controller that has seen operators of these paces take calls:
// exponential talks and wrap-ups, 100 s and 20 s at pace 1.
func worked(calls int, slower ...float64) (*controller, time.Time) {
	rng := rand.New(rand.NewPCG(21, 22))
	c := New(Settings{Mode: Predictive}, monday).(*controller)
	now := 0.0
	for range calls {
		for i, x := range slower {
			id := fmt.Sprint(i)
			c.Observe(at(now), Operator{ID: id, State: Talking})
			now += 100 * x * rng.ExpFloat64()
			c.Observe(at(now), Operator{ID: id, State: Wrapping})
			now += 20 * x * rng.ExpFloat64()
			c.Observe(at(now), Operator{ID: id, State: Ready})
			c.Decide(at(now), View{Room: 0, Records: mainRecord})
		}
	}
	return c, at(now)
}

// Each operator's pace is seen, whatever the others'.
func TestPictureShowsThePaceOfOperators(t *testing.T) {
	paces := []float64{0.7, 1.4, 1, 0.7, 1.4, 1}
	c, now := worked(400, paces...)
	for i, o := range c.Picture(now).Operators {
		if want := paces[i]; math.Abs(math.Log(o.Pace/want)) > 0.15 {
			t.Errorf("operator %s: pace %.2f, want %.2f", o.ID, o.Pace, want)
		}
	}
	c, now = worked(100, 1, 1, 1, 1, 1, 1)
	for _, o := range c.Picture(now).Operators {
		if math.Abs(math.Log(o.Pace)) > 0.1 {
			t.Errorf("all are alike, and the pace of operator %s is %.2f", o.ID, o.Pace)
		}
	}
}

func TestPacesOutliveARestart(t *testing.T) {
	before, now := worked(200, 0.7, 1.4, 1, 0.7, 1.4, 1)
	c := New(Settings{Mode: Predictive}, now).(*controller)
	c.Recall(now, Past{Learnt: before.Learnt(now)})
	c.Observe(now, Operator{ID: "1", State: Ready})
	if got := c.Picture(now).Operators[0].Pace; math.Abs(got-1.4) > 0.25 {
		t.Errorf("pace after a restart = %.2f, want 1.4", got)
	}
}

func TestRememberedPacesAreBounded(t *testing.T) {
	p := newPaces()
	many := map[string]estimate.Pace{"garbage": {Longer: 1e9, Weight: 1}}
	for i := range 2 * maxPaces {
		many[fmt.Sprint(i)] = estimate.Pace{Weight: 50}
	}
	p.recall(many)
	if _, is := p.byID["garbage"]; is || len(p.ids) != maxPaces {
		t.Errorf("%d paces are recalled, garbage among them: %v; want %d", len(p.ids), is, maxPaces)
	}
	for i := range 2 * maxPaces {
		p.of(fmt.Sprint("new", i)).Weight = 50
	}
	kept := p.remember()
	if text, _ := json.Marshal(kept); len(kept) != maxPaces || len(text) > 100_000 {
		t.Errorf("%d paces in %d bytes are remembered, want at most %d in 100 kB", len(kept), len(text), maxPaces)
	}
}
