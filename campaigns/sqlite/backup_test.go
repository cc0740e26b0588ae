package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A copy that is made while somebody writes is whole: the store as it was at
// one moment, with all that was acknowledged before.
func TestBackupWhileWriting(t *testing.T) {
	s := openTest(t)
	fill(t, s, 300)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
			}
			e := campaigns.AuditEntry{At: start, Action: "write", Object: fmt.Sprint(i)}
			if err := s.Audit(t.Context(), e); err != nil {
				t.Error(err)
			}
		}
	})
	for i := range 5 {
		before, err := s.AuditLog(t.Context(), 10_000)
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), fmt.Sprintf("copy-%d.db", i))
		if err := Backup(t.Context(), s.path, to); err != nil {
			t.Fatal(err)
		}
		checkCopy(t, to, len(before))
	}
	close(stop)
	wg.Wait()
}

// checkCopy opens a copy as a store: it has the leads and a whole log.
func checkCopy(t *testing.T, path string, entries int) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v: the copy is for others to read", info.Mode(), err)
	}
	c, err := Open(t.Context(), path, WithCheck())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	leads, err := c.FindLeads(t.Context(), campaigns.LeadQuery{Limit: 1000})
	if err != nil || len(leads) != 300 {
		t.Errorf("%d leads, %v", len(leads), err)
	}
	log, err := c.AuditLog(t.Context(), 10_000)
	if err != nil || len(log) < entries {
		t.Errorf("%d entries, %v; %d were acknowledged before", len(log), err, entries)
	}
	for i, e := range log { // newest first, none missing
		if e.Object != fmt.Sprint(len(log)-1-i) {
			t.Fatalf("entry %d of %d is %s", i, len(log), e.Object)
		}
	}
}

func TestBackupRefuses(t *testing.T) {
	s := openTest(t)
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Backup(t.Context(), s.path, there); !errors.Is(err, os.ErrExist) {
		t.Errorf("over a file: %v", err)
	}
	if b, _ := os.ReadFile(there); string(b) != "mine" {
		t.Error("the file that was there is gone")
	}
	if err := Backup(t.Context(), filepath.Join(dir, "none.db"), filepath.Join(dir, "to")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("of nothing: %v", err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
}

// A restore puts back what the copy has and keeps what was there.
func TestRestore(t *testing.T) {
	dir := t.TempDir()
	path, copied := filepath.Join(dir, "store.db"), filepath.Join(dir, "copy.db")
	open := func(path string) *Store {
		s, err := Open(t.Context(), path, WithCheck())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := open(path)
	fill(t, s, 50)
	if err := Backup(t.Context(), path, copied); err != nil {
		t.Fatal(err)
	}
	if err := s.Audit(t.Context(), campaigns.AuditEntry{At: start, Action: "later"}); err != nil {
		t.Fatal(err)
	}
	if _, err := Restore(t.Context(), path, copied, start); err == nil {
		t.Fatal("restored while in use")
	} else if _, ok := errors.AsType[*InUseError](err); !ok {
		t.Errorf("while in use: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	aside, err := Restore(t.Context(), path, copied, start)
	if err != nil || filepath.Dir(aside) != dir {
		t.Fatalf("aside %q, %v", aside, err)
	}
	for file, entries := range map[string]int{path: 0, aside: 1, copied: 0} {
		s := open(file)
		log, err := s.AuditLog(t.Context(), 10)
		if err != nil || len(log) != entries {
			t.Errorf("%s: %d entries, %v; want %d", filepath.Base(file), len(log), err, entries)
		}
		if leads, err := s.FindLeads(t.Context(), campaigns.LeadQuery{}); err != nil || len(leads) != 50 {
			t.Errorf("%s: %d leads, %v", filepath.Base(file), len(leads), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	fresh := filepath.Join(dir, "fresh.db")
	if aside, err := Restore(t.Context(), fresh, copied, start); err != nil || aside != "" {
		t.Errorf("where there was none: %q, %v", aside, err)
	}
}

// What was not closed properly still has its last writes beside it: they are
// kept aside too.
func TestRestoreKeepsTheLog(t *testing.T) {
	dir := t.TempDir()
	live, path, copied := filepath.Join(dir, "live.db"), filepath.Join(dir, "store.db"), filepath.Join(dir, "copy.db")
	s, err := Open(t.Context(), live)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fill(t, s, 10)
	if err := Backup(t.Context(), live, copied); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"", "-wal"} { // as a crash leaves them
		b, err := os.ReadFile(live + part)
		if err == nil {
			err = os.WriteFile(path+part, b, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	aside, err := Restore(t.Context(), path, copied, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(aside + "-wal"); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path + "-wal"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the log of the store that was there lies beside the copy: %v", err)
	}
	again, err := Open(t.Context(), path, WithCheck())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
}

// A restore of what is no good copy changes nothing.
func TestRestoreRefuses(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, 200)
	good := filepath.Join(dir, "good.db")
	if err := errors.Join(Backup(t.Context(), path, good), s.Close()); err != nil {
		t.Fatal(err)
	}
	flipped := filepath.Join(dir, "flipped.db")
	b, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	spoil(b)
	text := filepath.Join(dir, "text.db")
	for file, content := range map[string][]byte{flipped: b, text: []byte("name,number\n"), filepath.Join(dir, "empty.db"): nil} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{flipped, text, filepath.Join(dir, "empty.db"), filepath.Join(dir, "none.db")} {
		if aside, err := Restore(t.Context(), path, from, start); err == nil || aside != "" {
			t.Errorf("%s was taken", filepath.Base(from))
		} else {
			t.Log(err)
		}
	}
	if after, err := os.ReadFile(path); err != nil || string(after) != string(before) {
		t.Errorf("the store changed, %v", err)
	}
}

// spoil flips a bit in the head of every page but the first.
func spoil(file []byte) {
	for page := 4096; page < len(file); page += 4096 {
		file[page] ^= 0x40
	}
}
