package dialer

import (
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/hopper"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
)

// paceTouched asks pacing of every campaign that something happened to.
func (e *Engine) paceTouched(now time.Time) {
	for len(e.touched) > 0 {
		for r := range e.touched {
			delete(e.touched, r)
			e.pace(now, r)
		}
	}
}

// askAtMost bounds how often pacing is asked again at one moment.
const askAtMost = 50

// pace asks how many calls to place now and places them, until the answer is
// none.
func (e *Engine) pace(now time.Time, r *campaignRun) {
	e.dialPromised(now, r)
	for asked := 0; ; asked++ {
		if asked == askAtMost { // what waits for the loop has its turn first
			e.after(0, func(time.Time) { e.touch(r) })
			break
		}
		view := e.view(now, r)
		started := time.Now()
		d := r.controller.Decide(now, view)
		took := time.Since(started)
		if d.Dial > 0 && view.Room == 0 {
			d.Dial = 0
		}
		if view.Room == 0 && d.Bound == "" {
			d.Bound = view.Bound
		}
		r.decision = d
		e.deps.Observer.Notice(Paced{At: now, Campaign: r.ID, Decision: d, Bound: e.bound(now, r), Limit: r.limit, Took: took})
		for _, id := range d.Cancel {
			if c := e.calls[campaigns.AttemptID(id)]; c != nil {
				e.step(now, c, call.Cancel{})
			}
		}
		if !e.originateAll(now, r, d) {
			break
		}
	}
	delete(e.touched, r) // what we did ourselves needs no second question
}

// originateAll places the calls of a decision. False: there is nothing to ask
// again for.
func (e *Engine) originateAll(now time.Time, r *campaignRun, d pacing.Decision) bool {
	if d.Dial > 0 && d.Record > 0 && d.Record < len(r.choices) {
		claim, ok := r.hopper.Take(now, r.choices[d.Record])
		return !ok || e.begin(now, r, claim, nil) // one that is no choice any more: ask again
	}
	placed := 0
	for placed < d.Dial && e.originate(now, r) {
		placed++
	}
	return placed > 0
}

// view is how much room there is for calls of a campaign, and what limits it.
func (e *Engine) view(now time.Time, r *campaignRun) pacing.View {
	v := pacing.View{Waiting: e.waitingFor(r)}
	if r.State != campaigns.Running || e.draining || e.storeDown() || e.term(now) == 0 {
		v.Bound = pacing.BoundWindow
		return v
	}
	if e.lookAhead(now, r); len(r.records) == 0 {
		v.Bound = pacing.BoundLeads
		if s := r.hopper.Status(); s.QueuesOpen == 0 && s.QueuesClosed > 0 {
			v.Bound = pacing.BoundWindow
		}
		return v
	}
	v.Records = r.records
	capacity := e.deps.Trunks.Capacity(r.Trunks, now)
	v.Room, v.Bound = capacity.Channels, pacing.BoundChannels
	r.share, r.trunkWhy = capacity.Share, capacity.Why
	if capacity.Ringing < v.Room {
		v.Room = capacity.Ringing
	}
	if capacity.Calls < v.Room {
		v.Room, v.Bound = capacity.Calls, pacing.BoundCPS
		e.paceAgain(now, r, capacity.NextToken)
	}
	if held := r.hopper.Len(); held < v.Room {
		v.Room, v.Bound = held, pacing.BoundLeads
	}
	v.Room = max(0, v.Room)
	return v
}

// waitingFor counts the people who wait for operators of a campaign besides those
// whom pacing knows to wait: customers whose operator's leg broke in the talk, talks
// in which one of them is asked for, and whoever came in.
func (e *Engine) waitingFor(r *campaignRun) int {
	n := 0
	for _, id := range e.waiting {
		if c := e.calls[id]; c != nil && c.campaign == r && c.State() == call.Stranded {
			n++
		}
	}
	for _, id := range e.seeking {
		if c := e.calls[id]; e.seeks(c) && c.third.to.Campaign == r.ID {
			n++
		}
	}
	return n + len(r.callers)
}

// lookAhead finds the leads that may be dialled next. Of those that look the same
// to pacing only the first is a choice: no lead is overtaken for nothing.
func (e *Engine) lookAhead(now time.Time, r *campaignRun) {
	n := 1
	if r.Pacing.ChoosesRecords() {
		n = hopper.MostChoices
	}
	all := r.hopper.Choices(now, n, r.choices[:0])
	r.choices, r.records = all[:0], r.records[:0]
	var window campaigns.WindowClass
	hour := 0
	for i, claim := range all {
		if i == 0 || claim.Queue.Window != window { // mostly they have one
			window = claim.Queue.Window
			hour = e.deps.Rules.LocalHour(window, now)
		}
		if one := record(r, claim, hour); !slices.Contains(r.records, one) {
			r.choices, r.records = append(r.choices, claim), append(r.records, one)
		}
	}
}

// recordOf is what pacing is told of a lead.
func (e *Engine) recordOf(now time.Time, r *campaignRun, claim *campaigns.Claim) pacing.Record {
	return record(r, claim, e.deps.Rules.LocalHour(claim.Queue.Window, now))
}

// record is the same of a lead for whom it is that hour of the day.
func record(r *campaignRun, claim *campaigns.Claim, hour int) pacing.Record {
	record := pacing.Record{
		Segment: claim.Queue.Segment, Score: r.Pacing.Score(claim.Lead), Attempts: claim.Attempts, Hour: hour,
	}
	if claim.Attempts > 0 { // else it is of another campaign
		record.Last = string(claim.LastOutcome)
	}
	return record
}

// soonestPace keeps a fast trunk from asking anew for every single token: in so
// short a time nobody waits.
const soonestPace = 20 * time.Millisecond

// paceAgain asks once more when a CPS token returns: waiting for the tick would
// leave operators idle.
func (e *Engine) paceAgain(now time.Time, r *campaignRun, at time.Time) {
	if at.IsZero() || !at.After(now) || r.paceAt.After(now) {
		return
	}
	r.paceAt = at
	e.after(max(at.Sub(now), soonestPace), func(time.Time) { e.touch(r) })
}

// tellOperator tells pacing what an operator does.
func (e *Engine) tellOperator(now time.Time, o *liveOperator) {
	r := e.campaigns[o.campaign]
	if r == nil {
		return
	}
	r.controller.Observe(now, pacing.Operator{
		ID: o.ID(), State: pacingState(o.State()), PauseRequested: o.PauseRequested(), Stage: o.Stage(),
		RestUntil: o.shift.until,
	})
	e.touch(r)
}

func pacingState(s operator.State) pacing.OperatorState {
	switch s {
	case operator.Ready:
		return pacing.Ready
	case operator.Reserved, operator.Talking:
		return pacing.Talking
	case operator.Wrapping:
		return pacing.Wrapping
	case operator.Paused, operator.Lost:
		return pacing.Away
	}
	return pacing.Off
}
