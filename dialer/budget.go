package dialer

import (
	"context"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/pacing"
)

// ShareBudget tells the pacing of a campaign what other nodes counted and what it
// may spend itself, and returns its budget then; see pacing.Shared, whose zero value
// changes nothing. ErrNotHere where this node does not know the campaign.
func (e *Engine) ShareBudget(ctx context.Context, c campaigns.CampaignID, ev pacing.Shared) (pacing.Balance, error) {
	var b pacing.Balance
	err := e.do(ctx, func(now time.Time) error {
		r := e.campaigns[c]
		if r == nil {
			return ErrNotHere
		}
		if ev != (pacing.Shared{}) {
			r.controller.Observe(now, ev)
			r.tally.Live += ev.Live
			r.tally.Abandoned += ev.Abandoned
			e.touch(r)
		}
		if ev.Part > 0 {
			r.part = ev.Part
		}
		b = r.controller.Balance(now)
		return nil
	})
	return b, err
}

// whyPart says that the budget is a part of the campaign's.
func (r *campaignRun) whyPart() string {
	if r.part <= 0 || r.part >= 1 {
		return ""
	}
	return fmt.Sprintf("nodes share the budget: this one has %.0f%% of it; ", 100*r.part)
}
