package redis

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

func parseSuppression(body string) (campaigns.Suppression, error) {
	var x campaigns.Suppression
	if err := json.Unmarshal([]byte(body), &x); err != nil {
		return x, fmt.Errorf("read a suppression: %w", err)
	}
	return x, nil
}

// suppress puts numbers on the do-not-call list, each in its own slot, and a replica
// has it too, where there is one. A number that is there keeps its first entry: it says
// since when.
func (s *Store) suppress(ctx context.Context, all ...campaigns.Suppression) error {
	for _, x := range all {
		x.At = moment(stamp(x.At))
		body, err := json.Marshal(x)
		if err != nil {
			return err
		}
		names := s.keys.names(s.keys.nameShard(x.E164))
		keys := []string{names + "suppressed", names + "suppressed:order", wantedKey(names), outboxKey(names)}
		err = s.retry(ctx, func() error {
			return s.onMaster(ctx, keys[0], func(c *goredis.Conn) error {
				if err := scripts.suppress.Run(ctx, c, keys, x.E164, body, eventText(campaigns.EventOfSuppression(x))).Err(); err != nil {
					return err
				}
				return s.replicated(ctx, c)
			})
		})
		if err != nil {
			return fmt.Errorf("suppress a number: %w", err)
		}
	}
	return nil
}

// Suppress puts a number on the do-not-call list. One that is there keeps its
// first entry. ErrNotReplicated means that it may be lost with its master; doing it
// again is what to do.
func (s *Store) Suppress(ctx context.Context, x campaigns.Suppression) error {
	return s.do(ctx, "suppress", func(ctx context.Context) error { return s.suppress(ctx, x) })
}

// Unsuppress takes a number off the list; campaigns.ErrNotFound where it is not
// on it. Leads that were given up because of it stay so until their campaign
// takes them up again.
//
// The audit log is in another slot and is written first: it may tell of a number
// that is still on the list, never the other way round.
func (s *Store) Unsuppress(ctx context.Context, e164 string, by campaigns.UserID) error {
	return s.do(ctx, "unsuppress", func(ctx context.Context) error {
		if _, found, err := s.suppressed(ctx, e164); err != nil || !found {
			return cmp.Or(err, campaigns.ErrNotFound)
		}
		err := s.audit(ctx, campaigns.AuditEntry{At: time.Now(), By: by, Action: "suppression.remove", Object: e164})
		if err != nil {
			return err
		}
		names := s.keys.names(s.keys.nameShard(e164))
		_, err = s.db.TxPipelined(ctx, func(tx goredis.Pipeliner) error {
			tx.HDel(ctx, names+"suppressed", e164)
			tx.ZRem(ctx, names+"suppressed:order", e164)
			return nil
		})
		return err
	})
}

func (s *Store) suppressed(ctx context.Context, e164 string) (campaigns.Suppression, bool, error) {
	body, err := s.db.HGet(ctx, s.keys.names(s.keys.nameShard(e164))+"suppressed", e164).Result()
	if errors.Is(err, goredis.Nil) {
		return campaigns.Suppression{}, false, nil
	}
	if err != nil {
		return campaigns.Suppression{}, false, err
	}
	x, err := parseSuppression(body)
	return x, err == nil, err
}

// Suppressed looks a number up.
func (s *Store) Suppressed(ctx context.Context, e164 string) (x campaigns.Suppression, found bool, err error) {
	err = s.do(ctx, "suppressed", func(ctx context.Context) error {
		x, found, err = s.suppressed(ctx, e164)
		return err
	})
	return x, found, err
}

// Suppressions lists numbers above after, in order.
func (s *Store) Suppressions(ctx context.Context, after string, limit int) ([]campaigns.Suppression, error) {
	var mu sync.Mutex
	all := []campaigns.Suppression{}
	from := "-"
	if after != "" {
		from = "(" + after
	}
	err := s.do(ctx, "suppressions", func(ctx context.Context) error {
		return s.eachShard(ctx, func(ctx context.Context, shard int) error {
			names := s.keys.names(shard)
			order := &goredis.ZRangeBy{Min: from, Max: "+", Count: int64(limited(limit))}
			numbers, err := s.db.ZRangeByLex(ctx, names+"suppressed:order", order).Result()
			if err != nil || len(numbers) == 0 {
				return err
			}
			bodies, err := s.db.HMGet(ctx, names+"suppressed", numbers...).Result()
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			for _, body := range bodies {
				text, _ := body.(string)
				if text == "" {
					continue // taken off meanwhile
				}
				x, err := parseSuppression(text)
				if err != nil {
					return err
				}
				all = append(all, x)
			}
			return nil
		})
	})
	slices.SortFunc(all, func(a, b campaigns.Suppression) int { return cmp.Compare(a.E164, b.E164) })
	return all[:min(len(all), limited(limit))], err
}

// limited is the number of rows that a query may give: default 100, at most 10,000.
func limited(n int) int {
	if n <= 0 {
		return 100
	}
	return min(n, 10_000)
}
