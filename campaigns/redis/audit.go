package redis

import (
	"context"
	"encoding/json"
	"fmt"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

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
