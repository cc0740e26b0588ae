package dialer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/pacing"
)

// past reads what pacing must know of a campaign that is new to this node; of
// one that is not, nothing. It runs beside the loop. What was learnt may be
// missing: then the start is a cold one.
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
	windows := e.deps.Rules.AbandonmentWindows(nil, now)
	counts, err := e.deps.Memory.LiveCounts(ctx, c, reach(windows, now), within)
	if err != nil {
		return pacing.Past{}, fmt.Errorf("past of campaign %s: %w", c, err)
	}
	p := pacing.Past{Counts: told(counts, now.Add(-2*slices.Max(append(windows, 0))))}
	if p.Learnt, err = e.deps.Memory.Learnt(ctx, c); err != nil {
		e.log.Warn("pacing starts cold: what it learnt was not read", zap.String("campaign", string(c)), zap.Error(err))
	}
	return p, nil
}

// learntEvery is how often what pacing learnt is kept: what a crash loses.
const learntEvery = 5 * time.Minute

// keepLearnt writes what pacing learnt, beside the loop, where it is due.
func (e *Engine) keepLearnt(now time.Time) {
	for _, r := range e.campaigns {
		if now.Sub(r.learntAt) >= learntEvery {
			e.saveLearnt(now, r)
		}
	}
}

// saveLearnt writes what the pacing of a campaign learnt so far, if anything.
func (e *Engine) saveLearnt(now time.Time, r *campaignRun) {
	r.learntAt = now
	id, learnt := r.ID, r.controller.Learnt(now)
	if len(learnt) == 0 {
		return
	}
	e.later(func(ctx context.Context) func(time.Time) {
		if err := e.deps.Memory.SaveLearnt(ctx, id, learnt); err != nil {
			e.log.Warn("what pacing learnt was not kept", zap.String("campaign", string(id)), zap.Error(err))
		}
		return nil
	})
}

// told are the counts as pacing wants them. Those before a time that no window
// reaches back to, not even of a region that is met later, matter to the whole
// campaign only and are told as one.
func told(counts []campaigns.LiveCount, before time.Time) []pacing.Count {
	var all []pacing.Count
	for _, n := range counts {
		one := pacing.Count{At: n.At, Live: n.Live, Abandoned: n.Abandoned}
		if last := len(all) - 1; last >= 0 && n.At.Before(before) {
			one.Live += all[last].Live
			one.Abandoned += all[last].Abandoned
			all[last] = one
			continue
		}
		all = append(all, one)
	}
	return all
}

// reach is how far back the longest window goes; zero is the start of the
// campaign.
func reach(windows []time.Duration, now time.Time) time.Time {
	if len(windows) == 0 || slices.Contains(windows, 0) {
		return time.Time{}
	}
	return now.Add(-slices.Max(windows))
}
