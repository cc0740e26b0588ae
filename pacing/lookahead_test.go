package pacing

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// bruteForce is P(free + operators who come free - answers <= 0) at one point,
// over every outcome.
func bruteForce(free int, operators, calls []float64) float64 {
	if len(operators) > 0 {
		p := operators[0]
		return p*bruteForce(free+1, operators[1:], calls) + (1-p)*bruteForce(free, operators[1:], calls)
	}
	if len(calls) > 0 {
		q := calls[0]
		return q*bruteForce(free-1, nil, calls[1:]) + (1-q)*bruteForce(free, nil, calls[1:])
	}
	if free <= 0 {
		return 1
	}
	return 0
}

func same(p float64) *chances {
	var c chances
	for k := range c {
		c[k] = p
	}
	return &c
}

func TestAbandonChanceIsExactForFewTerms(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		chance := rapid.Float64Range(0.001, 1)
		operators := rapid.SliceOfN(chance, 0, 6).Draw(t, "operators")
		calls := rapid.SliceOfN(chance, 0, 6).Draw(t, "calls")
		free := rapid.IntRange(-3, 4).Draw(t, "free")
		var l lookAhead
		l.reset(free, 0)
		for _, p := range operators {
			l.addOperators(same(p), 1)
		}
		half := len(calls) / 2
		for i, q := range calls { // half in flight, half just placed
			if i == half {
				l.finish()
			}
			l.addCalls(same(q), 1)
		}
		if len(calls) == 0 {
			l.finish()
		}
		got, want := l.abandonChance(), bruteForce(free, operators, calls)
		if math.Abs(got-want) > 1e-9 {
			t.Fatalf("chance = %v, want %v", got, want)
		}
	})
}

// The approximation for many terms meets the exact sum.
func TestNormalMeetsExact(t *testing.T) {
	for _, c := range []struct {
		free, operators, calls int
		p, q                   float64
	}{
		{0, 60, 40, 0.1, 0.1},
		{2, 100, 50, 0.08, 0.15},
		{1, 300, 200, 0.05, 0.06},
		{10, 40, 30, 0.1, 0.4},
	} {
		var l lookAhead
		l.reset(c.free, 0)
		for range c.operators {
			l.addOperators(same(c.p), 1)
		}
		for range c.calls {
			l.addCalls(same(c.q), 1)
		}
		l.finish()
		want := binomialTail(c.free, c.operators, c.calls, c.p, c.q)
		if got := l.abandonChance(); math.Abs(got-want) > 0.006 {
			t.Errorf("%+v: chance = %.4f, want %.4f", c, got, want)
		}
	}
}

// binomialTail is P(free + Bin(n, p) - Bin(m, q) <= 0).
func binomialTail(free, n, m int, p, q float64) float64 {
	pmf := func(n int, p float64) []float64 {
		d := []float64{1}
		for range n {
			next := make([]float64, len(d)+1)
			for j, x := range d {
				next[j] += x * (1 - p)
				next[j+1] += x * p
			}
			d = next
		}
		return d
	}
	sum := 0.0
	for i, x := range pmf(n, p) {
		for j, y := range pmf(m, q) {
			if free+i-j <= 0 {
				sum += x * y
			}
		}
	}
	return sum
}

func TestAbandonChanceGrowsWithCallsAndDoubt(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		build := func(spread float64) *lookAhead {
			l := &lookAhead{}
			l.reset(3, spread)
			for range 30 {
				l.addOperators(same(0.15), 1)
			}
			for range 10 {
				l.addCalls(same(0.2), 1)
			}
			l.finish()
			return l
		}
		sure, doubtful := build(0.01), build(0.4)
		if a, b := sure.abandonChance(), doubtful.abandonChance(); a > b {
			t.Fatalf("chance when sure = %v, when in doubt = %v", a, b)
		}
		q := rapid.Float64Range(0.01, 0.9).Draw(t, "q")
		before := sure.abandonChance()
		for range 10 {
			sure.addCalls(same(q), 1)
			after := sure.abandonChance()
			if after < before-1e-3 {
				t.Fatalf("one more call: chance %v then %v", before, after)
			}
			before = after
		}
	})
}

// Where most people answer after the legal minimum of ringing, answers may not all
// count as given up in time: a floor that began so lost 3 in 100 for an hour.
func TestHalfTheAnswersCount(t *testing.T) {
	for _, tc := range []struct {
		cancel  bool
		min     time.Duration
		counted float64
	}{
		{false, time.Second, 1},
		{true, time.Second, leastCounted},
		{true, time.Minute, 1},
	} {
		m := newModel(monday, Settings{Cancel: tc.cancel, RingMin: tc.min}.withDefaults())
		if m.counted != tc.counted {
			t.Errorf("cancel %v after %v: %.2f of the answers count, want %.2f", tc.cancel, tc.min, m.counted, tc.counted)
		}
	}
}

// Whether calls may be given up counts from the moment a manager says so.
func TestCancelCountsAtOnce(t *testing.T) {
	with, without := Settings{Mode: Predictive, Cancel: true, RingMin: time.Second}, Settings{Mode: Predictive}
	c := New(without, monday).(*controller)
	ready(c, monday, 3)
	place(c, monday, "a")
	for _, s := range []Settings{with, without} {
		c.Adjust(at(1), s)
		fresh := newModel(monday, s.withDefaults())
		if c.model.counted != fresh.counted || c.model.offsets != fresh.offsets {
			t.Errorf("cancel %v: %.2f of the answers count, want %.2f", s.Cancel, c.model.counted, fresh.counted)
		}
	}
}

// A burst is dialled at once and answered one after the other: the first take the
// operators whom the last would have found.
func TestABurstHarmsItsLastAnswers(t *testing.T) {
	l := &lookAhead{}
	l.reset(10, 0)
	rising := chances{0.01, 0.02, 0.04, 0.08, 0.16, 0.32}
	l.addCalls(&rising, 31)
	l.finish()
	last := l.normalAt(points - 1)
	if chance := l.abandonChance(); chance < 0.3*last || l.normalAt(0) > 0.01 {
		t.Errorf("chance %.3f, where the last finds nobody at %.3f and the first at %.3f", chance, last, l.normalAt(0))
	}
	few := &lookAhead{}
	few.reset(1, 0)
	few.addCalls(&rising, 4)
	few.finish()
	own := 0.0
	for k := range points {
		own += few.exactAt(k) / points
	}
	if chance := few.abandonChance(); math.Abs(chance-own) > 1e-9 {
		t.Errorf("chance %.4f after few calls, want their own, %.4f", chance, own)
	}
}
