package pacing

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// handling is when operators come free, by the age of their talk or wrap-up in
// bins of estimate.DurationBin.
type handling struct {
	talk, wrap []row
}

// newHandling tabulates the laws of talk and wrap-up, see estimate.NewHandling.
func newHandling(talk, wrap, horizons []float64) *handling {
	table := estimate.NewHandling(talk, wrap, horizons)
	h := &handling{talk: make([]row, len(talk)), wrap: make([]row, len(wrap))}
	for i := range h.talk {
		copy(h.talk[i].chances[:], table.Talking(middle(i)))
	}
	for i := range h.wrap {
		copy(h.wrap[i].chances[:], table.Wrapping(middle(i)))
	}
	return h
}

// talked books the end of the talk of an operator; wrapped that of a wrap-up. Both
// lasted so many seconds.
func (m *model) talked(o *operator, lasted float64) {
	length := &m.talkLength
	m.talk.Observe(lasted)
	m.talks++
	m.freshTalks++
	if o.segment >= 0 {
		s := &m.segments[o.segment]
		length = &s.length
		if s.talk != nil {
			s.talk.Observe(lasted)
			s.talks++
		}
	}
	o.pace.Observe(length.Observe(lasted))
	m.talkLevel.Add(1, m.endsOf(o).By(lasted)-o.ends)
}

// endsOf is how talks like that of an operator end.
func (m *model) endsOf(o *operator) *estimate.Ends {
	if o.segment >= 0 && m.segments[o.segment].handling != nil {
		return &m.segments[o.segment].talkEnds
	}
	return &m.talkEnds
}

// accrueTalks books what was expected of the talks that go on up to now: that
// talks have become longer shows in those that do not end.
func (m *model) accrueTalks(now time.Time, f *floor) {
	expected := 0.0
	for _, o := range f.staff {
		if o.state == Talking {
			ends := m.endsOf(o).By(seconds(now, o.since))
			if d := ends - o.ends; d > 0 {
				expected += d
				o.ends = ends
			}
		}
	}
	if expected > 0 {
		m.talkLevel.Add(0, expected)
	}
}

// lasting is the level of talks that end, as far as it is not chance.
func (m *model) lasting() float64 { return m.talkLevel.Beyond(talkChance) }

func (m *model) wrapped(o *operator, lasted float64) {
	m.wrap.Observe(lasted)
	if lasted > 0 {
		o.pace.Observe(m.paces.wrap.Observe(lasted))
	}
}

// rebuildHandling makes the tables of when operators come free.
func (m *model) rebuildHandling(now time.Time, s Settings, f *floor) {
	m.handlingAt = now
	keep := math.Exp(-m.freshTalks / (handlingMemory + 3*float64(len(f.staff))))
	m.freshTalks = 0
	m.talk.Forget(keep)
	m.wrap.Forget(keep)
	talking, wrapping := f.running(now, allSegments)
	horizons := make([]float64, points)
	for k, u := range m.offsets {
		horizons[k] = u + m.patience(s)
	}
	wrap := m.wrap.Law(wrapping)
	talk := m.talk.Law(talking)
	before := m.talkEnds
	m.talkEnds = estimate.NewEnds(talk)
	m.talkLevel.Rescale(m.talk.Shift(before, m.talkEnds, talking))
	m.levelled = m.lasting()
	m.handling = newHandling(estimate.Faster(talk, m.levelled), wrap, horizons)
	for i := range m.segments {
		s := &m.segments[i]
		if s.talk == nil || s.talks < talksKnown {
			continue
		}
		s.talk.Forget(keep)
		talking, _ := f.running(now, i)
		law := s.talk.LawOf(talk, talking)
		s.talkEnds = estimate.NewEnds(law)
		s.handling = newHandling(estimate.Faster(law, m.levelled), wrap, horizons)
	}
	for _, o := range f.staff { // booked already, now in the new measure
		if o.state == Talking {
			o.ends = m.endsOf(o).By(seconds(now, o.since))
		}
	}
	m.stages.rebuild(wrap, horizons, keep)
}

// patience is how long after the verdict an operator may still come, in seconds,
// less a margin for the connection.
func (m *model) patience(s Settings) float64 {
	const margin = 0.25
	left := s.ConnectWithin.Seconds() - margin
	if s.Clock == FromAnswer {
		left -= m.verdict.Value()
	}
	return max(margin, left)
}

// comesFree returns the chances that a busy operator is through with their work at
// each point, before the chance that they go on pause; nil where they do not come.
func (m *model) comesFree(now time.Time, o *operator) *row {
	if o.pauseRequested {
		return nil
	}
	if known := m.stages.row(now, o); known != nil {
		return known
	}
	switch {
	case o.state == Talking && o.segment >= 0 && m.segments[o.segment].handling != nil:
		return after(m.segments[o.segment].handling.talk, seconds(now, o.since))
	case o.state == Talking:
		return after(m.handling.talk, seconds(now, o.since))
	case o.state == Wrapping:
		return after(m.handling.wrap, seconds(now, o.since))
	}
	return nil
}

// rested returns the chances that an operator who rests is ready at each point.
func (m *model) rested(now time.Time, o *operator) *chances {
	var free chances
	for k, u := range m.offsets {
		if !now.Add(time.Duration(u * float64(time.Second))).Before(o.restUntil) {
			free[k] = 1
		}
	}
	return &free
}
