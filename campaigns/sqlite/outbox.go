package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Outbox = (*Store)(nil)

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

// Spread does nothing: events are kept where they are read.
func (s *Store) Spread(context.Context) error { return nil }

// leadTold reads what is told of a lead; one that is gone is told by its id alone.
func (w *writer) leadTold(id campaigns.LeadID) (campaigns.Lead, error) {
	l, err := loadLead(w.statements, id)
	if errors.Is(err, campaigns.ErrNotFound) {
		return campaigns.Lead{ID: id}, nil
	}
	return l, err
}
