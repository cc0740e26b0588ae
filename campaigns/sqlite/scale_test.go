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
