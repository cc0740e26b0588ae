package sqlite

import (
	"context"
	"fmt"

	"github.com/outpace-dialer/outpace/campaigns"
)

func (w *writer) audit(a campaigns.AuditEntry) error {
	_, err := w.exec(`INSERT INTO audit (at, by, from_address, action, object, before, after) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		stamp(a.At), string(a.By), a.From, a.Action, a.Object, a.Before, a.After)
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Audit writes who changed what.
func (s *Store) Audit(ctx context.Context, a campaigns.AuditEntry) error {
	return s.write(ctx, "audit", func(w *writer) error { return w.audit(a) })
}

// AuditLog returns the newest entries first.
func (s *Store) AuditLog(ctx context.Context, limit int) ([]campaigns.AuditEntry, error) {
	scan := func(r scanner) (campaigns.AuditEntry, error) {
		var a campaigns.AuditEntry
		var at int64
		err := r.Scan(&at, &a.By, &a.From, &a.Action, &a.Object, &a.Before, &a.After)
		a.At = moment(at)
		return a, err
	}
	return readList(ctx, s, "audit_log", scan, `SELECT at, by, from_address, action, object, before, after FROM audit ORDER BY id DESC LIMIT ?`, limited(limit))
}
