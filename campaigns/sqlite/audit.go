package sqlite

import (
	"context"
	"fmt"
	"math"
	"strconv"

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

// Audited returns the entries that a query selects, newest first. An entry's ID is its row.
func (s *Store) Audited(ctx context.Context, q campaigns.AuditQuery) ([]campaigns.AuditEntry, error) {
	before := int64(math.MaxInt64)
	if q.Before != "" {
		var err error
		if before, err = strconv.ParseInt(q.Before, 10, 64); err != nil {
			return nil, &campaigns.FieldError{Field: "before", Problem: fmt.Sprintf("%q is no entry", q.Before)}
		}
	}
	scan := func(r scanner) (campaigns.AuditEntry, error) {
		var a campaigns.AuditEntry
		var at int64
		err := r.Scan(&a.ID, &at, &a.By, &a.From, &a.Action, &a.Object, &a.Before, &a.After)
		a.At = moment(at)
		return a, err
	}
	return readList(ctx, s, "audited", scan, `SELECT id, at, by, from_address, action, object, before, after FROM audit
		WHERE id < ?1 AND (?2 = '' OR by = ?2) AND (?3 = '' OR action = ?3) AND (?4 = '' OR object = ?4) ORDER BY id DESC LIMIT ?5`,
		before, string(q.By), q.Action, q.Object, limited(q.Limit))
}
