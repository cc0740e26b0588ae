package main

import (
	"math/rand/v2"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
)

// nested judges each fold by bounds that were set on the others, as its odds
// were made by a forest that learnt from the others.
func nested(calls []*call, tries int, seed uint64) *result {
	r := newResult()
	for fold := range folds {
		kept, rest := split(calls, fold)
		b := find(rest, tries, seed)
		for _, c := range kept {
			if !c.made {
				r.add(c, sketch(c, b))
			}
		}
	}
	return r
}

// find climbs to better bounds by small random steps.
func find(calls []*call, tries int, seed uint64) detect.Bounds {
	random := rand.New(rand.NewPCG(seed, 5))
	best := detect.DefaultBounds
	least := loss(sketches(calls, best))
	step := func(chance, size float64) float64 {
		if random.Float64() >= chance {
			return 0
		}
		return size * random.NormFloat64()
	}
	for range tries {
		b := best
		for i := range b.Person {
			b.Person[i] += step(0.4, 0.5)
			if i > 0 {
				b.Person[i] = min(b.Person[i], b.Person[i-1])
			}
		}
		b.Talking += step(0.3, 0.5)
		b.Machine += step(0.3, 0.5)
		b.Deadline += step(0.3, 0.5)
		if l := loss(sketches(calls, b)); l < least {
			best, least = b, l
		}
	}
	return best
}

// loss is what a call costs at the default prices, where as many people answer
// as machines: people lost, operators who get a machine, seconds until a person
// is told. Another sound that is told to be a person costs as much as a machine.
func loss(r *result) float64 {
	var waited time.Duration
	for _, d := range r.took {
		waited += d
	}
	p := detect.DefaultPrices
	return p.Person*r.lost.share() + p.Operator*(r.through.share()+r.other.share()) + p.DeadAir*waited.Seconds()/float64(max(1, len(r.took)))
}

func sketches(calls []*call, b detect.Bounds) *result {
	r := newResult()
	for _, c := range calls {
		r.add(c, sketch(c, b))
	}
	return r
}

// sketch is what the rules of package detect make of a call, in short, and
// fast enough to try many bounds.
func sketch(c *call, b detect.Bounds) (v verdict) {
	const silence, deadline, revise = 2500 * time.Millisecond, 5 * time.Second, 7 * time.Second
	var kind media.VerdictKind
	tell := func(k media.VerdictKind, at time.Duration) {
		kind, v.label, v.at = k, detect.Label(detect.Finding{Kind: k}), at
		v.through = v.through || k == media.Person
	}
	tones, beeped := c.tones, false
	late := len(c.heard) > 0 && c.heard[0].at > c.answer+silence // silence was told, so there is no deadline
	for i := range c.heard {
		m := &c.heard[i]
		for ; len(tones) > 0 && tones[0].at <= m.at; tones = tones[1:] {
			t := tones[0]
			beeped = beeped || t.beep
			if t.beep && kind != media.Machine || !t.beep && kind != media.Person && kind != media.Machine && t.kind != media.Ringback {
				tell(t.kind, t.at)
			}
		}
		if kind != "" && kind != media.Machine || beeped {
			continue
		}
		since := time.Duration(float64(m.features[detect.SinceOnset]) * float64(time.Second))
		switch {
		case kind == media.Machine && since-m.quiet > revise:
		case m.odds >= b.After(m.quiet), kind == "" && m.odds >= b.Talking && since >= detect.Hurry:
			tell(media.Person, m.at)
		case kind == "" && m.odds <= b.Machine && since >= detect.Patience:
			tell(media.Machine, m.at)
		case kind == "" && !late && m.at-c.answer >= deadline && (m.odds < b.Deadline || m.clear && m.features[detect.Phrases] >= 2 && m.odds < 0):
			tell(media.Machine, m.at)
		case kind == "" && !late && m.at-c.answer >= deadline:
			tell(media.Person, m.at)
		}
	}
	for _, t := range tones {
		if t.beep && kind != media.Machine || kind == "" && t.kind != media.Ringback {
			tell(t.kind, t.at)
		}
	}
	if kind == "" {
		v.label = "unknown"
	}
	return v
}
