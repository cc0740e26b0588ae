package simulator

import (
	"math"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

func policy(t testing.TB, text string) Policy {
	t.Helper()
	p, err := ParsePolicy(text)
	if err != nil {
		t.Fatal(err)
	}
	if p.Baseline == Oracle {
		p.Threshold = 0.03
	}
	return p
}

// Every baseline keeps the rules of the floor and repeats its day.
func TestBaselinesKeepTheRules(t *testing.T) {
	s := steady(12, 0.3, 0.4)
	s.Trunks = Trunks{Channels: 40, CPS: 4}
	s.AMD = AMD{Enabled: true, HumanAsMachine: 0.01, MachineAsHuman: 0.05}
	s.setDefaults()
	for _, text := range []string{"progressive", "ratio:2.5", "vici:average", "vici:hard", "vici:tapered", "erlang", "oracle"} {
		first, _, _ := run(t, s, policy(t, text), 5)
		if first.Connected == 0 {
			t.Errorf("%s connects nobody", text)
		}
		again, _, _ := run(t, s, policy(t, text), 5)
		if first.Dials != again.Dials || first.Utilisation != again.Utilisation {
			t.Errorf("%s: two days of one seed differ", text)
		}
	}
}

// What a fixed ratio asks for, from what it has seen.
func TestFixedRatio(t *testing.T) {
	for _, c := range []struct {
		ratio                    float64
		ready, flying, wait, dia int
	}{
		{1, 3, 0, 0, 3},
		{1, 3, 2, 0, 1},
		{2, 3, 2, 0, 4},
		{2.5, 3, 0, 0, 7},
		{2, 2, 1, 1, 2},
		{2, 1, 5, 0, 0},
		{2, 0, 0, 0, 0},
	} {
		f := &fixed{baseline: newBaseline(), ratio: c.ratio}
		for i := range c.ready {
			f.Observe(moment(0), pacing.Operator{ID: string(rune('a' + i)), State: pacing.Ready})
		}
		for i := range c.flying + c.wait {
			id := string(rune('0' + i))
			f.Observe(moment(0), pacing.Dialed{Call: id})
			if i >= c.flying {
				f.Observe(moment(0), pacing.Human{Call: id})
			}
		}
		if got := f.Decide(moment(0), pacing.View{Room: -1}).Dial; got != c.dia {
			t.Errorf("%+v: dials %d", c, got)
		}
	}
}

// The level doubles with everybody ready, is held by its cap, and falls as the
// mode says when the day is over the limit.
func TestViciLevel(t *testing.T) {
	s := steady(4, 0.3, 20)
	for _, c := range []struct {
		mode  Baseline
		drops int
		want  float64
	}{
		{ViciAverage, 0, 3},
		{ViciAverage, 30, 1}, // doubled and halved in each step
		{ViciHard, 30, 1},
		{ViciTapered, 30, 3}, // more than ten hours are left
	} {
		p := newVici(c.mode, viciGreatest, s)
		for _, id := range []string{"a", "b", "c", "d"} {
			p.Observe(moment(0), pacing.Operator{ID: id, State: pacing.Ready})
		}
		p.calls, p.answers, p.drops = 100, 100, c.drops
		for at := time.Duration(0); at <= 90*time.Second; at += viciSample {
			p.Decide(moment(at), pacing.View{Room: 0})
		}
		if math.Abs(p.level-c.want) > 1e-9 {
			t.Errorf("%s with %d drops: level %v, want %v", c.mode, c.drops, p.level, c.want)
		}
	}
}

// The surplus is what integration gives.
func TestSurplus(t *testing.T) {
	for _, c := range [][2]float64{{0, 1}, {2, 1.5}, {-3, 2}, {5, 0.1}} {
		mean, sd := c[0], c[1]
		want, step := 0.0, 1e-3
		for z := -8.0; z < 8; z += step {
			want += max(0, mean+sd*z) * math.Exp(-z*z/2) / math.Sqrt(2*math.Pi) * step
		}
		if got := surplus(mean, sd); math.Abs(got-want) > 1e-4 {
			t.Errorf("surplus(%v, %v) = %v, want %v", mean, sd, got, want)
		}
	}
}

// An outlook of one operator, ready or coming free, and of calls, in closed form;
// and its approximation is near the exact law.
func TestOutlook(t *testing.T) {
	same := func(p float64) *odds {
		var o odds
		for k := range o {
			o[k] = p
		}
		return &o
	}
	var l outlook
	l.reset(1)
	if got := l.nobody(); got != 0 {
		t.Errorf("a ready operator: %v", got)
	}
	l.add(-1, same(0.3))
	if got := l.nobody(); math.Abs(got-0.3) > 1e-12 {
		t.Errorf("one call before: %v, want 0.3", got)
	}
	l.add(1, same(0.6))
	if got := l.nobody(); math.Abs(got-0.3*0.4) > 1e-12 {
		t.Errorf("and one operator coming: %v, want 0.12", got)
	}
	l.reset(2)
	for range 8 {
		l.add(-1, same(0.25))
		l.add(1, same(0.2))
	}
	if exact, near := l.exactAt(0), l.normalAt(0); math.Abs(exact-near) > 0.01 {
		t.Errorf("exact %v, approximated %v", exact, near)
	}
}

// What the oracle foresees of a dial is what becomes of it: over its whole life
// it is answered live with the chance that the scenario says.
func TestForesight(t *testing.T) {
	s := steady(1, 0.2, 1)
	l, err := compile(s)
	if err != nil {
		t.Fatal(err)
	}
	f := newForesight(s, l)
	d := f.dial(0, 0)
	last := d.at(0)[outlookPoints-1]
	if want := 0.2 * 11 / 12; math.Abs(last-want) > 0.01 {
		t.Errorf("answered by the last point: %v, want %v", last, want)
	}
	w := f.handling(0, 0)
	if fresh, old := w.wrap[0][3], w.wrap[40][3]; !(fresh > 0 && old > fresh) {
		t.Errorf("an operator in wrap-up comes free with %v at first, %v after 20 s", fresh, old)
	}
	if more, less := w.talk[10][5], w.talk[10][0]; !(more >= less) {
		t.Errorf("free by the last point with %v, by the first with %v", more, less)
	}
}
