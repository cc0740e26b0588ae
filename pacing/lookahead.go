package pacing

import "math"

const (
	// points is the number of moments at which the look-ahead stands: equally
	// weighted quantiles of the time from dial to live answer.
	points = 6
	// exactTerms is up to how many operators and calls the chance is computed
	// exactly; beyond, the normal approximation with its skewness is as good.
	exactTerms = 18
	// maxTerms bounds the exact distribution as calls are added.
	maxTerms = 62
	// knownSpread is the relative error of the answer level above which it counts
	// in the exact sum: as a level that is as likely too high as too low by that
	// error.
	knownSpread = 0.05
	sides       = 2 // the level too high, and too low
	// fewCalls in flight are made up for by the next dials, see displaced.
	fewCalls = 20.0
)

// chances is one chance per point.
type chances [points]float64

// lookAhead is the distribution of free operators at each point:
//
//	D = free now + operators coming free (a Bernoulli each) - live answers (a Bernoulli each)
//
// and from it the chance that the answer of one more call finds nobody.
type lookAhead struct {
	base      int // ready less waiting
	mean      chances
	variance  chances
	skew      chances // third central moment
	answers   chances // expected live answers
	counted   float64 // share of the answers that may be abandoned, see model.counted
	spread    float64 // relative standard deviation of the answer level
	calls     int
	terms     []term
	termCount int
	exact     bool
	sums      [sides][points][maxTerms + 2]float64 // distributions of the sum of terms
	sumMax    int
}

// term is an operator coming free, or a call not being answered.
type term struct {
	chances
	call bool
}

// reset starts anew with so many free operators and an answer level of this spread.
func (l *lookAhead) reset(free int, spread float64) {
	l.base, l.spread = free, spread
	l.terms, l.termCount, l.calls, l.counted, l.exact = l.terms[:0], 0, 0, 1, false
	l.variance, l.skew, l.answers = chances{}, chances{}, chances{}
	for k := range points {
		l.mean[k] = float64(free)
	}
}

// addOperators counts n operators who come free in time with these chances each.
func (l *lookAhead) addOperators(free *chances, n int) {
	if free[points-1] < 1e-5 {
		return
	}
	times := float64(n)
	for k, p := range free {
		v := times * p * (1 - p)
		l.mean[k] += times * p
		l.variance[k] += v
		l.skew[k] += v * (1 - 2*p)
	}
	l.remember(&term{*free, false}, n)
}

// addCalls counts n calls in flight that are answered live in time with these
// chances each. After finish it adds calls just placed.
func (l *lookAhead) addCalls(answered *chances, n int) {
	if answered[points-1] < 1e-6 {
		return
	}
	l.calls += n
	times := float64(n)
	var not chances
	for k, q := range answered {
		v := times * q * (1 - q)
		l.mean[k] -= times * q
		l.answers[k] += times * q
		l.variance[k] += v
		l.skew[k] -= v * (1 - 2*q)
		not[k] = 1 - q
	}
	t := term{not, true}
	l.remember(&t, n)
	for range n {
		if l.exact {
			l.convolve(&t)
		}
	}
}

func (l *lookAhead) remember(t *term, n int) {
	l.termCount += n
	if l.termCount <= exactTerms {
		for range n {
			l.terms = append(l.terms, *t)
		}
	}
}

// finish decides between the exact distribution and the approximation.
func (l *lookAhead) finish() {
	if l.termCount > exactTerms {
		return
	}
	l.exact = true
	l.sumMax = 0
	for side := range l.sides() {
		for k := range points {
			l.sums[side][k][0] = 1
		}
	}
	for i := range l.terms {
		l.convolve(&l.terms[i])
	}
}

// sides is over how many levels of answers the exact distribution is averaged.
func (l *lookAhead) sides() int {
	if l.spread < knownSpread {
		return 1
	}
	return sides
}

// convolve adds one Bernoulli term to the exact distributions.
func (l *lookAhead) convolve(t *term) {
	n := l.sumMax
	if n >= maxTerms {
		l.exact = false
		return
	}
	l.sumMax++
	two := l.sides()
	for side := range two {
		for k, p := range t.chances {
			if t.call && two > 1 {
				p = 1 - min(1, (1-p)*(1+l.spread*float64(1-2*side)))
			}
			d := &l.sums[side][k]
			d[n+1] = d[n] * p
			for j := n; j > 0; j-- {
				d[j] = d[j]*(1-p) + d[j-1]*p
			}
			d[0] *= 1 - p
		}
	}
}

// abandonChance is how many more calls are expected to be abandoned for the live answer
// of one more call, in [0, 1]: the chance that it finds no operator in time, or that it
// takes the one whom a later answer would have found.
func (l *lookAhead) abandonChance() float64 {
	sum, worst, displaced := 0.0, 0.0, l.displaced()
	for k := points - 1; k >= 0; k-- {
		var own float64
		if l.exact {
			own = l.exactAt(k)
		} else {
			own = l.normalAt(k)
		}
		worst = max(worst, own)
		sum += own + displaced*(worst-own)
	}
	return l.counted * sum / points
}

// displaced is how much of the harm to a later answer counts: that of the calls in flight
// beyond a few. Few can be made up for by leaving out the next dial.
func (l *lookAhead) displaced() float64 {
	return max(0, 1-fewCalls/float64(max(1, l.calls)))
}

// room is how many operators are free beyond the answers expected, on average
// over the points.
func (l *lookAhead) room() float64 {
	sum := 0.0
	for _, m := range l.mean {
		sum += m
	}
	return sum / points
}

// spreadAt is the standard deviation of D at point k.
func (l *lookAhead) spreadAt(k int) float64 {
	doubt := l.spread * l.answers[k]
	return math.Sqrt(l.variance[k] + doubt*doubt)
}

// exactAt is P(D <= 0) at point k, where D = base - calls + sum of terms.
func (l *lookAhead) exactAt(k int) float64 {
	most := l.calls - l.base // D <= 0 means at most this many
	if most < 0 {
		return 0
	}
	if most >= l.sumMax {
		return 1
	}
	sum, two := 0.0, l.sides()
	for side := range two {
		for _, p := range l.sums[side][k][:most+1] {
			sum += p
		}
	}
	return min(1, sum/float64(two))
}

// normalAt is P(D <= 0) at point k by the normal approximation with continuity
// and skewness corrections. The doubt about the answer level is part of the variance.
func (l *lookAhead) normalAt(k int) float64 {
	doubt := l.spread * l.answers[k]
	variance := l.variance[k] + doubt*doubt
	if variance < 1e-9 {
		if l.mean[k] < 0.5 {
			return 1
		}
		return 0
	}
	sd := math.Sqrt(variance)
	x := (0.5 - l.mean[k]) / sd
	skewness := l.skew[k] / (variance * sd)
	density := math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
	p := 0.5*math.Erfc(-x/math.Sqrt2) + skewness*(1-x*x)*density/6
	return max(0, min(1, p))
}
