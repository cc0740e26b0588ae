package pacing

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// ended books the end of a dial at this moment.
func (m *model) ended(now time.Time, c *call, how fate) {
	age := seconds(now, c.dialled)
	s := &m.segments[c.segment]
	answers, failures := m.expected(c, age)
	seen, failed := 0.0, 0.0
	switch how {
	case wasHuman:
		seen = 1
		if !c.answered.IsZero() {
			m.verdict.Observe(seconds(now, c.answered))
		}
	case wasNobody, wasSilent:
		if m.dials.IsEarly(age) {
			failed = 1
		}
	}
	if c.answered.IsZero() { // else it was booked when they picked up
		m.life.ended(c, how, age)
	}
	book(m.dials, how, age)
	if s.dials != m.dials {
		book(s.dials, how, age)
	}
	s.level.Add(seen, answers-c.answers)
	if how != wasCancelled && c.record.knows() {
		m.leads.Observe(m.lead(c.record), how == wasHuman)
	}
	m.health.Add(failed, failures-c.failures)
}

// expected is what the hazards expect of a dial up to an age in seconds: live
// answers by those of its segment, early failures by those of all.
func (m *model) expected(c *call, age float64) (answers, failures float64) {
	s := &m.segments[c.segment]
	answers, failures = m.dials.Expected(age)
	if s.dials != m.dials {
		answers, _ = s.dials.Expected(age)
	}
	return answers * c.lift, failures
}

// fate is how a dial ended.
type fate int

const (
	wasHuman  fate = iota
	wasNobody      // busy, invalid, a machine: the network brought it to its end
	wasSilent      // rang out, or failed
	wasCancelled
)

func book(d *estimate.Dials, how fate, age float64) {
	switch how {
	case wasHuman:
		d.Human(age)
	case wasCancelled:
		d.Cancelled(age)
	default:
		d.Other(age)
	}
}

// accrue books what was expected of the dials in flight up to now. Booking it
// only at their end would show the answers of a burst first and the silence
// after, and look like two changes of the list.
func (m *model) accrue(now time.Time, f *floor) {
	expected := 0.0
	for _, c := range f.inFlight {
		answers, failures := m.expected(c, seconds(now, c.dialled))
		if d := answers - c.answers; d > 0 {
			m.segments[c.segment].accrued += d
			c.answers = answers
		}
		if d := failures - c.failures; d > 0 {
			expected += d
			c.failures = failures
		}
		m.life.accrue(c, seconds(now, c.dialled))
	}
	m.life.accrued()
	for i := range m.segments {
		s := &m.segments[i]
		if s.accrued > 0 {
			s.level.Add(0, s.accrued)
			s.accrued = 0
		}
	}
	if expected > 0 {
		m.health.Add(0, expected)
	}
}

// rebuildCalls makes new hazards of the ended dials and hands back to the levels
// what the hazards have absorbed.
func (m *model) rebuildCalls(now time.Time, s Settings, f *floor) {
	m.callsAt = now
	m.delays.Rebuild()
	for _, c := range f.inFlight {
		m.date(c)
	}
	var all estimate.Ages
	for _, c := range f.inFlight {
		all.Add(seconds(now, c.dialled))
	}
	human, early := m.dials.Rebuild(all)
	m.health.Rescale(early)
	m.life.rebuild(now, f)
	for i := range m.segments {
		s := &m.segments[i]
		if s.dials == m.dials {
			s.level.Rescale(human)
			continue
		}
		var ages estimate.Ages
		for _, c := range f.inFlight {
			if c.segment == i {
				ages.Add(seconds(now, c.dialled))
			}
		}
		own, _ := s.dials.Rebuild(ages)
		s.level.Rescale(own)
	}
	for _, c := range f.inFlight { // booked already, now in the new measure
		c.answers, c.failures = m.expected(c, seconds(now, c.dialled))
	}
	m.tabulateCalls(s)
}

// tabulateCalls makes the tables of when dials are answered.
func (m *model) tabulateCalls(s Settings) {
	level := estimate.NewAnswerLevel()
	if len(m.segments) > 0 {
		level = m.segments[0].level
	}
	m.tabulateOffsets(s, level)
	for i := range m.segments {
		m.tabulate(i)
	}
}

// tabulateOffsets sets the moments at which the look-ahead stands, for answers at a level.
func (m *model) tabulateOffsets(s Settings, level estimate.Level) {
	curve := m.dials.Curve(level.Value(), m.health.Value())
	m.counted = 1
	if s.Cancel {
		delay := usualSetup + math.Round((m.delays.First()-usualSetup)/estimate.DialBin)*estimate.DialBin
		m.counted = max(leastCounted, curve.Within(0, delay+s.RingMin.Seconds())/curve.Answer())
	}
	mixed := m.delays.Mixed(curve)
	for k := range m.offsets {
		m.offsets[k] = mixed.Quantile(m.counted * (float64(k) + 0.5) / points)
	}
}

// date sets when a call would have been dialled on the first trunk.
func (m *model) date(c *call) {
	c.dialled = c.placed.Add(time.Duration(m.delays.Lag(c.trunk)) * dialBin)
}

const dialBin = time.Duration(estimate.DialBin * float64(time.Second))

// tabulate makes the chances of a live answer by age for one segment.
func (m *model) tabulate(i int) {
	s := &m.segments[i]
	curve := s.dials.Curve(s.level.Value(), m.health.Value())
	s.answer = curve.Answer()
	lift := 1.0
	if s.answer < minAnswer {
		lift = minAnswer / max(s.answer, 1e-6)
		s.answer = minAnswer
	}
	mixed := m.delays.Mixed(curve)
	for k, u := range m.offsets {
		s.within[0].chances[k] = math.Min(1, lift*mixed.Within(0, u))
		for i := 1; i < len(s.within); i++ {
			s.within[i].chances[k] = math.Min(1, lift*curve.Within(i-firstAge, u))
		}
	}
}

// answers returns the chances that a call in flight is answered live by each point,
// before what lifts them.
func (m *model) answers(now time.Time, c *call) *row {
	within := &m.segments[c.segment].within
	if bin := estimate.DialAgeBin(seconds(now, c.dialled)); bin > 0 {
		return &within[firstAge+bin]
	}
	behind := math.Ceil(seconds(c.dialled, now) / estimate.DialBin)
	return &within[max(1, firstAge-int(behind))]
}
