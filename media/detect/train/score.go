package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
)

// verdict is what the rules of package detect make of a call, in short.
func verdict(c *call, b detect.Bounds, deadline, revise time.Duration) (kind media.VerdictKind, at time.Duration) {
	tones, beeped := c.tones, false
	for i := range c.heard {
		m := &c.heard[i]
		for ; len(tones) > 0 && tones[0].at <= m.at; tones = tones[1:] {
			t := tones[0]
			if t.beep {
				beeped = true
			}
			if t.beep && kind != media.Machine || !t.beep && kind != media.Person && kind != media.Machine && t.kind != media.Ringback {
				kind, at = t.kind, t.at
			}
		}
		if kind != "" && kind != media.Machine || beeped {
			continue
		}
		greeting := time.Duration(float64(m.features[detect.SinceOnset])*1e9) - m.quiet
		switch {
		case kind == media.Machine && greeting > revise:
		case m.odds >= b.After(m.quiet):
			kind, at = media.Person, m.at
		case kind == "" && m.odds <= b.Machine:
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

// count is k of n.
type count struct{ k, n int }

func (c *count) add(yes bool) {
	c.n++
	if yes {
		c.k++
	}
}

func (c count) share() float64 { return float64(c.k) / float64(max(1, c.n)) }

// String is a percentage with its 95 % interval (Wilson).
func (c count) String() string {
	const z = 1.96
	n, p := float64(max(1, c.n)), c.share()
	centre, half := p+z*z/(2*n), z*math.Sqrt(p*(1-p)/n+z*z/(4*n*n))
	return fmt.Sprintf("%.1f %% [%.1f, %.1f] of %d", 100*p, 100*(centre-half)/(1+z*z/n), 100*(centre+half)/(1+z*z/n), c.n)
}

// result is how good the verdicts are.
type result struct {
	lost, lostHome, slipped, other count // people, people without business, machines, what is neither
	took                           []time.Duration
	wrong                          map[string]int
}

func judge(calls []*call, b detect.Bounds, deadline, revise time.Duration) result {
	r := result{wrong: map[string]int{}}
	for _, c := range calls {
		kind, at := verdict(c, b, deadline, revise)
		is := c.label == "human"
		lost := kind != media.Person && kind != ""
		switch {
		case is:
			r.lost.add(lost)
			if c.kind != "business" {
				r.lostHome.add(lost)
			}
			if !lost {
				r.took = append(r.took, at-c.start)
			}
		case c.label == "machine":
			r.slipped.add(kind == media.Person)
		default:
			r.other.add(kind == media.Person)
		}
		if is && lost || !is && kind == media.Person {
			r.wrong[c.label+"/"+c.kind]++
		}
	}
	slices.Sort(r.took)
	return r
}

func (r result) percentile(p float64) time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	return r.took[int(p*float64(len(r.took)-1))]
}

func (r result) String() string {
	return fmt.Sprintf("people lost %v, without business %v, machines let through %v, others %v; person after p50 %v p90 %v",
		r.lost, r.lostHome, r.slipped, r.other, r.percentile(0.5), r.percentile(0.9))
}

// forced is the share of people and machines that the odds tell right at a
// time after the first syllable.
func forced(calls []*call, after time.Duration) (c count) {
	for _, x := range calls {
		length := time.Duration(len(x.pcm)) * time.Second / media.SampleRate
		if x.label != "human" && x.label != "machine" || length < x.start+after {
			continue
		}
		odds := 0.0
		for _, m := range x.heard {
			if m.at <= x.start+after {
				odds = m.odds
			}
		}
		c.add((odds >= 0) == (x.label == "human"))
	}
	return c
}
