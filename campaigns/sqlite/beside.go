package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/background"
)

// ErrReadOnly means that the store was opened to be read only; see OpenBeside.
var ErrReadOnly = errors.New("sqlite: the store is open to be read only")

// OpenBeside opens a store that another process may have, to be read only: what writes
// gives ErrReadOnly. It takes no lock that keeps a process out, and changes nothing in the
// file or its log, not at Close either; whoever reads the log keeps no writer waiting.
// The tables must be those that this version knows: the error is a *NewerError or an
// *OlderError where they are not.
func OpenBeside(ctx context.Context, path string) (*Store, error) {
	s := &Store{path: path, stats: &campaigns.Operations{}, stopChecks: func() {}, jobs: background.New(rebuildAgain)}
	if err := s.openBeside(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("read store %s: %w", path, err), s.Close())
	}
	return s, nil
}

func (s *Store) openBeside(ctx context.Context) error {
	// A connection that may write would copy the log into the file where it is the last
	// one to close; one with mode=ro cannot.
	db, err := sql.Open("sqlite", dataSource(s.path, "query_only(ON)")+"&mode=ro")
	if err != nil {
		return err
	}
	s.readDB = db
	s.read = newStatements(db, newWords())
	schema, known, err := schemas(ctx, db)
	switch {
	case err != nil:
		return damage(s.path, err)
	case schema < known:
		return &OlderError{schema, known}
	case schema > known:
		return &NewerError{schema, known}
	}
	return nil
}
