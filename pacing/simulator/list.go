package simulator

import (
	"math"
	"slices"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"github.com/outpace-dialer/outpace/pacing"
)

// record is the chance that belongs to one record of the list: whatever a policy
// does, the n-th record has the same luck. All in [0, 1).
type record struct {
	segment, outcome, outage, setup, ring float64
	mistake, delay, talk, wrap            float64
	answers, noise, stranger              float64 // of a record with a score
}

// record draws the next one of the list.
func (s *Simulation) record() record {
	*s.records++
	r := newStream(s.seed, ofRecord, *s.records)
	return record{
		segment: r.uniform(), outcome: r.uniform(), outage: r.uniform(), setup: r.uniform(), ring: r.uniform(),
		mistake: r.uniform(), delay: r.uniform(), talk: r.uniform(), wrap: r.uniform(),
		answers: r.uniform(), noise: r.uniform(), stranger: r.uniform(),
	}
}

// lead is a record that may be dialled next.
type lead struct {
	record
	number    uint64
	segment   int
	score     float64 // 0: none
	overtaken int     // dials of other records since it came
}

// list is what is left to dial, as far as it is looked at: the eldest first.
type list struct {
	leads []lead
	view  []pacing.Record // the same, as a controller sees them
	step  int             // of the scenario's mix that their segments are of
}

// fill looks at as many records as the policy may choose from.
func (s *Simulation) fill() {
	for len(s.list.leads) < s.pool() {
		l := lead{record: s.record()}
		l.number = *s.records
		s.sort(&l)
		s.list.leads = append(s.list.leads, l)
		s.list.view = append(s.list.view, s.shown(l))
	}
}

// pool is how many records a policy sees at once.
func (s *Simulation) pool() int {
	if s.scenario.Scores == nil || !s.policy.Choice {
		return 1
	}
	return s.scenario.Scores.Pool
}

// sort puts a record into its segment, and scores it.
func (s *Simulation) sort(l *lead) {
	l.segment = s.scenario.segment(s.list.step, l.record.segment)
	if s.scenario.Scores != nil && s.policy.Choice {
		l.score = s.scenario.Scores.score(s.scenario.outcomes(l.segment, s.now).Human, l.record)
	}
}

func (s *Simulation) shown(l lead) pacing.Record {
	return pacing.Record{Segment: s.scenario.Segments[l.segment].Name, Score: l.score}
}

// upcoming are the records that may be dialled now. One that was overtaken too
// often is alone: nobody waits for ever.
func (s *Simulation) upcoming() []pacing.Record {
	if s.reel != nil {
		return s.replayed()
	}
	mix := s.scenario.Mix
	step := lastStep(len(mix), s.now, func(i int) Seconds { return mix[i].At })
	if step != s.list.step {
		s.list.step = step
		for i := range s.list.leads {
			s.sort(&s.list.leads[i])
			s.list.view[i] = s.shown(s.list.leads[i])
		}
	}
	if scores := s.scenario.Scores; scores != nil && s.list.leads[0].overtaken >= scores.Overtaken {
		return s.list.view[:1]
	}
	return s.list.view
}

// take takes a record from the list, by its index in upcoming; the first where
// there is no such record.
func (s *Simulation) take(i int) lead {
	if i < 0 || i >= len(s.upcoming()) {
		i = 0
	}
	l := s.list.leads[i]
	for j := range s.list.leads[:i] {
		s.list.leads[j].overtaken++
	}
	s.list.leads = slices.Delete(s.list.leads, i, i+1)
	s.list.view = slices.Delete(s.list.view, i, i+1)
	s.fill()
	return l
}

// segment is where a step of the mix puts a record.
func (s *Scenario) segment(step int, u float64) int {
	weights := s.Mix[step].Weights
	total := sum(weights)
	left, last := u*total, 0
	for i, w := range weights {
		if w > 0 {
			last = i
		}
		if left -= w; left < 0 {
			return i
		}
	}
	return last
}

// fateOf are the chances of a dial of a record.
func (s *Scenario) fateOf(l lead, now time.Duration) Outcomes {
	o := s.outcomes(l.segment, now)
	if s.Scores == nil || o.Human <= 0 || o.Human >= 1 {
		return o
	}
	return o.answering(s.Scores.chance(o.Human, l.answers))
}

// answering is o with another chance of a live answer; the other outcomes keep
// their shares of the rest.
func (o Outcomes) answering(human float64) Outcomes {
	rest := (1 - human) / (1 - o.Human)
	return Outcomes{At: o.At, Human: human, Machine: o.Machine * rest, Busy: o.Busy * rest, Invalid: o.Invalid * rest, Failed: o.Failed * rest}
}

// chance is the live answer chance of a record, at u in [0, 1): Beta-distributed
// around the segment's.
func (c *Scores) chance(mean, u float64) float64 {
	if c.SD == 0 || mean <= 0 || mean >= 1 {
		return mean
	}
	size := mean*(1-mean)/(c.SD*c.SD) - 1
	return distuv.Beta{Alpha: mean * size, Beta: (1 - mean) * size}.Quantile(u)
}

// The scores that can be given: never sure.
const leastScore = 0.001

// score is what somebody's model says of a record whose segment answers so often.
func (c *Scores) score(mean float64, r record) float64 {
	u := r.answers
	if c.Useless { // as good a score, of another record
		u = r.stranger
	}
	x := c.chance(mean, u)
	if c.Noise > 0 {
		x += c.Noise * math.Sqrt2 * math.Erfinv(2*r.noise-1)
	}
	return min(1-leastScore, max(leastScore, x))
}
