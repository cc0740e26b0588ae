package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"sync"
)

// preparer is a *sql.DB or a *sql.Conn.
type preparer interface {
	PrepareContext(ctx context.Context, query string) (*sql.Stmt, error)
}

// statements runs SQL, preparing each text once. Queries are not tied to a
// context: they are short, and one that stopped half-way would spoil a group.
type statements struct {
	on       preparer
	words    *words
	mu       sync.Mutex
	prepared map[string]*sql.Stmt
}

func newStatements(on preparer, w *words) *statements {
	return &statements{on: on, words: w, prepared: map[string]*sql.Stmt{}}
}

func (s *statements) prepare(query string) (*sql.Stmt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if st, ok := s.prepared[query]; ok {
		return st, nil
	}
	st, err := s.on.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, fmt.Errorf("prepare %q: %w", query, err)
	}
	s.prepared[query] = st
	return st, nil
}

// close frees what was prepared. The driver keeps a connection open, and the log
// beside the file, as long as one of its statements is.
func (s *statements) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.prepared {
		_ = st.Close()
	}
	clear(s.prepared)
}

// exec runs a statement and returns how many rows it changed.
func (s *statements) exec(query string, args ...any) (int64, error) {
	st, err := s.prepare(query)
	if err != nil {
		return 0, err
	}
	result, err := st.Exec(args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// get reads the one row of a query into dest. No row is sql.ErrNoRows.
func (s *statements) get(query string, args []any, dest ...any) error {
	st, err := s.prepare(query)
	if err != nil {
		return err
	}
	return st.QueryRow(args...).Scan(dest...)
}

// scanner is a row that is there to be read.
type scanner interface{ Scan(dest ...any) error }

// list reads all rows of a query, each with scan.
func list[T any](s *statements, scan func(scanner) (T, error), query string, args ...any) ([]T, error) {
	st, err := s.prepare(query)
	if err != nil {
		return nil, err
	}
	rows, err := st.Query(args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		one, err := scan(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}

// column scans a row of one column.
func column[T any](r scanner) (T, error) {
	var v T
	err := r.Scan(&v)
	return v, err
}

// args makes the argument list of get.
func args(a ...any) []any { return a }
