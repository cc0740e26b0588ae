package pacing

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// life tells a poorer list from a carrier that has gone silent: where people answer
// less often but calls still come to an end (a machine, busy, no such number), the
// carrier works. A silent carrier takes all of these away alike. It is watched for all
// segments together.
type life struct {
	dials *estimate.Dials // a sign of life stands for the live answer
	level estimate.Level
	sign  float64 // chance that a fresh dial gives a sign of life
	usual float64 // sign as it was for long
	sum   float64 // expected in this round of accrue
	known float64 // seconds over which usual was learnt
	pulse pulse
}

// coldStart is how many seconds it takes to know what is usual.
const coldStart = 600.0

func newLife(s Settings) life {
	l := life{dials: estimate.NewDials(s.RingTimeout.Seconds()), level: estimate.NewAnswerLevel()}
	l.tabulate()
	l.usual = l.sign
	l.pulse = newPulse(l.dials)
	return l
}

// ended books that a call gave its sign of life at this age in seconds, or ended
// without.
func (l *life) ended(c *call, how fate, age float64) {
	expected, _ := l.dials.Expected(age)
	seen := 0.0
	switch how {
	case wasHuman, wasNobody:
		l.dials.Human(age)
		seen = 1
	case wasCancelled:
		l.dials.Cancelled(age)
	default:
		l.dials.Other(age)
	}
	l.level.Add(seen, expected-c.signs)
	if age > pulseAge {
		seen = 0
	}
	l.pulse.book(seen, expected, c.signs)
}

// accrue sums what was expected up to now of a call in flight that has this age;
// accrued books the sum.
func (l *life) accrue(c *call, age float64) {
	if !c.answered.IsZero() {
		return
	}
	expected, _ := l.dials.Expected(age)
	if d := expected - c.signs; d > 0 {
		l.sum += d
		l.pulse.accrue(expected, c.signs)
		c.signs = expected
	}
}

func (l *life) accrued() {
	if l.sum > 0 {
		l.level.Add(0, l.sum)
		l.sum = 0
	}
	l.pulse.accrued()
}

// rebuild makes new hazards of the calls that ended, as model.rebuildCalls does.
func (l *life) rebuild(now time.Time, f *floor) {
	var silent estimate.Ages
	for _, c := range f.inFlight {
		if c.answered.IsZero() {
			silent.Add(seconds(now, c.dialled))
		}
	}
	seen, _ := l.dials.Rebuild(silent)
	l.level.Rescale(seen)
	l.pulse.rebuild(l.dials)
	for _, c := range f.inFlight {
		c.signs, _ = l.dials.Expected(seconds(now, c.dialled))
	}
	l.tabulate()
}

func (l *life) tabulate() {
	l.sign = l.dials.Curve(l.level.Value(), 1).Answer()
}

// follow lets so many seconds pass for what is usual.
func (l *life) follow(seconds float64) {
	l.usual = follow(l.usual, l.sign, seconds)
	l.pulse.usual = follow(l.pulse.usual, l.pulse.sign(), seconds)
	l.known += seconds
}

// goesOn says that calls come to their ends although only so large a share, in
// (0, 1], of the usual answers comes. Were the carrier silent, as small a share of
// the signs would: the middle between both decides. At a cold start nothing is usual yet.
func (l *life) goesOn(answers float64) bool {
	return l.known > coldStart && l.sign > l.usual*math.Sqrt(answers)
}
