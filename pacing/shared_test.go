package pacing

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// What a controller may spend is what it was given, what it earned and lost since,
// and never more than the campaign has.
func TestShared(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	c := New(Settings{Mode: Predictive, Limit: 0.03}, now)
	calls := 0
	answers := func(n int, lost bool) {
		for range n {
			calls++
			id := fmt.Sprint(calls)
			c.Observe(now, Dialed{Call: id})
			c.Observe(now, Human{Call: id})
			if lost {
				c.Observe(now, Abandoned{Call: id})
			} else {
				c.Observe(now, Connected{Call: id, Operator: "ann"})
			}
		}
	}
	want := func(what string, live, abandoned int, credit, mine float64) {
		t.Helper()
		b := c.Balance(now)
		if b.Live != live || b.Abandoned != abandoned || math.Abs(b.Credit-credit) > 1e-9 || math.Abs(b.Mine-mine) > 1e-9 {
			t.Errorf("%s: %+v, want %d live, %d abandoned, credit %v, mine %v", what, b, live, abandoned, credit, mine)
		}
	}
	answers(100, false)
	want("alone", 100, 0, 3, 3)
	c.Observe(now, Shared{Live: 300, Abandoned: 2})
	want("with others", 100, 0, 10, 10)
	c.Observe(now, Shared{Part: 0.25, Credit: 2.5, OwnLive: 100})
	want("with a part", 100, 0, 10, 2.5)
	answers(100, false)
	want("what it earns is its own", 200, 0, 13, 5.5)
	answers(2, true)
	want("what it loses too", 202, 2, 11.06, 3.56)
	c.Observe(now, Shared{Live: 100, Abandoned: 20})
	want("others lost more than there was", 202, 2, -5.94, -5.94)
	c.Observe(now, Shared{Live: 1000})
	want("others earned", 202, 2, 24.06, 3.56)
	c.Observe(now, Shared{Part: 1, Credit: 20, OwnLive: 200}) // as of before the two were lost
	want("given before it lost", 202, 2, 24.06, 18.06)
	c.Observe(now, Operator{ID: "ann", State: Ready})
	c.Observe(now, Operator{ID: "bob", State: Talking})
	c.Observe(now, Operator{ID: "cid", State: Away})
	if b := c.Balance(now); b.AtWork != 2 {
		t.Errorf("%d operators at work, want 2", b.AtWork)
	}
	if d := c.Decide(now, View{Room: -1}); d.Credit > 18.07 || d.Credit < 18.05 {
		t.Errorf("it decides with a credit of %v", d.Credit)
	}
}
