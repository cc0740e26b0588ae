package dialer

import (
	"context"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
)

// Hold puts the customer on hold: they hear music, the operator hears nothing. The
// recording goes on with what the customer says and hears; what the operator says
// meanwhile is in it no more than it is at the customer's ear.
func (e *Engine) Hold(ctx context.Context, user campaigns.UserID) error {
	return e.stepTalk(ctx, user, call.Hold{}, call.Held)
}

// Resume takes the customer back from hold.
func (e *Engine) Resume(ctx context.Context, user campaigns.UserID) error {
	return e.stepTalk(ctx, user, call.Resume{}, call.Bridged)
}

// stepTalk gives the operator's talk an event that must bring it to a state; a talk
// that is there already stays as it is.
func (e *Engine) stepTalk(ctx context.Context, user campaigns.UserID, ev call.Event, want call.State) error {
	return e.inOwnTalk(ctx, user, func(now time.Time, o *liveOperator, c *liveCall) error {
		if c.State() == want {
			return nil
		}
		e.step(now, c, ev)
		if c.State() != want {
			return fmt.Errorf("%w: the talk is %s", ErrState, c.State())
		}
		return nil
	})
}

// inTalk runs do with the operator and the call that they talk in.
func (e *Engine) inTalk(ctx context.Context, user campaigns.UserID, do func(now time.Time, o *liveOperator, c *liveCall) error) error {
	return e.do(ctx, func(now time.Time) error {
		o := e.operators[string(user)]
		c, err := e.talkOf(o)
		if err != nil {
			return err
		}
		return do(now, o, c)
	})
}

// talkOf is the call that an operator talks in; ErrNoCall if there is none.
func (e *Engine) talkOf(o *liveOperator) (*liveCall, error) {
	if o == nil || o.State() != operator.Talking {
		return nil, ErrNoCall
	}
	c := e.calls[campaigns.AttemptID(o.Call())]
	if c == nil {
		return nil, ErrNoCall
	}
	return c, nil
}

// Mute lets nobody hear the operator until Unmute or the end of the talk, for phones
// that have no key for it.
func (e *Engine) Mute(ctx context.Context, user campaigns.UserID) error {
	return e.setMuted(ctx, user, true)
}

// Unmute ends what Mute began.
func (e *Engine) Unmute(ctx context.Context, user campaigns.UserID) error {
	return e.setMuted(ctx, user, false)
}

func (e *Engine) setMuted(ctx context.Context, user campaigns.UserID, on bool) error {
	return e.inTalk(ctx, user, func(now time.Time, o *liveOperator, _ *liveCall) error {
		if o.muted != on {
			e.mute(o, on)
			e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
		}
		return nil
	})
}

func (e *Engine) mute(o *liveOperator, on bool) {
	if o.muted != on {
		o.muted = on
		e.deps.Audio.Mute(media.LegID(o.leg), on)
	}
}

// SendDigits presses keys (media.Keys) for whoever the operator talks to: a menu, a
// PIN.
func (e *Engine) SendDigits(ctx context.Context, user campaigns.UserID, digits string) error {
	return e.inTalk(ctx, user, func(_ time.Time, _ *liveOperator, c *liveCall) error {
		leg := media.LegID(c.ID())
		switch {
		case c.State() == call.Consulting && c.third.out != nil:
			leg = media.LegID(c.third.out.leg)
		case c.State() != call.Bridged && c.State() != call.Conferring:
			return fmt.Errorf("%w: the talk is %s", ErrState, c.State())
		}
		e.deps.Audio.SendDigits(leg, digits)
		return nil
	})
}

// arrange lets everybody in a talk hear whom they are to hear in its state. The
// recording is of the customer's leg: what they say and hear, in a conference all of
// it, on hold the music, never what is said beside them.
func (e *Engine) arrange(now time.Time, c *liveCall) {
	customer := media.LegID(c.ID())
	s := c.State()
	e.playMusic(now, c, s == call.Held || s == call.Asking || s == call.Consulting || s == call.Handing)
	if s != call.Asking {
		e.stopRinging(c)
	}
	switch s {
	case call.Bridged:
		e.deps.Audio.Bridge(customer, e.legOf(c.Operator()))
	case call.Held, call.Handing:
		e.deps.Audio.Unbridge(customer)
	case call.Asking:
		e.deps.Audio.Unbridge(customer)
		e.ring(c, e.operators[c.Operator()])
	case call.Consulting:
		e.deps.Audio.Bridge(e.thirdLeg(c), e.legOf(c.Operator()))
	case call.Conferring:
		if c.recorded != "" && c.third.out != nil {
			e.deps.Audio.Play(e.thirdLeg(c), media.PromptRecorded)
		}
		e.deps.Audio.Confer(customer, e.legOf(c.Operator()), e.thirdLeg(c))
	case call.Handed:
		e.deps.Audio.Bridge(customer, e.thirdLeg(c))
	}
	e.tellTalk(c)
}

func (e *Engine) legOf(user string) media.LegID { return media.LegID(e.operators[user].leg) }

// thirdLeg is the leg of the third party, who is there.
func (e *Engine) thirdLeg(c *liveCall) media.LegID {
	if c.third.out != nil {
		return media.LegID(c.third.out.leg)
	}
	return e.legOf(c.third.operator)
}

// ring has an operator hear that whom they asked for is called.
func (e *Engine) ring(c *liveCall, o *liveOperator) {
	c.ringing = o.leg
	e.deps.Audio.Loop(media.LegID(c.ringing), media.PromptRingback)
}

// stopRinging ends that.
func (e *Engine) stopRinging(c *liveCall) {
	if c != nil && c.ringing != "" {
		e.deps.Audio.Loop(media.LegID(c.ringing), "")
		c.ringing = ""
	}
}

// playMusic begins or ends the music of a customer on hold.
func (e *Engine) playMusic(now time.Time, c *liveCall, on bool) {
	switch {
	case on && c.heldAt.IsZero():
		c.heldAt = now
		music := c.campaign.holdMusic()
		if c.State() == call.Waiting {
			music = c.campaign.queueMusic()
		}
		e.deps.Audio.Loop(media.LegID(c.ID()), music)
	case !on && !c.heldAt.IsZero():
		c.heldAt = time.Time{}
		e.deps.Audio.Loop(media.LegID(c.ID()), "")
	}
}

// tellTalk shows everybody how the talk stands.
func (e *Engine) tellTalk(c *liveCall) {
	in := []string{c.Operator()}
	if c.third != nil {
		in = append(in, c.third.operator)
	}
	for _, user := range in {
		if o := e.operators[user]; o != nil && o.Call() == string(c.ID()) {
			e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
		}
	}
}
