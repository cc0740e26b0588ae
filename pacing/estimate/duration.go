package estimate

import "math"

// DurationBin is the width in seconds of the bins of a Duration.
const DurationBin = 2.0

// The mean begins with the weight of so many states, and forgets over so many.
const (
	meanPrior  = 4.0
	meanMemory = 300.0
)

// DurationAgeBin is the bin of an age in seconds, in [0, bins).
func DurationAgeBin(age float64, bins int) int { return bin(age, DurationBin, bins) }

// Duration estimates how long a state of an operator lasts, talk or wrap-up,
// from those that ended and, as censored observations, those still running. An
// exponential prior fills the bins that have little evidence.
type Duration struct {
	ends  []float64 // discounted, by bin
	mean  float64
	count float64
}

// NewDuration returns an estimate over bins*DurationBin seconds that starts with
// this mean in seconds.
func NewDuration(bins int, mean float64) *Duration {
	return &Duration{ends: make([]float64, bins), mean: mean}
}

// Copy returns an estimate that knows the same.
func (d *Duration) Copy() *Duration {
	c := *d
	c.ends = append([]float64(nil), d.ends...)
	return &c
}

// Observe books a state that lasted so many seconds.
func (d *Duration) Observe(seconds float64) {
	d.ends[DurationAgeBin(seconds, len(d.ends))]++
	d.count++
	d.mean += (math.Max(0, seconds) - d.mean) / math.Min(d.count+meanPrior, meanMemory)
}

// Mean is the running mean in seconds.
func (d *Duration) Mean() float64 { return d.mean }

// Bins is the number of bins.
func (d *Duration) Bins() int { return len(d.ends) }

// Forget multiplies all counts by keep, in [0, 1].
func (d *Duration) Forget(keep float64) {
	for i := range d.ends {
		d.ends[i] *= keep
	}
}

// Law returns the chance of ending in each bin, summing to 1. The states that
// run now have these ages in seconds.
func (d *Duration) Law(running []float64) []float64 {
	prior := 1 - math.Exp(-DurationBin/math.Max(d.usual(running), 0.5))
	return d.law(running, func(_ int, exposed float64) (hazard, weight float64) {
		return prior, 0.5 + 4/(1+exposed)
	})
}

// usual is the mean in seconds, with the states that still run: the first that end are
// the short ones. Once many have ended, the long ones are among them.
func (d *Duration) usual(running []float64) float64 {
	sum := 0.0
	for _, age := range running {
		sum += age
	}
	return d.mean + sum*math.Max(0, 1/(d.count+meanPrior)-1/meanMemory)
}

// partWeight is how many states of the whole weigh as much as those of the part.
const partWeight = 12

// LawOf is Law for a part of the states, like talks of one segment: where the part
// has little evidence it is as the law of the whole, which has as many bins.
func (d *Duration) LawOf(whole, running []float64) []float64 {
	left := 1.0
	return d.law(running, func(i int, _ float64) (hazard, weight float64) {
		hazard = 1.0
		if left > 1e-9 {
			hazard = math.Min(1, whole[i]/left)
		}
		left -= whole[i]
		return hazard, partWeight
	})
}

// law builds the law from the hazards of the bins, each drawn towards a prior.
func (d *Duration) law(running []float64, prior func(i int, exposed float64) (hazard, weight float64)) []float64 {
	n := len(d.ends)
	exposed := make([]float64, n+1)
	for _, age := range running {
		exposed[DurationAgeBin(age, n)]++
	}
	for i := n - 1; i >= 0; i-- {
		exposed[i] += exposed[i+1] + d.ends[i]
	}
	law := make([]float64, n)
	left := 1.0
	for i := range law {
		usual, weight := prior(i, exposed[i])
		hazard := (d.ends[i] + weight*usual) / (exposed[i] + weight)
		law[i] = left * hazard
		left *= 1 - hazard
	}
	law[n-1] += left
	return law
}

// Shift is by what ratio more ends are expected of the states that d has seen, and
// of those that run now at these ages in seconds, after than before.
func (d *Duration) Shift(before, after Ends, running []float64) float64 {
	was, is := 0.0, 0.0
	for i, n := range d.ends {
		age := (float64(i) + 0.5) * DurationBin
		was += n * before.By(age)
		is += n * after.By(age)
	}
	for _, age := range running {
		was += before.By(age)
		is += after.By(age)
	}
	return rescale(is, was)
}
