package app

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// follower tells the engine of campaigns that were changed at other nodes: a campaign
// that a manager stops there stops here as well.
type follower struct {
	store  campaigns.Records
	set    func(context.Context, campaigns.Campaign, campaigns.Tally) error // Engine.SetCampaign
	shared bool
	log    *zap.Logger

	mu   sync.Mutex
	seen map[campaigns.CampaignID]int64 // version that the engine has
}

// followEvery is how soon a change at another node is in force.
const followEvery = time.Second

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
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			f.look(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (f *follower) look(ctx context.Context) {
	all, err := f.store.Campaigns(ctx)
	if err != nil {
		return // the renewal of our lease tells
	}
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
			err = f.set(ctx, c, tally)
		}
		if err != nil && ctx.Err() == nil {
			f.log.Warn("a change of a campaign at another node was not followed; trying again", zap.String("campaign", string(c.ID)), zap.Error(err))
		}
	}
}
