package sqlite

import (
	"testing"

	"github.com/outpace-dialer/outpace/campaigns/storetest"
)

// BenchmarkScale prints what claims, calls and leads cost in small and large stores.
func BenchmarkScale(b *testing.B) {
	s := openTest(b)
	storetest.Scale(b, storetest.Both{Store: s, Records: s}, func() int64 {
		stats, err := s.Stats(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return stats.Size
	})
}

// BenchmarkImportBeside prints how long claims wait for an import.
func BenchmarkImportBeside(b *testing.B) {
	s := openTest(b)
	storetest.ImportBeside(b, storetest.Both{Store: s, Records: s})
}

// mostBytes is what a lead without custom fields, with two numbers and in one
// campaign, may take on disk.
const mostBytes = 300

func TestLeadIsSmall(t *testing.T) {
	s := openTest(t)
	fill(t, s, 0)
	size := func() int64 {
		stats, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return stats.Size
	}
	const leads = 3_000
	empty := size()
	if _, err := s.AddLeads(t.Context(), "list", storetest.PlainLeads("list", 0, leads)); err != nil {
		t.Fatal(err)
	}
	if each := float64(size()-empty) / leads; each > mostBytes {
		t.Errorf("a lead takes %.0f bytes, at most %d are right", each, mostBytes)
	}
	queues, err := s.Queues(t.Context(), "camp", start)
	ready := 0
	for _, q := range queues {
		ready += q.Ready
	}
	if err != nil || ready != leads {
		t.Errorf("%d leads are ready, %v", ready, err)
	}
}
