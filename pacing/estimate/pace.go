package estimate

import "math"

const (
	paceMemory   = 400.0 // talks and wrap-ups of one operator
	usualsMemory = 400.0 // of all operators
	usualsKnown  = 10.0  // ends before one is compared with them
	priorLogs    = 0.6   // variance of log durations: a coefficient of variation of 0.9
	leastLogs    = 0.05  // however alike they look
	farLogs      = 2.5   // standard deviations; beyond, a duration says no more
	leastSpan    = 0.1   // seconds
	byChance     = 2.5   // standard deviations of the differences of equals
	farPace      = 10.0  // times the usual: however few and strange the ends, no operator is slower or quicker
)

// UsualLength is how long a talk or a wrap-up usually lasts: mean and variance of
// the logarithm, over all operators, discounted. The zero value knows nothing.
type UsualLength struct {
	mean, count float64
	squares     float64 // of the surprises, discounted sum
}

// Observe books a span of so many seconds, and returns what it says of the one
// who took it: by what log factor it was longer than usual, and the weight of
// that, the inverse of its variance; 0 while little is known.
func (u *UsualLength) Observe(seconds float64) (longer, weight float64) {
	variance := u.variance()
	longer = math.Log(math.Max(leastSpan, seconds)) - u.mean
	known := u.count >= usualsKnown
	if known {
		far := farLogs * math.Sqrt(variance)
		longer = math.Max(-far, math.Min(far, longer))
	}
	keep := 1 - 1/usualsMemory
	if u.count > 0 {
		u.squares = u.squares*keep + longer*longer*u.count/(u.count+1)
	}
	u.count = u.count*keep + 1
	u.mean += longer / u.count
	if !known {
		return 0, 0
	}
	return longer, 1 / variance
}

// variance is that of the logarithm, drawn to the prior by as many ends as make
// the usual length known.
func (u *UsualLength) variance() float64 {
	return math.Max(leastLogs, (u.squares+usualsKnown*priorLogs)/(u.count+usualsKnown))
}

// Pace is how slow one operator is: their talks and wrap-ups last so many times
// as long as usual. It is what was seen of them, discounted; Value shrinks it. The
// zero value knows nothing.
type Pace struct {
	Longer float64 `json:"longer"` // log factors, the sum of each times its weight
	Weight float64 `json:"weight"` // sum
}

// Observe books a talk or a wrap-up of theirs, as UsualLength.Observe found it.
func (p *Pace) Observe(longer, weight float64) {
	if weight <= 0 {
		return
	}
	const keep = 1 - 1/paceMemory
	p.Longer = p.Longer*keep + longer*weight
	p.Weight = p.Weight*keep + weight
}

// Value is the factor on the usual lengths, within farPace of 1: 1 for an operator of whom nothing
// is known, and for all where operators differ by nothing. Spread is that of
// PaceSpread (empirical Bayes, normal in the logarithm).
func (p Pace) Value(spread float64) float64 {
	if !(spread > 0) {
		return 1
	}
	value := math.Exp(p.Longer / (p.Weight + 1/(spread*spread)))
	return math.Max(1/farPace, math.Min(farPace, value))
}

// PaceSpread is the standard deviation of the log paces of operators beyond what
// chance makes of equal ones, by the method of moments (DerSimonian and Laird,
// 1986), on the careful side; 0 where chance explains it all.
func PaceSpread(paces []*Pace) float64 {
	var n, weight, squares, longer, seen float64
	for _, p := range paces {
		if p.Weight <= 0 {
			continue
		}
		n++
		weight += p.Weight
		squares += p.Weight * p.Weight
		longer += p.Longer
		seen += p.Longer * p.Longer / p.Weight
	}
	if n < 2 {
		return 0
	}
	chance := n - 1 + byChance*math.Sqrt(2*(n-1))
	beyond := seen - longer*longer/weight - chance
	return math.Sqrt(math.Max(0, beyond/(weight-squares/weight)))
}

// sound says whether p can have been observed.
func (p Pace) sound() bool {
	return p.Weight > 0 && math.Abs(p.Longer) <= 20*p.Weight && p.Weight < 1e6
}

// Recalled is p as a hint after a restart: half of its weight. False where p is
// garbage.
func (p Pace) Recalled() (Pace, bool) {
	return Pace{Longer: p.Longer / 2, Weight: p.Weight / 2}, p.sound()
}
