package sqlite

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

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
