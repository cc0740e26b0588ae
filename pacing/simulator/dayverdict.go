package simulator

import (
	"fmt"
	"strings"
	"time"
)

// Verdict is whose doing it is where a day ends over its limit.
type Verdict string

// The verdicts. The pacing knows what the detector loses on average and no more:
// what it loses beyond that in a day is the detector's doing.
const (
	Within       Verdict = "within"
	ByPacing     Verdict = "over"
	ByDetector   Verdict = "over by the detector"
	causeBefore          = 30 * time.Minute // an incident may be the cause so long after
	coldStart            = 15 * time.Minute
	causeStretch         = 10 // minutes
)

// Day is how one day ended on the measure of the law.
type Day struct {
	Seed      uint64  `json:"seed"`
	Policy    string  `json:"policy"`
	Operators int     `json:"operators"` // most signed in at once
	Limit     float64 `json:"limit"`
	Hours     float64 `json:"hours"`
	Verdict   Verdict `json:"verdict"`
	Excess    float64 `json:"excess"` // abandoned calls beyond the limit; negative: room that was left
	Cause     string  `json:"cause,omitempty"`
	// Unavoidable: the calls whose operators left while they rang are over the limit
	// alone. Whoever dials at all, one line for each ready operator, loses these.
	Unavoidable bool `json:"unavoidable,omitempty"`
	Run         Run  `json:"run"`
}

// Day judges the day. Ask when Advance has returned false.
func (s *Simulation) Day() Day {
	r := s.Result()
	d := Day{
		Seed: s.seed, Policy: s.policy.String(), Operators: len(s.operators), Limit: s.scenario.Limit.MaxAbandon,
		Hours: s.end.Hours(), Verdict: Within, Run: r,
		Excess: (r.Abandonment - s.scenario.Limit.MaxAbandon) * float64(r.Live),
	}
	loss, lost := s.scenario.detectorLoss(), 0
	if loss > 0 {
		lost = r.Lost
	}
	over := func(abandoned float64) bool { return abandoned > d.Limit*float64(r.Live) }
	switch {
	case r.Over && loss < d.Limit && r.Abandoned > 0:
		d.Verdict = ByPacing
	case r.Live > 0 && over(float64(r.Abandoned+lost)):
		d.Verdict = ByDetector
	}
	d.Unavoidable = d.Verdict == ByPacing && over(float64(r.Deserted)+loss*float64(r.Live))
	if d.Verdict != Within {
		d.Cause = s.cause(r)
	}
	return d
}

// cause says in words where most calls were abandoned, and what came before.
func (s *Simulation) cause(r Run) string {
	from, abandoned := s.tally.worstStretch()
	at := time.Duration(from) * time.Minute
	words := []string{fmt.Sprintf("%d of %d live answers abandoned", r.Abandoned, r.Live)}
	if r.Abandoned > 0 {
		words = append(words, fmt.Sprintf("%d of them in the ten minutes from %s", abandoned, clock(at)))
	}
	if loss := s.scenario.detectorLoss(); loss > 0 {
		words = append(words, fmt.Sprintf("%d lost to the detector, %.1f expected", r.Lost, loss*float64(r.Live)))
	}
	if at < coldStart {
		words = append(words, "cold start")
	}
	for _, e := range s.scenario.Events {
		begins := e.At.Duration()
		ends := begins + e.Lasts.Duration()
		if begins < at+causeStretch*time.Minute && ends+causeBefore > at {
			words = append(words, fmt.Sprintf("%s at %s", e.Note, clock(begins)))
		}
	}
	return strings.Join(words, "; ")
}

// worstStretch is the first minute of the ten that saw most calls abandoned.
func (t *tally) worstStretch() (from, abandoned int) {
	for m := range t.minutes {
		if n := t.between(m, m+causeStretch).abandoned; n > abandoned && t.minutes[m].abandoned > 0 {
			from, abandoned = m, n
		}
	}
	return from, abandoned
}
