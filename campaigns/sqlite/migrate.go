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
	provider, err := migrator(db)
	if err != nil {
		return err
	}
	sources := provider.ListSources()
	known := sources[len(sources)-1].Version
	var schema sql.NullInt64
	err = db.QueryRowContext(ctx, "SELECT max(version_id) FROM goose_db_version WHERE is_applied").Scan(&schema)
	if err == nil && schema.Int64 == 0 {
		err = sql.ErrNoRows
	}
	if err != nil {
		return fmt.Errorf("not a store of outpace (%w)", err)
	}
	if schema.Int64 > known {
		return &NewerError{schema.Int64, known}
	}
	return nil
}
