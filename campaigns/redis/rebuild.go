package redis

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
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

// rebuildSoon is how many parts are done before SaveCampaign returns, so that few
// leads are in their places then. A part is of some pages of every shard.
func (s *Store) rebuildSoon() int { return max(1, 4/s.keys.shards) }

// finishRebuilds goes on with rebuilds that a crash cut short, in the background.
func (s *Store) finishRebuilds(ctx context.Context) error {
	ids, err := s.db.HKeys(ctx, s.keys.general()+"rebuilds").Result()
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.startRebuild(campaigns.CampaignID(id))
	}
	return nil
}

// adoptRebuilds goes on with rebuilds that stand still since we looked last: the
// node that made them is gone. Where one is over, our copy of the plans hears of it.
func (s *Store) adoptRebuilds(ctx context.Context) error {
	all, err := s.db.HGetAll(ctx, s.keys.general()+"rebuilds").Result()
	for id, at := range all {
		if before, _ := s.seen.Swap(id, at); before == at {
			s.startRebuild(campaigns.CampaignID(id))
		}
	}
	if p := s.plans.Load(); err == nil && p != nil {
		for id, x := range p.byID {
			if _, goesOn := all[string(id)]; x.rebuilding && !goesOn {
				s.plans.CompareAndSwap(p, nil)
			}
		}
	}
	return err
}

// startRebuild goes on with a rebuild in the background.
func (s *Store) startRebuild(id campaigns.CampaignID) {
	s.jobs.Start(string(id), func(ctx context.Context) error {
		return s.doLong(ctx, "rebuild", func(ctx context.Context) error {
			_, err := s.rebuild(ctx, id, math.MaxInt)
			return err
		})
	})
}

// Rebuilds are those under way; see campaigns.Rebuilder.
func (s *Store) Rebuilds(ctx context.Context) (found []campaigns.Rebuild, err error) {
	err = s.do(ctx, "rebuilds", func(ctx context.Context) error {
		all, err := s.db.HGetAll(ctx, s.keys.general()+"rebuilds").Result()
		if err != nil || len(all) == 0 {
			return err
		}
		last, err := s.lastPage(ctx)
		if err != nil {
			return err
		}
		found = nil
		for id, at := range all {
			page, err := strconv.ParseInt(at, 10, 64)
			if err != nil {
				return err
			}
			perPage := int64(s.keys.shards) * pageLeads
			x := campaigns.Rebuild{Campaign: campaigns.CampaignID(id), Done: min(page, last+1) * perPage, Total: (last + 1) * perPage}
			if _, problem := s.jobs.Running(id); problem != nil {
				x.Problem = problem.Error()
			}
			found = append(found, x)
		}
		return nil
	})
	slices.SortFunc(found, func(a, b campaigns.Rebuild) int { return strings.Compare(string(a.Campaign), string(b.Campaign)) })
	return found, err
}

// AwaitRebuild waits for a rebuild; see campaigns.Rebuilder.
func (s *Store) AwaitRebuild(ctx context.Context, id campaigns.CampaignID) error {
	return s.jobs.Wait(ctx, string(id))
}

// misplaced says whether a claim is of a queue that its lead does not belong to by
// the present rules: those are being applied to all leads and have not come to it.
func (p *plans) misplaced(c campaigns.Claim, r record) bool {
	x := p.byID[c.Queue.Campaign]
	e := r.entry(c.Queue.Campaign)
	if x == nil || e == nil {
		return true
	}
	if !x.rebuilding {
		return false
	}
	segment, _, matches := x.matcher.Place(r.lead)
	return !matches || !x.dials(r.lead.List, *e) || c.Queue != x.campaign.QueueOf(segment, c.Number.Window(), e.callback(), e.lastAttempt != "")
}

// rebuild goes on until the rebuild of a campaign is over, or so many parts are done.
// Several may run at a time: they share the cursor.
func (s *Store) rebuild(ctx context.Context, id campaigns.CampaignID, parts int) (over bool, err error) {
	s.plans.Store(nil)
	p, err := s.plansNow(ctx)
	if err == nil {
		err = s.spread(ctx, p.generation)
	}
	for ; err == nil && !over && parts > 0; parts-- {
		over, err = s.rebuildPages(ctx, id)
	}
	if over {
		s.plans.Store(nil) // it says that a rebuild is under way
	}
	if err != nil {
		return false, fmt.Errorf("rebuild queues of %s: %w", id, err)
	}
	return over, nil
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
	next := page + rebuildAtOnce
	if err := s.rebuildFrom(ctx, id, page, min(last, next-1)); err != nil {
		return false, err
	}
	if next > last {
		step.do("HDEL", g+"rebuilds", string(id))
	} else {
		step.do("HSET", g+"rebuilds", string(id), next)
	}
	if _, err = step.commit(ctx, s.db); errors.Is(err, errChanged) {
		return false, nil // the campaign changed again, or another node helps
	}
	return err == nil && next > last, err
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
