package dialer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// operatorFor returns the live operator of a user, making it if new.
func (e *Engine) operatorFor(now time.Time, user string) *liveOperator {
	o := e.operators[user]
	if o == nil {
		o = &liveOperator{Operator: operator.New(user, now)}
		e.operators[user] = o
	}
	return o
}

// stepOperator gives an operator an event and does what it asks for.
func (e *Engine) stepOperator(now time.Time, o *liveOperator, ev operator.Event) {
	for _, a := range o.Step(now, ev) {
		switch a := a.(type) {
		case operator.Changed:
			e.operatorChanged(now, o)
		case operator.RaiseLeg:
			e.raiseLeg(now, o)
		case operator.DropLeg:
			e.dropLeg(o)
		case operator.ArmWrap:
			e.after(a.For, func(now time.Time) { e.stepOperator(now, o, operator.WrapTimeout{Since: a.Since}) })
		case operator.DefaultDisposition:
			e.defaultDisposition(now, o)
		}
	}
}

func (e *Engine) operatorChanged(now time.Time, o *liveOperator) {
	if o.State() == operator.Ready || o.State() == operator.Paused {
		o.last = nil
		e.assign(now, o, o.moving)
		o.moving = ""
	}
	if o.State() != operator.Paused {
		e.stopListening(o)
	}
	e.followRest(now, o)
	e.ready.Remove(o.ID())
	if o.State() != operator.Ready {
		e.dropPreview(o)
	} else {
		e.ready.Add(o.ID(), o.Since())
		e.offerPreview(now, o)
	}
	e.followPresence(o)
	e.followDuty(o)
	e.tellOperator(now, o)
	e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
}

// assign puts an operator on a campaign: the wanted one, else the one they are on while it
// runs, else a running one. A campaign that does not take them, or does no more since it was
// changed, or that they may not work for, is none of these.
func (e *Engine) assign(now time.Time, o *liveOperator, wanted campaigns.CampaignID) {
	present := e.campaigns[o.campaign]
	stays := present == nil || o.takenBy(present.Campaign)
	if r := e.campaigns[wanted]; r != nil && !o.takenBy(r.Campaign) {
		wanted = ""
	}
	if wanted == "" {
		if present != nil && stays && present.State == campaigns.Running {
			return
		}
		wanted = e.firstCampaign(o)
	}
	if wanted == o.campaign || wanted == "" && stays {
		return
	}
	if present != nil {
		e.leaveCampaign(now, present, o)
	}
	o.campaign = wanted
}

// firstCampaign is the first running campaign, by id, that takes the operator.
func (e *Engine) firstCampaign(o *liveOperator) campaigns.CampaignID {
	var first campaigns.CampaignID
	for id, r := range e.campaigns {
		if r.State == campaigns.Running && o.takenBy(r.Campaign) && (first == "" || id < first) {
			first = id
		}
	}
	return first
}

// takenBy says whether an operator works for a campaign: it takes them, and they may.
func (o *liveOperator) takenBy(c campaigns.Campaign) bool {
	if len(o.granted) > 0 && !slices.Contains(o.granted, c.ID) {
		return false
	}
	return len(c.Operators) == 0 || slices.Contains(c.Operators, campaigns.UserID(o.ID()))
}

// raiseLeg calls the operator's phone: the leg that stays up for the shift. Where the
// phone is a browser there is no offer: its audio is there already.
func (e *Engine) raiseLeg(now time.Time, o *liveOperator) {
	if !e.deps.Phones.Online(o.ID()) {
		e.log.Info("no phone registered", zap.String("user", o.ID()))
		e.stepOperator(now, o, operator.LegDown{})
		return
	}
	spec := e.phoneSpec(o.ID())
	spec.Owner = o.ID()
	offer, err := e.deps.Audio.Offer(media.LegID(e.nameLeg(o)), spec)
	if err != nil {
		e.log.Warn("no audio port for an operator", zap.String("user", o.ID()), zap.Error(err))
		e.forgetLeg(o)
		e.stepOperator(now, o, operator.LegDown{})
		return
	}
	e.deps.Phones.Call(sip.LegID(o.leg), o.ID(), offer)
}

func (e *Engine) nameLeg(o *liveOperator) string {
	e.forgetLeg(o)
	o.legs++
	o.leg = fmt.Sprintf("op:%s:%d", o.ID(), o.legs)
	e.legs[o.leg] = o.ID()
	return o.leg
}

func (e *Engine) forgetLeg(o *liveOperator) {
	delete(e.legs, o.leg)
	o.leg, o.code, o.muted, o.lineTrouble = "", "", false, ""
}

func (e *Engine) dropLeg(o *liveOperator) {
	if o.leg == "" {
		return
	}
	e.deps.Phones.Hangup(o.leg)
	e.deps.Audio.Close(media.LegID(o.leg))
	e.forgetLeg(o)
}

// legDown follows the end of an operator's leg, whoever ended it.
func (e *Engine) legDown(now time.Time, o *liveOperator) {
	e.keepLine(e.calls[campaigns.AttemptID(o.Call())], o)
	e.deps.Audio.Close(media.LegID(o.leg))
	e.forgetLeg(o)
	id := campaigns.AttemptID(o.Call())
	talking := o.State() == operator.Talking || o.State() == operator.Reserved
	e.stepOperator(now, o, operator.LegDown{})
	e.followDuty(o) // a phone that dialled in and was never on duty
	if c := e.calls[id]; c != nil && c.own != nil && c.AnsweredAt().IsZero() {
		e.step(now, c, call.Cancel{}) // there is nobody for whoever answers
	} else if c != nil && talking && c.isThird(o) {
		e.thirdLost(now, c, o)
	} else if c != nil && talking {
		e.deps.Audio.Unbridge(media.LegID(id))
		e.step(now, c, call.OperatorLost{})
	}
}

// onIncoming lets an operator's phone dial in: its own leg, by name or by the
// feature code for on duty with the PIN.
func (e *Engine) onIncoming(now time.Time, ev sip.Incoming) {
	if ev.Route.Trunk != "" {
		e.onCaller(now, ev)
		return
	}
	o := e.operatorFor(now, ev.User)
	leg := string(ev.Leg)
	e.checkDialIn(o, ev.Dialed, func(now time.Time, ok bool) {
		o.duty = o.duty || ok
		if !ok || o.leg != "" {
			e.deps.Phones.Hangup(leg)
			return
		}
		e.acceptDialIn(now, o, ev)
	})
}

func (e *Engine) acceptDialIn(now time.Time, o *liveOperator, ev sip.Incoming) {
	leg := string(ev.Leg)
	answer, err := e.dialInAnswer(ev)
	if err != nil {
		e.log.Warn("phone's offer refused", zap.String("user", ev.User), zap.Error(err))
		e.deps.Phones.Hangup(leg)
		e.followDuty(o)
		return
	}
	o.leg = leg
	e.legs[leg] = o.ID()
	e.deps.Phones.Accept(ev.Leg, answer) // sip.Answered follows with the ACK
}

func (e *Engine) dialInAnswer(ev sip.Incoming) ([]byte, error) {
	spec := e.phoneSpec(ev.User)
	if ev.Body == nil {
		return e.deps.Audio.Offer(media.LegID(ev.Leg), spec)
	}
	return e.deps.Audio.Answer(media.LegID(ev.Leg), spec, ev.Body)
}

// operatorView is an operator with the call on the screen.
func (e *Engine) operatorView(o *liveOperator) OperatorView {
	v := OperatorView{
		User: campaigns.UserID(o.ID()), State: o.State(), Since: o.Since(), Reason: o.Reason(), Campaign: o.campaign,
		Line:      o.lineTrouble,
		TakenBack: o.takenBack, Stage: o.Stage(), Leaves: o.PauseRequested(), RestUntil: o.shift.until,
		Attempt: campaigns.AttemptID(o.Call()), Away: o.Away(), Leg: o.leg,
	}
	if c := e.calls[v.Attempt]; c != nil && o.State() == operator.Talking {
		v.Talk, v.HeldSince, v.Muted = c.State(), c.heldAt, o.muted
		v.TransferNumbers = c.campaign.TransferNumbers
		v.LeavesMessage = c.campaign.Voicemail != "" && !c.Inbound()
		if t := c.third; t != nil && t.operator == o.ID() {
			v.AskedBy = campaigns.UserID(c.Operator())
		} else if t != nil {
			v.Third = &ThirdView{
				Operator: cmp.Or(campaigns.UserID(t.operator), t.to.Operator), Campaign: t.to.Campaign, Number: t.to.Number,
				Since: t.since, Up: t.up,
			}
		}
	}
	v.ListensTo, v.Presence = o.listensTo, o.presence
	if t := o.last; t != nil {
		v.show(t.claim)
		v.CalledIn = t.calledIn
		v.CallID, v.VerdictAt, v.BridgedAt, v.WrapUntil = t.callID, t.verdictAt, t.bridgedAt, t.wrapUntil
		v.Dispositions, v.Script = dispositionsOf(t.campaign), t.campaign.Script
		v.Objections, v.Form = t.campaign.ObjectionsOf(t.claim.Queue.Segment), t.campaign.Form
		v.CRM = t.campaign.CRM
	} else if p := o.preview; p != nil {
		v.show(*p)
		v.Preview = true
		if r := e.campaigns[p.Queue.Campaign]; r != nil {
			v.CRM = r.CRM
		}
	} else if c := e.calls[v.Attempt]; c != nil { // asked for by the operator, not answered yet
		v.show(c.claim)
		v.CRM = c.campaign.CRM
	}
	v.Own = e.ownView(o)
	if r := e.campaigns[o.campaign]; r != nil {
		v.MayDial = r.ManualDial && r.State == campaigns.Running
	}
	return v
}

// show puts the lead of a claim on the screen.
func (v *OperatorView) show(c campaigns.Claim) {
	v.Number, v.Lead, v.Zones = c.Number.E164, &c.Lead, c.Number.Zones
	v.CalledFor = &CalledFor{
		Segment: c.Queue.Segment, Priority: c.Priority, Attempts: c.Attempts, LastOutcome: c.LastOutcome, LastAt: c.LastAt,
		Callback: c.Callback, TalkedTo: c.Operator,
	}
}

func dispositionsOf(c campaigns.Campaign) []campaigns.Disposition {
	if len(c.Dispositions) > 0 {
		return c.Dispositions
	}
	return campaigns.DefaultDispositions()
}

// phoneSpec is how the audio of an operator's leg is to be.
func (e *Engine) phoneSpec(user string) media.LegSpec {
	return media.LegSpec{Kind: media.Operator, Networks: e.cfg.PhoneNetworks, Encryption: e.deps.Phones.Encryption(user)}
}
