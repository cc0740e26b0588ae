package simulator

import "math"

// outlookPoints is at how many moments an outlook stands: equally weighted
// quantiles of the time from dial to live answer.
const outlookPoints = 6

// outlookTerms is up to how many chances the law is computed exactly.
const outlookTerms = 20

// odds is one chance for each point.
type odds [outlookPoints]float64

// outlook is the law of the free operators at each point, the sum of those free
// now and of independent chances: operators who come free, less calls answered.
type outlook struct {
	free                 int // now, less who waits; less the calls, whose terms count not being answered
	mean, variance, skew odds
	terms                []odds
	count                int
}

func (l *outlook) reset(free int) {
	*l = outlook{free: free, terms: l.terms[:0]}
	for k := range l.mean {
		l.mean[k] = float64(free)
	}
}

func (l *outlook) add(sign float64, chance *odds) {
	if chance[outlookPoints-1] < 1e-6 {
		return
	}
	for k, p := range chance {
		v := p * (1 - p)
		l.mean[k] += sign * p
		l.variance[k] += v
		l.skew[k] += sign * v * (1 - 2*p)
	}
	l.count++
	if l.count > outlookTerms {
		return
	}
	term := *chance
	if sign < 0 {
		l.free--
		for k := range term {
			term[k] = 1 - term[k]
		}
	}
	l.terms = append(l.terms, term)
}

// nobody is the chance that one more answer finds no operator.
func (l *outlook) nobody() float64 {
	sum := 0.0
	for k := range outlookPoints {
		if l.count <= outlookTerms {
			sum += l.exactAt(k)
		} else {
			sum += l.normalAt(k)
		}
	}
	return sum / outlookPoints
}

// exactAt is the chance that at most -free of the terms come true.
func (l *outlook) exactAt(k int) float64 {
	var law [outlookTerms + 1]float64
	law[0] = 1
	for n, term := range l.terms {
		p := term[k]
		for j := n + 1; j > 0; j-- {
			law[j] = law[j]*(1-p) + law[j-1]*p
		}
		law[0] *= 1 - p
	}
	sum := 0.0
	for j := 0; j <= min(-l.free, len(l.terms)); j++ {
		sum += law[j]
	}
	return sum
}

// normalAt is the normal approximation, corrected for steps and skewness.
func (l *outlook) normalAt(k int) float64 {
	if l.variance[k] < 1e-9 {
		if l.mean[k] < 0.5 {
			return 1
		}
		return 0
	}
	sd := math.Sqrt(l.variance[k])
	x := (0.5 - l.mean[k]) / sd
	density := math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)
	p := 0.5*math.Erfc(-x/math.Sqrt2) + l.skew[k]/(l.variance[k]*sd)*(1-x*x)*density/6
	return min(1, max(0, p))
}
