package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// plans is what places leads: all campaigns at one generation. The generation
// rises with every change of lists or segments and is kept in each shard of
// leads too; a change of places is made only where it is still the same, so
// nobody places leads by rules that are over.
type plans struct {
	generation string // "" before the first campaign
	byID       map[campaigns.CampaignID]*plan
	order      []campaigns.CampaignID
}

type plan struct {
	campaign campaigns.Campaign
	matcher  *campaigns.Matcher
	// rebuilding: leads may be where they belonged before the campaign changed. It
	// stays so in our copy until we hear that the rebuild is over; see adoptRebuilds.
	rebuilding bool
}

func (s *Store) generationKey(shard int) string { return s.keys.leads(shard) + "generation" }

// plansNow returns the plans, from our copy where there is one.
func (s *Store) plansNow(ctx context.Context) (*plans, error) {
	if p := s.plans.Load(); p != nil {
		return p, nil
	}
	g := s.keys.general()
	cmds, err := s.db.TxPipelined(ctx, func(tx goredis.Pipeliner) error {
		tx.Get(ctx, g+"generation")
		tx.HGetAll(ctx, g+"campaigns")
		tx.HGetAll(ctx, g+"rebuilds")
		return nil
	})
	if err != nil && !errors.Is(err, goredis.Nil) { // one node: what goes wrong there goes wrong for both
		return nil, err
	}
	p := &plans{generation: cmds[0].(*goredis.StringCmd).Val(), byID: map[campaigns.CampaignID]*plan{}}
	for id, body := range cmds[1].(*goredis.MapStringStringCmd).Val() {
		var c campaigns.Campaign
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			return nil, fmt.Errorf("campaign %s: %w", id, err)
		}
		m, err := c.Matcher()
		if err != nil {
			return nil, fmt.Errorf("campaign %s: %w", id, err)
		}
		_, rebuilding := cmds[2].(*goredis.MapStringStringCmd).Val()[id]
		p.byID[c.ID] = &plan{campaign: c, matcher: m, rebuilding: rebuilding}
		p.order = append(p.order, c.ID)
	}
	slices.Sort(p.order)
	s.plans.Store(p)
	return p, nil
}

// refresh drops our copies after something was in the way, and brings shards to
// the present generation that whoever raised it did not come to.
func (s *Store) refresh(ctx context.Context) error {
	if !s.stale.Swap(false) {
		return nil
	}
	s.plans.Store(nil)
	s.replicas.forget()
	for _, d := range s.words {
		d.forget()
	}
	p, err := s.plansNow(ctx)
	if err != nil {
		return err
	}
	return s.spread(ctx, p.generation)
}

// spread tells every shard of a generation. A shard that is ahead (our general
// data was lost with a master) pulls the general one up.
func (s *Store) spread(ctx context.Context, generation string) error {
	if generation == "" {
		return nil
	}
	for shard := range s.keys.shards {
		has, err := scripts.raise.Run(ctx, s.db, []string{s.generationKey(shard)}, generation).Int64()
		if err != nil {
			return err
		}
		if want, _ := strconv.ParseInt(generation, 10, 64); has > want {
			s.plans.Store(nil)
			return scripts.raise.Run(ctx, s.db, []string{s.keys.general() + "generation"}, has+1).Err()
		}
	}
	return nil
}
