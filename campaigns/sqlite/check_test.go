package sqlite

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A file with a flipped bit in any page head, cut short, or of other content is
// refused, and the error says what to do.
func TestDamagedFileIsRefused(t *testing.T) {
	good := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), good)
	if err != nil {
		t.Fatal(err)
	}
	fillAll(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	for name, damage := range map[string]func([]byte) []byte{
		"bit flips":   func(b []byte) []byte { spoil(b); return b },
		"first page":  func(b []byte) []byte { b[100] ^= 0x40; return b },
		"magic":       func(b []byte) []byte { b[3] ^= 1; return b },
		"cut short":   func(b []byte) []byte { return b[:len(b)/2] },
		"other file":  func([]byte) []byte { return []byte(strings.Repeat("name,number\n", 1000)) },
		"zeros after": func(b []byte) []byte { clear(b[len(b)/2:]); return b },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "store.db")
			b := damage([]byte(string(whole)))
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
			s, err := Open(t.Context(), path, WithCheck())
			if err == nil {
				s.Close()
				t.Fatal("opened")
			}
			if _, ok := errors.AsType[*DamagedError](err); !ok || !strings.Contains(err.Error(), "outpace store restore") {
				t.Errorf("error = %v, want DamagedError that says what to do", err)
			}
			if after, _ := os.ReadFile(path); string(after) != string(b) {
				t.Error("the damaged file was written to")
			}
		})
	}
}

// A row that refers to nobody is found as well.
func TestBrokenReferenceIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	fillAll(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dataSource(path)) // references are not asked for
	if err == nil {
		_, err = db.Exec("DELETE FROM user")
	}
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path, WithCheck())
	if _, ok := errors.AsType[*DamagedError](err); !ok || !strings.Contains(err.Error(), "token") {
		t.Errorf("error = %v, want DamagedError that names the table", err)
	}
}
