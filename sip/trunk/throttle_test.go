package trunk

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/sip"
)

// storm lets calls leave at a rate for so long, busy of a hundred of them 503.
func (t *throttle) storm(at time.Time, rate int, lasts time.Duration, busy int) time.Time {
	n := int(lasts.Seconds() * float64(rate))
	for i := range n {
		at = at.Add(time.Second / time.Duration(rate))
		t.left(at)
		if i*busy/100 != (i+1)*busy/100 {
			t.refused(at, at)
		}
	}
	return at
}

func TestThrottle(t *testing.T) {
	for name, tt := range map[string]struct {
		busy       int // of a hundred
		least, max float64
	}{
		"a few 503s are weather": {4, 100, 100},
		"none":                   {0, 100, 100},
		"one in ten halves it":   {10, 50, 50},
		"nothing but 503":        {100, 50, 50},
	} {
		t.Run(name, func(t *testing.T) {
			c := throttle{part: 1}
			at := c.storm(epoch, 50, 10*time.Second, tt.busy)
			if got := c.rate(at, 100); got < tt.least || got > tt.max {
				t.Errorf("after 10 s: %.2f of 100 calls a second, want %.2f to %.2f", got, tt.least, tt.max)
			}
		})
	}
}

// Where half is still too much, a half of that follows in every span, down to a
// rest that finds out when the carrier takes more.
func TestThrottleGoesOn(t *testing.T) {
	c := throttle{part: 1}
	at := epoch
	for i, want := range []float64{50, 25, 12.5, 6.25, 3.125, 1.5625, 1.5625} {
		at = c.storm(at, 10, span, 100)
		if got := c.rate(at, 100); got != want {
			t.Errorf("after %d spans of 503: %.3f, want %.3f", i+1, got, want)
		}
	}
}

func TestThrottleCreepsBack(t *testing.T) {
	c := throttle{part: 1}
	at := epoch
	for range 20 {
		c.left(at)
	}
	c.refused(at, at)
	if got := c.rate(at, 40); got != 40 {
		t.Errorf("after one 503: %.1f", got)
	}
	c.refused(at, at)
	if got := c.rate(at, 40); got != 20 {
		t.Errorf("after a burst: %.1f, want half", got)
	}
	c.refused(at.Add(time.Second), at.Add(-time.Second))
	if got := c.rate(at, 40); got != 20 {
		t.Errorf("calls that left before the halving halve it again: %.1f", got)
	}
	for i := range 10 {
		at = at.Add(span)
		if got, want := c.rate(at, 40), 20+2*float64(i+1); got < want-1e-9 || got > want+1e-9 {
			t.Errorf("%d spans later: %.2f, want %.2f", i+1, got, want)
		}
	}
	if c.rate(at.Add(time.Hour), 40) != 40 || !c.eases(at.Add(time.Hour)).IsZero() {
		t.Error("not at rest an hour later")
	}
}

func TestOverloadControlHolds(t *testing.T) {
	c := throttle{part: 1}
	at := c.storm(epoch, 20, 20*time.Second, 0)
	c.control(at, 0.25, 2*time.Second, 7)
	if got := c.rate(at, 100); got < 14.9 || got > 15.2 {
		t.Errorf("a quarter fewer of 20 a second: %.2f", got)
	}
	c.control(at, 0.9, time.Minute, 6) // older
	c.control(at.Add(time.Second), 0.5, 2*time.Second, 8)
	if got := c.rate(at.Add(2900*time.Millisecond), 100); got < 9.9 || got > 10.2 {
		t.Errorf("half of 20 a second: %.2f", got)
	}
	if got := c.rate(at.Add(3*time.Second), 100); got != 100 {
		t.Errorf("when it is over: %.2f", got)
	}
	c.control(at.Add(4*time.Second), 1, time.Second, 1)
	if got := c.rate(at.Add(4*time.Second), 100); got != 0 || !c.eases(at.Add(4*time.Second)).Equal(at.Add(5*time.Second)) {
		t.Errorf("all: %.2f", got)
	}
	c.control(at.Add(4*time.Second), 0, 0, 0)
	if got := c.rate(at.Add(4*time.Second), 100); got != 100 {
		t.Errorf("taken back: %.2f", got)
	}
	var idle throttle
	idle.part = 1
	idle.control(epoch, 0.5, time.Hour, 0)
	if got := idle.rate(epoch, 100); got != 2.5 {
		t.Errorf("a carrier that asks before the first call leaves %.2f, want half of the creep", got)
	}
}

func TestThrottleLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c, at := throttle{part: 1}, epoch
		whole := rapid.Float64Range(0.1, 500).Draw(rt, "whole")
		for range rapid.IntRange(0, 100).Draw(rt, "steps") {
			at = at.Add(time.Duration(rapid.IntRange(0, 20_000).Draw(rt, "ms")) * time.Millisecond)
			before := c.rate(at, whole)
			switch rapid.IntRange(0, 2).Draw(rt, "what") {
			case 0:
				c.left(at)
			case 1:
				c.refused(at, at)
				if after := c.rate(at, whole); after > before || after < before/2-1e-9 {
					rt.Fatalf("one 503: %.3f to %.3f", before, after)
				}
			case 2:
				c.control(at, float64(rapid.IntRange(0, 100).Draw(rt, "loss"))/100, time.Duration(rapid.IntRange(0, 5000).Draw(rt, "validity"))*time.Millisecond, 0)
			}
			if got := c.rate(at, whole); got < 0 || got > whole {
				rt.Fatalf("rate %.3f of %.3f", got, whole)
			}
		}
		// Whatever came: the whole rate is back after twenty-two quiet spans and the longest control.
		if got := c.rate(at.Add(22*span), whole); got != whole {
			rt.Fatalf("at rest %.3f of %.3f", got, whole)
		}
	})
}

// Pacing sees the rate that is left, and why.
func TestPacingSeesTheThrottle(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.MaxChannels, cfg.OverloadControl = 40, 100, true
	f := newFloor(t, cfg)
	for i := range 4 {
		id := fmt.Sprint("c", i)
		f.dial(t, id)
		f.Handle(sip.Progress{Leg: sip.LegID(id), Code: 183}) // the target itself is well
		if i < 2 {
			f.end(id, sip.Cause{Code: 503, Result: sip.ResultCongestion})
		}
		f.at = f.at.Add(25 * time.Millisecond)
	}
	if !f.agent.invites[0].OverloadControl {
		t.Error("overload control is not offered")
	}
	if s := f.Stats()[0]; s.CPS != 20 || s.ShareCPS != 40 {
		t.Errorf("stats: %.1f of %.1f calls a second, want half", s.CPS, s.ShareCPS)
	}
	f.Handle(sip.Overload{Leg: "c3", Loss: 100, Validity: 3 * time.Second})
	got := f.Capacity("default", f.at)
	if got.Bound != BoundCPS || got.Calls != 0 || !strings.HasPrefix(got.Why, "trunk alpha asks for 100 % fewer calls") || got.NextToken.Sub(f.at) != 3*time.Second {
		t.Errorf("capacity %+v", got)
	}
	for _, ev := range f.events {
		if _, ok := ev.(sip.Overload); ok {
			t.Error("overload control is not for the engine")
		}
	}
	f.at = f.at.Add(3 * time.Second)
	f.Handle(sip.Overload{Leg: "nobody", Loss: 100, Validity: time.Hour})
	for f.Capacity("default", f.at).Calls == 0 {
		f.at = f.at.Add(time.Millisecond)
	}
	f.reserve(t, "d")
	for f.Capacity("default", f.at).Calls > 0 {
		f.reserve(t, "")
	}
	if got := f.Capacity("default", f.at); got.Why != "trunk alpha answered too many calls with 503: 20.0 of 40.0 a second" || got.Bound != BoundCPS {
		t.Errorf("capacity %+v", got)
	}
}
