package pacing

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// onTrunks returns a controller that has seen dials on trunks with these post-dial
// delays in seconds, by turns. Three in ten are answered live after ringing 6 to
// 14 s, the others are given up after 20 s of ringing. Where named, the controller
// is told the trunks.
func onTrunks(dials int, named bool, delays ...float64) (*controller, time.Time) {
	rng := rand.New(rand.NewPCG(11, 12))
	c := New(Settings{Mode: Predictive, Cancel: true}, monday).(*controller)
	now := 0.0
	for i := range dials {
		id, trunk := fmt.Sprint(i), i%len(delays)
		ev := Dialed{Call: id, Record: mainRecord[0]}
		if named {
			ev.Trunk = fmt.Sprint("trunk", trunk)
		}
		c.Observe(at(now), ev)
		rings := now + delays[trunk]
		c.Observe(at(rings), Ringing{Call: id, Since: at(rings)})
		if rng.Float64() < 0.3 {
			now = rings + 6 + 8*rng.Float64()
			c.Observe(at(now), Human{Call: id})
			c.Observe(at(now), Abandoned{Call: id})
		} else {
			now = rings + 20
			c.Observe(at(now), Ended{Call: id, Cause: CauseNoAnswer})
		}
		c.Decide(at(now), View{Room: 0, Records: mainRecord})
	}
	c.model.rebuildCalls(at(now), c.settings, &c.floor)
	return c, at(now)
}

// answeredWithin is the true chance in onTrunks of a call that has rung for so
// long, negative where it will, to be answered within seconds.
func answeredWithin(rung, seconds float64) float64 {
	by := func(x float64) float64 { return 0.3 * max(0, min(1, (x-6)/8)) }
	return (by(rung+seconds) - by(rung)) / (1 - by(rung))
}

// The calls of a quick and of a slow trunk are expected to be answered when they are.
func TestAnswersAreExpectedByTrunk(t *testing.T) {
	delays := []float64{1, 6}
	off := func(c *controller, now time.Time, named bool) (worst float64) {
		for trunk, delay := range delays {
			for age := 0.25; age < 25; age++ {
				ev := Dialed{Call: fmt.Sprint("x", trunk, age), Record: mainRecord[0]}
				if named {
					ev.Trunk = fmt.Sprint("trunk", trunk)
				}
				c.Observe(now.Add(-time.Duration(age*float64(time.Second))), ev)
				for k, p := range c.model.answers(now, c.floor.calls[ev.Call]).chances {
					worst = max(worst, math.Abs(p-answeredWithin(age-delay, c.model.offsets[k])))
				}
			}
		}
		return worst
	}
	told, now := onTrunks(3000, true, delays...)
	if got := off(told, now, true); got > 0.06 {
		t.Errorf("the chance of an answer is off by %.3f, want less than 0.06", got)
	}
	untold, now := onTrunks(3000, false, delays...)
	if got := off(untold, now, false); got < 0.1 {
		t.Errorf("trunks not told: off by %.3f; the test shows nothing", got)
	}
	p := told.Picture(now)
	if len(p.Trunks) != 2 || math.Abs(p.Trunks[1].Seconds-6) > 0.1 {
		t.Errorf("trunks: %v, want 1 s and 6 s", p.Trunks)
	}
}

// A dial whose trunk is not known yet may go by either.
func TestFreshDialIsAnsweredOnAnyTrunk(t *testing.T) {
	c, _ := onTrunks(3000, true, 1, 6)
	for k, u := range c.model.offsets {
		want := (answeredWithin(-1, u) + answeredWithin(-6, u)) / 2
		if got := c.model.segments[0].within[0].chances[k]; math.Abs(got-want) > 0.05 {
			t.Errorf("answered within %.1f s: %.3f, want %.3f", u, got, want)
		}
	}
}

// With one trunk nothing depends on its name or on when its calls ring.
func TestOneTrunkChangesNothing(t *testing.T) {
	for _, delay := range []float64{1, 6} {
		named, now := onTrunks(500, true, delay)
		plain, _ := onTrunks(500, false, delay)
		if named.model.segments[0].within != plain.model.segments[0].within || named.model.offsets != plain.model.offsets {
			t.Errorf("trunk of %v s: its name changes what is expected", delay)
		}
		named.Observe(now, Dialed{Call: "x", Trunk: "trunk0", Record: mainRecord[0]})
		if k := named.floor.calls["x"]; !k.dialled.Equal(now) {
			t.Errorf("trunk of %v s: a call dialled now counts from %v", delay, k.dialled.Sub(now))
		}
	}
}

// Late is who has rung the legal minimum, not who was dialled so long ago.
func TestLateCountsFromRinging(t *testing.T) {
	s := Settings{Cancel: true, RingMin: 12 * time.Second}
	counted := func(delay float64) float64 {
		c, _ := onTrunks(1500, true, delay)
		c.model.tabulateOffsets(s, estimate.NewAnswerLevel())
		return c.model.counted
	}
	if quick, slow := counted(1), counted(6); math.Abs(quick-slow) > 0.03 || quick > 0.95 || quick < 0.6 {
		t.Errorf("%.3f of the answers count on a quick trunk, %.3f on a slow one", quick, slow)
	}
}

// A trunk that lags behind does so after a restart, whichever is dialled first.
func TestDelaysOutliveARestart(t *testing.T) {
	before, now := onTrunks(1000, true, 1, 6)
	c := New(Settings{Mode: Predictive}, now).(*controller)
	c.Recall(now, Past{Learnt: before.Learnt(now)})
	c.Observe(now, Dialed{Call: "x", Trunk: "trunk1", Record: mainRecord[0]})
	if got := c.floor.calls["x"].dialled.Sub(now); got != 5*time.Second {
		t.Errorf("a call of the slow trunk counts from %v after it was dialled, want 5 s", got)
	}
}
