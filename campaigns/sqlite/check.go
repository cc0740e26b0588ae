package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/outpace-dialer/outpace/campaigns"
)

// DamagedError means that the file is not what was written to it. Nothing may
// be dialled from it.
type DamagedError struct {
	Path  string
	Found string // by SQLite
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("sqlite: the store %s is damaged (%s): put the last copy back with `outpace store restore FILE`; the damaged file is kept aside", e.Path, e.Found)
}

// check reads the whole file: its pages, and references to what is not there.
func check(ctx context.Context, db *sql.DB, path string) error {
	var found string
	err := db.QueryRowContext(ctx, "PRAGMA quick_check(1)").Scan(&found)
	if err != nil {
		return damage(path, err)
	}
	if found != "ok" {
		return &DamagedError{path, strings.Join(strings.Fields(found), " ")}
	}
	var table string
	var row, parent, key sql.NullString
	err = db.QueryRowContext(ctx, "PRAGMA foreign_key_check").Scan(&table, &row, &parent, &key)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err != nil:
		return damage(path, err)
	}
	return &DamagedError{path, fmt.Sprintf("row %s of %s refers to a %s that is not there", row.String, table, parent.String)}
}

// full is an error that is campaigns.ErrFull too, where SQLite says that there is no room:
// none on the disk, or for the index of its log, which lies beside the file.
func full(err error) error {
	e, ok := errors.AsType[*driver.Error](err)
	if ok && (e.Code()&0xff == codes.SQLITE_FULL || e.Code() == codes.SQLITE_IOERR_SHMSIZE) {
		return fmt.Errorf("%w: %w", campaigns.ErrFull, err)
	}
	return err
}

// damage is a *DamagedError where SQLite says that the file is damaged or no
// database at all.
func damage(path string, err error) error {
	e, ok := errors.AsType[*driver.Error](err)
	if !ok {
		return err
	}
	switch e.Code() & 0xff { // the rest says where it was seen
	case codes.SQLITE_CORRUPT, codes.SQLITE_NOTADB:
		return &DamagedError{path, e.Error()}
	}
	return err
}
