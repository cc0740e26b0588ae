package pacing

import (
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

const (
	maxStages  = 32   // names that are learnt; further ones tell nothing
	stageBins  = 300  // of estimate.DurationBin seconds
	priorStage = 15.0 // seconds from a stage to the end of the talk or wrap-up
	stageKnown = 10.0 // ends before a stage is believed
)

// stages are what was learnt of the signals of the desktop: how long a talk or
// wrap-up still lasts once it has reached a stage. A form that is open says more
// than the minutes that went before.
type stages struct {
	byName map[stageName]*stage
}

type stageName struct {
	state OperatorState
	name  string
}

type stage struct {
	lasts    *estimate.Duration
	ends     float64
	handling *handling // nil until it is known
}

// ended books that the state ended so many seconds after the stage began.
func (s *stages) ended(n stageName, lasted float64) {
	if n.name == "" || (n.state != Talking && n.state != Wrapping) {
		return
	}
	g := s.byName[n]
	if g == nil {
		if len(s.byName) >= maxStages {
			return
		}
		g = &stage{lasts: estimate.NewDuration(stageBins, priorStage)}
		s.byName[n] = g
	}
	g.lasts.Observe(lasted)
	g.ends++
}

// rebuild makes the tables of the stages that are known well enough.
func (s *stages) rebuild(wrap, horizons []float64, keep float64) {
	for n, g := range s.byName { // the order means nothing: each stands alone
		g.lasts.Forget(keep)
		if g.ends < stageKnown {
			continue
		}
		law := g.lasts.Law(nil)
		if n.state == Talking {
			g.handling = newHandling(law, wrap, horizons)
		} else {
			g.handling = newHandling(law, law, horizons)
		}
	}
}

// row returns the chances that an operator in a stage comes free within each
// horizon, nil where nothing is known.
func (s *stages) row(now time.Time, o *operator) *row {
	if o.stage == "" {
		return nil
	}
	g := s.byName[stageName{o.state, o.stage}]
	if g == nil || g.handling == nil {
		return nil
	}
	if o.state == Talking {
		return after(g.handling.talk, seconds(now, o.stageSince))
	}
	return after(g.handling.wrap, seconds(now, o.stageSince))
}
