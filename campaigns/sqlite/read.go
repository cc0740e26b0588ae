package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// reading runs do on a read connection and counts it. ctx is asked before and
// after, not within: the queries are short.
func (s *Store) reading(ctx context.Context, name string, do func(*statements) error) error {
	start := time.Now()
	err := context.Cause(ctx)
	if err == nil {
		err = s.whileOpen(do)
	}
	if err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	s.stats.Add(name, time.Since(start), err)
	return err
}

func (s *Store) whileOpen(do func(*statements) error) error {
	s.sending.RLock()
	defer s.sending.RUnlock()
	if s.closed {
		return ErrClosed
	}
	return do(s.read)
}

// readList is reading for a query whose rows are the answer.
func readList[T any](ctx context.Context, s *Store, name string, scan func(scanner) (T, error), query string, a ...any) ([]T, error) {
	var all []T
	err := s.reading(ctx, name, func(r *statements) error {
		var err error
		all, err = list(r, scan, query, a...)
		return err
	})
	return all, err
}

// orNotFound is err, or campaigns.ErrNotFound where there is none.
func orNotFound(err error) error {
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	return campaigns.ErrNotFound
}

// orConflict is err, or campaigns.ErrConflict where there is none.
func orConflict(err error) error {
	if err != nil {
		return err
	}
	return campaigns.ErrConflict
}
