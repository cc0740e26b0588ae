package dialer

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
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
	for range askAtMost {
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
		e.deps.Observer.Notice(Paced{At: now, Campaign: r.ID, Decision: d, Limit: r.limit, Took: took})
		for _, id := range d.Cancel {
			if c := e.calls[campaigns.AttemptID(id)]; c != nil {
				e.step(now, c, call.Cancel{})
			}
		}
		placed := 0
		for placed < d.Dial && e.originate(now, r) {
			placed++
		}
		if placed == 0 {
			break
		}
	}
	delete(e.touched, r) // what we did ourselves needs no second question
}

// view is how much room there is for calls of a campaign, and what limits it.
func (e *Engine) view(now time.Time, r *campaignRun) pacing.View {
	var v pacing.View
	if r.State != campaigns.Running || e.draining || e.storeDown() {
		v.Bound = pacing.BoundWindow
		return v
	}
	segment, ok := r.hopper.Peek(now)
	if !ok {
		v.Bound = pacing.BoundLeads
		if s := r.hopper.Status(); s.QueuesOpen == 0 && s.QueuesClosed > 0 {
			v.Bound = pacing.BoundWindow
		}
		return v
	}
	r.records[0] = pacing.Record{Segment: segment}
	v.Records = r.records[:1]
	capacity := e.deps.Trunks.Capacity(r.Trunks, now)
	v.Room, v.Bound = capacity.Channels, pacing.BoundChannels
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

// paceAgain asks once more when a CPS token returns: waiting for the tick would
// leave operators idle.
func (e *Engine) paceAgain(now time.Time, r *campaignRun, at time.Time) {
	if at.IsZero() || !at.After(now) || r.paceAt.After(now) {
		return
	}
	r.paceAt = at
	e.after(at.Sub(now), func(time.Time) { e.touch(r) })
}

// tellOperator tells pacing what an operator does.
func (e *Engine) tellOperator(now time.Time, o *liveOperator) {
	r := e.campaigns[o.campaign]
	if r == nil {
		return
	}
	r.controller.Observe(now, pacing.Operator{
		ID: o.ID(), State: pacingState(o.State()), PauseRequested: o.PauseRequested(), Stage: o.Stage(),
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
