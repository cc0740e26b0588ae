package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/outpace-dialer/outpace/media/detect"
)

// find climbs to better bounds by small random steps and prints them.
func find(calls []*call, tries int, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 5))
	const deadline, revise = 5 * time.Second, 7 * time.Second
	best := detect.DefaultBounds
	least := loss(judge(calls, best, deadline, revise))
	for range tries {
		b := best
		for i := range b.Person {
			if random.Float64() < 0.4 {
				b.Person[i] += 0.4 * random.NormFloat64()
			}
			if i > 0 {
				b.Person[i] = min(b.Person[i], b.Person[i-1])
			}
		}
		if random.Float64() < 0.4 {
			b.Machine += 0.4 * random.NormFloat64()
		}
		if l := loss(judge(calls, b, deadline, revise)); l < least {
			best, least = b, l
		}
	}
	fmt.Printf("bounds %.2f\n  %v\n", best, judge(calls, best, deadline, revise))
}

// loss weighs how far each figure is from its goal; what is over it counts more.
func loss(r result) float64 {
	l := 0.0
	for _, f := range [][2]float64{
		{r.lost.share(), 0.04}, {r.lostHome.share(), 0.01}, {r.slipped.share(), 0.06}, {r.other.share(), 0.05},
		{r.percentile(0.5).Seconds(), 1.3}, {r.percentile(0.9).Seconds(), 2.5},
	} {
		x := f[0] / f[1]
		l += 0.1*x + max(0, x-1)
	}
	return l
}
