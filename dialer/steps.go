package dialer

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/sip"
)

// step gives a call an event and does what it asks for.
func (e *Engine) step(now time.Time, c *liveCall, ev call.Event) {
	if _, cancel := ev.(call.Cancel); cancel && c.State() == call.Dialling && !c.placed {
		ev = call.NotAllowed{Reason: "given up before it left"} // it waits for the carrier's rate
	}
	from := c.State()
	c.heard.over(from, ev)
	actions := c.Step(now, ev)
	to := c.State()
	if from != to {
		if to != call.Dialling { // pacing heard of it when it was begun
			e.touch(c.campaign)
		}
		e.followCaller(now, c)
		if from == call.Ringing { // its place among the ringing calls of the trunk is free
			e.touchCrowdedOut()
		}
		e.deps.Observer.Notice(CallChanged{At: now, Attempt: c.ID(), Campaign: c.campaign.ID, Trunk: c.route.Trunk, From: from, To: to})
		e.tellPacing(now, c, ev, from, to)
		e.followOwn(c)
	}
	for _, a := range actions {
		e.perform(now, c, a)
	}
}

// tellPacing turns a transition into what pacing learns from. Connected and
// Abandoned are told where they are done.
func (e *Engine) tellPacing(now time.Time, c *liveCall, ev call.Event, from, to call.State) {
	if _, said := ev.(call.SaidMachine); said && c.own != nil && c.late && from == call.Bridged { // it was told of a person lost
		c.campaign.controller.Observe(now, pacing.Machine{Call: string(c.ID()), Talked: true, Late: true})
	}
	if c.Inbound() || c.own != nil {
		return // pacing knows callers as people who wait, and the operators whom they and their own calls have
	}
	id, learn := string(c.ID()), c.campaign.controller
	if from == call.Doubted && to != call.Queued { // whoever ended the doubt
		learn.Observe(now, pacing.Machine{Call: id})
		return
	}
	if wasTakenBack(ev, from, to) {
		learn.Observe(now, pacing.Machine{Call: id, Talked: from == call.Bridged, Late: c.late})
		return
	}
	switch to {
	case call.Ringing:
		learn.Observe(now, pacing.Ringing{Call: id, Since: c.RingingAt()})
	case call.Detecting:
		learn.Observe(now, pacing.Answered{Call: id, Since: c.AnsweredAt()})
	case call.Queued:
		learn.Observe(now, pacing.Human{Call: id})
	case call.Leaving:
		if v, ok := ev.(call.Verdict); ok && from == call.Detecting {
			learn.Observe(now, pacing.Machine{Call: id})
		} else if ok {
			learn.Observe(now, pacing.Ended{Call: id, Cause: causeOf(v.Outcome)})
		} else if _, ok := ev.(call.Cancel); ok {
			learn.Observe(now, pacing.Ended{Call: id, Cause: pacing.CauseCancelled})
		}
	}
}

// wasTakenBack says that a person turned out to be none while they waited for an
// operator or had one.
func wasTakenBack(ev call.Event, from, to call.State) bool {
	if from != call.Queued && from != call.Bridged || to != call.Leaving && to != call.Doubted {
		return false
	}
	switch ev.(type) {
	case call.Verdict, call.Beep, call.SaidMachine:
		return true
	}
	return false
}

// perform does one action of a call.
func (e *Engine) perform(now time.Time, c *liveCall, a call.Action) {
	leg := media.LegID(c.ID())
	switch a := a.(type) {
	case call.Place:
		e.place(now, c)
	case call.GiveBackRoute:
		e.deps.Trunks.Release(c.route)
	case call.KeepDialog:
		e.keepDialog(c)
	case call.Accept:
		e.acceptCaller(now, c)
	case call.Announce:
		e.deps.Audio.Play(leg, c.campaign.announcement())
	case call.Music:
		e.playMusic(now, c, true)
	case call.PlayPutOff:
		e.playPutOff(now, c)
	case call.FindOperator:
		e.waiting = append(e.waiting, c.ID())
		if fatigue(c.campaign.Pacing) != (pacing.Fatigue{}) { // then somebody who rests may be asked
			e.after(max(0, lostAt(c).Sub(now)), func(time.Time) {})
		}
	case call.Connect:
		e.connect(now, c, a)
	case call.Arrange:
		e.arrange(now, c)
	case call.SeekThird:
		e.callThird(now, c)
	case call.DropThird:
		e.dropThird(now, c)
	case call.HandOver:
		e.handOver(now, c, a)
	case call.FreeOperator:
		e.freeOperator(now, c, a)
	case call.ListenForBeep:
		e.deps.Audio.ListenForBeep(leg)
	case call.StopListening:
		e.deps.Audio.StopDetect(leg)
	case call.Lost:
		e.tellLost(now, c)
	case call.PlayMessage:
		e.deps.Audio.StopDetect(leg)
		e.deps.Audio.Play(leg, c.campaign.safeHarbor())
	case call.LeaveMessage:
		e.deps.Audio.Play(leg, c.campaign.Voicemail)
	case call.CutMessage:
		e.deps.Audio.StopPlaying(leg)
	case call.Suppress:
		c.optedOut = true
	case call.HangUpLeg:
		e.deps.Trunks.Hangup(sip.LegID(c.ID()), c.goodbye())
	case call.ArmTimer:
		since := c.Since()
		e.after(a.After, func(now time.Time) { e.step(now, c, call.TimerFired{In: a.In, Since: since}) })
	case call.EndAttempt:
		c.own.cameTo(a.Outcome)
		e.endAttempt(now, c, a)
		e.freePreviewer(now, c)
	case call.Forget:
		if c.Inbound() {
			e.drop(c)
			return
		}
		c.campaign.controller.Observe(now, pacing.Ended{Call: string(c.ID()), Cause: pacing.CauseFailed})
		e.drop(c)
		e.freePreviewer(now, c)
	}
}

// keepDialog makes the answered dialog durable, beside the call, and only then
// has the answer acknowledged: what is not acknowledged the carrier repeats, to
// the next process if this one dies.
func (e *Engine) keepDialog(c *liveCall) {
	e.saveDialogs(c, func(time.Time, error) { e.deps.Trunks.Confirm(sip.LegID(c.ID())) })
}

// drop forgets a call that is over.
func (e *Engine) drop(c *liveCall) {
	if e.calls[c.ID()] == nil {
		return
	}
	e.sendListenersAway(c)
	delete(e.calls, c.ID())
	c.campaign.calls--
	e.touch(c.campaign)
	e.touchCrowdedOut()
	if c.placed {
		e.deps.Audio.Close(media.LegID(c.ID()))
	}
	e.checkDrained()
}

// causeOf is the word pacing has for an outcome without a connection.
func causeOf(o campaigns.Outcome) pacing.Cause {
	switch o {
	case campaigns.Busy:
		return pacing.CauseBusy
	case campaigns.InvalidNumber, campaigns.NumberChanged, campaigns.BadFormat:
		return pacing.CauseInvalid
	case campaigns.NoAnswer, campaigns.Absent:
		return pacing.CauseNoAnswer
	case campaigns.Cancelled:
		return pacing.CauseCancelled
	}
	return pacing.CauseFailed
}
