package app

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// A clock that goes back makes hours and caps mean something else than they did
// a moment ago, and nobody here knows which of both times is the true one. So
// campaigns are put on hold until a person has looked. A clock that goes forward
// is followed: a machine that slept does that.

const (
	clockEvery = time.Second
	// mayGoBack is how far back a step may go: what a time server corrects.
	mayGoBack = 2 * time.Second
)

// clockSteps tells steps of the wall clock from the time that passes.
type clockSteps struct {
	ahead time.Duration // of the wall clock since the start, last time
}

// see takes how much has passed by the wall clock and in truth, both since the
// start, and returns the step since the last time.
func (s *clockSteps) see(wall, passed time.Duration) (step time.Duration) {
	ahead := wall - passed
	step = ahead - s.ahead
	s.ahead = ahead
	return step
}

// watchClock looks for steps until ctx ends.
func (a *App) watchClock(ctx context.Context) error {
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	start, steps := time.Now(), clockSteps{}
	for {
		select {
		case <-tick.C:
			now := time.Now()
			a.clockStepped(ctx, now, steps.see(now.Round(0).Sub(start.Round(0)), now.Sub(start)))
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (a *App) clockStepped(ctx context.Context, now time.Time, step time.Duration) {
	switch {
	case step < -mayGoBack:
		back := (-step).Round(time.Second)
		a.log.Error("the clock went back: campaigns are put on hold", zap.Duration("by", back))
		err := a.holdAll(ctx, now, fmt.Sprintf("the clock of this machine went back by %v: see that it is right now, then start the campaign", back))
		if err != nil {
			a.log.Error("campaigns not put on hold", zap.Error(err))
		}
	case step > mayGoBack:
		a.log.Warn("the clock went forward", zap.Duration("by", step.Round(time.Second)))
	}
}

// holdBehind holds campaigns where the last call was made at a time that has not
// come yet: the clock went back while nobody watched.
func (a *App) holdBehind(ctx context.Context, now time.Time) error {
	s, ok := campaigns.As[interface {
		LastBegun(ctx context.Context) (time.Time, error)
	}](a.store)
	if !ok {
		return nil
	}
	last, err := s.LastBegun(ctx)
	if err != nil || !last.After(now.Add(mayGoBack)) {
		return err
	}
	a.log.Error("the last call was made in the future: the clock went back", zap.Time("last", last))
	return a.holdAll(ctx, now, fmt.Sprintf("the clock of this machine went back: the last call was made at %s. See that it is right now, then start the campaign",
		last.UTC().Format(time.RFC3339)))
}

// holdAll puts the campaigns that run on hold.
func (a *App) holdAll(ctx context.Context, now time.Time, reason string) error {
	all, err := a.store.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.State != campaigns.Running {
			continue
		}
		c.State, c.HoldReason = campaigns.OnHold, reason
		tally, err := a.store.Tally(ctx, c.ID, now.Add(-api.LegalWindow), now)
		if err != nil {
			return err
		}
		if err := a.engine.SetCampaign(ctx, c, tally); err != nil { // at once: the store may take its time
			return err
		}
		if err := a.store.SetCampaignState(ctx, c.ID, c.State, reason); err != nil {
			return err
		}
	}
	return nil
}
