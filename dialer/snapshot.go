package dialer

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
)

func (e *Engine) snapshot(now time.Time) Snapshot {
	s := Snapshot{
		At: now, Node: e.cfg.Node, Draining: e.draining, Calls: len(e.calls),
		Mailbox: e.mail.len(), StoreDown: e.storeDown(),
	}
	phases := map[campaigns.CampaignID]map[call.State]int{}
	for _, c := range e.calls {
		if phases[c.campaign.ID] == nil {
			phases[c.campaign.ID] = map[call.State]int{}
		}
		phases[c.campaign.ID][c.State()]++
	}
	for _, r := range e.campaigns {
		s.Campaigns = append(s.Campaigns, e.campaignView(now, r, phases[r.ID]))
	}
	for _, o := range e.operators {
		v := e.operatorView(o)
		v.Idle = e.idle(now, o)
		s.Operators = append(s.Operators, v)
	}
	slices.SortFunc(s.Campaigns, func(a, b CampaignView) int { return strings.Compare(string(a.ID), string(b.ID)) })
	slices.SortFunc(s.Operators, func(a, b OperatorView) int { return strings.Compare(string(a.User), string(b.User)) })
	return s
}

func (e *Engine) campaignView(now time.Time, r *campaignRun, phases map[call.State]int) CampaignView {
	h := r.hopper.Status()
	resting := 0
	for _, o := range e.operators {
		if o.campaign == r.ID && o.resting(now) {
			resting++
		}
	}
	return CampaignView{
		Bound: e.bound(now, r), Why: e.why(now, r), Resting: resting,
		Inbound: r.inboundView(),
		ID:      r.ID, Name: r.Name, State: r.State, Reason: r.HoldReason, Pacing: r.Pacing, Limit: r.limit,
		Calls: phases, Live: r.tally.Live, Abandoned: r.tally.Abandoned, Late: r.tally.Late, Attempts: r.tally.Attempts,
		Outcomes: maps.Clone(r.tally.Outcomes), Decision: r.decision,
		Leads: LeadsView{
			Held: h.Held, Ready: h.Ready, Waiting: h.Waiting,
			QueuesOpen: h.QueuesOpen, QueuesClosed: h.QueuesClosed,
			NextOpen: h.NextOpen, NextDue: h.NextDue, Empty: string(h.Empty),
		},
	}
}
