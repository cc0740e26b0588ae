package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Outbox = (*Store)(nil)

// The states of a delivery in its table.
const (
	deliveryBehind  = 0 // an earlier one of its key waits
	deliveryHead    = 1
	deliveryDone    = 2
	deliveryGivenUp = 3
)

// tell keeps events for the endpoints that want them, in the transaction that made them
// happen. events is asked only where somebody may want one.
func (w *writer) tell(events func() ([]campaigns.Event, error)) error {
	if err := w.readEndpoints(); err != nil || len(w.endpoints) == 0 {
		return err
	}
	all, err := events()
	if err != nil {
		return err
	}
	for _, ev := range all {
		for _, e := range w.endpoints {
			if !e.Wants(ev.Type) {
				continue
			}
			if err := w.queueDelivery(e.ID, ev); err != nil {
				return err
			}
		}
	}
	return nil
}

// readEndpoints fills the writer's copy of the endpoints that are told anything.
func (w *writer) readEndpoints() error {
	if w.endpoints != nil {
		return nil
	}
	all, err := list(w.statements, scanEndpoint, `SELECT body FROM webhook_endpoint ORDER BY id`)
	if err != nil {
		return err
	}
	w.endpoints = []campaigns.Endpoint{}
	for _, e := range all {
		if !e.Disabled {
			w.endpoints = append(w.endpoints, e)
		}
	}
	return nil
}

// queueDelivery puts an event behind those that wait for the endpoint under its key. One
// that is there already stays as it is.
func (w *writer) queueDelivery(to campaigns.EndpointID, ev campaigns.Event) error {
	_, err := w.exec(`INSERT INTO webhook_delivery (endpoint, event, type, key, at, data, size, state, due_at)
		SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, NOT EXISTS (SELECT 1 FROM webhook_delivery WHERE endpoint = ?1 AND key = ?4 AND state < 2), ?5
		WHERE true ON CONFLICT (endpoint, event) DO NOTHING`,
		string(to), ev.ID, string(ev.Type), ev.Key, stamp(ev.At), string(ev.Data), ev.Size())
	if err != nil {
		return fmt.Errorf("keep event %s: %w", ev.ID, err)
	}
	return nil
}

// keptEndpoint is an endpoint with what is never shown.
type keptEndpoint struct {
	campaigns.Endpoint
	Secrets []campaigns.Secret `json:"secrets"`
}

func scanEndpoint(r scanner) (campaigns.Endpoint, error) {
	var body string
	var k keptEndpoint
	if err := r.Scan(&body); err != nil {
		return k.Endpoint, err
	}
	err := json.Unmarshal([]byte(body), &k)
	k.Endpoint.Secrets = k.Secrets
	return k.Endpoint, err
}

// SaveEndpoint creates or replaces an endpoint; see campaigns.Outbox.
func (s *Store) SaveEndpoint(ctx context.Context, e campaigns.Endpoint) (campaigns.Endpoint, error) {
	if !campaigns.ValidID(string(e.ID)) {
		return campaigns.Endpoint{}, &campaigns.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not an endpoint id", e.ID)}
	}
	saved := e
	err := s.write(ctx, "save_endpoint", func(w *writer) error {
		saved = e
		before, err := list(w.statements, scanEndpoint, `SELECT body FROM webhook_endpoint WHERE id = ?`, string(e.ID))
		if err != nil {
			return err
		}
		if saved, err = saved.Replacing(before, time.Now()); err != nil {
			return err
		}
		body, err := json.Marshal(keptEndpoint{saved, saved.Secrets})
		if err != nil {
			return err
		}
		w.endpoints = nil
		_, err = w.exec(`INSERT INTO webhook_endpoint (id, body) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET body = excluded.body`, string(e.ID), string(body))
		return err
	})
	return saved, err
}

// Endpoints returns all endpoints, by id.
func (s *Store) Endpoints(ctx context.Context) ([]campaigns.Endpoint, error) {
	return readList(ctx, s, "endpoints", scanEndpoint, `SELECT body FROM webhook_endpoint ORDER BY id`)
}

// DeleteEndpoint forgets an endpoint; see campaigns.Outbox. What waits for it goes in
// pieces, the endpoint last.
func (s *Store) DeleteEndpoint(ctx context.Context, id campaigns.EndpointID) error {
	if err := s.disableEndpoint(ctx, id); err != nil {
		return err
	}
	for {
		n := int64(0)
		err := s.writeBulk(ctx, "delete_endpoint", func(w *writer) error {
			var err error
			n, err = w.exec(`DELETE FROM webhook_delivery WHERE seq IN (SELECT seq FROM webhook_delivery WHERE endpoint = ? LIMIT ?)`, string(id), trimmedAtOnce)
			if err != nil || n == trimmedAtOnce {
				return err
			}
			w.endpoints = nil
			if _, err = w.exec(`DELETE FROM webhook_count WHERE endpoint = ?`, string(id)); err != nil {
				return err
			}
			_, err = w.exec(`DELETE FROM webhook_endpoint WHERE id = ?`, string(id))
			return err
		})
		if err != nil || n < trimmedAtOnce {
			return err
		}
	}
}

// disableEndpoint keeps anything new from being kept for an endpoint that is about to go.
func (s *Store) disableEndpoint(ctx context.Context, id campaigns.EndpointID) error {
	return s.write(ctx, "disable_endpoint", func(w *writer) error {
		w.endpoints = nil
		n, err := w.exec(`UPDATE webhook_endpoint SET body = json_set(body, '$.disabled', json('true')) WHERE id = ?`, string(id))
		if err == nil && n == 0 {
			err = campaigns.ErrNotFound
		}
		return err
	})
}

// Publish keeps events that follow from no other write; see campaigns.Outbox.
func (s *Store) Publish(ctx context.Context, only campaigns.EndpointID, events ...campaigns.Event) error {
	return s.write(ctx, "publish", func(w *writer) error {
		if only == "" {
			return w.tell(func() ([]campaigns.Event, error) { return events, nil })
		}
		known, err := list(w.statements, scanEndpoint, `SELECT body FROM webhook_endpoint WHERE id = ?`, string(only))
		if err == nil && len(known) == 0 {
			err = campaigns.ErrNotFound
		}
		for _, ev := range events {
			if err == nil {
				err = w.queueDelivery(only, ev)
			}
		}
		return err
	})
}

// HoldEndpoint takes or renews the lease of an endpoint; see campaigns.Outbox.
func (s *Store) HoldEndpoint(ctx context.Context, id campaigns.EndpointID, holder string, lease time.Duration) (bool, error) {
	held := false
	err := s.write(ctx, "hold_endpoint", func(w *writer) error {
		now := time.Now()
		n, err := w.exec(`UPDATE webhook_endpoint SET holder = ?1, held_until = ?2 WHERE id = ?3 AND (holder = ?1 OR held_until <= ?4)`,
			holder, stamp(now.Add(lease)), string(id), stamp(now))
		held = n > 0
		return err
	})
	return held, err
}

// FreeEndpoint gives the lease of an endpoint back.
func (s *Store) FreeEndpoint(ctx context.Context, id campaigns.EndpointID, holder string) error {
	return s.write(ctx, "free_endpoint", func(w *writer) error {
		_, err := w.exec(`UPDATE webhook_endpoint SET holder = '', held_until = 0 WHERE id = ? AND holder = ?`, string(id), holder)
		return err
	})
}

// Spread does nothing: events are kept where they are read.
func (s *Store) Spread(context.Context) error { return nil }

const deliveryColumns = `seq, endpoint, event, type, key, at, data, state, tries, due_at, last_at, status, problem FROM webhook_delivery`

func scanDelivery(r scanner) (campaigns.Delivery, error) {
	var d campaigns.Delivery
	var at, due, last int64
	var data string
	var state int
	err := r.Scan(&d.Seq, &d.Endpoint, &d.Event.ID, &d.Event.Type, &d.Event.Key, &at, &data, &state, &d.Tries, &due, &last, &d.Status, &d.Problem)
	d.Event.At, d.DueAt, d.LastAt, d.Event.Data = moment(at), moment(due), moment(last), json.RawMessage(data)
	switch state {
	case deliveryDone:
		d.State = campaigns.Delivered
	case deliveryGivenUp:
		d.State = campaigns.DeliveryGivenUp
	default:
		d.State = campaigns.DeliveryWaiting
	}
	return d, err
}

// DueDeliveries are those to be tried; see campaigns.Outbox.
func (s *Store) DueDeliveries(ctx context.Context, id campaigns.EndpointID, now time.Time, limit int) ([]campaigns.Delivery, error) {
	return readList(ctx, s, "due_deliveries", scanDelivery, `SELECT `+deliveryColumns+`
		WHERE endpoint = ? AND state = 1 AND due_at <= ? ORDER BY due_at, seq LIMIT ?`, string(id), stamp(now), limited(limit))
}

// SaveDelivery writes how a try ended; see campaigns.Outbox.
func (s *Store) SaveDelivery(ctx context.Context, holder string, d campaigns.Delivery) error {
	return s.write(ctx, "save_delivery", func(w *writer) error {
		held, err := list(w.statements, column[int64], `SELECT 1 FROM webhook_endpoint WHERE id = ? AND holder = ?`, string(d.Endpoint), holder)
		if err == nil && len(held) == 0 {
			err = campaigns.ErrStale
		}
		if err != nil {
			return err
		}
		return w.moveDelivery(d)
	})
}

// moveDelivery writes a delivery, and lets the next of its key go where it waits no more.
func (w *writer) moveDelivery(d campaigns.Delivery) error {
	state := deliveryHead
	switch d.State {
	case campaigns.Delivered:
		state = deliveryDone
	case campaigns.DeliveryGivenUp:
		state = deliveryGivenUp
	}
	n, err := w.exec(`UPDATE webhook_delivery SET state = ?, tries = ?, due_at = ?, last_at = ?, status = ?, problem = ? WHERE endpoint = ? AND event = ?`,
		state, d.Tries, stamp(d.DueAt), stamp(d.LastAt), d.Status, d.Problem, string(d.Endpoint), d.Event.ID)
	if err == nil && n == 0 {
		err = campaigns.ErrNotFound
	}
	if err != nil || state == deliveryHead {
		return err
	}
	return w.lineUpKey(d.Endpoint, d.Event.Key)
}

// lineUpKey makes the first delivery that waits under a key its head, and no other.
func (w *writer) lineUpKey(id campaigns.EndpointID, key string) error {
	_, err := w.exec(`UPDATE webhook_delivery SET state = 0 WHERE endpoint = ?1 AND key = ?2 AND state = 1
		AND seq > (SELECT min(seq) FROM webhook_delivery WHERE endpoint = ?1 AND key = ?2 AND state < 2)`, string(id), key)
	if err != nil {
		return err
	}
	_, err = w.exec(`UPDATE webhook_delivery SET state = 1 WHERE state = 0
		AND seq = (SELECT min(seq) FROM webhook_delivery WHERE endpoint = ? AND key = ? AND state < 2)`, string(id), key)
	return err
}

// Resend makes a delivery wait as if it were new; see campaigns.Outbox.
func (s *Store) Resend(ctx context.Context, id campaigns.EndpointID, event string, now time.Time) error {
	return s.write(ctx, "resend", func(w *writer) error {
		var key string
		err := w.get(`SELECT key FROM webhook_delivery WHERE endpoint = ? AND event = ?`, args(string(id), event), &key)
		if err != nil {
			return orNotFound(err)
		}
		_, err = w.exec(`UPDATE webhook_delivery SET state = iif(state > 1, 0, state), tries = 0, due_at = ? WHERE endpoint = ? AND event = ?`, stamp(now), string(id), event)
		if err != nil {
			return err
		}
		return w.lineUpKey(id, key)
	})
}

// Deliveries lists deliveries, newest first; see campaigns.Outbox.
func (s *Store) Deliveries(ctx context.Context, q campaigns.DeliveryQuery) ([]campaigns.Delivery, error) {
	query, values := `SELECT `+deliveryColumns+` WHERE endpoint = ?`, args(string(q.Endpoint))
	switch q.State {
	case campaigns.DeliveryWaiting:
		query += ` AND state < 2`
	case campaigns.Delivered:
		query += ` AND state = 2`
	case campaigns.DeliveryGivenUp:
		query += ` AND state = 3`
	}
	if q.Event != "" {
		query, values = query+` AND event = ?`, append(values, q.Event)
	}
	if q.Before > 0 {
		query, values = query+` AND seq < ?`, append(values, q.Before)
	}
	return readList(ctx, s, "deliveries", scanDelivery, query+` ORDER BY seq DESC LIMIT ?`, append(values, limited(q.Limit))...)
}

// trimmedAtOnce is how many deliveries are deleted in one transaction.
const trimmedAtOnce = 500

// TrimDeliveries keeps bounds; see campaigns.Outbox.
func (s *Store) TrimDeliveries(ctx context.Context, t campaigns.Trim) (campaigns.Trimmed, error) {
	var done campaigns.Trimmed
	err := s.writeBulk(ctx, "trim_deliveries", func(w *writer) error {
		done = campaigns.Trimmed{Dropped: map[campaigns.EndpointID]int{}}
		return w.trim(t, &done)
	})
	return done, err
}

func (w *writer) trim(t campaigns.Trim, done *campaigns.Trimmed) error {
	var waiting, over int64
	err := w.get(`SELECT coalesce(sum(bytes) FILTER (WHERE waiting = 1), 0), coalesce(sum(bytes) FILTER (WHERE waiting = 0), 0) FROM webhook_count`, nil, &waiting, &over)
	if err != nil {
		return err
	}
	left := trimmedAtOnce
	drop := func(query string, enough func(d trimmable) bool, dropped func(trimmable) error) error {
		rows, err := list(w.statements, scanTrimmable, query, left)
		if err != nil {
			return err
		}
		for _, d := range rows {
			if enough(d) {
				return nil
			}
			if _, err := w.exec(`DELETE FROM webhook_delivery WHERE seq = ?`, d.seq); err != nil {
				return err
			}
			if err := dropped(d); err != nil {
				return err
			}
			left--
		}
		done.More = left == 0
		return nil
	}
	const columns = `SELECT seq, endpoint, key, size, last_at FROM webhook_delivery `
	err = drop(columns+`INDEXED BY webhook_over WHERE state > 1 ORDER BY seq LIMIT ?`, func(d trimmable) bool {
		return over <= t.Finished && over+waiting <= t.Most && d.lastAt >= stamp(t.Before)
	}, func(d trimmable) error {
		over -= d.size
		done.Finished++
		return nil
	})
	if err != nil || over+waiting <= t.Most || left == 0 {
		return err
	}
	return drop(columns+`INDEXED BY webhook_waiting WHERE state < 2 ORDER BY seq LIMIT ?`, func(trimmable) bool {
		return over+waiting <= t.Most
	}, func(d trimmable) error {
		waiting -= d.size
		done.Dropped[d.endpoint]++
		if err := w.lineUpKey(d.endpoint, d.key); err != nil {
			return err
		}
		_, err := w.exec(`UPDATE webhook_endpoint SET dropped = dropped + 1, dropped_at = ? WHERE id = ?`, stamp(time.Now()), string(d.endpoint))
		return err
	})
}

// trimmable is a delivery that may be deleted.
type trimmable struct {
	seq, size, lastAt int64
	endpoint          campaigns.EndpointID
	key               string
}

func scanTrimmable(r scanner) (trimmable, error) {
	var d trimmable
	err := r.Scan(&d.seq, &d.endpoint, &d.key, &d.size, &d.lastAt)
	return d, err
}

// Backlogs says what waits; see campaigns.Outbox.
func (s *Store) Backlogs(ctx context.Context) ([]campaigns.Backlog, error) {
	scan := func(r scanner) (campaigns.Backlog, error) {
		var b campaigns.Backlog
		var oldest, dropped int64
		err := r.Scan(&b.Endpoint, &b.Waiting, &b.Bytes, &b.Kept, &b.KeptBytes, &oldest, &b.Dropped, &dropped)
		b.Oldest, b.DroppedAt = moment(oldest), moment(dropped)
		return b, err
	}
	return readList(ctx, s, "backlogs", scan, `SELECT e.id, coalesce(w.n, 0), coalesce(w.bytes, 0), coalesce(o.n, 0), coalesce(o.bytes, 0),
		coalesce((SELECT at FROM webhook_delivery d INDEXED BY webhook_waiting WHERE d.endpoint = e.id AND d.state < 2 ORDER BY seq LIMIT 1), 0), e.dropped, e.dropped_at
		FROM webhook_endpoint e LEFT JOIN webhook_count w ON w.endpoint = e.id AND w.waiting = 1 LEFT JOIN webhook_count o ON o.endpoint = e.id AND o.waiting = 0
		ORDER BY e.id`)
}

// leadTold reads what is told of a lead; one that is gone is told by its id alone.
func (w *writer) leadTold(id campaigns.LeadID) (campaigns.Lead, error) {
	l, err := loadLead(w.statements, id)
	if errors.Is(err, campaigns.ErrNotFound) {
		return campaigns.Lead{ID: id}, nil
	}
	return l, err
}
