package journal

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
)

// BenchmarkDurable is what
// a durable line costs on top of a durable write, with one and with 64 waiting.
func BenchmarkDurable(b *testing.B) {
	for _, waiting := range []int{1, 64} {
		for _, journaled := range []bool{false, true} {
			b.Run(fmt.Sprintf("waiting=%d/journal=%v", waiting, journaled), func(b *testing.B) {
				s := benchStore(b, journaled)
				var n atomic.Int64
				b.SetParallelism(waiting)
				b.ResetTimer()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						x := campaigns.Suppression{E164: fmt.Sprintf("+48%09d", n.Add(1)), Source: "bench"}
						if err := s.Suppress(context.Background(), x); err != nil {
							b.Error(err)
						}
					}
				})
			})
		}
	}
}

func benchStore(b *testing.B, journaled bool) Full {
	dir := b.TempDir()
	plain, err := sqlite.Open(b.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = plain.Close() })
	if !journaled {
		return plain
	}
	j, err := Open(filepath.Join(dir, "journal"))
	if err != nil {
		b.Fatal(err)
	}
	s, err := Attach(b.Context(), plain, j)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}
