package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// NewerError means that a later version of the product has changed the tables.
type NewerError struct{ Schema, Known int64 }

func (e *NewerError) Error() string {
	return fmt.Sprintf("sqlite: the store has schema %d and this version of outpace knows %d: use the version that wrote it, or a later one", e.Schema, e.Known)
}

// OlderError means that the tables are those of an earlier version of the product, and may
// not be changed.
type OlderError struct{ Schema, Known int64 }

func (e *OlderError) Error() string {
	return fmt.Sprintf("sqlite: the store has schema %d and this version of outpace reads %d: use the version that has it, or start this one on it first", e.Schema, e.Known)
}

func migrator(db *sql.DB) (*goose.Provider, error) {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, dir, goose.WithAllowOutofOrder(true))
	if err != nil {
		return nil, fmt.Errorf("read migrations: %w", err)
	}
	return provider, nil
}

// migrate brings the tables up to date.
func migrate(ctx context.Context, db *sql.DB) error {
	provider, err := migrator(db)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate: %w", err)
	}
	return checkVersion(ctx, db)
}

// checkVersion refuses tables that are newer than the newest we know, and files
// that are no store.
func checkVersion(ctx context.Context, db *sql.DB) error {
	schema, known, err := schemas(ctx, db)
	if err == nil && schema > known {
		err = &NewerError{schema, known}
	}
	return err
}

// schemas are the schema of the tables and the newest that we know. A file that is no
// store is an error.
func schemas(ctx context.Context, db *sql.DB) (schema, known int64, err error) {
	provider, err := migrator(db)
	if err != nil {
		return 0, 0, err
	}
	sources := provider.ListSources()
	known = sources[len(sources)-1].Version
	var newest sql.NullInt64
	err = db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&newest)
	if err == nil && newest.Int64 == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return 0, 0, fmt.Errorf("not a store of outpace (%w)", err)
	}
	return newest.Int64, known, nil
}
