package sqlite

import (
	"fmt"
	"testing"
	"time"
)

// BenchmarkCensus is what a waterfall costs the store, with 200 leads that were
// called lately.
func BenchmarkCensus(b *testing.B) {
	for _, leads := range []int{10_000, 100_000} {
		b.Run(fmt.Sprint(leads), func(b *testing.B) {
			s := openTest(b)
			fill(b, s, leads)
			callSome(b, s, 200)
			b.ResetTimer()
			for b.Loop() {
				c, err := s.Census(b.Context(), "camp", start.Add(-time.Hour), start.Add(time.Minute))
				if err != nil || c.Total != leads || len(c.Special) < 200 {
					b.Fatalf("%d leads, %d special, %v", c.Total, len(c.Special), err)
				}
			}
		})
	}
}
