package estimate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// A few talks last longer than the table; each of them is expected to end as
// seldom as the longest in it, not at once.
func TestTalksBeyondTheTable(t *testing.T) {
	const bins, mean = 100, 150.0
	d := NewDuration(bins, mean)
	rng := rand.New(rand.NewPCG(5, 6))
	for range 3000 {
		d.Observe(rng.ExpFloat64() * mean)
	}
	law := d.Law(nil)
	h := NewHandling(law, []float64{1, 0, 0, 0, 0, 0, 0, 0, 0, 0}, []float64{10})
	want := h.Talking(100)[0]
	for _, age := range []float64{188, 196, 199, 201, 5000} {
		if got := h.Talking(age)[0]; got > 1.5*want {
			t.Errorf("chance of an end within 10 s at %v s = %.3f, want about %.3f as at 100 s", age, got, want)
		}
	}
	ends := NewEnds(law)
	for _, age := range []float64{100, 198, 400, 900} {
		if got, want := ends.By(age), age/mean; math.Abs(got-want) > 0.15*want {
			t.Errorf("ends expected by %v s = %.2f, want %.2f", age, got, want)
		}
	}
}

func TestEndsExpectWhatComes(t *testing.T) {
	d := NewDuration(900, 60)
	rng := rand.New(rand.NewPCG(7, 8))
	draw := func() float64 { return 40 + 80*rng.Float64() }
	for range 4000 {
		d.Observe(draw())
	}
	ends := NewEnds(d.Law(nil))
	expected := 0.0
	for range 1000 {
		expected += ends.By(draw())
	}
	if math.Abs(expected-1000) > 80 {
		t.Errorf("%.0f ends expected of 1000 talks, want about as many", expected)
	}
}

func TestFaster(t *testing.T) {
	law := NewDuration(900, 90).Law(nil)
	mean := func(law []float64) (sum float64) {
		for i, p := range law {
			sum += p * (float64(i) + 0.5) * DurationBin
		}
		return sum
	}
	for _, level := range []float64{0.5, 0.8, 1, 2} {
		scaled := Faster(law, level)
		if got, want := mean(scaled), 90/level; math.Abs(got-want) > 0.02*want {
			t.Errorf("level %v: mean = %.1f s, want %.1f", level, got, want)
		}
		sum := 0.0
		for _, p := range scaled {
			sum += p
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Errorf("level %v: the chances sum to %v", level, sum)
		}
	}
}

// What a new law has absorbed is expected no longer by the old one.
func TestShift(t *testing.T) {
	d := NewDuration(900, 90)
	rng := rand.New(rand.NewPCG(9, 10))
	for range 500 {
		d.Observe(80 + 40*rng.Float64())
	}
	before := NewEnds(NewDuration(900, 200).Law(nil))
	after := NewEnds(d.Law(nil))
	if got, want := d.Shift(before, after, nil), 2.0; math.Abs(got-want) > 0.3 {
		t.Errorf("shift = %.2f, want %.1f: one end for each talk of about 100 s instead of a half", got, want)
	}
	if got := d.Shift(before, before, []float64{10, 20}); got != 1 {
		t.Errorf("shift to the same law = %v, want 1", got)
	}
}
