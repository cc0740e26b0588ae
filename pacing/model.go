package pacing

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

const (
	callsEvery     = 5 * time.Second  // between rebuilds of the dial hazards
	callsFresh     = 10               // ended dials that make a rebuild worth while
	handlingEvery  = 15 * time.Second // between rebuilds of the handling tables
	handlingFresh  = 25               // ended talks that make a rebuild worth while
	talkBins       = 900
	wrapBins       = 300
	priorTalk      = 90.0 // seconds
	priorWrap      = 20.0 // seconds
	minAnswer      = 0.01 // believed chance of a live answer never falls below
	usualSetup     = 1.5  // seconds from dial to ringing
	readyMemory    = 40   // ends of talk or wrap-up
	handlingMemory = 400  // talks, and three more for each operator
)

// model is what was learnt, and the tables made of it. It serves all modes, so
// that a change of mode loses nothing.
type model struct {
	dials    *estimate.Dials
	health   estimate.Level // early failures, all segments together
	segments []segment
	byName   map[string]int
	offsets  chances // seconds from dial to live answer, quantiles
	callsAt  time.Time

	talk, wrap *estimate.Duration
	stages     stages
	ready      estimate.Share // comes back ready after the work is done
	verdict    estimate.Mean  // seconds from pick-up to verdict, live answers
	talks      float64        // ended since the start
	freshTalks float64        // ended since handlingAt
	handling   *estimate.Handling
	handlingAt time.Time
}

// segment is what is known of the answers of one segment.
type segment struct {
	level   estimate.Level
	answer  float64 // chance that a fresh dial is answered live
	within  [estimate.DialBins]chances
	accrued float64 // scratch of accrue
}

func newModel(now time.Time, s Settings) *model {
	m := &model{
		dials:   estimate.NewDials(s.RingTimeout.Seconds()),
		health:  estimate.NewFailureLevel(),
		byName:  map[string]int{},
		stages:  stages{byName: map[stageName]*stage{}},
		talk:    estimate.NewDuration(talkBins, priorTalk),
		wrap:    estimate.NewDuration(wrapBins, priorWrap),
		ready:   estimate.NewShare(12, 0.2, readyMemory),
		verdict: estimate.NewMean(0, 200),
		callsAt: now,
	}
	m.tabulateOffsets(estimate.NewAnswerLevel())
	m.rebuildHandling(now, s, &floor{})
	return m
}

// segment returns the index of a segment, making room for one not seen before.
func (m *model) segment(name string) int {
	if i, ok := m.byName[name]; ok {
		return i
	}
	i := len(m.segments)
	m.byName[name] = i
	m.segments = append(m.segments, segment{level: estimate.NewAnswerLevel()})
	m.tabulate(i)
	return i
}

// ended books the end of a dial at this moment.
func (m *model) ended(now time.Time, c *call, how fate) {
	age := seconds(now, c.dialled)
	answers, failures := m.dials.Expected(age)
	seen, failed := 0.0, 0.0
	switch how {
	case wasHuman:
		m.dials.Human(age)
		seen = 1
		if !c.answered.IsZero() {
			m.verdict.Observe(seconds(now, c.answered))
		}
	case wasCancelled:
		m.dials.Cancelled(age)
	case wasOther:
		m.dials.Other(age)
		if m.dials.IsEarly(age) {
			failed = 1
		}
	}
	m.segments[c.segment].level.Add(seen, answers-c.answers)
	m.health.Add(failed, failures-c.failures)
}

// fate is how a dial ended.
type fate int

const (
	wasHuman fate = iota
	wasOther
	wasCancelled
)

// accrue books what was expected of the dials in flight up to now. Booking it
// only at their end would show the answers of a burst first and the silence
// after, and look like two changes of the list.
func (m *model) accrue(now time.Time, f *floor) {
	expected := 0.0
	for _, c := range f.inFlight {
		answers, failures := m.dials.Expected(seconds(now, c.dialled))
		if d := answers - c.answers; d > 0 {
			m.segments[c.segment].accrued += d
			c.answers = answers
		}
		if d := failures - c.failures; d > 0 {
			expected += d
			c.failures = failures
		}
	}
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

// refresh rebuilds the tables that are due.
func (m *model) refresh(now time.Time, s Settings, f *floor) {
	m.accrue(now, f)
	if now.Sub(m.callsAt) > callsEvery && m.dials.Fresh() >= callsFresh {
		m.rebuildCalls(now, f)
	}
	few := min(handlingFresh, 0.1*m.talks)
	if now.Sub(m.handlingAt) > handlingEvery && m.freshTalks > 0 && m.freshTalks >= few {
		m.rebuildHandling(now, s, f)
	}
}

// rebuildCalls makes new hazards of the ended dials and hands back to the levels
// what the hazards have absorbed.
func (m *model) rebuildCalls(now time.Time, f *floor) {
	m.callsAt = now
	var ages estimate.Ages
	for _, c := range f.inFlight {
		ages.Add(seconds(now, c.dialled))
	}
	human, early := m.dials.Rebuild(ages)
	m.health.Rescale(early)
	for i := range m.segments {
		m.segments[i].level.Rescale(human)
	}
	for _, c := range f.inFlight { // booked already, now in the new measure
		c.answers, c.failures = m.dials.Expected(seconds(now, c.dialled))
	}
	if len(m.segments) > 0 {
		m.tabulateOffsets(m.segments[0].level)
	}
	for i := range m.segments {
		m.tabulate(i)
	}
}

func (m *model) tabulateOffsets(level estimate.Level) {
	curve := m.dials.Curve(level.Value(), m.health.Value())
	for k := range m.offsets {
		m.offsets[k] = curve.Quantile((float64(k) + 0.5) / points)
	}
}

// tabulate makes the chances of a live answer by age for one segment.
func (m *model) tabulate(i int) {
	s := &m.segments[i]
	curve := m.dials.Curve(s.level.Value(), m.health.Value())
	s.answer = curve.Answer()
	lift := 1.0
	if s.answer < minAnswer {
		lift = minAnswer / max(s.answer, 1e-6)
		s.answer = minAnswer
	}
	for b := range s.within {
		for k, u := range m.offsets {
			s.within[b][k] = math.Min(1, lift*curve.Within(b, u))
		}
	}
}

// talked books the end of a talk, wrapped that of a wrap-up, both in seconds.
func (m *model) talked(lasted float64) {
	m.talk.Observe(lasted)
	m.talks++
	m.freshTalks++
}

func (m *model) wrapped(lasted float64) { m.wrap.Observe(lasted) }

// rebuildHandling makes the tables of when operators come free.
func (m *model) rebuildHandling(now time.Time, s Settings, f *floor) {
	m.handlingAt = now
	keep := math.Exp(-m.freshTalks / (handlingMemory + 3*float64(len(f.staff))))
	m.freshTalks = 0
	m.talk.Forget(keep)
	m.wrap.Forget(keep)
	talking, wrapping := f.running(now)
	horizons := make([]float64, points)
	for k, u := range m.offsets {
		horizons[k] = u + m.patience(s)
	}
	wrap := m.wrap.Law(wrapping)
	m.handling = estimate.NewHandling(m.talk.Law(talking), wrap, horizons)
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

// late is how many of the points, from the last, lie so long after the dial that
// a call which would be answered then and find nobody is given up before: it has
// rung the legal minimum.
func (m *model) late(s Settings) int {
	n := 0
	for k := points - 1; s.Cancel && k >= 0 && m.offsets[k] > s.RingMin.Seconds()+usualSetup; k-- {
		n++
	}
	return n
}

// comesFree returns the chances that a busy operator is ready at each point.
func (m *model) comesFree(now time.Time, o *operator, free *chances) bool {
	var row []float64
	switch {
	case o.pauseRequested:
		return false
	case o.rests(now):
		for k, u := range m.offsets {
			free[k] = 0
			if !now.Add(time.Duration(u * float64(time.Second))).Before(o.restUntil) {
				free[k] = 1
			}
		}
		return true
	case o.state == Talking:
		row = m.handling.Talking(seconds(now, o.since))
	case o.state == Wrapping:
		row = m.handling.Wrapping(seconds(now, o.since))
	default:
		return false
	}
	if known := m.stages.row(now, o); known != nil {
		row = known
	}
	back := m.ready.Value()
	for k, p := range row {
		free[k] = p * back
	}
	return true
}

// answers returns the chances that a call in flight is answered live by each point.
func (m *model) answers(now time.Time, c *call) *chances {
	return &m.segments[c.segment].within[estimate.DialAgeBin(seconds(now, c.dialled))]
}
