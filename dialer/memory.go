package dialer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/pacing"
)

// past reads what pacing must know of a campaign that is new to this node; of
// one that is not, nothing. It runs beside the loop.
func (e *Engine) past(ctx context.Context, c campaigns.CampaignID) (pacing.Past, error) {
	known := false
	err := e.do(ctx, func(time.Time) error {
		known = e.campaigns[c] != nil
		return nil
	})
	if err != nil || known {
		return pacing.Past{}, err
	}
	now := time.Now()
	_, within, _ := e.deps.Rules.Abandonment(nil, now)
	counts, err := e.deps.Memory.LiveCounts(ctx, c, reach(e.deps.Rules.AbandonmentWindows(nil, now), now), within)
	if err != nil {
		return pacing.Past{}, fmt.Errorf("past of campaign %s: %w", c, err)
	}
	var p pacing.Past
	for _, n := range counts {
		p.Counts = append(p.Counts, pacing.Count{At: n.At, Live: n.Live, Abandoned: n.Abandoned})
	}
	return p, nil
}

// reach is how far back the longest window goes; zero is the start of the
// campaign.
func reach(windows []time.Duration, now time.Time) time.Time {
	if len(windows) == 0 || slices.Contains(windows, 0) {
		return time.Time{}
	}
	return now.Add(-slices.Max(windows))
}
