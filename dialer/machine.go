package dialer

import (
	"context"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/media"
)

// This file is what follows where an operator hears a machine before the detector does.

// MachineAnswered takes an operator's word that they talk with a machine. Where the campaign
// leaves messages its message is left, else the call is hung up; the operator is done with it
// at once. An attempt that is given must be the present one: who asks twice shall not end the
// next talk. ErrState says that the customer is on hold, that somebody else is in the talk,
// or that the customer called us.
func (e *Engine) MachineAnswered(ctx context.Context, user campaigns.UserID, attempt campaigns.AttemptID) error {
	return e.do(ctx, func(now time.Time) error { return e.saidMachine(now, e.operators[string(user)], attempt) })
}

func (e *Engine) saidMachine(now time.Time, o *liveOperator, attempt campaigns.AttemptID) error {
	c, err := e.talkOf(o)
	switch {
	case err != nil:
		return err
	case c.Operator() != o.ID() || attempt != "" && attempt != c.ID():
		return ErrNotYours
	case c.Inbound():
		return fmt.Errorf("%w: the customer called us", ErrState)
	case c.State() != call.Bridged:
		return fmt.Errorf("%w: the talk is %s", ErrState, c.State())
	}
	c.heard.Said, c.saidBy = true, o.ID()
	e.step(now, c, call.SaidMachine{})
	return nil
}

// afterSaid tells the operator in words what follows.
func afterSaid(c *liveCall) string {
	if c.State() == call.Doubted {
		return "a machine, as you said: the message is being left"
	}
	return "a machine, as you said: the call was ended"
}

// saidReason is why a call ended whose operator said that a machine answered, for its
// record; empty for any other.
func (c *liveCall) saidReason() string {
	if c.saidBy == "" {
		return ""
	}
	return "a machine, says operator " + c.saidBy
}

// endCheck listens no more to a checked call, unless for the beep of a machine.
func (e *Engine) endCheck(c *liveCall) {
	if !c.heard.Said {
		e.deps.Audio.StopDetect(media.LegID(c.ID()))
	}
}
