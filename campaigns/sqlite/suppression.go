package sqlite

import (
	"context"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func scanSuppression(r scanner) (campaigns.Suppression, error) {
	var x campaigns.Suppression
	var at int64
	err := r.Scan(&x.E164, &x.Reason, &x.Source, &x.By, &at)
	x.At = moment(at)
	return x, err
}

// suppress keeps the first entry of a number: it says since when.
func (w *writer) suppress(x campaigns.Suppression) error {
	n, err := w.exec(`INSERT INTO suppression (e164, reason, source, by, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (e164) DO NOTHING`,
		x.E164, x.Reason, x.Source, string(x.By), stamp(x.At))
	if err != nil {
		return fmt.Errorf("suppress a number: %w", err)
	}
	if n == 0 {
		return nil
	}
	return w.tell(func() ([]campaigns.Event, error) { return []campaigns.Event{campaigns.EventOfSuppression(x)}, nil })
}

// Suppress puts a number on the do-not-call list. One that is there keeps its
// first entry.
func (s *Store) Suppress(ctx context.Context, x campaigns.Suppression) error {
	return s.write(ctx, "suppress", func(w *writer) error { return w.suppress(x) })
}

// Unsuppress takes a number off the list and writes that to the audit log in
// the same step; campaigns.ErrNotFound where it is not on the list. Leads that
// were given up because of it stay so until their campaign takes them up again.
func (s *Store) Unsuppress(ctx context.Context, e164 string, by campaigns.UserID) error {
	return s.write(ctx, "unsuppress", func(w *writer) error {
		n, err := w.exec(`DELETE FROM suppression WHERE e164 = ?`, e164)
		if err != nil {
			return err
		}
		if n == 0 {
			return campaigns.ErrNotFound
		}
		return w.audit(campaigns.AuditEntry{At: time.Now(), By: by, Action: "suppression.remove", Object: e164})
	})
}

// Suppressed looks a number up.
func (s *Store) Suppressed(ctx context.Context, e164 string) (campaigns.Suppression, bool, error) {
	found, err := readList(ctx, s, "suppressed", scanSuppression, `SELECT e164, reason, source, by, at FROM suppression WHERE e164 = ?`, e164)
	if err != nil || len(found) == 0 {
		return campaigns.Suppression{}, false, err
	}
	return found[0], true, nil
}

// Suppressions lists numbers above after, in order.
func (s *Store) Suppressions(ctx context.Context, after string, limit int) ([]campaigns.Suppression, error) {
	return readList(ctx, s, "suppressions", scanSuppression, `SELECT e164, reason, source, by, at FROM suppression
		WHERE e164 > ? ORDER BY e164 LIMIT ?`, after, limited(limit))
}
