package dialer

import (
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
)

// serveWaiting gives people who wait the operators who are ready: the longest
// wait first, to the longest ready who fits.
func (e *Engine) serveWaiting(now time.Time) {
	if len(e.waiting) == 0 {
		return
	}
	e.waiting = slices.DeleteFunc(e.waiting, func(id campaigns.AttemptID) bool { return !e.calls[id].wantsOperator() })
	for _, callers := range []bool{false, true} { // the law gives those whom we called two seconds
		for _, id := range slices.Clone(e.waiting) {
			c := e.calls[id]
			if c == nil || (c.State() == call.Waiting) != callers {
				continue
			}
			if o := e.operatorWhoFits(now, c); o != nil {
				e.step(now, c, call.OperatorFound{Operator: o.ID()})
			}
		}
	}
	e.waiting = slices.DeleteFunc(e.waiting, func(id campaigns.AttemptID) bool { return !e.calls[id].wantsOperator() })
}

func (c *liveCall) wantsOperator() bool {
	return c != nil && (c.State() == call.Queued || c.State() == call.Stranded || c.State() == call.Waiting)
}

// operatorWhoFits reserves an operator for a call: in preview who asked for it, of a
// promised call who promised it, where the campaign is sticky or the person called us
// who talked to them last, else the longest ready of its campaign who does not rest, at the last moment
// one who does. Nil if there is none.
func (e *Engine) operatorWhoFits(now time.Time, c *liveCall) *liveOperator {
	if o := e.previewerOf(c); o != nil {
		return o // reserved since the call was asked for
	}
	fits := func(user string) bool {
		o := e.operators[user]
		return o.campaign == c.campaign.ID && !o.resting(now)
	}
	last := string(c.claim.Operator)
	user, ok := e.ready.First(func(user string) bool {
		return (c.campaign.StickyOperator || c.Inbound()) && user == last && fits(user)
	})
	if !ok {
		user, ok = e.ready.First(fits)
	}
	if !ok && !now.Before(lostAt(c)) {
		user, ok = e.leastTired(now, c.campaign)
	}
	if !ok {
		return nil
	}
	o := e.operators[user]
	e.stepOperator(now, o, operator.Reserve{Call: string(c.ID())})
	return o
}

// connect puts the customer on the operator's open leg. The next packet of the
// customer goes there; everything else comes after.
func (e *Engine) connect(now time.Time, c *liveCall, a call.Connect) {
	o := e.operators[a.Operator]
	customer, leg := media.LegID(c.ID()), media.LegID(o.leg)
	e.playMusic(now, c, false)
	e.stopRinging(c)
	e.deps.Audio.Bridge(customer, leg)
	switch {
	case c.Inbound():
		e.deps.Audio.StopPlaying(customer) // the announcement, where it is not over
	case c.heard.Checked && !a.Again: // its verdict is only to be known
		e.after(checkFor, func(time.Time) { e.endCheck(c) })
	case a.Again || !c.OnTrial():
		e.deps.Audio.StopDetect(customer)
	}
	e.operatorLine(c, o)
	if c.own == nil { // who heard it ring needs no sign
		e.deps.Audio.Play(leg, media.PromptBeep)
	}
	e.startRecording(now, c)
	if o.State() == operator.Lost && e.talks[c.ID()] == o.last { // back in the talk that the leg went away from
		o.last.over = false
		e.stepOperator(now, o, operator.Bridged{})
		return
	}
	e.takeOver(now, c.ID())
	o.last = newTalk(now, c, o)
	o.takenBack, o.own = "", nil
	e.chain(c.ID(), o.last)
	if !a.Again && !c.Inbound() {
		c.late = a.Late
		if c.own == nil {
			c.campaign.controller.Observe(now, pacing.Connected{Call: string(c.ID()), Operator: a.Operator, Late: a.Late})
		} else if a.Late {
			e.tellLost(now, c)
		}
	}
	e.stepOperator(now, o, operator.Bridged{})
}

// legUp follows an operator's leg that is up. Where it went away from a talk and the
// customer is there still, it is back in it.
func (e *Engine) legUp(now time.Time, o *liveOperator) {
	if c := e.calls[campaigns.AttemptID(o.Call())]; o.State() == operator.Lost && c != nil && c.State() == call.Stranded {
		e.step(now, c, call.OperatorFound{Operator: o.ID()})
		return
	}
	e.stepOperator(now, o, operator.LegUp{})
}

// takeOver takes a talk from the operator whose leg broke: the next one says
// what came of it. Who gave the customer away keeps theirs.
func (e *Engine) takeOver(now time.Time, id campaigns.AttemptID) {
	t := e.talks[id]
	if t == nil || t.over {
		return
	}
	t.disposed = true
	if e.talks[id] = t.before; t.before != nil {
		t.before.next = nil
	} else {
		delete(e.talks, id)
	}
	if o := e.operators[t.operator]; o.last == t {
		o.last = nil
		e.stepOperator(now, o, operator.Disposed{})
	}
}

// startRecording records a talk where the law and the campaign allow.
func (e *Engine) startRecording(now time.Time, c *liveCall) {
	if c.recorded != "" {
		return
	}
	customer := media.LegID(c.ID())
	switch e.deps.Rules.Recording(c.claim.Number.Regions, c.campaign.Recording, now) {
	case campaigns.RecordNever:
		return
	case campaigns.RecordAnnounce:
		e.deps.Audio.Play(customer, media.PromptRecorded)
	}
	c.recorded = recordingPath(c.beganAt, c.ID())
	e.deps.Audio.Record(customer, c.recorded)
}

// recordingPath is where the recording of an attempt lies: whoever knows the attempt
// knows it.
func recordingPath(began time.Time, id campaigns.AttemptID) string {
	return began.UTC().Format("2006/01/02/") + string(id) + ".wav"
}

// freeOperator takes the operator out of a call that is over for them. Of one that
// was taken back there is nothing to say, and what follows is neither theirs to answer
// for nor recorded.
func (e *Engine) freeOperator(now time.Time, c *liveCall, a call.FreeOperator) {
	o := e.operators[a.Operator]
	if o == nil || o.last == nil {
		return
	}
	e.deps.Audio.Unbridge(media.LegID(o.leg))
	e.mute(o, false)
	o.last.over, o.lineTrouble = true, ""
	if a.TakenBack != "" {
		e.keepLine(c, o)
		if c.recorded != "" {
			e.deps.Audio.StopRecord(media.LegID(c.ID()))
		}
		o.last.disposed, o.takenBack = true, whyTakenBack(a.TakenBack)
	}
	if a.Said {
		o.takenBack = afterSaid(c)
	}
	wrap := o.last.campaign.Wrap.Timeout
	if wrap <= 0 {
		wrap = DefaultWrap
	}
	if o.last.disposed {
		wrap = 0 // nothing is left to write
	}
	o.last.wrapUntil = now.Add(wrap)
	e.stopRinging(e.calls[o.last.attempt])
	e.stepOperator(now, o, operator.CallOver{WrapUp: wrap})
}

// DefaultWrap is how long an operator may wrap up where the campaign does not
// say.
const DefaultWrap = time.Minute

// whyTakenBack tells an operator in words why a call went away.
func whyTakenBack(o campaigns.Outcome) string {
	what := "no person"
	switch o {
	case campaigns.MachineHeard:
		what = "a machine"
	case campaigns.FaxHeard:
		what = "a fax"
	case campaigns.ScreenedCall:
		what = "an assistant that screens calls"
	case campaigns.Announcement, campaigns.InvalidNumber, campaigns.Congestion:
		what = "an announcement of the network"
	case campaigns.Busy:
		what = "a busy tone"
	}
	return "the last call was taken back: " + what + " answered"
}
