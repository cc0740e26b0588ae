package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
)

// find climbs to better bounds by small random steps and prints them.
func find(calls []*call, tries int, seed uint64) {
	random := rand.New(rand.NewPCG(seed, 5))
	best := detect.DefaultBounds
	least := loss(sketches(calls, best))
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
		if l := loss(sketches(calls, b)); l < least {
			best, least = b, l
		}
	}
	fmt.Printf("bounds %.2f\n  %v\n", best, sketches(calls, best))
}

// loss weighs how far each figure is from its goal; what is over it counts more.
func loss(r *result) float64 {
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

func sketches(calls []*call, b detect.Bounds) *result {
	r := newResult()
	for _, c := range calls {
		kind, at := sketch(c, b)
		r.add(c, detect.Label(detect.Finding{Kind: kind}), at)
	}
	return r
}

// sketch is what the rules of package detect make of a call, in short, and
// fast enough to try many bounds.
func sketch(c *call, b detect.Bounds) (kind media.VerdictKind, at time.Duration) {
	const deadline, revise = 5 * time.Second, 7 * time.Second
	tones, beeped := c.tones, false
	for i := range c.heard {
		m := &c.heard[i]
		for ; len(tones) > 0 && tones[0].at <= m.at; tones = tones[1:] {
			t := tones[0]
			beeped = beeped || t.beep
			if t.beep && kind != media.Machine || !t.beep && kind != media.Person && kind != media.Machine && t.kind != media.Ringback {
				kind, at = t.kind, t.at
			}
		}
		if kind != "" && kind != media.Machine || beeped {
			continue
		}
		since := time.Duration(float64(m.features[detect.SinceOnset]) * float64(time.Second))
		switch {
		case kind == media.Machine && since-m.quiet > revise:
		case m.odds >= b.After(m.quiet):
			kind, at = media.Person, m.at
		case kind == "" && m.odds <= b.Machine && since >= detect.Patience:
			kind, at = media.Machine, m.at
		case kind == "" && m.at-c.answer >= deadline:
			kind, at = media.Person, m.at
			if m.odds < 0 {
				kind = media.Machine
			}
		}
	}
	for _, t := range tones {
		if t.beep && kind != media.Machine || kind == "" && t.kind != media.Ringback {
			kind, at = t.kind, t.at
		}
	}
	return kind, at
}
