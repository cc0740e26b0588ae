package calibration

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Drift watches whether verdicts come as they used to. It learns how they come from the
// first week of a campaign on a trunk, and from then on adds up how much better another
// law explains them than that one (Page 1954). With a sum of 18 what does not change at all
// alarms once in e^18 calls, 66 million.
//
// What is watched: the odds of those told to be people and of those told to be machines, by
// half a standard deviation; the share of machines, and of those told to be people the share
// that operators say were none, by log odds of 2 and a larger sum, as these move with the
// hour and the list too.
type Drift struct {
	from             time.Time // first call
	people, machines level
	wrong, share     chance
	alarm            time.Time
	what             string
}

const (
	learnCalls = 1000               // of each kind, before anything is compared
	learnFor   = 7 * 24 * time.Hour // likewise: hours and days differ
	alarmAt    = 18.0
	alarmFor   = 7 * 24 * time.Hour

	shareShift, shareSum = 2.0, 30.0
)

// add takes a call and says whether it is the one that raises the alarm. What it is like
// from then on is learnt anew.
func (d *Drift) add(s Sample) bool {
	if d.from.IsZero() {
		d.from = s.At
	}
	learn := s.At.Sub(d.from) < learnFor
	what := ""
	note := func(alarm bool, is string) {
		if alarm && what == "" {
			what = is
		}
	}
	if s.byOdds() {
		note(d.share.add(s.Verdict == media.Machine, learn) > shareSum, "the share of machines")
	}
	switch {
	case s.Verdict == media.Person:
		note(d.people.add(s.odds(), learn) > alarmAt, "the odds of people")
	case s.Verdict == media.Machine && s.Basis != ByBeep: // a beep has odds of its own
		note(d.machines.add(s.odds(), learn) > alarmAt, "the odds of machines")
	}
	if s.Verdict == media.Person && s.Label != Unknown {
		note(d.wrong.add(s.Label == Nobody, learn) > shareSum, "the machines that reach operators")
	}
	if what == "" {
		return false
	}
	*d = Drift{alarm: s.At, what: what}
	return true
}

// alarmed says since when and of what there is an alarm; it goes by itself.
func (d *Drift) alarmed(now time.Time) (since time.Time, what string) {
	if d.alarm.IsZero() || now.Sub(d.alarm) > alarmFor {
		return time.Time{}, ""
	}
	return d.alarm, d.what
}

// level is the drift of a mean.
type level struct {
	n, mean, squares float64 // while it learns
	up, down         float64
}

// add returns the sum.
func (l *level) add(x float64, learn bool) float64 {
	if learn || l.n < learnCalls {
		l.n++
		step := x - l.mean
		l.mean += step / l.n
		l.squares += step * (x - l.mean)
		return 0
	}
	const shift = 0.5 // standard deviations
	spread := max(0.05, math.Sqrt(l.squares/l.n))
	by := max(-3, min(3, (x-l.mean)/spread)) // no single call says much
	l.up = max(0, l.up+shift*by-shift*shift/2)
	l.down = max(0, l.down-shift*by-shift*shift/2)
	return max(l.up, l.down)
}

// chance is the drift of a share.
type chance struct {
	n, k     float64
	up, down float64
}

func (c *chance) add(yes, learn bool) float64 {
	if learn || c.n < learnCalls {
		c.n++
		if yes {
			c.k++
		}
		return 0
	}
	p := (c.k + 1) / (c.n + 2)
	c.up = max(0, c.up+better(yes, p, shifted(p, shareShift)))
	c.down = max(0, c.down+better(yes, p, shifted(p, -shareShift)))
	return max(c.up, c.down)
}

// shifted is a chance after a change of its log odds.
func shifted(p, by float64) float64 { return 1 / (1 + math.Exp(-math.Log(p/(1-p))-by)) }

// better is by how much a chance explains better what happened than another, as a logarithm.
func better(yes bool, was, is float64) float64 {
	if yes {
		return math.Log(is / was)
	}
	return math.Log((1 - is) / (1 - was))
}
