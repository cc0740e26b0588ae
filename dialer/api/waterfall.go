package api

import (
	"context"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
)

// Waterfall is where the leads of a campaign are held up, and what holds the dialling up:
// leads that are ready are not dialled either while no operator is at work.
type Waterfall struct {
	eligibility.Waterfall
	Now string `json:"now,omitempty" doc:"why this node places no more calls of the campaign now; left out where the campaign does not run here"`
}

func (s *Server) heldUp(ctx context.Context, id campaigns.CampaignID) (w Waterfall, err error) {
	if w.Waterfall, err = s.explainer.ExplainCampaign(ctx, id, time.Now()); err != nil {
		return w, err
	}
	live, err := s.engine.Snapshot(ctx)
	for _, c := range live.Campaigns {
		if c.ID == id && c.State == campaigns.Running {
			w.Now = c.Why
		}
	}
	return w, err
}
