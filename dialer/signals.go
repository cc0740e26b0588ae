package dialer

import (
	"strings"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// onSignal applies an event of signalling to the call or operator it is about.
// Events of legs that are over are ignored.
func (e *Engine) onSignal(now time.Time, ev sip.Event) {
	switch ev := ev.(type) {
	case sip.Progress:
		e.onProgress(now, ev)
	case sip.Answered:
		e.onAnswered(now, ev)
	case sip.Offered:
		e.onOffered(ev)
	case sip.Replied:
		if err := e.deps.Audio.Accept(media.LegID(ev.Leg), ev.Body); err != nil {
			e.log.Warn("late answer refused", zap.String("leg", string(ev.Leg)), zap.Error(err))
		}
	case sip.Incoming:
		e.onIncoming(now, ev)
	case sip.Digit:
		e.onDigit(now, string(ev.Leg), ev.Digit)
	case sip.Diverted:
		e.onDiverted(now, ev)
	case sip.Ended:
		e.onEnded(now, ev)
	case sip.PhoneOnline:
		e.onPhoneOnline(now, ev)
	case sip.PhoneOffline:
		// A phone without a registration may still have its leg; the leg's own
		// audio says whether the operator is there.
	}
}

// onPhoneOnline calls the phone of an operator whose leg went away while on duty.
func (e *Engine) onPhoneOnline(now time.Time, ev sip.PhoneOnline) {
	if o := e.operators[ev.User]; o != nil && o.State() == operator.Lost && o.leg == "" {
		e.stepOperator(now, o, operator.OnDuty{})
	}
}

func (e *Engine) callOf(leg sip.LegID) *liveCall { return e.calls[campaigns.AttemptID(leg)] }

func (e *Engine) operatorOf(leg string) *liveOperator {
	o := e.operators[e.legs[leg]]
	if o == nil || o.leg != leg {
		return nil
	}
	return o
}

func (e *Engine) onProgress(now time.Time, ev sip.Progress) {
	if _, out := e.outsideOf(string(ev.Leg)); out != nil && ev.Body != nil {
		if err := e.deps.Audio.Early(media.LegID(ev.Leg), ev.Fork, ev.Body); err != nil {
			e.log.Info("early media refused", zap.String("leg", string(ev.Leg)), zap.Error(err))
		}
	}
	c := e.callOf(ev.Leg)
	if c == nil {
		return
	}
	if ev.Code >= 180 {
		e.step(now, c, call.Rings{Since: ev.At})
	}
	if ev.Body == nil {
		return
	}
	if err := e.deps.Audio.Early(media.LegID(ev.Leg), ev.Fork, ev.Body); err != nil {
		e.log.Info("early media refused", zap.String("call", string(ev.Leg)), zap.Error(err))
		return
	}
	e.hearEarly(c)
}

func (e *Engine) onAnswered(now time.Time, ev sip.Answered) {
	leg := media.LegID(ev.Leg)
	if c := e.callOf(ev.Leg); c != nil {
		c.dialog = ev.Dialog
		if c.Inbound() {
			e.callerAnswered(now, c, ev)
			return
		}
		if err := e.deps.Audio.Accept(leg, ev.Body); err != nil {
			e.log.Warn("answer refused", zap.String("call", string(ev.Leg)), zap.String("trunk", c.route.Trunk), zap.Error(err))
			e.deps.Trunks.Hangup(ev.Leg, noUsableAudio(err))
			return
		}
		c.heard.Checked = c.own == nil && e.checks(now, c)
		e.step(now, c, call.Answered{At: ev.At, Connect: c.heard.Checked})
		return
	}
	if c, out := e.outsideOf(string(ev.Leg)); c != nil {
		e.outsideAnswered(now, c, out, ev)
		return
	}
	o := e.operatorOf(string(ev.Leg))
	if o == nil {
		return
	}
	if ev.Body != nil {
		if err := e.deps.Audio.Accept(leg, ev.Body); err != nil {
			e.log.Warn("phone's answer refused", zap.String("user", o.ID()), zap.Error(err))
			e.deps.Phones.Hangup(o.leg)
			return
		}
	}
	e.legUp(now, o)
}

// noUsableAudio is why we hang up on an answer whose audio we cannot use. The result has
// the trunk know: it is a matter of settings, and the next answer would be the same.
func noUsableAudio(err error) sip.Cause {
	text := err.Error()
	if len(text) > longestReason { // the far end wrote some of it
		text = strings.ToValidUTF8(text[:longestReason], "")
	}
	return sip.Cause{Code: 488, Text: "no usable audio: " + text, Result: sip.ResultMediaMismatch}
}

// longestReason is how much of an error the far end is told.
const longestReason = 120

// onOffered answers a re-INVITE or UPDATE: hold, resume, a new address.
func (e *Engine) onOffered(ev sip.Offered) {
	reply, spec := e.deps.Trunks.Reply, media.LegSpec{}
	if c := e.callOf(ev.Leg); c != nil {
		spec = customerSpec(c.route)
	} else if _, out := e.outsideOf(string(ev.Leg)); out != nil {
		spec = customerSpec(out.route)
	} else if o := e.operatorOf(string(ev.Leg)); o != nil {
		reply, spec = e.deps.Phones.Reply, e.phoneSpec(o.ID())
	} else {
		e.deps.Phones.Reply(ev.Leg, nil)
		return
	}
	body, err := e.answerOffer(media.LegID(ev.Leg), spec, ev.Body)
	if err != nil {
		e.log.Warn("offer refused", zap.String("leg", string(ev.Leg)), zap.Error(err))
	}
	reply(ev.Leg, body) // nil refuses with 488
}

func (e *Engine) answerOffer(leg media.LegID, spec media.LegSpec, offer []byte) ([]byte, error) {
	if offer == nil {
		return e.deps.Audio.Reoffer(leg)
	}
	return e.deps.Audio.Answer(leg, spec, offer)
}

// unnamed is a text of the carrier's without the number that was called: carriers write
// it into their reasons, which are read by people who may not see it.
func (c *liveCall) unnamed(text string) string {
	return campaigns.MaskIn(text, c.claim.Number.E164)
}

func (e *Engine) onEnded(now time.Time, ev sip.Ended) {
	e.early.gone(ev.Leg)
	if c := e.callOf(ev.Leg); c != nil {
		e.step(now, c, call.Ended{
			Outcome: e.outcomeOf(ev), LateAnswer: ev.LateAnswer,
			Code: ev.Cause.Code, Q850: ev.Cause.Q850, Reason: c.unnamed(ev.Cause.Text),
		})
		return
	}
	if c, out := e.outsideOf(string(ev.Leg)); c != nil {
		e.outsideGone(now, c, out)
		return
	}
	if o := e.operatorOf(string(ev.Leg)); o != nil {
		e.legDown(now, o)
	}
}

// falseAnswer is how soon a call that ends without any audio was never answered
// by anybody: the network only said so.
const falseAnswer = time.Second

// outcomeOf says what the network's end of a leg means for the attempt; empty
// after a talk.
func (e *Engine) outcomeOf(ev sip.Ended) campaigns.Outcome {
	if ev.WasUp {
		quick := !ev.ByUs && ev.At.Sub(ev.AnsweredAt) < falseAnswer
		if quick && !e.deps.Audio.Heard(media.LegID(ev.Leg)) {
			return campaigns.FalseAnswer
		}
		return ""
	}
	if o, ok := outcomes[ev.Cause.Result]; ok {
		return o
	}
	return campaigns.Failed
}

var outcomes = map[sip.Result]campaigns.Outcome{
	sip.ResultBusy:            campaigns.Busy,
	sip.ResultNoAnswer:        campaigns.NoAnswer,
	sip.ResultNone:            campaigns.NoAnswer, // our ring timeout
	sip.ResultAbsent:          campaigns.Absent,
	sip.ResultInvalidNumber:   campaigns.InvalidNumber,
	sip.ResultNumberChanged:   campaigns.NumberChanged,
	sip.ResultBadFormat:       campaigns.BadFormat,
	sip.ResultOutOfOrder:      campaigns.OutOfOrder,
	sip.ResultDeclined:        campaigns.Declined,
	sip.ResultBlocked:         campaigns.Blocked,
	sip.ResultUnwanted:        campaigns.Unwanted,
	sip.ResultTrunkRejected:   campaigns.TrunkRejected,
	sip.ResultIdentity:        campaigns.TrunkRejected,
	sip.ResultCongestion:      campaigns.Congestion,
	sip.ResultTrunkDown:       campaigns.TrunkDown,
	sip.ResultRedirected:      campaigns.Redirected,
	sip.ResultFalseAnswer:     campaigns.FalseAnswer,
	sip.ResultMediaMismatch:   campaigns.Failed,
	sip.ResultProtocolFailure: campaigns.Failed,
}
