package main

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

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

// result is how good verdicts are.
type result struct {
	lost, lostHome, slipped, other count           // people, people at home, machines, what is neither
	through                        count           // machines that were people for a while, until their beep took it back
	right                          count           // of people and machines
	took                           []time.Duration // from the first syllable of people
	wrong                          map[string]int
}

func newResult() *result { return &result{wrong: map[string]int{}} }

// verdict is what a detector holds a call to be at its end.
type verdict struct {
	label   string
	at      time.Duration
	through bool // it was a person at some time: an operator got it
}

// add takes the verdict on a call. Nobody is lost by "unknown", "silence" and "ringback".
func (r *result) add(c *call, v verdict) {
	label := v.label
	lost := label != "human" && label != "unknown" && label != "silence" && label != "ringback"
	switch c.label {
	case "human":
		r.lost.add(lost)
		r.right.add(label == "human")
		if c.kind != "business" {
			r.lostHome.add(lost)
		}
		if label == "human" {
			r.took = append(r.took, v.at-c.start)
		}
	case "machine":
		r.slipped.add(label == "human")
		r.through.add(v.through)
		r.right.add(label == "machine" || label == "screening" || label == "sit")
	default:
		r.other.add(label == "human")
	}
	if c.label == "human" && lost || c.label != "human" && label == "human" {
		r.wrong[c.label+"/"+c.kind]++
	}
}

func (r *result) percentile(p float64) time.Duration {
	if len(r.took) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(r.took))
	return sorted[int(p*float64(len(sorted)-1))]
}

func (r *result) String() string {
	return fmt.Sprintf("people lost %v, without business %v, machines called people %v, put through before their beep %v, others %v; person after p50 %v p90 %v; price %.2f",
		r.lost, r.lostHome, r.slipped, r.through, r.other, r.percentile(0.5), r.percentile(0.9), loss(r))
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
