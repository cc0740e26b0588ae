package redis

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Release gives claims back; see campaigns.Store. Claims that are over are left
// alone and reported as ErrStale, the others are released all the same.
func (s *Store) Release(ctx context.Context, claims []campaigns.Claim, at time.Time) error {
	stale := false
	err := s.do(ctx, "release", func(ctx context.Context) error {
		for _, c := range claims {
			over, err := s.release(ctx, c, at)
			if err != nil {
				return err
			}
			stale = stale || over
		}
		return nil
	})
	if err == nil && stale {
		err = campaigns.ErrStale
	}
	return err
}

func (s *Store) release(ctx context.Context, c campaigns.Claim, at time.Time) (stale bool, err error) {
	return s.releaseTogether(ctx, []campaigns.Claim{c}, at)
}

// releaseTogether gives back claims of one shard, in one step; stale says that some of
// them were over.
func (s *Store) releaseTogether(ctx context.Context, claims []campaigns.Claim, at time.Time) (stale bool, err error) {
	now := time.Time{} // it was due, or waits for its time: claims look at the time again
	ids := make([]campaigns.LeadID, len(claims))
	for i, c := range claims {
		ids[i] = c.Lead.ID
		if at.IsZero() && !c.Early && c.DueAt.After(now) {
			now = c.DueAt
		}
	}
	err = s.retry(ctx, func() error {
		stale = false
		w, err := s.work(ctx, now, ids...)
		if err != nil {
			return err
		}
		for _, c := range claims {
			x := w.seats[c.Lead.ID]
			if !x.exists || !x.held.by(c) {
				stale = true
				delete(w.seats, c.Lead.ID)
				continue
			}
			e := x.entry(c.Queue.Campaign)
			if !at.IsZero() {
				e.due = at
			}
			w.putBack(x, e)
		}
		if len(w.seats) == 0 {
			return nil
		}
		return w.save(ctx)
	})
	return stale, err
}

// Reclaim gives back claims; see campaigns.Store. With an empty node it takes
// only those whose lease ran out.
func (s *Store) Reclaim(ctx context.Context, node string, now time.Time) (int, error) {
	count := 0
	err := s.do(ctx, "reclaim", func(ctx context.Context) error {
		over, err := s.heldWhere(ctx, func(h *held) bool {
			return !h.calling && (h.until.Before(now) || (node != "" && h.node == node))
		})
		if err != nil {
			return err
		}
		for id, h := range over {
			done, err := s.reclaim(ctx, id, h, now)
			if err != nil {
				return err
			}
			if done {
				count++
			}
		}
		return errors.Join(s.settleNumbers(ctx), s.adoptRebuilds(ctx))
	})
	return count, err
}

// reclaim gives one claim back, unless it is over already.
func (s *Store) reclaim(ctx context.Context, id campaigns.LeadID, h *held, now time.Time) (done bool, err error) {
	err = s.retry(ctx, func() error {
		w, err := s.work(ctx, now, id)
		if err != nil {
			return err
		}
		x := w.seats[id]
		if done = x.exists && x.held != nil && !x.held.calling && x.held.fence == h.fence; !done {
			return nil
		}
		w.putBack(x, x.entry(h.queue.Campaign))
		return w.save(ctx)
	})
	return done, err
}

// heldWhere are the leads that somebody has, for whom want says so. There are as
// many as calls and claims, not as leads.
func (s *Store) heldWhere(ctx context.Context, want func(*held) bool) (map[campaigns.LeadID]*held, error) {
	var mu sync.Mutex
	found := map[campaigns.LeadID]*held{}
	err := s.eachShard(ctx, func(ctx context.Context, shard int) error {
		all, err := s.db.HGetAll(ctx, s.heldKey(shard)).Result()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for text, raw := range all {
			id, err := strconv.ParseInt(text, 10, 64)
			if h := parseHeld(raw); err == nil && h != nil && want(h) {
				found[campaigns.LeadID(id)] = h
			}
		}
		return nil
	})
	return found, err
}
