package pacing

import (
	"encoding/json"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// learntVersion changes with the shape of learnt; another version is a cold start.
const learntVersion = 1

// recalled is the most events that the past weighs, of each kind.
const recalled = 300.0

// learnt is what Controller.Learnt keeps.
type learnt struct {
	Version   int                      `json:"version"`
	Estimates estimate.Memory          `json:"estimates"`
	Placed    float64                  `json:"placed"` // mean chance of the calls placed, in thresholds
	Answers   estimate.AnswersMemory   `json:"answers"`
	Paces     map[string]estimate.Pace `json:"paces,omitempty"` // by operator
	Trunks    []estimate.TrunkDelay    `json:"trunks,omitempty"`
}

// Recall implements Controller. What does not fit is ignored: a cold start is
// careful, and never wrong.
func (c *controller) Recall(now time.Time, p Past) {
	for _, n := range p.Counts {
		c.budget.ledger.book(n.At, float64(n.Live), float64(n.Abandoned))
	}
	var l learnt
	if len(p.Learnt) == 0 || json.Unmarshal(p.Learnt, &l) != nil || l.Version != learntVersion {
		return
	}
	m := c.model
	if !l.Estimates.Recall(m.dials, m.talk, m.wrap, recalled) {
		return
	}
	m.leads.Recall(l.Answers)
	m.paces.recall(l.Paces)
	m.delays.Recall(l.Trunks)
	if l.Placed > 0.1 && l.Placed <= 1 {
		c.budget.placedSum = l.Placed * c.budget.placedCount
	}
	m.rebuildCalls(now, c.settings, &c.floor)
	m.rebuildHandling(now, c.settings, &c.floor)
}

// Learnt implements Controller.
func (c *controller) Learnt(time.Time) []byte {
	text, err := json.Marshal(learnt{
		Version:   learntVersion,
		Estimates: estimate.Remember(c.model.dials, c.model.talk, c.model.wrap),
		Placed:    c.budget.placedSum / c.budget.placedCount,
		Answers:   c.model.leads.Remember(),
		Paces:     c.model.paces.remember(),
		Trunks:    c.model.delays.Trunks(),
	})
	if err != nil {
		return nil // a count that is no number: the next start is cold
	}
	return text
}

// Picture implements Controller. It changes nothing, and all slices are new.
func (c *controller) Picture(now time.Time) Picture {
	m := c.model
	p := Picture{At: now, Setup: m.delays.First(), Trunks: m.delays.Trunks(), Verdict: m.verdict.Value(), Back: m.ready.Value(), Waiting: len(c.floor.waiting), Learnt: c.Learnt(now)}
	level := estimate.NewAnswerLevel()
	if len(m.segments) > 0 {
		level = m.segments[0].level
	}
	curve := m.dials.Curve(level.Value(), m.health.Value())
	for i := range estimate.DialBins {
		answered := curve.Answered[i+1] - curve.Answered[i]
		p.Answered = append(p.Answered, answered)
		p.Other = append(p.Other, max(0, curve.InFlight[i]-curve.InFlight[i+1]-answered))
	}
	p.Segments = make([]SegmentPicture, len(m.segments))
	for name, i := range m.byName {
		p.Segments[i] = SegmentPicture{Name: name, Answer: m.segments[i].answer}
	}
	talking, wrapping := c.floor.running(now, allSegments)
	spread := m.paces.spread()
	p.Talk, p.Wrap = m.talk.Law(talking), m.wrap.Law(wrapping)
	for _, o := range c.floor.staff {
		if o.state != Off {
			p.Operators = append(p.Operators, OperatorPicture{ID: o.id, State: o.state, Since: o.since, Pace: o.pace.Value(spread)})
		}
	}
	for _, k := range c.floor.inFlight {
		p.Calls = append(p.Calls, CallPicture{Segment: k.segment, Dialled: k.dialled, Ringing: k.ringing})
	}
	w := c.budget.ledger.windows[0]
	p.Live, p.Abandoned = int(w.live), int(w.abandoned)
	return p
}
