package simulator

import (
	"slices"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// Change makes other settings of those that were recorded.
type Change func(pacing.Settings) pacing.Settings

// AsRecorded changes nothing.
func AsRecorded(s pacing.Settings) pacing.Settings { return s }

// Replay prepares the recorded day under other settings: the operators sign in,
// pause and leave as they did, dials go as those of the same minutes went, talks
// and wrap-ups are drawn from those recorded about the time. Each seed orders and
// draws them otherwise.
func (t *Trace) Replay(change Change, seed uint64) (*Simulation, error) {
	settings := change(t.settings[0].Settings)
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	s, err := New(t.scenario(settings), Policy{Mode: pacing.Progressive}, seed)
	if err != nil {
		return nil, err
	}
	s.origin, s.list = t.origin, list{}
	s.reel = &reel{trace: t, seed: seed, block: -1}
	s.controller = pacing.New(settings, s.moment(0))
	if t.past != nil {
		s.controller.Recall(s.moment(0), *t.past)
	}
	for _, later := range t.settings[1:] {
		s.agenda.plan(later.at, func() {
			s.controller.Adjust(s.moment(s.now), change(later.Settings))
			s.touched = true
		})
	}
	for i, absences := range t.absences {
		o := newOperator(seed, i, 0)
		s.operators = append(s.operators, o)
		for _, a := range absences {
			s.planAbsence(o, a)
		}
	}
	return s, nil
}

// scenario is the frame of the day: what the law counts, and the trunks.
func (t *Trace) scenario(settings pacing.Settings) *Scenario {
	s := &Scenario{Name: "recorded", Duration: Seconds(t.length.Seconds()), Trunks: t.trunks}
	s.Limit = Limit{MaxAbandon: settings.Limit, Connect: Seconds(settings.ConnectWithin.Seconds()), Clock: string(settings.Clock)}
	if settings.DetectorLoss > 0 {
		s.Limit.CountAMD = true
		s.AMD = AMD{Enabled: true, HumanAsMachine: settings.DetectorLoss}
	}
	for _, name := range t.segments {
		s.Segments = append(s.Segments, Segment{Name: name, Outcomes: []Outcomes{{}}})
	}
	s.setDefaults()
	return s
}

// planAbsence takes an operator away after the call, and brings them back: those
// who paused after as long, those who signed out when they signed in again.
func (s *Simulation) planAbsence(o *operator, a absence) {
	if a.from > 0 {
		s.agenda.plan(a.decided, func() { s.leave(o, a) })
	}
	if a.off && a.to <= s.end {
		s.agenda.plan(a.to, func() {
			o.leaving = false
			if o.state == pacing.Off {
				s.becomeReady(o)
			}
		})
	}
}

func (s *Simulation) leave(o *operator, a absence) {
	busy := o.state == pacing.Talking || o.state == pacing.Wrapping
	switch {
	case a.off && busy:
		o.leaving = true
	case a.off && o.state != pacing.Off:
		s.signOut(o)
	case !a.off && o.state == pacing.Ready:
		s.pause(o, a.to-a.from)
	case !a.off && o.state != pacing.Off:
		o.owed += a.to - a.from
	}
}

// replayed is the record that is dialled next in a replay.
func (s *Simulation) replayed() []pacing.Record {
	s.list.view = append(s.list.view[:0], s.reel.peek(s.now).record)
	return s.list.view
}

// dialReplayed places the next call of a replay.
func (s *Simulation) dialReplayed() {
	f := *s.reel.peek(s.now)
	s.reel.next++
	*s.records++
	chance := newStream(s.seed, ofRecord, *s.records)
	c := &call{id: strconv.FormatUint(*s.records, 10), segment: f.segment, dialled: s.now, live: f.how == personAnswers}
	c.talk = near(s.reel.trace.work(s.reel.trace.talks, f.segment), s.now, chance.uniform())
	c.wrap = near(s.reel.trace.work(s.reel.trace.wraps, f.segment), s.now, chance.uniform())
	s.place(c, pacing.Dialed{Call: c.id, Trunk: f.trunk, Record: f.record})
	if f.rings >= 0 && f.rings < f.settled {
		s.after(f.rings, func() { s.rings(c) })
	}
	if f.how == nobodyAnswers {
		s.after(f.settled, func() { s.ended(c, f.cause) })
		return
	}
	s.after(min(f.picked, f.settled), func() { s.pickedUp(c, max(0, f.settled-f.picked), c.live) })
}

// work is the talks, or wrap-ups, of a segment; those of all where it has none.
func (t *Trace) work(of [][]lasted, segment int) []lasted {
	if len(of[segment]) > 0 {
		return of[segment]
	}
	all := slices.Concat(of...)
	slices.SortFunc(all, func(a, b lasted) int { return int(a.at - b.at) })
	if len(all) == 0 {
		all = []lasted{{}}
	}
	of[segment] = all
	return all
}

// shutAt says whether there was nothing to dial at a time.
func (t *Trace) shutAt(now time.Duration) bool {
	return slices.ContainsFunc(t.shut, func(a absence) bool { return now >= a.from && now < a.to })
}

// Length is how long the recorded day was.
func (t *Trace) Length() time.Duration { return t.length }

// Report sums up replays under a change, which has a name.
func (t *Trace) Report(change Change, name string, runs []Run) Report {
	settings := change(t.settings[0].Settings)
	r := NewReport(t.scenario(settings), Policy{}, runs)
	r.Policy = name
	return r
}
