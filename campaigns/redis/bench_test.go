package redis

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// BenchmarkCall claims, begins and ends leads one after the other. A store twenty
// times as big should cost about the same; compare the two.
func BenchmarkCall(b *testing.B) {
	for _, leads := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("leads=%d", leads), func(b *testing.B) {
			s, took := filled(b, leads)
			n := 0
			for b.Loop() {
				n++
				callOnce(b, s, n)
			}
			b.ReportMetric(took.Seconds(), "import-s")
		})
	}
}

// BenchmarkCalls does the same from many callers at once, as nodes do.
func BenchmarkCalls(b *testing.B) {
	s, _ := filled(b, 50_000)
	var n atomic.Int64
	b.SetParallelism(16)
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			callOnce(b, s, int(n.Add(1)))
		}
	})
}

// BenchmarkClaim claims a hundred at a time, as the hopper does; the time is for
// each lead.
func BenchmarkClaim(b *testing.B) {
	for _, leads := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("leads=%d", leads), func(b *testing.B) {
			s, _ := filled(b, leads)
			claimed := 0
			for b.Loop() {
				claims, err := s.Claim(b.Context(), claimRequest(100, start))
				if err != nil || len(claims) != 100 {
					b.Fatalf("%d claims, %v", len(claims), err)
				}
				claimed += len(claims)
				b.StopTimer()
				if err := s.Release(b.Context(), claims, time.Time{}); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(claimed), "ns/lead")
		})
	}
}

func filled(b *testing.B, leads int) (*Store, time.Duration) {
	b.Helper()
	s := openTest(b, redistest.Start(b).URL())
	began := time.Now()
	fill(b, s, leads)
	return s, time.Since(began)
}

func claimRequest(limit int, now time.Time) campaigns.ClaimRequest {
	return campaigns.ClaimRequest{Queues: append(queuesOfCamp("best"), queuesOfCamp("rest")...), Limit: limit, Node: "n", Lease: time.Minute, Now: now}
}

func callOnce(b *testing.B, s *Store, n int) {
	now := start.Add(time.Duration(n) * time.Second)
	claims, err := s.Claim(b.Context(), claimRequest(1, now))
	for tries := 0; err == nil && len(claims) == 0 && tries < 100; tries++ { // others were quicker
		claims, err = s.Claim(b.Context(), claimRequest(1, now))
	}
	if err != nil || len(claims) != 1 {
		b.Errorf("%d claims, %v", len(claims), err)
		return
	}
	id := campaigns.AttemptID(fmt.Sprintf("%016d", n))
	caps := []campaigns.Cap{{N: 3, Period: 24 * time.Hour}}
	if err := s.Begin(b.Context(), campaigns.Intent{Attempt: id, Claim: claims[0], Caps: caps, At: now}); err != nil {
		b.Error(err)
		return
	}
	err = s.End(b.Context(), campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{At: now.Add(time.Hour)}, At: now})
	if err != nil {
		b.Error(err)
	}
}

// BenchmarkCensus is what a waterfall costs, with 200 leads that were called lately,
// and how long a ping waits at most meanwhile.
func BenchmarkCensus(b *testing.B) {
	for _, leads := range []int{10_000, 100_000} {
		b.Run(fmt.Sprintf("leads=%d", leads), func(b *testing.B) {
			s, _ := filled(b, leads)
			for n := range 200 {
				callOnce(b, s, n)
			}
			ctx, stop := context.WithCancel(b.Context())
			waits := make(chan time.Duration)
			go func() { // ends with the census
				longest := time.Duration(0)
				for ctx.Err() == nil {
					began := time.Now()
					if s.Ping(ctx) == nil {
						longest = max(longest, time.Since(began))
					}
				}
				waits <- longest
			}()
			for b.Loop() {
				c, err := s.Census(b.Context(), "camp", start.Add(-time.Hour), start.Add(time.Minute))
				if err != nil || c.Total != leads || len(c.Special) < 200 {
					b.Fatalf("%d leads, %d special, %v", c.Total, len(c.Special), err)
				}
			}
			stop()
			b.ReportMetric(float64((<-waits).Microseconds())/1000, "longest-ping-ms")
		})
	}
}
