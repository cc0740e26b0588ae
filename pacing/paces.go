package pacing

import (
	"maps"
	"math"
	"slices"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

const (
	maxPaces   = 1000 // operators whose pace is remembered
	paceWeight = 10.0 // of a pace that is worth remembering
	// pacedSegments are the segments whose talks have tables for each class: a
	// table takes a fifth of a millisecond to make.
	pacedSegments = 8
)

// paceClass is one of a few paces that operators are sorted into: each has tables
// of its own, so that a decision only reads. Who is as usual reads the tables of
// all. That they are right for each operator brings hardly any utilisation: what
// the look-ahead sums over a floor was right before.
type paceClass int

const (
	paceClasses = 5 // from quick to slow
	usualPace   = paceClass(paceClasses / 2)
	paceStep    = 0.2 // of the logarithm, from one class to the next
	paceHold    = 0.7 // steps from the middle of a class at which it is left
)

// slower are the factors of the classes on the usual lengths; exactly 1 for the
// usual one.
var slower = func() (f [paceClasses]float64) {
	for i := range f {
		f[i] = math.Exp(paceStep * float64(paceClass(i)-usualPace))
	}
	return f
}()

// next is the class of an operator of this pace who was in class c. It takes more
// than half a step, so that nobody goes to and fro.
func (c paceClass) next(pace float64) paceClass {
	steps := math.Log(pace)/paceStep + float64(usualPace)
	if math.Abs(steps-float64(c)) <= paceHold {
		return c
	}
	return paceClass(max(0, min(paceClasses-1, math.Round(steps))))
}

// paces are what was learnt of the pace of each operator.
type paces struct {
	byID   map[string]*pace
	ids    []string         // in the order they were first seen
	all    []*estimate.Pace // of ids
	wrap   estimate.UsualLength
	spread float64 // among operators, of the logarithm
}

// pace is that of one operator.
type pace struct {
	estimate.Pace
	class paceClass
}

func newPaces() paces { return paces{byID: map[string]*pace{}} }

// of returns the pace of an operator, a new one where none is known.
func (p *paces) of(id string) *pace {
	if known := p.byID[id]; known != nil {
		return known
	}
	fresh := &pace{class: usualPace}
	p.byID[id] = fresh
	p.ids = append(p.ids, id)
	p.all = append(p.all, &fresh.Pace)
	return fresh
}

// sort puts everybody into the class of their pace.
func (p *paces) sort() {
	p.spread = estimate.PaceSpread(p.all)
	for _, id := range p.ids {
		one := p.byID[id]
		one.class = one.class.next(one.Value(p.spread))
	}
}

// classes gives the operators the class that they were sorted into, and says which
// are in use.
func (f *floor) classes() (used [paceClasses]bool) {
	used[usualPace] = true
	for _, o := range f.staff {
		o.class = o.pace.class
		used[o.class] = true
	}
	return used
}

// remember copies the paces that are known well enough.
func (p *paces) remember() map[string]estimate.Pace {
	kept := map[string]estimate.Pace{}
	for i, id := range p.ids {
		if p.all[i].Weight >= paceWeight && len(kept) < maxPaces {
			kept[id] = *p.all[i]
		}
	}
	return kept
}

// recall takes what was remembered for what was seen; garbage is left out.
func (p *paces) recall(kept map[string]estimate.Pace) {
	for _, id := range slices.Sorted(maps.Keys(kept)) {
		if hint, ok := kept[id].Recalled(); ok && len(p.ids) < maxPaces {
			p.of(id).Pace = hint
		}
	}
}

// handlings are the tables of when operators come free, one for each class in use.
type handlings [paceClasses]*estimate.Handling

// newHandlings tabulates the laws for the classes in use: whoever takes twice as
// long is through within twice the time.
func newHandlings(talk, wrap, horizons []float64, used [paceClasses]bool) (h handlings) {
	scaled := make([]float64, len(horizons))
	for class, is := range used {
		if !is {
			continue
		}
		for k, u := range horizons {
			scaled[k] = u / slower[class]
		}
		h[class] = estimate.NewHandling(talk, wrap, scaled)
	}
	return h
}

// of returns the table of a class and the factor on its ages; where the class has
// none, those of the usual one.
func (h *handlings) of(c paceClass) (*estimate.Handling, float64) {
	if h[c] == nil {
		c = usualPace
	}
	return h[c], slower[c]
}
