package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// callersKey is the hash of leads who are calling us.
func (s *Store) callersKey(shard int) string { return s.keys.leads(shard) + "callers" }

// calling is one open attempt of a lead who called us.
type calling struct {
	attempt campaigns.AttemptID
	node    string
}

func parseCallings(text string) []calling {
	var all []calling
	for _, one := range strings.Split(text, "\x1e") {
		if attempt, node, ok := strings.Cut(one, "\x1f"); ok {
			all = append(all, calling{campaigns.AttemptID(attempt), node})
		}
	}
	return all
}

func formatCallings(all []calling) string {
	var parts []string
	for _, c := range all {
		parts = append(parts, string(c.attempt)+"\x1f"+c.node)
	}
	return strings.Join(parts, "\x1e")
}

// errCalling means that others call us of a lead than a change was worked out from.
var errCalling = fmt.Errorf("who calls us: %w", errChanged)

// changeCallers changes who calls us of a lead, in the step of a work, if nobody else
// changes it meanwhile; nil changes nothing.
func (w *work) changeCallers(ctx context.Context, lead campaigns.LeadID, change func([]calling) []calling) ([]calling, error) {
	key, field := w.s.callersKey(w.shard), strconv.FormatInt(int64(lead), 10)
	raw, err := w.s.db.HGet(ctx, key, field).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return nil, err
	}
	w.must(key, field, raw)
	all := parseCallings(raw)
	if change == nil {
		return all, nil
	}
	all = change(all)
	if len(all) == 0 {
		w.do("HDEL", key, field)
	} else {
		w.do("HSET", key, field, formatCallings(all))
	}
	return all, nil
}

// callersGate refuses a call to a lead who is calling us, from whichever number. Nearly
// nobody is, so the attempt is begun on condition that the lead is not, and only where
// that fails one looks.
func (b *beginning) callersGate(ctx context.Context, w *work) (*campaigns.Refusal, error) {
	if !b.calling {
		w.must(w.s.callersKey(w.shard), strconv.FormatInt(int64(b.in.Claim.Lead.ID), 10), "")
		return nil, nil
	}
	all, err := w.changeCallers(ctx, b.in.Claim.Lead.ID, nil)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &campaigns.Refusal{
		Reason: campaigns.RefusedLocked, Detail: "attempt " + string(all[0].attempt), Next: b.in.At.Add(campaigns.LockedFor),
	}, nil
}

// receive begins the attempt of somebody who called us. As of any other the number comes
// first, so that nobody is called whose attempt is there already.
func (s *Store) receive(ctx context.Context, in campaigns.Intent) error {
	id := in.Claim.Lead.ID
	locked := false
	err := s.retry(ctx, func() error {
		w, _, err := s.workOn(ctx, in.At, id)
		if err != nil {
			return err
		}
		if !locked {
			if err := s.nameAttempt(ctx, in); err != nil {
				return err
			}
			if _, err := s.lockNumber(ctx, in); err != nil {
				return err
			}
			locked = true
		}
		_, err = w.changeCallers(ctx, id, func(all []calling) []calling {
			return append(all, calling{in.Attempt, in.Claim.Node})
		})
		if err != nil {
			return err
		}
		if err := w.addAttempt(in); err != nil {
			return err
		}
		return w.saveReplicated(ctx)
	})
	if errors.Is(err, errUsed) {
		return fmt.Errorf("attempt %s was begun before: %w", in.Attempt, campaigns.ErrConflict)
	}
	return err
}

// endReceived puts the lead of such an attempt where its end says.
func (w *work) endReceived(ctx context.Context, x *seat, a *keptAttempt, in campaigns.Ending) error {
	_, err := w.changeCallers(ctx, a.Lead, func(all []calling) []calling {
		return slices.DeleteFunc(all, func(c calling) bool { return c.attempt == a.ID })
	})
	if err != nil || w.plans.byID[a.Campaign] == nil {
		return err
	}
	e := x.entry(a.Campaign)
	if e == nil {
		e = x.join(a.Campaign, in.At)
		e.state, e.moved = done, true
	}
	if x.holds(*e) && x.held.calling {
		return nil // that call says where it goes
	}
	e.lastAttempt, e.lastOutcome, e.lastAt = a.ID, in.Outcome, in.At
	e.operator = cmp.Or(in.Operator, e.operator)
	if e.state != waiting && in.Next.Callback == nil {
		return nil
	}
	w.follow(x, a.Campaign, in.Next, in.At)
	return nil
}

// callersWhere are the open attempts of people who called us, by shard.
func (s *Store) callersWhere(ctx context.Context, want func(node string) bool) (map[int][]campaigns.AttemptID, error) {
	byShard := map[int][]campaigns.AttemptID{}
	var mu sync.Mutex
	err := s.eachShard(ctx, func(ctx context.Context, shard int) error {
		all, err := s.db.HVals(ctx, s.callersKey(shard)).Result()
		mu.Lock()
		defer mu.Unlock()
		for _, text := range all {
			for _, c := range parseCallings(text) {
				if want(c.node) {
					byShard[shard] = append(byShard[shard], c.attempt)
				}
			}
		}
		return err
	})
	return byShard, err
}
