package dialer

import (
	"cmp"
	"context"
	"errors"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
)

// endAttempt settles the outcome: the one durable write, and everybody who
// wants to know.
func (e *Engine) endAttempt(now time.Time, c *liveCall, a call.EndAttempt) {
	next := e.whatNext(c, a.Outcome, now)
	ending := c.ending(now, a.Outcome, next)
	ending.Code, ending.Q850, ending.Reason = a.Code, a.Q850, cmp.Or(c.line.lost, c.saidReason(), a.Reason, c.handedTo.reason())
	ending.Audio = e.audioOf(c)
	ending.Suppress = ending.Suppress || c.optedOut
	c.endedAt = now
	if c.Operator() != "" {
		ending.Operator = campaigns.UserID(c.Operator())
	}
	if c.recorded != "" {
		e.deps.Audio.StopRecord(media.LegID(c.ID()))
	}
	if a.Outcome != campaigns.Connected && a.Outcome != campaigns.MachineHeard && !c.Inbound() {
		c.campaign.controller.Observe(now, pacing.Ended{Call: string(c.ID()), Cause: causeOf(a.Outcome)})
	}
	c.campaign.count(a.Outcome, !c.BridgedAt().IsZero())
	c.campaign.countCaller(c, a.Outcome)
	e.deps.Observer.Notice(CallEnded{
		Ending: ending, Campaign: c.campaign.ID, Trunk: c.route.Trunk, CallerID: c.route.CallerID,
		Number: c.claim.Number.E164, BeganAt: c.beganAt, Lead: c.claim.Lead.ID, Heard: c.heard, Inbound: c.Inbound(),
	})
	// Before drop: a drain is over when no call and no unwritten ending is left.
	e.unwritten[write{attempt: c.ID()}] = false
	c.writeEnding = func() { e.writeEnding(ending, func(now time.Time) { e.onWritten(now, ending) }) }
	if e.stopping {
		c.outside = nil
	}
	c.endingMayGo()
	e.drop(c)
}

// nextStep is where a lead goes, and what becomes of its number.
type nextStep struct {
	next                campaigns.Next
	badNumber, suppress bool
}

func (e *Engine) whatNext(c *liveCall, o campaigns.Outcome, now time.Time) nextStep {
	if c.Inbound() {
		return e.afterCaller(now, c, o)
	}
	return e.nextAfter(c, o, now)
}

func (e *Engine) nextAfter(c *liveCall, o campaigns.Outcome, now time.Time) nextStep {
	next, bad, suppress := eligibility.Retry(c.campaign.Campaign, c.claim, o, now)
	next = e.deps.Rules.Shift(c.campaign.Campaign, c.claim, o, next, now)
	if c.own != nil {
		next = keepTime(c.claim, o, next)
	}
	return nextStep{next, bad, suppress}
}

// ending is the record of a call that came to an outcome.
func (c *liveCall) ending(now time.Time, o campaigns.Outcome, n nextStep) campaigns.Ending {
	return campaigns.Ending{
		Attempt: c.ID(), Outcome: o,
		RingingAt: c.RingingAt(), AnsweredAt: c.AnsweredAt(), VerdictAt: c.VerdictAt(),
		GreetingEnd: c.GreetingEnd(), BridgedAt: c.BridgedAt(),
		Recording: c.recorded, Next: n.next, BadNumber: n.badNumber, Suppress: n.suppress,
		Count: o.Reached(), At: now,
	}
}

// write names something of an attempt that is to be durable.
type write struct {
	attempt  campaigns.AttemptID
	disposal bool // else its ending
}

// storeDown says whether something that happened could not be written: nothing
// new is placed until it is.
func (e *Engine) storeDown() bool {
	return e.failing > 0 || e.deps.Behind != nil && e.deps.Behind()
}

// hasFailed notes that a write failed and is tried again.
func (e *Engine) hasFailed(id write) {
	if !e.unwritten[id] {
		e.unwritten[id] = true
		e.failing++
	}
}

// endingRetry is how long to wait before an ending is written again.
const endingRetry = time.Second

// writeEnding writes until the store has it. While one is missing nothing new
// is placed: what we know must not run away from what is durable.
func (e *Engine) writeEnding(ending campaigns.Ending, written func(now time.Time)) {
	id := write{attempt: ending.Attempt}
	e.unwritten[id] = e.unwritten[id] // what failed stays so until it is written
	e.later(func(ctx context.Context) func(time.Time) {
		err := e.deps.Store.End(ctx, ending)
		return func(now time.Time) {
			if err == nil || errors.Is(err, campaigns.ErrNotFound) {
				e.isWritten(id)
				if written != nil {
					written(now)
				}
				e.checkDrained()
				return
			}
			e.hasFailed(id)
			e.log.Error("ending not written; trying again", zap.String("call", string(ending.Attempt)), zap.Error(err))
			e.after(endingRetry, func(time.Time) { e.writeEnding(ending, written) })
		}
	})
}

// isWritten crosses off what is durable. Where that was what kept all from being
// placed, pacing need not wait for the tick.
func (e *Engine) isWritten(id write) {
	down := e.storeDown()
	if e.unwritten[id] {
		e.failing--
	}
	delete(e.unwritten, id)
	if down && !e.storeDown() {
		e.touchAll()
	}
}

// onWritten writes the disposition that waited for the ending.
func (e *Engine) onWritten(now time.Time, ending campaigns.Ending) {
	t := e.talks[ending.Attempt]
	if t == nil {
		return // nobody talked
	}
	delete(e.talks, ending.Attempt)
	for at := t; at != nil; at = at.before {
		at.written = true
	}
	e.writeWord(t)
}

// writeWord writes the disposition that holds, as soon as the ending is durable.
func (e *Engine) writeWord(t *talk) {
	if word := t.word(); word != nil && t.last().written {
		e.writeDisposal(t.last(), *word)
	}
}

// dispose writes what the operator says of the talk, as soon as its ending is
// durable, and lets the operator go on.
func (e *Engine) dispose(now time.Time, t *talk, d campaigns.Disposition, by campaigns.UserID, s Said) {
	disposal := eligibility.Resolve(d, eligibility.Talk{
		Attempt: t.attempt, Lead: t.claim.Lead, Number: t.claim.Number.E164,
		By: by, Note: s.Note, CallbackAt: s.CallbackAt, Personal: s.Personal, Fields: s.Fields,
	}, now)
	t.disposed = true
	if by == "" && t.calledIn != nil && t.calledIn.New {
		disposal.Next = campaigns.Next{Done: true} // only an operator has somebody called whom nobody knew
	}
	if by == "" {
		t.fallback = &disposal
	} else {
		t.said = &disposal
	}
	e.writeWord(t)
}

func (e *Engine) writeDisposal(t *talk, d campaigns.Disposal) {
	id := write{attempt: d.Attempt, disposal: true}
	e.unwritten[id] = e.unwritten[id]
	e.later(func(ctx context.Context) func(time.Time) {
		err := e.deps.Store.Dispose(ctx, d)
		return func(time.Time) {
			if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
				e.hasFailed(id)
				e.log.Error("disposition not written; trying again", zap.String("call", string(d.Attempt)), zap.Error(err))
				e.after(endingRetry, func(time.Time) { e.writeDisposal(t, d) })
				return
			}
			e.isWritten(id)
			e.checkDrained()
			said, _ := t.campaign.Disposition(d.Disposition)
			e.deps.Observer.Notice(Disposed{Disposal: d, Campaign: t.campaign.ID, Lead: t.claim.Lead.ID, Nobody: said.Nobody})
		}
	})
}
