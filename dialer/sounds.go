package dialer

import (
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// onSound applies an event of the audio to the call or operator it is about.
func (e *Engine) onSound(now time.Time, ev media.Event) {
	switch ev := ev.(type) {
	case media.Verdict:
		e.onVerdict(now, ev)
	case media.Beep:
		if c := e.calls[campaigns.AttemptID(ev.Leg)]; c != nil {
			c.heard.Beep = c.heard.Beep || c.heard.Kind == media.Machine
			e.step(now, c, call.Beep{})
		}
	case media.Recording:
		if c := e.calls[campaigns.AttemptID(ev.Leg)]; c != nil {
			e.step(now, c, call.Recording{})
		}
	case media.Digit:
		e.onDigit(now, string(ev.Leg), ev.Digit)
	case media.Played:
		if c := e.calls[campaigns.AttemptID(ev.Leg)]; c != nil && c.waitsFor(ev.Prompt) && !(ev.Cut && c.Inbound()) {
			e.step(now, c, call.Played{})
		}
	case media.AudioAway:
		if o := e.operatorOf(string(ev.Leg)); o != nil {
			e.log.Info("an operator's browser is away", zap.String("user", o.ID()))
			e.stepOperator(now, o, operator.LegAway{})
		}
	case media.AudioBack:
		if o := e.operatorOf(string(ev.Leg)); o != nil && o.Away() {
			e.stepOperator(now, o, operator.LegUp{})
		}
	case media.AudioLost:
		e.onAudioLost(now, ev)
	case media.OneWay:
		e.onOneWay(now, ev)
	case media.OneWayOver:
		e.onOneWayOver(now, ev.Leg)
	case media.Bridged:
		e.onBridged(ev)
	case media.Recorded:
		e.deps.Observer.Notice(RecordingDone{Attempt: campaigns.AttemptID(ev.Leg), Path: ev.Path, Duration: ev.Duration, Err: ev.Err})
	}
}

// onVerdict tells the call who answered.
func (e *Engine) onVerdict(now time.Time, ev media.Verdict) {
	c := e.calls[campaigns.AttemptID(ev.Leg)]
	if c == nil {
		return
	}
	e.log.Debug("heard", zap.String("call", string(ev.Leg)), zap.String("call_id", c.route.Dialog.CallID), zap.String("kind", string(ev.Kind)),
		zap.String("sit", ev.SIT), zap.Float64("probability", ev.Probability), zap.Bool("early", ev.Early), zap.Bool("provisional", ev.Provisional),
		zap.Time("at", ev.At), zap.Time("greeting_end", ev.GreetingEnd))
	c.heard.take(ev)
	outcome, known := heard(ev)
	if !known {
		return
	}
	e.step(now, c, call.Verdict{Outcome: outcome, Provisional: ev.Provisional, Early: ev.Early, GreetingEnd: ev.GreetingEnd})
}

// heard says what a verdict means; false where it decides nothing yet.
func heard(v media.Verdict) (campaigns.Outcome, bool) {
	switch v.Kind {
	case media.Person:
		return "", !v.Early
	case media.Machine:
		return campaigns.MachineHeard, !v.Early
	case media.Screening:
		return campaigns.ScreenedCall, !v.Early
	case media.Fax:
		return campaigns.FaxHeard, true
	case media.Silence:
		return campaigns.SilentAnswer, !v.Early
	case media.Announcement:
		return announcement(v.SIT), true
	case media.BusyTone:
		return campaigns.Busy, true
	case media.Ringback:
		return "", false // still ringing: the deadline decides
	}
	return "", false
}

// announcement reads the code of a tri-tone (ITU-T E.180, Bellcore GR-1162):
// vacant numbers and intercepts are bad numbers, the circuit codes are not.
func announcement(sit string) campaigns.Outcome {
	switch sit {
	case "VC", "IC":
		return campaigns.InvalidNumber
	case "NC", "NCb", "RO", "ROb":
		return campaigns.Congestion
	}
	return campaigns.Announcement
}

func (e *Engine) onAudioLost(now time.Time, ev media.AudioLost) {
	if c := e.calls[campaigns.AttemptID(ev.Leg)]; c != nil {
		e.log.Info("no audio from the customer", zap.String("call", string(ev.Leg)), zap.Duration("for", ev.For))
		c.line.lost = noAudio("the customer", ev.For)
		e.step(now, c, call.HangUp{})
		return
	}
	if c, out := e.outsideOf(string(ev.Leg)); c != nil {
		e.log.Info("no audio from a third party", zap.String("leg", string(ev.Leg)), zap.Duration("for", ev.For))
		e.deps.Trunks.Hangup(out.leg, sip.Cause{Code: 487, Q850: 16, Text: "no audio"})
		return
	}
	if o := e.operatorOf(string(ev.Leg)); o != nil {
		e.log.Warn("no audio from the operator", zap.String("user", o.ID()), zap.Duration("for", ev.For))
		e.deps.Phones.Hangup(o.leg)
		e.legDown(now, o)
	}
}

func (e *Engine) onBridged(ev media.Bridged) {
	c := e.calls[campaigns.AttemptID(ev.Customer)]
	if c == nil || ev.FirstToOperator.IsZero() || !c.bridgeIn.IsZero() || c.Inbound() {
		return
	}
	c.bridgeIn = ev.FirstToOperator
	e.deps.Observer.Notice(AudioReached{
		Attempt: c.ID(), Campaign: c.campaign.ID,
		Since: ev.FirstToOperator.Sub(c.VerdictAt()), Answer: ev.FirstToOperator.Sub(c.AnsweredAt()),
	})
}

// optOutDigit takes the person off the list while the safe-harbour message
// plays (47 CFR 64.1200(a)(7)(i)(B): an automated, interactive opt-out).
const optOutDigit = '9'

// onDigit applies a key press: an operator's feature code, or a customer's
// opt-out.
func (e *Engine) onDigit(now time.Time, leg string, digit rune) {
	if o := e.operatorOf(leg); o != nil {
		e.onOperatorDigit(now, o, digit)
		return
	}
	if c := e.calls[campaigns.AttemptID(leg)]; c != nil && digit == optOutDigit {
		e.step(now, c, call.OptOut{})
	}
}
