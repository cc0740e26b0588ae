package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A rebuild finds the places of all leads of a campaign again, after its lists
// or segments changed. It goes through the leads page by page, with a cursor
// beside the campaign, so that calls go on meanwhile and a crash loses nothing.
// Before it starts, every shard has the new generation: whoever places a lead
// from then on does so by the new rules, so it does not matter that the rebuild
// passes leads that come later.

// finishRebuilds goes on with rebuilds that a crash cut short.
func (s *Store) finishRebuilds(ctx context.Context) error {
	ids, err := s.db.HKeys(ctx, s.keys.general()+"rebuilds").Result()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.rebuild(ctx, campaigns.CampaignID(id)); err != nil {
			return err
		}
	}
	return nil
}

// rebuild goes on until the rebuild of a campaign is over. Several may run at a
// time: they share the cursor.
func (s *Store) rebuild(ctx context.Context, id campaigns.CampaignID) error {
	s.plans.Store(nil)
	p, err := s.plansNow(ctx)
	if err == nil {
		err = s.spread(ctx, p.generation)
	}
	for over := false; err == nil && !over; {
		over, err = s.rebuildPages(ctx, id)
	}
	if err != nil {
		return fmt.Errorf("rebuild queues of %s: %w", id, err)
	}
	return nil
}

// rebuildAtOnce is how many pages of each shard a rebuild does before it moves its
// cursor.
const rebuildAtOnce = 16

// rebuildPages places the leads of the next pages of each shard and moves the
// cursor behind them, unless somebody else moved it.
func (s *Store) rebuildPages(ctx context.Context, id campaigns.CampaignID) (over bool, err error) {
	g := s.keys.general()
	at, err := s.db.HGet(ctx, g+"rebuilds", string(id)).Result()
	if errors.Is(err, goredis.Nil) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	page, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return false, err
	}
	last, err := s.lastPage(ctx)
	if err != nil {
		return false, err
	}
	var step change
	step.must(g+"rebuilds", string(id), at)
	if page > last {
		step.do("HDEL", g+"rebuilds", string(id))
	} else {
		if err := s.rebuildFrom(ctx, id, page, min(last, page+rebuildAtOnce-1)); err != nil {
			return false, err
		}
		step.do("HSET", g+"rebuilds", string(id), page+rebuildAtOnce)
	}
	if _, err = step.commit(ctx, s.db); errors.Is(err, errChanged) {
		return false, nil // the campaign changed again, or another node helps
	}
	return page > last, err
}

// rebuildFrom places the leads of some pages of each shard.
func (s *Store) rebuildFrom(ctx context.Context, id campaigns.CampaignID, first, last int64) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for page := first; page <= last; page++ {
		for shard := range s.keys.shards {
			group.Go(func() error { return s.rebuildPage(ctx, id, shard, page) })
		}
	}
	return group.Wait()
}

// lastPage is the last page that any shard may have; below 0 where there is none.
func (s *Store) lastPage(ctx context.Context) (int64, error) {
	n, err := s.db.Get(ctx, s.keys.general()+"lead").Int64()
	if errors.Is(err, goredis.Nil) {
		return -1, nil
	}
	return n / int64(s.keys.shards) / pageLeads, err
}

func (s *Store) rebuildPage(ctx context.Context, c campaigns.CampaignID, shard int, page int64) error {
	fields, err := s.db.HKeys(ctx, s.keys.pageKey(shard, page)).Result()
	if err != nil || len(fields) == 0 {
		return err
	}
	ids := s.leadsOfPage(shard, page, fields)
	return s.retry(ctx, func() error {
		w, err := s.work(ctx, time.Now(), ids...)
		if err != nil {
			return err
		}
		for _, x := range w.seats {
			w.rebuildLead(x, c)
		}
		return w.save(ctx)
	})
}

func (s *Store) leadsOfPage(shard int, page int64, fields []string) []campaigns.LeadID {
	var ids []campaigns.LeadID
	for _, f := range fields {
		if n, err := strconv.ParseInt(f, 10, 64); err == nil {
			ids = append(ids, s.keys.pageLead(shard, page, n))
		}
	}
	slices.Sort(ids)
	return ids
}

func (w *work) rebuildLead(x *seat, c campaigns.CampaignID) {
	e := x.entry(c)
	p := w.plans.byID[c]
	switch {
	case e == nil && p != nil && slices.Contains(p.campaign.Lists, x.lead.List):
		w.enter(x, c)
	case e != nil && e.state != done && !x.holds(*e):
		w.place(x, e)
	}
}
