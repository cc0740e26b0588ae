package estimate

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

func TestDurationStartsExponential(t *testing.T) {
	law := NewDuration(900, 90).Law(nil)
	mean := 0.0
	for i, p := range law {
		mean += p * (float64(i) + 0.5) * DurationBin
	}
	if math.Abs(mean-90) > 2 {
		t.Errorf("mean of the prior = %.1f s, want 90", mean)
	}
}

func TestDurationFindsTheLaw(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	d := NewDuration(900, 90)
	for range 3000 {
		d.Observe(60 + 20*rng.Float64())
	}
	law := d.Law(nil)
	early, within := 0.0, 0.0
	for i, p := range law {
		switch at := float64(i) * DurationBin; {
		case at < 58:
			early += p
		case at < 82:
			within += p
		}
	}
	if early > 0.05 || within < 0.93 {
		t.Errorf("chance before 60 s = %.3f and within [60, 80] s = %.3f, want about 0 and 1", early, within)
	}
	if got := d.Mean(); math.Abs(got-70) > 2 {
		t.Errorf("mean = %.1f s, want 70", got)
	}
}

// Long talks that still run must not be left out, or talks look short.
func TestRunningTalksAreCensored(t *testing.T) {
	d := NewDuration(900, 90)
	for range 50 {
		d.Observe(10)
	}
	running := make([]float64, 50)
	for i := range running {
		running[i] = 100
	}
	ended := func(law []float64) (sum float64) {
		for _, p := range law[:6] { // before 12 s
			sum += p
		}
		return sum
	}
	if got := ended(d.Law(running)); math.Abs(got-0.5) > 0.06 {
		t.Errorf("chance of ending by 12 s with 50 talks running = %.2f, want 0.5", got)
	}
	if got := ended(d.Law(nil)); got < 0.9 {
		t.Errorf("chance without them = %.2f, want about 1", got)
	}
}

func TestLawSumsToOne(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := NewDuration(rapid.IntRange(1, 300).Draw(t, "bins"), 20)
		seconds := rapid.Float64Range(-10, 1000)
		for _, s := range rapid.SliceOfN(seconds, 0, 60).Draw(t, "ended") {
			d.Observe(s)
		}
		d.Forget(rapid.Float64Range(0, 1).Draw(t, "keep"))
		sum := 0.0
		for _, p := range d.Law(rapid.SliceOfN(seconds, 0, 20).Draw(t, "running")) {
			if p < 0 {
				t.Fatalf("chance = %v", p)
			}
			sum += p
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("sum = %v", sum)
		}
	})
}

// constant is the law of a state that ends in exactly this bin.
func constant(bins, end int) []float64 {
	law := make([]float64, bins)
	law[end] = 1
	return law
}

func TestHandlingOfConstantTimes(t *testing.T) {
	// Talk ends within [60, 62) s, wrap-up within [20, 22) s.
	h := NewHandling(constant(100, 30), constant(50, 10), []float64{10, 30})
	for _, c := range []struct {
		name         string
		row          []float64
		soon, within float64
	}{
		{"talk just begun", h.Talking(0), 0, 0},
		{"talk about to end", h.Talking(59), 0, 1},
		{"wrap-up just begun", h.Wrapping(0), 0, 1},
		{"wrap-up about to end", h.Wrapping(16), 1, 1},
	} {
		if math.Abs(c.row[0]-c.soon) > 1e-9 || math.Abs(c.row[1]-c.within) > 1e-9 {
			t.Errorf("%s: within 10 s %.2f, within 30 s %.2f; want %v and %v", c.name, c.row[0], c.row[1], c.soon, c.within)
		}
	}
}

func TestHandlingOfExponentialTimesHasNoMemory(t *testing.T) {
	talk := NewDuration(900, 90).Law(nil)
	wrap := NewDuration(300, 20).Law(nil)
	h := NewHandling(talk, wrap, []float64{15})
	young, old := h.Talking(4)[0], h.Talking(200)[0]
	if math.Abs(young-old) > 0.002 {
		t.Errorf("chance at 4 s = %.4f, at 200 s = %.4f; want the same", young, old)
	}
	// P(talk + wrap <= 15) for means 90 and 20
	want := 1 - (90*math.Exp(-15.0/90)-20*math.Exp(-15.0/20))/70
	if math.Abs(young-want) > 0.004 {
		t.Errorf("chance = %.4f, want %.4f", young, want)
	}
	if got, want := h.Wrapping(30)[0], 1-math.Exp(-15.0/20); math.Abs(got-want) > 0.02 {
		t.Errorf("chance in wrap-up = %.4f, want %.4f", got, want)
	}
}

func TestShareAndMean(t *testing.T) {
	s := NewShare(12, 0.2, 40)
	for range 200 {
		s.Observe(true)
		s.Observe(false)
	}
	if got := s.Value(); math.Abs(got-0.5) > 0.02 {
		t.Errorf("share = %.3f, want 0.5", got)
	}
	for range 5 {
		s.Observe(false)
	}
	if got := s.Value(); got > 0.46 {
		t.Errorf("share after five times no = %.3f, want it to have moved", got)
	}
	m := NewMean(0, 50)
	for range 400 {
		m.Observe(1.5)
	}
	if got := m.Value(); math.Abs(got-1.5) > 0.01 {
		t.Errorf("mean = %.3f, want 1.5", got)
	}
}
