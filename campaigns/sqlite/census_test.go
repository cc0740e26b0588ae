package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
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

// A census is of one moment: while leads move, the counts add up.
func TestCensusWhileDialling(t *testing.T) {
	s := openTest(t)
	fill(t, s, 400)
	done := make(chan struct{})
	go func() { // ends with the calls
		defer close(done)
		for i := range 20 {
			callFrom(t, s, i*10, 10)
		}
	}()
	for busy := true; busy; {
		select {
		case <-done:
			busy = false
		default:
		}
		c, err := s.Census(t.Context(), "camp", start.Add(-time.Hour), start.Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		sum := c.Done + c.Nowhere
		for _, q := range c.Queues {
			sum += q.Ready + q.Waiting
		}
		for _, x := range c.Special {
			if x.Entry.State != campaigns.EntryWaiting {
				sum++
			}
		}
		if sum != c.Total || c.Total != 400 {
			t.Fatalf("%d leads add up to %d", c.Total, sum)
		}
	}
}
