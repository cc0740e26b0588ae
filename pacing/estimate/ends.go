package estimate

import "math"

// tailBins are the last bins of a law, whose hazard those that outlive it are
// expected to have.
const tailBins = 60

// Faster is the law whose states end at so many times the hazard: level 1 is the
// law itself, below they last longer. Those that outlive the last bin end in it.
func Faster(law []float64, level float64) []float64 {
	if level == 1 {
		return law
	}
	scaled := make([]float64, len(law))
	left, was := 1.0, 1.0
	for i, chance := range law {
		is := math.Max(0, was-chance)
		if was > 1e-9 {
			next := left * math.Pow(is/was, level)
			scaled[i] = left - next
			left = next
		}
		was = is
	}
	scaled[len(scaled)-1] += left
	return scaled
}

// Ends is how many of the states of one kind, each seen from its begin, were
// expected to have ended by an age: their compensator, from the law of how long
// they last.
type Ends struct {
	sum  []float64 // by the begin of each bin but the last, which has no end
	tail float64   // in each bin from there
}

// NewEnds tabulates a law, as Duration.Law returns it.
func NewEnds(law []float64) Ends {
	e := Ends{sum: make([]float64, len(law))}
	left := 1.0
	for i, chance := range law[:len(law)-1] {
		hazard := 0.0
		if left > 1e-6 {
			hazard = math.Min(1, chance/left)
		}
		left -= chance
		e.sum[i+1] = e.sum[i] + hazard
	}
	last := len(e.sum) - 1
	from := max(0, last-tailBins)
	e.tail = (e.sum[last] - e.sum[from]) / float64(last-from)
	return e
}

// By is what is expected of one state that has this age in seconds.
func (e Ends) By(age float64) float64 {
	x := math.Max(0, age) / DurationBin
	beyond := math.Max(0, x-float64(len(e.sum)-1))
	return at(e.sum, x-beyond) + beyond*e.tail
}
