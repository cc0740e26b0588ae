package eventlog

import (
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// Recorder is a controller that writes down what it is told and asked and what
// it answers, while another one does the work. A replay of its lines gives the
// same decisions, exactly.
type Recorder struct {
	controller pacing.Controller
	sink       func(Line)
	clock      steadyClock
	seq        int
	events     []Event // not handed over yet
}

var _ pacing.Controller = (*Recorder)(nil)

// Record returns a recorder of the controller that start makes of s. The sink is
// called from within the recorder's methods and must return at once; the line is
// its own from then on.
func Record(s pacing.Settings, now time.Time, start func(pacing.Settings, time.Time) pacing.Controller, sink func(Line)) *Recorder {
	r := &Recorder{sink: sink}
	now, s = r.clock.read(now), r.settings(s)
	r.controller = start(s, now)
	r.hand(Line{Kind: Init, At: now, Settings: s})
	return r
}

// Observe implements pacing.Controller.
func (r *Recorder) Observe(now time.Time, ev pacing.Event) {
	now = r.clock.read(now)
	switch e := ev.(type) {
	case pacing.Ringing:
		e.Since = r.clock.at(e.Since)
		ev = e
	case pacing.Answered:
		e.Since = r.clock.at(e.Since)
		ev = e
	case pacing.Operator:
		e.RestUntil = r.clock.at(e.RestUntil)
		ev = e
	}
	r.controller.Observe(now, ev)
	r.events = append(r.events, Event{now, ev})
}

// Decide implements pacing.Controller.
func (r *Recorder) Decide(now time.Time, v pacing.View) pacing.Decision {
	now = r.clock.read(now)
	d := r.controller.Decide(now, v)
	v.Records = slices.Clone(v.Records)
	answer := d
	answer.Cancel = slices.Clone(d.Cancel)
	r.hand(Line{Kind: Decide, At: now, View: v, Answer: &answer})
	return d
}

// Adjust implements pacing.Controller.
func (r *Recorder) Adjust(now time.Time, s pacing.Settings) {
	now, s = r.clock.read(now), r.settings(s)
	r.controller.Adjust(now, s)
	r.hand(Line{Kind: Adjust, At: now, Settings: s})
}

// Recall implements pacing.Controller.
func (r *Recorder) Recall(now time.Time, p pacing.Past) {
	now = r.clock.read(now)
	p.Counts, p.Learnt = slices.Clone(p.Counts), slices.Clone(p.Learnt)
	for i := range p.Counts {
		p.Counts[i].At = r.clock.at(p.Counts[i].At)
	}
	r.controller.Recall(now, p)
	r.hand(Line{Kind: Recall, At: now, Past: p})
}

// Learnt implements pacing.Controller.
func (r *Recorder) Learnt(now time.Time) []byte { return r.controller.Learnt(r.clock.read(now)) }

// Picture implements pacing.Controller.
func (r *Recorder) Picture(now time.Time) pacing.Picture {
	return r.controller.Picture(r.clock.read(now))
}

// Balance implements pacing.Controller.
func (r *Recorder) Balance(now time.Time) pacing.Balance {
	return r.controller.Balance(r.clock.read(now))
}

// settings are s with moments that can be written.
func (r *Recorder) settings(s pacing.Settings) pacing.Settings {
	s.WindowEnd = r.clock.at(s.WindowEnd)
	s.Windows = slices.Clone(s.Windows)
	return s
}

// hand gives the sink a line with the events before it.
func (r *Recorder) hand(l Line) {
	r.seq++
	l.Seq, l.Events, r.events = r.seq, r.events, nil
	r.sink(l)
}

// steadyClock gives times that can be written down without changing what is
// between them. Times of this process carry a second, steady reading that is
// used for differences and that no log can hold; here the steady reading becomes
// the time. A clock that is set back does not turn it back; one that is set
// forward, or a machine that slept, moves it on.
type steadyClock struct{ from time.Time }

// clockJump is from when the wall clock counts as set forward.
const clockJump = time.Second

// read is the present.
func (c *steadyClock) read(now time.Time) time.Time {
	if c.from.IsZero() || wall(now).Sub(c.at(now)) > clockJump {
		c.from = now
	}
	return c.at(now)
}

// at is another time by the same clock; zero stays zero.
func (c *steadyClock) at(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	return wall(c.from).Add(t.Sub(c.from))
}

// wall is t without its steady reading.
func wall(t time.Time) time.Time { return t.Round(0).UTC() }
