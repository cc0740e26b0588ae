package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// Backup copies the store at path into a new file, also while a process works
// with it: the copy is the store as it was at one moment, without the space of
// what was deleted. It is read whole and checked before it gets its name.
func Backup(ctx context.Context, path, to string) error {
	if err := copyTo(ctx, path, to); err != nil {
		return fmt.Errorf("copy the store %s: %w", path, err)
	}
	return nil
}

func copyTo(ctx context.Context, path, to string) error {
	if _, err := os.Stat(to); err == nil {
		return fmt.Errorf("%s: %w", to, os.ErrExist)
	}
	if _, err := os.Stat(path); err != nil {
		return err
	}
	part := to + ".part"
	if err := os.Remove(part); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	defer os.Remove(part) // gone by then, where all went well
	if err := vacuumInto(ctx, path, part); err != nil {
		return err
	}
	if err := checkFile(ctx, part); err != nil {
		return err
	}
	if err := syncFile(part); err != nil {
		return err
	}
	if err := os.Rename(part, to); err != nil {
		return err
	}
	return syncFile(filepath.Dir(to))
}

// vacuumInto reads past whoever writes: a reader of the write-ahead log keeps
// nobody waiting.
func vacuumInto(ctx context.Context, path, to string) error {
	made, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // people's data: for us alone
	if err != nil {
		return err
	}
	if err := made.Close(); err != nil {
		return err
	}
	db, err := sql.Open("sqlite", dataSource(path))
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", to)
	return damage(path, errors.Join(err, db.Close()))
}

// checkFile opens a file as a store of ours and reads it whole.
func checkFile(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", dataSource(path, "query_only(ON)"))
	if err != nil {
		return err
	}
	err = check(ctx, db, path)
	if err == nil {
		err = checkVersion(ctx, db)
	}
	return errors.Join(err, db.Close())
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Restore puts a copy in the place of the store at path, which no process may
// have (*InUseError). The copy is checked and stays where it is; the store that
// was there is kept beside, under the name that is returned, empty if there was
// none. What was dialled since the copy was made is told by the journal when
// the store is opened.
func Restore(ctx context.Context, path, from string, now time.Time) (aside string, err error) {
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return "", err
	}
	defer lock.Close()
	ready := path + ".restoring"
	if err := os.Remove(ready); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	if err := copyTo(ctx, from, ready); err != nil {
		return "", fmt.Errorf("restore %s: %w", from, err)
	}
	if aside, err = setAside(path, now); err != nil {
		return "", fmt.Errorf("keep the present store aside: %w", err)
	}
	if err := os.Rename(ready, path); err != nil {
		return aside, fmt.Errorf("restore %s: %w", from, err)
	}
	return aside, syncFile(filepath.Dir(path))
}

// setAside gives the store a second name and takes its log away with it. The
// first name stays until the copy takes it: at no time is there no store.
func setAside(path string, now time.Time) (string, error) {
	aside := path + ".replaced-" + now.UTC().Format("20060102T150405.000Z")
	err := os.Link(path, aside)
	if errors.Is(err, os.ErrNotExist) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	for _, part := range []string{"-wal", "-shm"} {
		if err := os.Rename(path+part, aside+part); err != nil && !errors.Is(err, os.ErrNotExist) {
			return aside, err
		}
	}
	return aside, nil
}
