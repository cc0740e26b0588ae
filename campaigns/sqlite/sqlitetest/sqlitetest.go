// Package sqlitetest gives tests new stores on SQLite without their wait: all tables
// are made once, by the migrations, and each store is a copy of that file. It knows
// nothing of what is stored.
package sqlitetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns/sqlite"
)

// Open opens a new store at a path where there is none.
func Open(t testing.TB, path string, opts ...sqlite.Option) *sqlite.Store {
	t.Helper()
	New(t, path)
	s, err := sqlite.Open(t.Context(), path, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// New puts a new store at a path where there is none, and nobody has it open. Folders
// on the way there are made.
func New(t testing.TB, path string) {
	t.Helper()
	whole, err := file()
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o750)
	}
	if err == nil {
		err = write(path, whole)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// write writes a file that is not there yet.
func write(path string, whole []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = f.Write(whole)
	return err
}

// file is a store that has all tables, and nothing in them.
var file = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "outpace-store-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "store.db")
	s, err := sqlite.Open(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil { // all is in the one file then
		return nil, err
	}
	return os.ReadFile(path)
})
