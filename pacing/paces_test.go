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
	c.model.rebuildHandling(at(now), c.settings, &c.floor)
	return c, at(now)
}

// Quick operators are expected back sooner than slow ones, and each when they come.
func TestOperatorsAreExpectedAtTheirPace(t *testing.T) {
	paces := []float64{0.7, 1.4, 1, 0.7, 1.4, 1}
	c, now := worked(400, paces...)
	for i, slower := range paces[:3] {
		o := c.floor.operators[fmt.Sprint(i)]
		o.state, o.since = Wrapping, now.Add(-8*time.Second)
		var free chances
		c.model.comesFree(now, o, &free)
		for k, u := range c.model.offsets {
			want := 1 - math.Exp(-(u+c.model.patience(c.settings))/(20*slower))
			if math.Abs(free[k]-want*c.model.ready.Value()) > 0.1 {
				t.Errorf("pace %v: back within %.1f s with chance %.2f, want %.2f", slower, u, free[k], want)
			}
		}
	}
	for _, o := range c.Picture(now).Operators {
		var i int
		fmt.Sscan(o.ID, &i)
		if want := paces[i]; math.Abs(math.Log(o.Pace/want)) > 0.2 {
			t.Errorf("operator %d: pace %.2f, want %.2f", i, o.Pace, want)
		}
	}
}

// The laws are those of the usual pace, not a mix of all.
func TestLawsAreOfTheUsualPace(t *testing.T) {
	c, _ := worked(500, 0.5, 1, 2)
	if got := c.model.wrap.Mean(); math.Abs(got-20) > 4 {
		t.Errorf("mean wrap-up at the usual pace = %.1f s, want 20", got)
	}
	if slow := c.floor.operators["2"].slower(); slow < 1.4 {
		t.Errorf("the slow operator is in a class of %.2f, want the slowest", slow)
	}
}

// Where all are alike, everybody reads the tables of all.
func TestEqualOperatorsAreOneClass(t *testing.T) {
	c, _ := worked(100, 1, 1, 1, 1, 1, 1)
	for _, o := range c.floor.staff {
		if o.class != usualPace || o.slower() != 1 {
			t.Errorf("operator %s is in class %d", o.id, o.class)
		}
	}
	for class, table := range c.model.handling {
		if (table != nil) != (paceClass(class) == usualPace) {
			t.Errorf("class %d has tables: %v", class, table != nil)
		}
	}
}

func TestClassesAreHeld(t *testing.T) {
	between := math.Exp(paceStep / 2) // as near to usual as to a little slow
	c := usualPace
	for range 100 {
		if c = c.next(between * 1.03); c != usualPace {
			t.Fatal("a pace between two classes leaves the usual one")
		}
	}
	c = c.next(1.2)
	if c != usualPace+1 {
		t.Fatalf("pace 1.2: class %d, want %d", c, usualPace+1)
	}
	if c = c.next(between * 0.97); c != usualPace+1 {
		t.Error("a pace between two classes returns to the usual one")
	}
	for pace, want := range map[float64]paceClass{0.01: 0, 100: paceClasses - 1, 1: usualPace} {
		if got := c.next(pace); got != want {
			t.Errorf("pace %v: class %d, want %d", pace, got, want)
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

// Classes cost a decision nothing.
func TestPacesAllocateNothing(t *testing.T) {
	c, now := worked(200, 0.7, 1.4, 1, 0.7, 1.4, 1)
	for id := range 6 {
		c.Observe(now, Operator{ID: fmt.Sprint(id), State: Talking})
	}
	view := View{Room: -1, Records: mainRecord}
	if got := testing.AllocsPerRun(100, func() { c.Decide(now, view) }); got != 0 {
		t.Errorf("allocations per decision = %v, want 0", got)
	}
}
