package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// Errors of commands. Callers branch on them.
var (
	ErrNoPhone   = errors.New("no phone of this operator is registered")
	ErrState     = errors.New("not possible in the operator's present state")
	ErrNoCall    = errors.New("the operator has no call")
	ErrNotYours  = errors.New("that attempt is not the operator's present call")
	ErrUnknown   = errors.New("unknown disposition")
	ErrNeedsTime = errors.New("a callback needs a time in the future")
	ErrNotHere   = errors.New("the campaign is not running here")
	ErrStopped   = errors.New("the engine has stopped")
	ErrNoManual  = errors.New("the campaign does not let operators call whom they choose")
)

// do runs a function in the loop and waits for it.
func (e *Engine) do(ctx context.Context, f func(now time.Time) error) error {
	c := command{do: f, answer: make(chan error, 1)}
	e.mail.put(c)
	select {
	case err := <-c.answer:
		return err
	case <-e.stopped:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// SetCampaign tells the engine of a campaign as it is now: started, paused,
// changed. tally is what the store counts in the legal window so far; it is
// used when the campaign is new to this node, with its past from the store.
func (e *Engine) SetCampaign(ctx context.Context, c campaigns.Campaign, tally campaigns.Tally) error {
	past, err := e.past(ctx, c.ID)
	if err != nil {
		return err
	}
	return e.do(ctx, func(now time.Time) error {
		was := campaigns.Stopped
		if old := e.campaigns[c.ID]; old != nil {
			if c.Version < old.Version {
				return nil // it was read before somebody changed it, and came later
			}
			was = old.State
		}
		r := e.run(now, c, tally, past)
		switch running := c.State == campaigns.Running; {
		case running && was != campaigns.Running:
			e.startHopper(r)
		case !running && was == campaigns.Running:
			r.stopHopper()
		}
		for _, o := range e.operators {
			if o.State() == operator.Ready || o.State() == operator.Paused {
				e.operatorChanged(now, o)
			}
		}
		e.deps.Observer.Notice(CampaignChanged{At: now, Campaign: c})
		return nil
	})
}

// OnDuty begins an operator's shift: their phone is called. An empty campaign
// means a running one that takes the operator. ErrState says that they are on duty for
// another one, *campaigns.OnDutyElsewhere that another node has them.
func (e *Engine) OnDuty(ctx context.Context, user campaigns.UserID, c campaigns.CampaignID) error {
	var nth int64
	err := e.do(ctx, func(now time.Time) error {
		o := e.operatorFor(now, string(user))
		if o.State() != operator.Offline && o.State() != operator.Lost {
			return onDutyFor(o, c)
		}
		if !e.deps.Phones.Online(string(user)) {
			return ErrNoPhone
		}
		nth = e.nextDuty()
		return nil
	})
	if err != nil || nth == 0 {
		return err
	}
	granted, err := e.granted(ctx, user)
	if err != nil {
		return err
	}
	if err := e.takeDuty(ctx, string(user), nth); err != nil {
		return err
	}
	// The store has the operator here: whoever asked and does not wait is no reason to
	// leave it at that.
	return e.do(context.WithoutCancel(ctx), func(now time.Time) error {
		o := e.operatorFor(now, string(user))
		o.duty, o.granted = true, granted
		if o.State() == operator.Offline || o.State() == operator.Lost {
			e.assign(now, o, c)
			e.stepOperator(now, o, operator.OnDuty{})
		}
		return nil
	})
}

// onDutyFor says whether who is on duty already is so for the campaign that they want.
func onDutyFor(o *liveOperator, wanted campaigns.CampaignID) error {
	if wanted == "" || wanted == o.campaign {
		return nil
	}
	return fmt.Errorf("%w: on duty for campaign %q, go off duty first", ErrState, o.campaign)
}

// Stage says how far the operator's present talk or wrap-up is: a stage of the
// script, or operator.StageForm while the disposition form is open. An attempt
// that is given must be the present one.
func (e *Engine) Stage(ctx context.Context, user campaigns.UserID, attempt campaigns.AttemptID, stage string) error {
	return e.do(ctx, func(now time.Time) error {
		o := e.operators[string(user)]
		if o == nil || o.State() != operator.Talking && o.State() != operator.Wrapping {
			return ErrNoCall
		}
		if attempt != "" && string(attempt) != o.Call() {
			return ErrNotYours
		}
		e.stepOperator(now, o, operator.Stage{Name: stage})
		return nil
	})
}

// OffDuty ends the shift, after the present call and its wrap-up.
func (e *Engine) OffDuty(ctx context.Context, user campaigns.UserID) error {
	return e.tell(ctx, user, operator.OffDuty{})
}

// Ready asks for calls.
func (e *Engine) Ready(ctx context.Context, user campaigns.UserID) error {
	return e.tell(ctx, user, operator.SetReady{})
}

// Pause asks for none; in a call it takes effect after the wrap-up.
func (e *Engine) Pause(ctx context.Context, user campaigns.UserID, reason string) error {
	return e.tell(ctx, user, operator.Pause{Reason: reason})
}

func (e *Engine) tell(ctx context.Context, user campaigns.UserID, ev operator.Event) error {
	return e.do(ctx, func(now time.Time) error {
		o := e.operators[string(user)]
		if o == nil || o.State() == operator.Offline {
			return fmt.Errorf("%w: off duty", ErrState)
		}
		e.stepOperator(now, o, ev)
		return nil
	})
}

// HangUp ends the operator's present talk, or the call they asked for in preview
// while it rings.
func (e *Engine) HangUp(ctx context.Context, user campaigns.UserID) error {
	return e.do(ctx, func(now time.Time) error {
		if o := e.operators[string(user)]; o != nil {
			return e.hangUp(now, o)
		}
		return ErrNoCall
	})
}

// Said is a disposition as an operator gives it.
type Said struct {
	Attempt     campaigns.AttemptID
	Disposition string
	Note        string
	CallbackAt  time.Time
	// CallbackLocal is a time by the clock of the customer, 2026-03-02T15:04, in
	// place of CallbackAt; empty: CallbackAt.
	CallbackLocal string
	Personal      bool // the callback is for this operator
	// Fields are what the operator wrote into the campaign's form; an empty value takes a
	// custom field of the lead out.
	Fields map[string]string
}

// furthestCallback is how far away a callback may be. What lies beyond is a slip of the pen,
// and stores keep no time beyond the year 2262.
const furthestCallback = 5 * 366 * 24 * time.Hour

// Dispose writes what an operator says of the present talk. During the talk it
// is kept and takes effect at the hang-up. A *campaigns.FieldError says what is wrong
// with the form. A disposition by a phone's keys, or because the wrap-up ran out, does
// without it.
func (e *Engine) Dispose(ctx context.Context, user campaigns.UserID, s Said) error {
	return e.do(ctx, func(now time.Time) error {
		o := e.operators[string(user)]
		if o == nil || o.last == nil || o.Call() == "" {
			return ErrNoCall
		}
		if o.last.asked || s.Attempt != "" && s.Attempt != o.last.attempt {
			return ErrNotYours
		}
		d, ok := findDisposition(o.last.campaign, s.Disposition)
		if !ok {
			return fmt.Errorf("%w: %q", ErrUnknown, s.Disposition)
		}
		if s.CallbackLocal != "" {
			at, err := eligibility.LocalTime(o.last.claim.Number, s.CallbackLocal)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrNeedsTime, err)
			}
			s.CallbackAt = at
		}
		if d.Effect.Callback && !s.CallbackAt.After(now) {
			return ErrNeedsTime
		}
		if d.Effect.Callback && s.CallbackAt.After(now.Add(furthestCallback)) {
			return fmt.Errorf("%w, and at most five years from now", ErrNeedsTime)
		}
		if err := o.last.campaign.CheckForm(d.Code, s.Fields, o.last.claim.Lead.Fields); err != nil {
			return err
		}
		if o.State() == operator.Wrapping {
			e.finishWrap(now, o, d, s)
			return nil
		}
		e.dispose(now, o.last, d, user, s)
		return nil
	})
}

func findDisposition(c campaigns.Campaign, code string) (campaigns.Disposition, bool) {
	for _, d := range dispositionsOf(c) {
		if d.Code == code {
			return d, true
		}
	}
	return campaigns.Disposition{}, false
}

// Drain stops new calls and waits until the last one is over, or ctx ends.
// Calls that ring go on: the operators are still there for whoever answers, and
// giving up would spend the attempt and risk an answer that finds nobody.
func (e *Engine) Drain(ctx context.Context) error {
	err := e.do(ctx, func(time.Time) error {
		if e.draining {
			return nil
		}
		e.draining = true
		e.checkDrained()
		return nil
	})
	if err != nil {
		return err
	}
	select {
	case <-e.drained:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// checkDrained tells who waits that no call is left and every ending is
// durable.
func (e *Engine) checkDrained() {
	if !e.draining || len(e.calls)+len(e.unwritten) > 0 {
		return
	}
	select {
	case <-e.drained:
	default:
		close(e.drained)
	}
}

// Snapshot is everything that is live now.
func (e *Engine) Snapshot(ctx context.Context) (Snapshot, error) {
	var s Snapshot
	err := e.do(ctx, func(now time.Time) error {
		s = e.snapshot(now)
		return nil
	})
	return s, err
}

// Operator is what one operator does now; offline where nothing is known.
func (e *Engine) Operator(ctx context.Context, user campaigns.UserID) (OperatorView, error) {
	v := OperatorView{User: user, State: operator.Offline}
	err := e.do(ctx, func(now time.Time) error {
		if o := e.operators[string(user)]; o != nil {
			v = e.operatorView(o)
			v.Idle = e.idle(now, o)
		}
		return nil
	})
	return v, err
}

// HangUpCall ends any live call, as a manager may.
func (e *Engine) HangUpCall(ctx context.Context, id campaigns.AttemptID) error {
	return e.do(ctx, func(now time.Time) error {
		c := e.calls[id]
		if c == nil {
			return ErrNoCall
		}
		e.step(now, c, call.Cancel{})
		e.step(now, c, call.HangUp{})
		return nil
	})
}
