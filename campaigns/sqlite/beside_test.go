package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
)

// beside opens the store of a test a second time, to be read.
func beside(t *testing.T, s *Store) *Store {
	t.Helper()
	b, err := OpenBeside(t.Context(), s.path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestBesideReadsWhatIsWritten(t *testing.T) {
	s := openTest(t)
	fill(t, s, 60)
	b := beside(t, s)
	callSome(t, s, 20) // after it was opened
	for name, read := range map[string]func(*Store) (any, error){
		"census":   func(s *Store) (any, error) { return s.Census(t.Context(), "camp", start.Add(-time.Hour), start) },
		"campaign": func(s *Store) (any, error) { return s.Campaign(t.Context(), "camp") },
		"leads":    func(s *Store) (any, error) { return s.FindLeads(t.Context(), campaigns.LeadQuery{List: "list"}) },
		"attempts": func(s *Store) (any, error) { return s.Attempts(t.Context(), campaigns.AttemptQuery{Campaign: "camp"}) },
		"entries":  func(s *Store) (any, error) { return s.Entries(t.Context(), 1) },
	} {
		want, errWant := read(s)
		got, err := read(b)
		if err != nil || errWant != nil {
			t.Errorf("%s: %v beside, %v", name, err, errWant)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s beside (-want +got):\n%s", name, diff)
		}
	}
}

func TestBesideWritesNothing(t *testing.T) {
	s := openTest(t)
	fill(t, s, 60)
	b := beside(t, s)
	if err := b.SaveList(t.Context(), campaigns.List{ID: "other"}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("write: %v, want ErrReadOnly", err)
	}
	if _, err := b.readDB.ExecContext(t.Context(), "PRAGMA query_only(OFF)"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.readDB.ExecContext(t.Context(), "DELETE FROM lead"); err == nil {
		t.Error("the file can be written through a connection that is to read")
	}
}

// While somebody reads one moment of it, the store is written to and its log is copied as
// far as that moment.
func TestBesideHindersNobody(t *testing.T) {
	s := openTest(t)
	fill(t, s, 60)
	b := beside(t, s)
	err := b.atOneMoment(t.Context(), func(r *statements) error {
		var before, after int
		if err := r.get("SELECT count(*) FROM lead", nil, &before); err != nil {
			return err
		}
		if _, err := s.AddLeads(t.Context(), "list", manyLeads(90)); err != nil {
			t.Errorf("write while somebody reads: %v", err)
		}
		s.empty(t.Context())
		if err := r.get("SELECT count(*) FROM lead", nil, &after); err != nil {
			return err
		}
		if before != 60 || after != 60 {
			t.Errorf("%d leads at one moment, then %d; want 60", before, after)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if leads, err := b.FindLeads(t.Context(), campaigns.LeadQuery{}); err != nil || len(leads) != 90 {
		t.Errorf("%d leads, %v; want 90", len(leads), err)
	}
}

// After a crash the log has what the file has not: who only reads leaves both as they are,
// also as the last one to close.
func TestBesideLeavesLog(t *testing.T) {
	s := openTest(t)
	fill(t, s, 60)
	crashed := filepath.Join(t.TempDir(), "store.db")
	for _, part := range []string{"", "-wal"} {
		content, err := os.ReadFile(s.path + part)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(crashed+part, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b, err := OpenBeside(t.Context(), crashed)
	if err != nil {
		t.Fatal(err)
	}
	if leads, err := b.FindLeads(t.Context(), campaigns.LeadQuery{}); err != nil || len(leads) != 60 {
		t.Errorf("%d leads, %v; want 60", len(leads), err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"", "-wal"} {
		was, errWas := os.ReadFile(s.path + part)
		is, err := os.ReadFile(crashed + part)
		if err != nil || errWas != nil || !bytes.Equal(was, is) {
			t.Errorf("store.db%s was changed: %d bytes, then %d (%v, %v)", part, len(was), len(is), errWas, err)
		}
	}
}

func TestBesideRefusesOtherTables(t *testing.T) {
	s := openTest(t)
	_, known, err := schemas(t.Context(), s.readDB)
	if err != nil {
		t.Fatal(err)
	}
	change := func(query string, version int64) {
		t.Helper()
		if err := s.write(t.Context(), "test", func(w *writer) error { _, err := w.exec(query, version); return err }); err != nil {
			t.Fatal(err)
		}
	}
	change("INSERT INTO goose_db_version (version_id, is_applied) VALUES (?, 1)", known+1)
	_, err = OpenBeside(t.Context(), s.path)
	if newer, ok := errors.AsType[*NewerError](err); !ok || newer.Schema != known+1 {
		t.Errorf("newer tables: %v", err)
	}
	change("DELETE FROM goose_db_version WHERE version_id >= ?", known)
	_, err = OpenBeside(t.Context(), s.path)
	if older, ok := errors.AsType[*OlderError](err); !ok || older.Known != known {
		t.Errorf("older tables: %v", err)
	}
	if _, err := OpenBeside(t.Context(), filepath.Join(t.TempDir(), "none.db")); err == nil {
		t.Error("opened a store that is not there")
	}
}
