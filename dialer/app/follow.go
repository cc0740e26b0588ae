package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// follower tells the engine of what was changed at other nodes: a campaign that a
// manager stops there stops here as well, and a user who is disabled there goes off duty
// here, after the present call.
type follower struct {
	store  campaigns.Records
	engine followed
	shared bool
	log    *zap.Logger

	mu   sync.Mutex
	seen map[campaigns.CampaignID]int64 // version that the engine has
}

// followed is what the engine is told.
type followed interface {
	SetCampaign(ctx context.Context, c campaigns.Campaign, t campaigns.Tally) error
	Snapshot(ctx context.Context) (dialer.Snapshot, error)
	OffDuty(ctx context.Context, user campaigns.UserID) error
}

// How soon a change of a campaign, or of a user, at another node is in force.
const (
	followEvery      = time.Second
	followUsersEvery = 3 * time.Second
)

// Notice hears what the engine knows already.
func (f *follower) Notice(n dialer.Notice) {
	c, changed := n.(dialer.CampaignChanged)
	if !changed {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[campaigns.CampaignID]int64{}
	}
	f.seen[c.Campaign.ID] = c.Campaign.Version
}

// news says whether the engine does not know a campaign as it is. One that it does
// not know at all matters once it runs, or is to be seen on hold.
func (f *follower) news(c campaigns.Campaign) (changed, known bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	version, known := f.seen[c.ID]
	if known {
		return c.Version > version, true
	}
	return c.State == campaigns.Running || c.State == campaigns.OnHold, false
}

// run looks until ctx ends. Where the store does not answer, the next look does.
func (f *follower) run(ctx context.Context) error {
	if !f.shared {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	tick, users := time.NewTicker(followEvery), time.NewTicker(followUsersEvery)
	defer tick.Stop()
	defer users.Stop()
	for {
		var err error
		select {
		case <-tick.C:
			err = f.followCampaigns(ctx)
		case <-users.C:
			err = f.followUsers(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil && ctx.Err() == nil {
			f.log.Warn("a change at another node was not followed; trying again", zap.Error(err))
		}
	}
}

func (f *follower) followCampaigns(ctx context.Context) error {
	all, err := f.store.Campaigns(ctx)
	if err != nil {
		return nil // the renewal of our lease tells
	}
	var failed error
	for _, c := range all {
		changed, known := f.news(c)
		if !changed {
			continue
		}
		var tally campaigns.Tally // the engine has one of its own where it knows the campaign
		if !known {
			now := time.Now()
			tally, err = f.store.Tally(ctx, c.ID, now.Add(-api.LegalWindow), now)
		}
		if err == nil {
			err = f.engine.SetCampaign(ctx, c, tally)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("campaign %s: %w", c.ID, err))
		}
	}
	return failed
}

// followUsers ends the shifts of those who may not sign in any more.
func (f *follower) followUsers(ctx context.Context) error {
	here, err := f.engine.Snapshot(ctx)
	if err != nil {
		return err
	}
	onDuty := map[campaigns.UserID]bool{}
	for _, o := range here.Operators {
		onDuty[o.User] = o.State != operator.Offline
	}
	users, err := f.store.Users(ctx)
	if err != nil {
		return nil // as above
	}
	var failed error
	for _, u := range users {
		if !u.Disabled || !onDuty[u.ID] {
			continue
		}
		if err := f.engine.OffDuty(ctx, u.ID); err != nil && !errors.Is(err, dialer.ErrState) {
			failed = errors.Join(failed, fmt.Errorf("user %s: %w", u.ID, err))
		}
	}
	return failed
}
