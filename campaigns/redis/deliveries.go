package redis

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// HoldEndpoint takes or renews the lease of an endpoint, by the clock of Redis; see
// campaigns.Outbox.
func (s *Store) HoldEndpoint(ctx context.Context, id campaigns.EndpointID, holder string, lease time.Duration) (held bool, err error) {
	err = s.do(ctx, "hold_endpoint", func(ctx context.Context) error {
		answer, err := s.deliver(ctx, id, "hold", holder, lease.Milliseconds())
		held = answer == "ok"
		return err
	})
	return held, err
}

// FreeEndpoint gives the lease of an endpoint back.
func (s *Store) FreeEndpoint(ctx context.Context, id campaigns.EndpointID, holder string) error {
	return s.do(ctx, "free_endpoint", func(ctx context.Context) error {
		_, err := s.deliver(ctx, id, "free", holder)
		return err
	})
}

// DueDeliveries are those to be tried; see campaigns.Outbox.
func (s *Store) DueDeliveries(ctx context.Context, id campaigns.EndpointID, now time.Time, limit int) ([]campaigns.Delivery, error) {
	var due []campaigns.Delivery
	err := s.do(ctx, "due_deliveries", func(ctx context.Context) error {
		due = nil
		answer, err := s.deliver(ctx, id, "due", now.UnixMilli(), limited(limit))
		if err != nil {
			return err
		}
		pairs, _ := answer.([]any)
		for i := 0; i+1 < len(pairs); i += 2 {
			seq, _ := pairs[i].(string)
			text, _ := pairs[i+1].(string)
			d, err := parseDelivery(text, seq)
			if err != nil {
				return err
			}
			due = append(due, d)
		}
		return nil
	})
	return due, err
}

func parseDelivery(text, seq string) (campaigns.Delivery, error) {
	var d campaigns.Delivery
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		return d, err
	}
	n, err := strconv.ParseFloat(seq, 64)
	d.Seq = int64(n)
	return d, err
}

// writeDelivery writes a delivery as it is now.
func (s *Store) writeDelivery(ctx context.Context, act, holder string, d campaigns.Delivery) error {
	d.DueAt, d.LastAt = moment(stamp(d.DueAt)), moment(stamp(d.LastAt))
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	waits := "0"
	if d.State == campaigns.DeliveryWaiting {
		waits = "1"
	}
	_, err = s.deliver(ctx, d.Endpoint, act, holder, d.Event.ID, waits, d.DueAt.UnixMilli(), text)
	return err
}

// SaveDelivery writes how a try ended; see campaigns.Outbox.
func (s *Store) SaveDelivery(ctx context.Context, holder string, d campaigns.Delivery) error {
	return s.do(ctx, "save_delivery", func(ctx context.Context) error { return s.writeDelivery(ctx, "save", holder, d) })
}

// Resend makes a delivery wait as if it were new; see campaigns.Outbox.
func (s *Store) Resend(ctx context.Context, id campaigns.EndpointID, event string, now time.Time) error {
	found, err := s.Deliveries(ctx, campaigns.DeliveryQuery{Endpoint: id, Event: event})
	if err == nil && len(found) == 0 {
		err = campaigns.ErrNotFound
	}
	if err != nil {
		return err
	}
	d := found[0]
	d.State, d.Tries, d.DueAt = campaigns.DeliveryWaiting, 0, now
	return s.do(ctx, "resend", func(ctx context.Context) error { return s.writeDelivery(ctx, "resend", "", d) })
}

// Deliveries lists deliveries, newest first; see campaigns.Outbox.
func (s *Store) Deliveries(ctx context.Context, q campaigns.DeliveryQuery) ([]campaigns.Delivery, error) {
	var all []campaigns.Delivery
	err := s.do(ctx, "deliveries", func(ctx context.Context) error {
		all = nil
		p, most := s.keys.endpoint(q.Endpoint), "+inf"
		if q.Before > 0 {
			most = "(" + strconv.FormatInt(q.Before, 10)
		}
		for at := int64(0); len(all) < limited(q.Limit); at += deliveriesRead {
			page, err := s.db.ZRevRangeByScoreWithScores(ctx, p+"order", &goredis.ZRangeBy{Min: "-inf", Max: most, Offset: at, Count: deliveriesRead}).Result()
			if err != nil || len(page) == 0 {
				return err
			}
			var ids []string
			for _, z := range page {
				ids = append(ids, z.Member.(string))
			}
			texts, err := s.db.HMGet(ctx, p+"deliveries", ids...).Result()
			if err != nil {
				return err
			}
			for i, text := range texts {
				text, there := text.(string)
				if !there {
					continue // deleted meanwhile
				}
				d, err := parseDelivery(text, strconv.FormatFloat(page[i].Score, 'f', -1, 64))
				if err != nil {
					return err
				}
				if (q.State == "" || q.State == d.State) && (q.Event == "" || q.Event == d.Event.ID) && len(all) < limited(q.Limit) {
					all = append(all, d)
				}
			}
		}
		return nil
	})
	return all, err
}

// deliveriesRead is how many deliveries are read at a time.
const deliveriesRead = 200

// trimmedAtOnce is how many deliveries TrimDeliveries deletes.
const trimmedAtOnce = 500

// TrimDeliveries keeps bounds; see campaigns.Outbox. What waits is dropped where most
// waits: with several endpoints that is not always the oldest of all, but the oldest of
// whom there is too much.
func (s *Store) TrimDeliveries(ctx context.Context, t campaigns.Trim) (campaigns.Trimmed, error) {
	done := campaigns.Trimmed{Dropped: map[campaigns.EndpointID]int{}}
	backlogs, err := s.Backlogs(ctx)
	if err != nil {
		return done, err
	}
	var waiting, over int64
	for _, b := range backlogs {
		waiting, over = waiting+b.Bytes, over+b.KeptBytes
	}
	err = s.do(ctx, "trim_deliveries", func(ctx context.Context) error {
		left := trimmedAtOnce
		for i := range backlogs {
			if err := s.trimOver(ctx, &backlogs[i], t, &over, waiting, &left, &done); err != nil {
				return err
			}
		}
		for over+waiting > t.Most && left > 0 {
			worst := 0
			for i, b := range backlogs {
				if b.Bytes > backlogs[worst].Bytes {
					worst = i
				}
			}
			b := &backlogs[worst]
			dropped, bytes, err := s.dropOldest(ctx, b.Endpoint, "waiting", nil)
			if err != nil || !dropped {
				return err
			}
			b.Bytes, waiting = b.Bytes-bytes, waiting-bytes
			done.Dropped[b.Endpoint]++
			left--
		}
		done.More = left == 0
		return nil
	})
	return done, err
}

// trimOver deletes deliveries of an endpoint that are over, as far as they must go.
func (s *Store) trimOver(ctx context.Context, b *campaigns.Backlog, t campaigns.Trim, over *int64, waiting int64, left *int, done *campaigns.Trimmed) error {
	for *left > 0 {
		dropped, bytes, err := s.dropOldest(ctx, b.Endpoint, "over", func(d campaigns.Delivery) bool {
			return *over > t.Finished || *over+waiting > t.Most || d.LastAt.Before(t.Before)
		})
		if err != nil || !dropped {
			return err
		}
		*over -= bytes
		done.Finished++
		*left--
	}
	return nil
}

// dropOldest deletes the oldest delivery of a kind, where may allows it.
func (s *Store) dropOldest(ctx context.Context, id campaigns.EndpointID, kind string, may func(campaigns.Delivery) bool) (dropped bool, bytes int64, err error) {
	p := s.keys.endpoint(id)
	ids, err := s.db.ZRange(ctx, p+kind, 0, 0).Result()
	if err != nil || len(ids) == 0 {
		return false, 0, err
	}
	text, err := s.db.HGet(ctx, p+"deliveries", ids[0]).Result()
	if err != nil {
		return false, 0, err
	}
	d, err := parseDelivery(text, "0")
	if err != nil || may != nil && !may(d) {
		return false, 0, err
	}
	_, err = s.deliver(ctx, id, "drop", ids[0])
	return err == nil, d.Event.Size(), err
}

// Backlogs says what waits; see campaigns.Outbox.
func (s *Store) Backlogs(ctx context.Context) ([]campaigns.Backlog, error) {
	var all []campaigns.Backlog
	err := s.do(ctx, "backlogs", func(ctx context.Context) error {
		all = nil
		endpoints, err := s.readEndpoints(ctx)
		if err != nil {
			return err
		}
		for _, e := range endpoints {
			b, err := s.backlog(ctx, e.ID)
			if err != nil {
				return err
			}
			all = append(all, b)
		}
		return nil
	})
	return all, err
}

func (s *Store) backlog(ctx context.Context, id campaigns.EndpointID) (campaigns.Backlog, error) {
	p := s.keys.endpoint(id)
	sizes, err := s.db.HGetAll(ctx, p+"size").Result()
	if err != nil {
		return campaigns.Backlog{}, err
	}
	n := func(name string) int64 { v, _ := strconv.ParseInt(sizes[name], 10, 64); return v }
	b := campaigns.Backlog{Endpoint: id, Waiting: n("waiting"), Bytes: n("waiting_bytes"), Kept: n("over"), KeptBytes: n("over_bytes"), Dropped: n("dropped")}
	if at := n("dropped_at"); at > 0 {
		b.DroppedAt = time.Unix(at, 0).UTC()
	}
	first, err := s.db.ZRange(ctx, p+"waiting", 0, 0).Result()
	if err != nil || len(first) == 0 {
		return b, err
	}
	text, err := s.db.HGet(ctx, p+"deliveries", first[0]).Result()
	if err != nil {
		return b, err
	}
	d, err := parseDelivery(text, "0")
	b.Oldest = d.Event.At
	return b, err
}
