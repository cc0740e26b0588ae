package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

var streamID = regexp.MustCompile(`^[0-9]{1,20}-[0-9]{1,20}$`)

// audit adds to the audit log, a stream that is never cut.
func (s *Store) audit(ctx context.Context, a campaigns.AuditEntry) error {
	a.At = moment(stamp(a.At))
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	err = s.db.XAdd(ctx, &goredis.XAddArgs{Stream: s.keys.general() + "audit", Values: []any{"entry", body}}).Err()
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Audit writes who changed what.
func (s *Store) Audit(ctx context.Context, a campaigns.AuditEntry) error {
	return s.do(ctx, "audit", func(ctx context.Context) error { return s.audit(ctx, a) })
}

// AuditLog returns the newest entries first.
func (s *Store) AuditLog(ctx context.Context, limit int) ([]campaigns.AuditEntry, error) {
	var entries []campaigns.AuditEntry
	err := s.do(ctx, "audit_log", func(ctx context.Context) error {
		messages, err := s.db.XRevRangeN(ctx, s.keys.general()+"audit", "+", "-", int64(limited(limit))).Result()
		for _, m := range messages {
			var a campaigns.AuditEntry
			if err := json.Unmarshal([]byte(fmt.Sprint(m.Values["entry"])), &a); err != nil {
				return err
			}
			entries = append(entries, a)
		}
		return err
	})
	return entries, err
}

// auditPage is how many entries are looked through at once.
const auditPage = 500

// Audited returns the entries that a query selects, newest first. An entry's ID is that of
// the stream. The log is read from its end until there are enough.
func (s *Store) Audited(ctx context.Context, q campaigns.AuditQuery) ([]campaigns.AuditEntry, error) {
	if q.Before != "" && !streamID.MatchString(q.Before) {
		return nil, &campaigns.FieldError{Field: "before", Problem: fmt.Sprintf("%q is no entry", q.Before)}
	}
	var entries []campaigns.AuditEntry
	err := s.do(ctx, "audited", func(ctx context.Context) error {
		entries = nil
		want, from, size := limited(q.Limit), "+", auditPage
		if q.Selects(campaigns.AuditEntry{}) { // all of them: no more than are wanted
			size = min(size, want)
		}
		if q.Before != "" {
			from = "(" + q.Before
		}
		for len(entries) < want {
			messages, err := s.db.XRevRangeN(ctx, s.keys.general()+"audit", from, "-", int64(size)).Result()
			if err != nil || len(messages) == 0 {
				return err
			}
			for _, m := range messages {
				var a campaigns.AuditEntry
				if err := json.Unmarshal([]byte(fmt.Sprint(m.Values["entry"])), &a); err != nil {
					return err
				}
				a.ID = m.ID
				if q.Selects(a) && len(entries) < want {
					entries = append(entries, a)
				}
			}
			from = "(" + messages[len(messages)-1].ID
		}
		return nil
	})
	return entries, err
}
