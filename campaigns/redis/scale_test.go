package redis

import (
	"testing"

	"github.com/outpace-dialer/outpace/campaigns/storetest"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// BenchmarkScale prints what claims, calls and leads cost in small and large stores.
func BenchmarkScale(b *testing.B) {
	s := openTest(b, redistest.Start(b).URL())
	storetest.Scale(b, storetest.Both{Store: s, Records: s}, func() int64 { return used(b, s) })
}

// BenchmarkImportBeside prints how long claims wait for an import.
func BenchmarkImportBeside(b *testing.B) {
	s := openTest(b, redistest.Start(b).URL())
	storetest.ImportBeside(b, storetest.Both{Store: s, Records: s})
}
