package redis

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// start is the beginning of time in tests: in the past of any real clock.
var start = time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)

func openTest(t testing.TB, url string, opts ...Option) *Store {
	t.Helper()
	s, err := Open(t.Context(), url, opts...)
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

// manyLeads makes leads as an import brings them: an id of the source, a name,
// two numbers in one of three window classes, no custom fields.
func manyLeads(from, n int) []campaigns.Lead {
	leads := make([]campaigns.Lead, n)
	random := rand.New(rand.NewPCG(1, uint64(from)))
	for i := range leads {
		leads[i] = campaigns.Lead{
			ExternalID: fmt.Sprintf("crm-%07d", from+i), Name: fmt.Sprintf("Lead Number %d", from+i), CreatedAt: start,
			Grades:  campaigns.Grades{Stage: campaigns.StageAcquire, CP: i % 6, PI: i % 5, Temperature: campaigns.Warm},
			Numbers: []campaigns.Number{number(random, campaigns.Mobile), number(random, campaigns.Home)},
		}
	}
	return leads
}

func number(random *rand.Rand, kind campaigns.NumberKind) campaigns.Number {
	k := random.IntN(3)
	zones, regions := []string{"Europe/Warsaw", "America/New_York", "Asia/Tokyo"}, []string{"PL", "US-FED", "JP"}
	return campaigns.Number{
		E164: "+48" + strconv.Itoa(100_000_000+random.IntN(900_000_000)), Kind: kind, Basis: "area code " + strconv.Itoa(k),
		Zones: zones[k : k+1], Regions: regions[k : k+1],
	}
}

// fill makes a campaign over one list of leads.
func fill(t testing.TB, s *Store, leads int) {
	t.Helper()
	if err := s.SaveList(t.Context(), campaigns.List{ID: "list"}); err != nil {
		t.Fatal(err)
	}
	_, err := s.SaveCampaign(t.Context(), campaigns.Campaign{ID: "camp", Lists: []campaigns.ListID{"list"}, Segments: []campaigns.Segment{
		{Name: "best", Filter: "cp >= 4", Priority: "cp * 10"}, {Name: "rest", Priority: "cp"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for from := 0; from < leads; from += 10_000 {
		if _, err := s.AddLeads(t.Context(), "list", manyLeads(from, min(10_000, leads-from))); err != nil {
			t.Fatal(err)
		}
	}
}

// What grows with leads is at most 300 bytes for each: record, queue, index.
func TestBytesPerLead(t *testing.T) {
	const leads, most = 10_000, 300
	server := redistest.Start(t)
	s := openTest(t, server.URL())
	fill(t, s, 0)
	keysBefore, usedBefore := memory(t, s)
	began := time.Now()
	if _, err := s.AddLeads(t.Context(), "list", manyLeads(0, leads)); err != nil {
		t.Fatal(err)
	}
	t.Logf("imported in %v", time.Since(began))
	keys, used := memory(t, s)
	byKeys, byUsed := (keys-keysBefore)/leads, (used-usedBefore)/leads
	t.Logf("%d bytes a lead by MEMORY USAGE of every key, %d by used_memory", byKeys, byUsed)
	if byKeys > most || byUsed > most {
		t.Errorf("a lead takes %d bytes by key, %d in all; want at most %d", byKeys, byUsed, most)
	}
	page, _ := s.keys.page(leads / 2)
	if form, err := s.db.ObjectEncoding(t.Context(), page).Result(); err != nil || form != "listpack" {
		t.Errorf("a page of leads is kept as %q, %v; want a listpack", form, err)
	}
}

// memory is what all keys take by themselves, and what the server uses.
func memory(t testing.TB, s *Store) (keys, inUse int64) {
	t.Helper()
	all := s.db.Scan(t.Context(), 0, "*", 1000).Iterator()
	for all.Next(t.Context()) {
		n, err := s.db.MemoryUsage(t.Context(), all.Val(), 0).Result()
		if err != nil {
			t.Fatal(err)
		}
		keys += n
	}
	return keys, used(t, s)
}

// used is what the server uses for what it keeps.
func used(t testing.TB, s *Store) int64 {
	t.Helper()
	info, err := s.db.Info(t.Context(), "memory").Result()
	if err != nil {
		t.Fatal(err)
	}
	n, err := strconv.ParseInt(infoField(info, "used_memory_dataset"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
