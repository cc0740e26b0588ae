package sqlite

import (
	"errors"
	"path/filepath"
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
