package dialer

import (
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// line is what is known of the audio of a call.
type line struct {
	leg    media.LegID        // of the operator who has the customer
	before media.Quality      // of that leg when they got the customer
	gone   *media.LegStats    // of that leg, where it broke
	oneWay []campaigns.OneWay // the last of a side may go on
	lost   string             // why we hung up for want of audio, in words
}

// mostOneWay bounds what is kept of a line that comes and goes.
const mostOneWay = 8

// operatorLine notes from where on an operator's leg is part of a call: it stays up from
// one call to the next.
func (e *Engine) operatorLine(c *liveCall, o *liveOperator) {
	c.line.leg, c.line.gone = media.LegID(o.leg), nil
	stats, _ := e.deps.Audio.LegStats(c.line.leg)
	c.line.before = stats.Quality
}

// keepLine notes the figures of an operator's leg that breaks in a call.
func (e *Engine) keepLine(c *liveCall, o *liveOperator) {
	if c != nil && c.line.leg == media.LegID(o.leg) {
		if stats, is := e.deps.Audio.LegStats(c.line.leg); is {
			c.line.gone = &stats
		}
	}
}

// audioOf is how the audio of a call was; nil where nobody answered.
func (e *Engine) audioOf(c *liveCall) *campaigns.Audio {
	if c.AnsweredAt().IsZero() {
		return nil
	}
	audio := campaigns.Audio{OneWay: c.line.oneWay}
	if stats, is := e.deps.Audio.LegStats(media.LegID(c.ID())); is {
		audio.Customer = legAudio(stats, stats.Quality)
	}
	stats, is := e.deps.Audio.LegStats(c.line.leg)
	if c.line.gone != nil {
		stats, is = *c.line.gone, true
	}
	if c.line.leg != "" && is {
		audio.Operator = legAudio(stats, stats.Quality.Since(c.line.before))
	}
	return &audio
}

// legAudio puts the figures of a leg into the words of the record.
func legAudio(stats media.LegStats, q media.Quality) *campaigns.LegAudio {
	return &campaigns.LegAudio{
		Received: q.Received, Lost: q.Lost(), Loss: q.Loss(), Reordered: q.Reordered, Repeated: q.Repeated, FarLost: q.FarLost,
		JitterSeconds: q.Jitter().Seconds(), RoundTrip: q.RoundTrip.Seconds(), Pauses: q.Pauses, PausedSeconds: q.Paused.Seconds(),
		MOS: q.MOS(), Browser: stats.Browser,
	}
}

// onOneWay follows a side of a bridge that is not heard, or does not hear: the log, the
// record, and both operators' and managers' screens say so.
func (e *Engine) onOneWay(now time.Time, ev media.OneWay) {
	c, side := e.callOnLine(ev.Leg)
	if c == nil {
		return
	}
	e.endOneWay(now, c, side)
	if len(c.line.oneWay) < mostOneWay {
		c.line.oneWay = append(c.line.oneWay, campaigns.OneWay{Side: side, Cause: string(ev.Cause), After: max(0, ev.At.Sub(c.BridgedAt())).Seconds()})
	}
	e.log.Warn("audio passes one way only", zap.String("call", string(c.ID())), zap.String("call_id", c.route.Dialog.CallID),
		zap.String("trunk", c.route.Trunk), zap.String("side", string(side)), zap.String("cause", string(ev.Cause)),
		zap.String("user", c.Operator()), zap.Duration("after", ev.At.Sub(ev.Since)))
	e.deps.Observer.Notice(AudioOneWay{
		At: now, Attempt: c.ID(), Campaign: c.campaign.ID, Trunk: c.route.Trunk, Operator: campaigns.UserID(c.Operator()),
		Side: side, Cause: string(ev.Cause), Browser: side == campaigns.OperatorSide && e.browserLeg(ev.Leg),
	})
	e.sayLine(c)
}

// onOneWayOver follows a side that is heard again.
func (e *Engine) onOneWayOver(now time.Time, leg media.LegID) {
	if c, side := e.callOnLine(leg); c != nil && e.endOneWay(now, c, side) {
		e.log.Info("audio passes both ways again", zap.String("call", string(c.ID())), zap.String("side", string(side)))
		e.sayLine(c)
	}
}

// endOneWay says of what goes on for a side how long it lasted; false where nothing does.
func (e *Engine) endOneWay(now time.Time, c *liveCall, side campaigns.Side) bool {
	for i := len(c.line.oneWay) - 1; i >= 0; i-- {
		o := &c.line.oneWay[i]
		if o.Side != side {
			continue
		}
		if o.For > 0 {
			return false
		}
		began := c.BridgedAt().Add(time.Duration(o.After * float64(time.Second)))
		o.For = max(now.Sub(began), time.Millisecond).Seconds()
		return true
	}
	return false
}

// callOnLine is the bridged call that a leg is part of, and on which side.
func (e *Engine) callOnLine(leg media.LegID) (*liveCall, campaigns.Side) {
	if c := e.calls[campaigns.AttemptID(leg)]; c != nil {
		return c, campaigns.CustomerSide
	}
	if o := e.operatorOf(string(leg)); o != nil {
		return e.calls[campaigns.AttemptID(o.Call())], campaigns.OperatorSide
	}
	return nil, ""
}

func (e *Engine) browserLeg(leg media.LegID) bool {
	stats, _ := e.deps.Audio.LegStats(leg)
	return stats.Browser
}

// sayLine tells the operator of a call what is wrong with its line now, if anything.
func (e *Engine) sayLine(c *liveCall) {
	words := ""
	for _, o := range c.line.oneWay {
		if o.For == 0 {
			words = oneWayWords(o.Side, media.OneWayCause(o.Cause))
		}
	}
	o := e.operators[c.Operator()]
	if o == nil || o.lineTrouble == words {
		return
	}
	o.lineTrouble = words
	e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
}

// oneWayWords tells an operator in words who is not heard, and whose matter that is.
func oneWayWords(side campaigns.Side, cause media.OneWayCause) string {
	switch customer := side == campaigns.CustomerSide; {
	case cause == media.NothingComes && customer:
		return "we hear nothing from the customer's carrier"
	case cause == media.FromElsewhere && customer:
		return "the customer's audio comes from an address that it may not come from"
	case cause == media.SilentAudio && customer:
		return "the customer's line is silent"
	case cause == media.NotHeard && customer:
		return "the customer's carrier hears nothing from us"
	case cause == media.FromElsewhere:
		return "your audio comes from an address that it may not come from"
	case cause == media.SilentAudio:
		return "your microphone is silent: the customer does not hear you"
	case cause == media.NotHeard:
		return "your phone hears nothing from us"
	}
	return "we hear nothing from your phone: the customer does not hear you"
}

// goodbye is the cause of our hang-up: of RTP that broke off it is recovery on timer
// expiry (ITU-T Q.850).
func (c *liveCall) goodbye() sip.Cause {
	if c.line.lost != "" {
		return sip.Cause{Code: 487, Q850: 102, Text: "no audio"}
	}
	return sip.Cause{Code: 487, Q850: 16, Text: "normal call clearing"}
}

// noAudio is why a call ended whose audio broke off, for its record.
func noAudio(whose string, lasted time.Duration) string {
	return fmt.Sprintf("no audio from %s for %.0f s", whose, lasted.Seconds())
}
