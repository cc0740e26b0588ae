package simulator

import (
	"math"
	"testing"
)

func TestLawsHaveTheirMeanAndSpread(t *testing.T) {
	part := func(w float64, d Distribution) Weighted { return Weighted{w, d} }
	for _, row := range []struct {
		d            Distribution
		mean, spread float64 // standard deviation
	}{
		{Distribution{Mean: 3}, 3, 0},
		{Distribution{Type: "exp", Mean: 20}, 20, 20},
		{Distribution{Type: "exp", Mean: 20, Shift: 5}, 20, 15},
		{Distribution{Type: "lognormal", Mean: 12, CV: 0.5}, 12, 6},
		{Distribution{Type: "lognormal", Mean: 12}, 12, 0},
		{Distribution{Type: "weibull", Mean: 30, CV: 0.6}, 30, 18},
		{Distribution{Type: "weibull", Mean: 30, CV: 1.3}, 30, 39},
		{Distribution{Type: "erlang", Mean: 30, CV: 0.5}, 30, 15},
		{Distribution{Type: "uniform", Lo: 2, Hi: 8}, 5, 6 / math.Sqrt(12)},
		{Distribution{Type: "mix", Mix: []Weighted{part(1, Distribution{Mean: 2}), part(3, Distribution{Mean: 10})}}, 8, math.Sqrt(12)},
		{Distribution{Type: "exp", Mean: 10, Hi: 10}, 10 - 10*math.Exp(-1)/(1-math.Exp(-1)), 2.8166},
	} {
		l, err := row.d.compile()
		if err != nil {
			t.Errorf("%+v: %v", row.d, err)
			continue
		}
		const parts = 20_000
		sum, squares, last := 0.0, 0.0, 0.0
		for i := range parts {
			x := l.Quantile((float64(i) + 0.5) / parts)
			if x < last-1e-9 || row.d.Hi > 0 && x > row.d.Hi+1e-9 {
				t.Fatalf("%+v: %v after %v", row.d, x, last)
			}
			sum, squares, last = sum+x, squares+x*x, x
		}
		mean := sum / parts
		spread := math.Sqrt(max(0, squares/parts-mean*mean))
		if math.Abs(mean-row.mean) > 0.005*row.mean || math.Abs(spread-row.spread) > 0.02*row.spread+1e-3 {
			t.Errorf("%+v: mean %.3f, spread %.3f, want %.3f and %.3f", row.d, mean, spread, row.mean, row.spread)
		}
	}
}

// Neighbouring streams have nothing in common: no number of one comes in the
// next, and the first numbers of many are uniform.
func TestStreamsAreIndependent(t *testing.T) {
	const streams = 4_000
	sum, product, before := 0.0, 0.0, 0.5
	seen := map[uint64]bool{}
	for id := range uint64(streams) {
		s := newStream(1, ofRecord, id)
		for range 9 {
			if x := s.next(); seen[x] {
				t.Fatalf("stream %d repeats a number of another", id)
			} else {
				seen[x] = true
			}
		}
		x := newStream(1, ofRecord, id).uniform()
		sum += x
		product += (x - 0.5) * (before - 0.5)
		before = x
	}
	if mean := sum / streams; math.Abs(mean-0.5) > 4/math.Sqrt(12*streams) {
		t.Errorf("mean = %v", mean)
	}
	if c := 12 * product / streams; math.Abs(c) > 4/math.Sqrt(streams) {
		t.Errorf("correlation of neighbours = %v", c)
	}
}
