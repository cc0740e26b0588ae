package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Outbox = (*Store)(nil)

// wantedKey holds the types that any endpoint wants, in each slot where they are made;
// outboxKey the events that are not spread yet.
func wantedKey(slot string) string { return slot + "wanted" }
func outboxKey(slot string) string { return slot + "outbox" }

// endpoint is the prefix of what is kept for an endpoint.
func (k keys) endpoint(id campaigns.EndpointID) string {
	return "{" + k.space + ":w:" + string(id) + "}"
}

// tellingSlots are those in which events are made.
func (k keys) tellingSlots() []string {
	slots := []string{k.general()}
	for shard := range k.shards {
		slots = append(slots, k.leads(shard), k.names(shard))
	}
	return slots
}

// tell adds events to a change, for those who want them when it is made.
func (c *change) tell(slot string, events ...campaigns.Event) {
	for _, ev := range events {
		c.key(outboxKey(slot))
		c.do("TELL", wantedKey(slot), outboxKey(slot), string(ev.Type), eventText(ev))
	}
}

func eventText(ev campaigns.Event) string {
	text, err := json.Marshal(ev)
	if err != nil {
		panic(err) // plain values
	}
	return string(text)
}

// keptEndpoint is an endpoint with what is never shown.
type keptEndpoint struct {
	campaigns.Endpoint
	Secrets []campaigns.Secret `json:"secrets"`
}

// SaveEndpoint creates or replaces an endpoint; see campaigns.Outbox. Slots are told what
// is wanted one after another, so an event of the moment may be missed; where that was
// cut short, Spread does the rest.
func (s *Store) SaveEndpoint(ctx context.Context, e campaigns.Endpoint) (campaigns.Endpoint, error) {
	if !campaigns.ValidID(string(e.ID)) {
		return campaigns.Endpoint{}, &campaigns.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not an endpoint id", e.ID)}
	}
	var saved campaigns.Endpoint
	err := s.do(ctx, "save_endpoint", func(ctx context.Context) error {
		err := s.retry(ctx, func() error {
			var err error
			saved, err = s.replaceEndpoint(ctx, e)
			return err
		})
		if err != nil {
			return err
		}
		if err := s.db.Set(ctx, s.keys.endpoint(e.ID)+"there", 1, 0).Err(); err != nil {
			return err
		}
		return s.sayWanted(ctx)
	})
	return saved, err
}

func (s *Store) replaceEndpoint(ctx context.Context, e campaigns.Endpoint) (campaigns.Endpoint, error) {
	hash := s.keys.general() + "endpoints"
	old, err := s.db.HGet(ctx, hash, string(e.ID)).Result()
	if err != nil && !errors.Is(err, goredis.Nil) {
		return e, err
	}
	var before []campaigns.Endpoint
	if old != "" {
		one, err := parseEndpoint(old)
		if err != nil {
			return e, err
		}
		before = append(before, one)
	}
	saved, err := e.Replacing(before, time.Now())
	if err != nil {
		return e, err
	}
	body, err := json.Marshal(keptEndpoint{saved, saved.Secrets})
	if err != nil {
		return e, err
	}
	var step change
	step.must(hash, string(e.ID), old)
	step.do("HSET", hash, string(e.ID), body)
	_, err = step.commit(ctx, s.db)
	return saved, err
}

func parseEndpoint(body string) (campaigns.Endpoint, error) {
	var k keptEndpoint
	err := json.Unmarshal([]byte(body), &k)
	k.Endpoint.Secrets = k.Secrets
	return k.Endpoint, err
}

// readEndpoints returns all endpoints, by id.
func (s *Store) readEndpoints(ctx context.Context) ([]campaigns.Endpoint, error) {
	bodies, err := s.db.HVals(ctx, s.keys.general()+"endpoints").Result()
	var all []campaigns.Endpoint
	for _, body := range bodies {
		e, err := parseEndpoint(body)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	slices.SortFunc(all, func(a, b campaigns.Endpoint) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, err
}

// Endpoints returns all endpoints, by id.
func (s *Store) Endpoints(ctx context.Context) (all []campaigns.Endpoint, err error) {
	err = s.do(ctx, "endpoints", func(ctx context.Context) error {
		all, err = s.readEndpoints(ctx)
		return err
	})
	return all, err
}

// wanted is what endpoints want, in the form of wantedKey; empty: nothing.
func wanted(endpoints []campaigns.Endpoint) string {
	var types []string
	for _, e := range endpoints {
		if !e.Disabled && len(e.Types) == 0 {
			return "*"
		}
		for _, t := range e.Types {
			if !e.Disabled && !slices.Contains(types, string(t)) {
				types = append(types, string(t))
			}
		}
	}
	if len(types) == 0 {
		return ""
	}
	slices.Sort(types)
	return " " + strings.Join(types, " ") + " "
}

// sayWanted tells every slot what is wanted.
func (s *Store) sayWanted(ctx context.Context) error {
	endpoints, err := s.readEndpoints(ctx)
	if err != nil {
		return err
	}
	types := wanted(endpoints)
	_, err = s.db.Pipelined(ctx, func(p goredis.Pipeliner) error {
		for _, slot := range s.keys.tellingSlots() {
			p.Set(ctx, wantedKey(slot), types, 0)
		}
		return nil
	})
	return err
}

// DeleteEndpoint forgets an endpoint; see campaigns.Outbox.
func (s *Store) DeleteEndpoint(ctx context.Context, id campaigns.EndpointID) error {
	return s.do(ctx, "delete_endpoint", func(ctx context.Context) error {
		n, err := s.db.HDel(ctx, s.keys.general()+"endpoints", string(id)).Result()
		if err == nil && n == 0 {
			err = campaigns.ErrNotFound
		}
		if err != nil {
			return err
		}
		if err := s.sayWanted(ctx); err != nil {
			return err
		}
		_, err = s.deliver(ctx, id, "delete")
		return err
	})
}

// deliver runs a step on the deliveries of an endpoint.
func (s *Store) deliver(ctx context.Context, id campaigns.EndpointID, args ...any) (any, error) {
	answer, err := scripts.delivery.Run(ctx, s.db, []string{s.keys.endpoint(id)}, args...).Result()
	if err != nil {
		return nil, err
	}
	switch answer {
	case "gone":
		return nil, campaigns.ErrNotFound
	case "stale":
		return nil, campaigns.ErrStale
	}
	return answer, nil
}

// addDelivery puts an event behind those that wait for an endpoint.
func (s *Store) addDelivery(ctx context.Context, id campaigns.EndpointID, ev campaigns.Event) error {
	d := campaigns.Delivery{Endpoint: id, Event: ev, State: campaigns.DeliveryWaiting, DueAt: ev.At}
	text, err := json.Marshal(d)
	if err != nil {
		return err
	}
	_, err = s.deliver(ctx, id, "add", ev.ID, ev.Key, ev.At.UnixMilli(), ev.Size(), text)
	return err
}

// Publish keeps events that follow from no other write; see campaigns.Outbox.
func (s *Store) Publish(ctx context.Context, only campaigns.EndpointID, events ...campaigns.Event) error {
	return s.do(ctx, "publish", func(ctx context.Context) error {
		if only != "" {
			for _, ev := range events {
				if err := s.addDelivery(ctx, only, ev); err != nil {
					return err
				}
			}
			return nil
		}
		endpoints, err := s.readEndpoints(ctx)
		if err != nil {
			return err
		}
		return s.hand(ctx, endpoints, events)
	})
}

// hand gives events to the endpoints that want them. One that was deleted meanwhile gets
// none.
func (s *Store) hand(ctx context.Context, endpoints []campaigns.Endpoint, events []campaigns.Event) error {
	for _, ev := range events {
		for _, e := range endpoints {
			if !e.Wants(ev.Type) {
				continue
			}
			if err := s.addDelivery(ctx, e.ID, ev); err != nil && !errors.Is(err, campaigns.ErrNotFound) {
				return err
			}
		}
	}
	return nil
}

// spreadAtOnce is how many events of a slot are read at a time.
const spreadAtOnce = 200

// Spread brings events from the slots where they were made to the endpoints; see
// campaigns.Outbox. Several processes may do it at a time: each goes through a slot in
// its order, an event is deleted only when it is where it belongs, and one that is there
// already stays as it is.
func (s *Store) Spread(ctx context.Context) error {
	return s.do(ctx, "spread", func(ctx context.Context) error {
		endpoints, err := s.readEndpoints(ctx)
		if err != nil {
			return err
		}
		types, slots := wanted(endpoints), s.keys.tellingSlots()
		cmds, err := s.readMany(ctx, func(p goredis.Pipeliner) error {
			for _, slot := range slots {
				p.Get(ctx, wantedKey(slot))
				p.XLen(ctx, outboxKey(slot))
			}
			return nil
		})
		if err != nil {
			return err
		}
		for i, slot := range slots {
			if cmds[2*i].(*goredis.StringCmd).Val() != types { // somebody died in sayWanted
				if err := s.db.Set(ctx, wantedKey(slot), types, 0).Err(); err != nil {
					return err
				}
			}
			if cmds[2*i+1].(*goredis.IntCmd).Val() == 0 {
				continue
			}
			if err := s.spreadSlot(ctx, slot, endpoints); err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) spreadSlot(ctx context.Context, slot string, endpoints []campaigns.Endpoint) error {
	for {
		messages, err := s.db.XRangeN(ctx, outboxKey(slot), "-", "+", spreadAtOnce).Result()
		if err != nil || len(messages) == 0 {
			return err
		}
		var done []string
		for _, m := range messages {
			var ev campaigns.Event
			if err := json.Unmarshal([]byte(fmt.Sprint(m.Values["event"])), &ev); err != nil {
				return fmt.Errorf("read event %s: %w", m.ID, err)
			}
			if err := s.hand(ctx, endpoints, []campaigns.Event{ev}); err != nil {
				return err
			}
			done = append(done, m.ID)
		}
		if err := s.db.XDel(ctx, outboxKey(slot), done...).Err(); err != nil || len(messages) < spreadAtOnce {
			return err
		}
	}
}
