package simulator

import (
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// tracer reads a log.
type tracer struct {
	Trace
	now       time.Duration
	calls     map[string]*fate // in flight
	order     []*fate
	operators map[string]*worker
	workers   []*worker
	shutSince time.Duration // -1: open
	lines     int           // most channels that the day shows
	narrow    bool          // calls a second were short
	connected int
	waits     tally // figures of the day
}

// worker is an operator as the log shows them.
type worker struct {
	state    pacing.OperatorState
	since    time.Duration
	working  time.Duration // since when, if at all
	segment  int           // of the call
	absences []absence
}

func (r *tracer) line(l eventlog.Line) {
	if len(r.settings) == 0 {
		r.origin, r.shutSince = l.At, -1
		r.waits = tally{}
	}
	for _, e := range l.Events {
		r.at(e.At)
		r.event(e)
	}
	r.at(l.At)
	switch l.Kind {
	case eventlog.Init:
		r.restart()
		r.settings = append(r.settings, settingsFrom{r.now, l.Settings})
	case eventlog.Adjust:
		r.settings = append(r.settings, settingsFrom{r.now, l.Settings})
	case eventlog.Recall:
		if r.past == nil && len(r.order) == 0 {
			r.past = &l.Past
		}
	case eventlog.Decide:
		r.room(l.View)
	}
}

// at moves the time on, and makes room for what happens in it.
func (r *tracer) at(t time.Time) {
	r.now = max(r.now, t.Sub(r.origin))
	for len(r.waits.minutes) <= int(r.now/time.Minute) {
		r.waits.minutes = append(r.waits.minutes, minute{})
	}
}

// restart forgets what a new controller does not know: calls that nobody saw
// end, operators who have not said where they are.
func (r *tracer) restart() {
	clear(r.calls)
	for _, w := range r.workers {
		r.operator(w, pacing.Off)
	}
}

// room notes when there was nothing to dial, and how many channels there are.
func (r *tracer) room(v pacing.View) {
	shut := v.Room == 0 && (v.Bound == pacing.BoundLeads || v.Bound == pacing.BoundWindow)
	switch {
	case shut && r.shutSince < 0:
		r.shutSince = r.now
	case !shut && r.shutSince >= 0:
		r.shut = append(r.shut, absence{from: r.shutSince, to: r.now})
		r.shutSince = -1
	}
	if v.Bound == pacing.BoundChannels && v.Room >= 0 {
		busy := 0
		for _, w := range r.workers {
			if w.state == pacing.Talking {
				busy++
			}
		}
		r.lines = max(r.lines, v.Room+len(r.calls)+busy)
	}
	r.narrow = r.narrow || v.Bound == pacing.BoundCPS && v.Room == 0
}

func (r *tracer) event(e eventlog.Event) {
	m := r.waits.at(r.now)
	switch ev := e.Event.(type) {
	case pacing.Operator:
		r.operator(r.worker(ev.ID), ev.State)
	case pacing.Dialed:
		m.dials++
		f := &fate{at: r.now, record: ev.Record, trunk: ev.Trunk, segment: r.segment(ev.Segment), rings: -1, picked: -1}
		r.calls[ev.Call] = f
		r.order = append(r.order, f)
	case pacing.Ringing:
		if f := r.calls[ev.Call]; f != nil {
			f.rings = max(0, min(r.now, ev.Since.Sub(r.origin))-f.at)
		}
	case pacing.Answered:
		if f := r.calls[ev.Call]; f != nil {
			f.picked = max(0, min(r.now, ev.Since.Sub(r.origin))-f.at)
		}
	case pacing.Human:
		m.live++
		r.settle(ev.Call, personAnswers, "")
	case pacing.Machine:
		r.settle(ev.Call, machineAnswers, "")
	case pacing.Ended:
		if ev.Cause == pacing.CauseCancelled {
			m.cancelled++
			r.settle(ev.Call, unknown, "")
		} else {
			r.settle(ev.Call, nobodyAnswers, ev.Cause)
		}
	case pacing.Connected:
		m.connected++
		r.connect(ev, m)
	case pacing.Abandoned:
		m.abandoned++
		delete(r.calls, ev.Call)
	}
}

// connect notes what an operator talks about.
func (r *tracer) connect(ev pacing.Connected, m *minute) {
	r.connected++
	if ev.Late {
		m.abandoned++
	}
	w := r.worker(ev.Operator)
	if f := r.calls[ev.Call]; f != nil {
		w.segment = f.segment
	}
	delete(r.calls, ev.Call)
}

// settle notes how a dial went; the call may still wait for an operator.
func (r *tracer) settle(id string, how answer, why pacing.Cause) {
	f := r.calls[id]
	if f == nil || f.settled > 0 {
		return
	}
	f.how, f.cause, f.settled = how, why, max(1, r.now-f.at)
	if f.picked < 0 {
		f.picked = f.settled
	}
	if how != personAnswers {
		delete(r.calls, id)
	}
}

func (r *tracer) segment(name string) int {
	i := slices.Index(r.segments, name)
	if i < 0 {
		i = len(r.segments)
		r.segments = append(r.segments, name)
		r.talks, r.wraps = append(r.talks, nil), append(r.wraps, nil)
	}
	return i
}

func (r *tracer) worker(id string) *worker {
	w := r.operators[id]
	if w == nil {
		w = &worker{state: pacing.Off, absences: []absence{{to: -1, off: true}}, segment: -1}
		r.operators[id] = w
		r.workers = append(r.workers, w)
	}
	return w
}

// operator books what a worker did until now, and what they do from now on.
func (r *tracer) operator(w *worker, state pacing.OperatorState) {
	if state == w.state {
		return
	}
	r.book(w)
	absent := func(s pacing.OperatorState) bool { return s == pacing.Away || s == pacing.Off }
	spent := lasted{w.since, r.now - w.since}
	switch {
	case w.state == pacing.Talking && w.segment >= 0 && !absent(state):
		r.talks[w.segment] = append(r.talks[w.segment], spent)
	case w.state == pacing.Wrapping && w.segment >= 0:
		r.wraps[w.segment] = append(r.wraps[w.segment], spent)
	case w.state == pacing.Ready && state == pacing.Talking:
		r.waits.waited(r.now, spent.d)
	}
	switch last := len(w.absences) - 1; {
	case absent(state) && absent(w.state):
		w.absences[last].off = w.absences[last].off || state == pacing.Off
	case absent(state):
		w.absences = append(w.absences, absence{from: r.now, to: -1, off: state == pacing.Off, decided: w.decided(r.now)})
	case absent(w.state):
		w.absences[last].to = r.now
	}
	if state == pacing.Talking || state == pacing.Wrapping && w.state != pacing.Talking {
		w.working = r.now
	}
	w.state, w.since = state, r.now
}

// decided is when a worker who leaves now may have decided to: in the middle of
// the last work, which went on. A replay that took it for the end of the work
// would have everybody leave a call too late.
func (w *worker) decided(now time.Duration) time.Duration {
	if w.state == pacing.Ready {
		return now
	}
	return now - (now-w.working)/2
}

// book counts the time since the last change of state.
func (r *tracer) book(w *worker) {
	r.waits.spent(&operator{state: w.state, since: w.since}, r.now)
}

// finish closes what is open at the end of the log.
func (r *tracer) finish() {
	r.length = max(r.now, time.Second)
	for _, w := range r.workers {
		r.book(w)
		if last := &w.absences[len(w.absences)-1]; last.to < 0 {
			last.to = r.length + 1
		}
		r.absences = append(r.absences, w.absences)
	}
	if r.shutSince >= 0 {
		r.shut = append(r.shut, absence{from: r.shutSince, to: r.length + 1})
	}
	for _, f := range r.order {
		if f.settled == 0 { // open, or given up by a restart
			f.how, f.settled = unknown, max(1, r.length-f.at)
		}
		r.fates = append(r.fates, *f)
	}
	r.guess()
	r.cut()
	r.trunks = Trunks{Channels: r.lines}
	if r.narrow {
		r.trunks.CPS = r.fastest()
	}
	r.Recorded = r.waits.run(r.scenario(r.settings[0].Settings))
}
