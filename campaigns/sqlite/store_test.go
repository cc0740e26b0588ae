package sqlite

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// start is the beginning of time in tests: in the past of any real clock.
var start = time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)

func openTest(t testing.TB) *Store {
	t.Helper()
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestSecondProcessIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	_, err = Open(t.Context(), path)
	if in, ok := errors.AsType[*InUseError](err); !ok || in.PID == "" {
		t.Errorf("second open: %v, want InUseError with the process", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
	again, err := Open(t.Context(), path, WithCheck(), WithReaders(1))
	if err != nil {
		t.Fatalf("open after close: %v", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

func TestClosedStore(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Campaigns(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if err := s.SaveList(t.Context(), campaigns.List{ID: "a"}); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// A store that was closed is all in its file: who copies that has everything.
func TestCloseLeavesOneFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "store.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	fill(t, s, 10)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := filepath.Glob(path + "-*")
	if err != nil || len(left) > 0 {
		t.Errorf("left beside it: %v, %v", left, err)
	}
}

// number makes the nth test number, in one of three window classes.
func number(n int) campaigns.Number {
	zones := []string{"Europe/Warsaw", "America/New_York", "Asia/Tokyo"}
	regions := []string{"PL", "US-FED", "JP"}
	return campaigns.Number{E164: "+4822" + digits(n), Kind: campaigns.Mobile, Zones: zones[n%3 : n%3+1], Regions: regions[n%3 : n%3+1]}
}

func digits(n int) string {
	out := []byte("0000000")
	for i := len(out) - 1; n > 0; i-- {
		out[i] = byte('0' + n%10)
		n /= 10
	}
	return string(out)
}

func manyLeads(n int) []campaigns.Lead {
	leads := make([]campaigns.Lead, n)
	for i := range leads {
		leads[i] = campaigns.Lead{
			Name: "Lead " + digits(i), Numbers: []campaigns.Number{number(2 * i), number(2*i + 1)}, CreatedAt: start,
			Grades: campaigns.Grades{Stage: campaigns.StageAcquire, CP: i % 6, Temperature: campaigns.Warm},
			Fields: map[string]string{"city": "Gdynia", "row": digits(i)},
		}
		if i%3 == 0 { // the others are known by their first number
			leads[i].ExternalID, leads[i].Note = "x"+digits(i), "calls back"
		}
	}
	return leads
}

func fill(t testing.TB, s *Store, leads int) campaigns.Campaign {
	t.Helper()
	if err := s.SaveList(t.Context(), campaigns.List{ID: "list"}); err != nil {
		t.Fatal(err)
	}
	c, err := s.SaveCampaign(t.Context(), campaigns.Campaign{ID: "camp", Lists: []campaigns.ListID{"list"}, Segments: []campaigns.Segment{
		{Name: "best", Filter: "cp >= 4", Priority: "cp * 10"}, {Name: "rest", Priority: "cp"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddLeads(t.Context(), "list", manyLeads(leads)); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestImportIsQuickAndIdempotent(t *testing.T) {
	s := openTest(t)
	began := time.Now()
	fill(t, s, 5000)
	t.Logf("5,000 leads in %v", time.Since(began))
	again, err := s.AddLeads(t.Context(), "list", manyLeads(5000))
	if want := (campaigns.AddResult{Same: 5000}); err != nil || again != want {
		t.Errorf("second import = %+v, %v; want %+v", again, err, want)
	}
	queues, err := s.Queues(t.Context(), "camp", start)
	if err != nil || len(queues) != 5 {
		t.Errorf("%d queues, %v; want 5", len(queues), err)
	}
	sum := 0
	for _, q := range queues {
		sum += q.Ready
	}
	if sum != 5000 {
		t.Errorf("%d leads ready, want 5000", sum)
	}
}

// A full disk refuses writes, loses none that was acknowledged, and is over as
// soon as there is room again.
func TestFullDisk(t *testing.T) {
	s := openTest(t)
	limit := func(pages int) {
		t.Helper()
		err := s.write(t.Context(), "limit", func(w *writer) error {
			var got int
			return w.get(fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil, &got)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	entry := campaigns.AuditEntry{At: start, Action: "test", After: strings.Repeat("x", 3000)}
	var pages int
	if err := s.readDB.QueryRow("PRAGMA page_count").Scan(&pages); err != nil {
		t.Fatal(err)
	}
	limit(pages + 10)
	kept, full := 0, 0
	for range 50 {
		if err := s.Audit(t.Context(), entry); err != nil {
			full++
		} else {
			kept++
		}
	}
	if kept == 0 || full == 0 {
		t.Fatalf("%d kept, %d refused: the disk was never full, or always", kept, full)
	}
	limit(pages + 1000)
	if err := s.Audit(t.Context(), entry); err != nil {
		t.Fatalf("with room again: %v", err)
	}
	log, err := s.AuditLog(t.Context(), 1000)
	if err != nil || len(log) != kept+1 {
		t.Errorf("%d entries, %v; %d were acknowledged", len(log), err, kept+1)
	}
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Operations["audit"].Errors != uint64(full) {
		t.Errorf("stats = %+v, %v; want %d errors", stats, err, full)
	}
}

// One request that fails spoils no other of its group.
func TestFailureIsAlone(t *testing.T) {
	s := openTest(t)
	fill(t, s, 10)
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if i%2 == 0 {
				if err := s.End(t.Context(), campaigns.Ending{Attempt: "nobody"}); !errors.Is(err, campaigns.ErrNotFound) {
					t.Errorf("end of nothing = %v", err)
				}
			} else if err := s.Audit(t.Context(), campaigns.AuditEntry{At: start, Action: "good"}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	log, err := s.AuditLog(t.Context(), 1000)
	if err != nil || len(log) != 100 {
		t.Errorf("%d of 100 good writes are there, %v", len(log), err)
	}
}

// A context that has ended before its turn leaves nothing behind.
func TestCancelledWriteDoesNothing(t *testing.T) {
	s := openTest(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Audit(ctx, campaigns.AuditEntry{Action: "never"}); !errors.Is(err, context.Canceled) {
		t.Errorf("error = %v", err)
	}
	if log, err := s.AuditLog(t.Context(), 5); err != nil || len(log) != 0 {
		t.Errorf("log = %v, %v", log, err)
	}
}
