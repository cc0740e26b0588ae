package sqlite

import (
	"context"
	"encoding/json"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// The states of a delivery in its table.
const (
	deliveryBehind  = 0 // an earlier one of its key waits
	deliveryHead    = 1
	deliveryDone    = 2
	deliveryGivenUp = 3
)

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
