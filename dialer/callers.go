package dialer

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
)

// ServedInTime is within what a caller is to have an operator: the share of those who
// had is the service level.
const ServedInTime = 20 * time.Second

// countCaller counts somebody who called and is gone.
func (r *campaignRun) countCaller(c *liveCall, o campaigns.Outcome) {
	switch o {
	case campaigns.CallerServed:
		r.inbound.Served++
		if c.waited() <= ServedInTime {
			r.inbound.InTime++
		}
	case campaigns.CallerGaveUp:
		r.inbound.GaveUp++
	case campaigns.CallerTurnedAway:
		r.inbound.TurnedAway++
	}
}

func (r *campaignRun) inboundView() InboundView {
	v := r.inbound
	for _, c := range r.callers {
		if c.State() != call.Waiting {
			continue
		}
		if v.Waiting++; v.Since.IsZero() || c.Since().Before(v.Since) {
			v.Since = c.Since()
		}
	}
	return v
}

// calledIn is what the operator is told of somebody who called us; nil of everybody
// else.
func (c *liveCall) calledIn() *CalledIn {
	if !c.Inbound() {
		return nil
	}
	who := c.caller.who
	return &CalledIn{
		At: c.caller.at, Number: c.caller.dialed, Waited: c.waited().Seconds(),
		CalledAt: who.CalledAt, CalledFor: who.CalledFor, New: who.New, DoNotCall: who.DoNotCall,
	}
}

// waitsFor says whether the end of a prompt means something to a call.
func (c *liveCall) waitsFor(prompt string) bool {
	switch c.State() {
	case call.Waiting:
		return prompt == c.campaign.announcement()
	case call.PutOff:
		return prompt == c.putOff()
	}
	return prompt == c.campaign.safeHarbor() || prompt == c.campaign.Voicemail
}
