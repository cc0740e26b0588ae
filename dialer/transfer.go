package dialer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
)

// Errors of Consult and Transfer.
var (
	// ErrNotReady means that the operator who was asked for takes no call now.
	ErrNotReady = errors.New("that operator is not ready")
	// ErrForbidden means a number that may not be called: the campaign does not name
	// it, it is on do-not-call, or costs more than a call.
	ErrForbidden = errors.New("that number may not be called")
	// ErrNoChannel means that no trunk has room for a call now.
	ErrNoChannel = errors.New("no trunk has room for a call now")
)

// Target is a third party whom an operator asks for. Exactly one field is set.
type Target struct {
	Operator campaigns.UserID
	Campaign campaigns.CampaignID // the operators of its queue, whoever is ready first
	Number   string               // E.164, one that Campaign.TransferNumbers allows
}

// reason is what an attempt keeps of a transfer; a number outside is in the audit
// alone.
func (t Target) reason() string {
	switch {
	case t.Operator != "":
		return "transferred to operator " + string(t.Operator)
	case t.Number != "":
		return "transferred to a number outside"
	}
	return ""
}

// Consult puts the customer on hold and calls a third party for the operator.
func (e *Engine) Consult(ctx context.Context, user campaigns.UserID, to Target) error {
	return e.seekThird(ctx, user, to, call.Consult{})
}

// Transfer leaves the customer with the third party who was asked, or rings, and has
// the operator wrap up. With a target it gives the customer away blindly: if nobody
// answers within call.ThirdAtMost, an operator of the campaign has them again.
func (e *Engine) Transfer(ctx context.Context, user campaigns.UserID, to *Target) error {
	if to != nil {
		return e.seekThird(ctx, user, *to, call.Consult{Away: true})
	}
	return e.inOwnTalk(ctx, user, func(now time.Time, _ *liveOperator, c *liveCall) error {
		from := c.State()
		e.step(now, c, call.Transfer{})
		if c.State() == from {
			return fmt.Errorf("%w: the talk is %s", ErrState, from)
		}
		return nil
	})
}

// Confer lets customer, operator and third party hear each other.
func (e *Engine) Confer(ctx context.Context, user campaigns.UserID) error {
	return e.stepTalk(ctx, user, call.Confer{}, call.Conferring)
}

// Return lets the third party go: the operator is with the customer alone.
func (e *Engine) Return(ctx context.Context, user campaigns.UserID) error {
	return e.stepTalk(ctx, user, call.Return{}, call.Bridged)
}

// inOwnTalk is inTalk for what only the operator may do whose talk it is, not one
// who was asked into it.
func (e *Engine) inOwnTalk(ctx context.Context, user campaigns.UserID, do func(now time.Time, o *liveOperator, c *liveCall) error) error {
	return e.inTalk(ctx, user, func(now time.Time, o *liveOperator, c *liveCall) error {
		if c.Operator() != o.ID() {
			return ErrNotYours
		}
		return do(now, o, c)
	})
}

// seekThird calls a third party. What the store must say of a number is asked beside
// the loop, and the talk must still be the same then.
func (e *Engine) seekThird(ctx context.Context, user campaigns.UserID, to Target, ev call.Consult) error {
	var asked campaigns.AttemptID
	seek := func(now time.Time, o *liveOperator, c *liveCall) error {
		if c.State() != call.Bridged && c.State() != call.Held {
			return fmt.Errorf("%w: the talk is %s", ErrState, c.State())
		}
		if to.Number != "" && asked == "" { // what needs no store comes first
			asked = c.ID()
			return e.mayCallThird(c, to.Number)
		}
		if asked != "" && asked != c.ID() {
			return ErrNotYours
		}
		third, err := e.newThird(now, c, o, to)
		if err != nil {
			return err
		}
		third.since = now
		c.third = third
		e.step(now, c, ev)
		return nil
	}
	err := e.inOwnTalk(ctx, user, seek)
	if err != nil || to.Number == "" {
		return err
	}
	if err := e.deps.Transferable(ctx, to.Number); err != nil {
		return err
	}
	return e.inOwnTalk(ctx, user, seek)
}

// mayCallThird says whether the campaign allows a number.
func (e *Engine) mayCallThird(c *liveCall, number string) error {
	if e.deps.Transferable == nil || !c.campaign.MayTransferTo(number) {
		return fmt.Errorf("%w: the campaign's transfer_numbers do not name it", ErrForbidden)
	}
	if number == c.claim.Number.E164 {
		return fmt.Errorf("%w: it is the customer's own", ErrForbidden)
	}
	return nil
}

// newThird finds who was asked for, or takes a way out to them.
func (e *Engine) newThird(now time.Time, c *liveCall, by *liveOperator, to Target) (*third, error) {
	switch {
	case to.Operator != "":
		o := e.operators[string(to.Operator)]
		if o == nil || o == by || o.State() != operator.Ready {
			return nil, ErrNotReady
		}
		return &third{to: to}, nil
	case to.Campaign != "":
		if e.campaigns[to.Campaign] == nil {
			return nil, ErrNotHere
		}
		return &third{to: to}, nil
	case to.Number != "":
		out, err := e.reserveOutside(now, c, to.Number)
		return &third{to: to, out: out}, err
	}
	return nil, fmt.Errorf("%w: an operator, a campaign or a number is needed", ErrForbidden)
}

// third is the third party of a talk.
type third struct {
	to       Target
	operator string   // who it is, once an operator is in it
	out      *outside // the leg, where it is a number
	since    time.Time
	up       bool
}

// callThird has the third party called.
func (e *Engine) callThird(now time.Time, c *liveCall) {
	switch t := c.third; {
	case t.out != nil:
		e.dialOutside(c, t.out)
	case t.to.Operator != "":
		e.joinThird(now, c, e.operators[string(t.to.Operator)])
	default:
		e.seeking = append(e.seeking, c.ID())
		e.touch(e.campaigns[t.to.Campaign])
	}
}

// serveSeeking gives operators who are ready to talks in which one of their queue is
// asked for, after the people who wait under the law's clock.
func (e *Engine) serveSeeking(now time.Time) {
	if len(e.seeking) == 0 {
		return
	}
	still := e.seeking[:0]
	for _, id := range e.seeking {
		c := e.calls[id]
		if !e.seeks(c) {
			continue
		}
		user, ok := e.ready.First(func(user string) bool {
			o := e.operators[user]
			return o.campaign == c.third.to.Campaign && !o.resting(now)
		})
		if !ok {
			still = append(still, id)
			continue
		}
		e.joinThird(now, c, e.operators[user])
	}
	e.seeking = still
}

// seeks says whether a call still waits for an operator of a queue.
func (e *Engine) seeks(c *liveCall) bool {
	return c != nil && c.third != nil && c.third.to.Campaign != "" && !c.third.up
}

// joinThird puts an operator into a talk as the third party, with the lead on their
// screen.
func (e *Engine) joinThird(now time.Time, c *liveCall, o *liveOperator) {
	e.stepOperator(now, o, operator.Reserve{Call: string(c.ID())})
	c.third.operator, c.third.up = o.ID(), true
	o.last = newTalk(now, c, o)
	o.last.asked = true
	e.deps.Audio.Play(media.LegID(o.leg), media.PromptBeep)
	e.stepOperator(now, o, operator.Bridged{})
	e.step(now, c, call.ThirdUp{Operator: o.ID()})
}

// isThird says whether an operator is in a call as the third party.
func (c *liveCall) isThird(o *liveOperator) bool {
	return c.third != nil && c.third.operator == o.ID()
}

// handOver makes the third party's what was the operator's.
func (e *Engine) handOver(now time.Time, c *liveCall, a call.HandOver) {
	to := c.third.to
	if a.To != "" {
		to.Operator = campaigns.UserID(a.To)
		c.third = nil
		o := e.operators[a.To]
		o.last.asked, o.last.bridgedAt = false, now
		e.operatorLine(c, o)
		e.chain(c.ID(), o.last)
	} else if c.recorded != "" { // nobody of ours hears what is said from now on
		e.deps.Audio.StopRecord(media.LegID(c.ID()))
	}
	c.handedTo = to
	e.deps.Observer.Notice(Transferred{
		At: now, Attempt: c.ID(), Campaign: c.campaign.ID, From: campaigns.UserID(a.From), To: to,
	})
}

// dropThird lets the third party go.
func (e *Engine) dropThird(now time.Time, c *liveCall) {
	t := c.third
	if t == nil {
		return
	}
	c.third = nil
	if t.out != nil {
		e.hangUpOutside(c, t.out)
	}
	if o := e.operators[t.operator]; o != nil {
		e.deps.Audio.Unbridge(media.LegID(o.leg))
		e.mute(o, false)
		e.stepOperator(now, o, operator.CallOver{})
	}
	if t.to.Campaign != "" {
		e.touch(e.campaigns[t.to.Campaign])
	}
}

// thirdLost follows the end of the leg of an operator who was the third party.
func (e *Engine) thirdLost(now time.Time, c *liveCall, o *liveOperator) {
	c.third = nil
	o.last = nil
	e.stepOperator(now, o, operator.Disposed{}) // the talk was another one's: nothing is left to say
	e.step(now, c, call.ThirdGone{})
}

// hangUp is an operator's wish to be out of the call: whose talk it is ends it, who
// was asked into it leaves.
func (e *Engine) hangUp(now time.Time, o *liveOperator) error {
	c := e.calls[campaigns.AttemptID(o.Call())]
	switch {
	case c == nil && o.State() == operator.Reserved: // their own call, which is not begun yet
		e.stepOperator(now, o, operator.CallOver{})
	case c == nil || o.State() != operator.Talking && o.State() != operator.Reserved:
		return ErrNoCall
	case c.isThird(o):
		e.dropThird(now, c)
		e.step(now, c, call.ThirdGone{})
	default:
		e.step(now, c, call.Cancel{})
		e.step(now, c, call.HangUp{})
	}
	return nil
}
