package main

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
)

// talkTwice is a call of two phrases with a pause of 0.8 s between them.
func talkTwice(seed uint64, label string) *call {
	t := newTalker(rand.New(rand.NewPCG(seed, 1)))
	t.level, t.noise, t.spread = 4000, 3, 0.2
	c := &call{label: label, speaker: label, start: 400 * time.Millisecond}
	t.rest(c.start)
	t.phrase(700 * time.Millisecond)
	t.rest(800 * time.Millisecond)
	t.phrase(900 * time.Millisecond)
	c.end = time.Duration(len(t.out)) * time.Second / media.SampleRate
	t.rest(1500 * time.Millisecond)
	c.pcm = t.pcm()
	return c
}

// Another speaker's words come at the times of a call, about as long, and what is before,
// between and after them stays what it was.
func TestRevoice(t *testing.T) {
	for seed := range uint64(20) {
		c, donor := talkTwice(seed, "human"), talkTwice(seed+100, "machine")
		if voices := donors([]*call{c, donor}); len(voices) != 2 {
			t.Fatalf("seed %d: %d donors, want 2", seed, len(voices))
		}
		if len(c.spans) != 2 {
			t.Fatalf("seed %d: spans %v, want two", seed, c.spans)
		}
		out := revoice(c, donor, rand.New(rand.NewPCG(seed, 2)))
		if ratio := float64(len(out.pcm)) / float64(len(c.pcm)); ratio < 0.75 || ratio > 1.35 {
			t.Errorf("seed %d: %.2f times as long", seed, ratio)
		}
		if got, want := out.label, c.label; got != want {
			t.Errorf("seed %d: label %q, want %q", seed, got, want)
		}
		if from := c.spans[0].from; !slices.Equal(out.pcm[:from], c.pcm[:from]) {
			t.Errorf("seed %d: the time before the first word changed", seed)
		}
		out.end = time.Duration(len(out.pcm))*time.Second/media.SampleRate - 1500*time.Millisecond
		again := spans(out)
		if len(again) != 2 {
			t.Fatalf("seed %d: %d spans after it, want two", seed, len(again))
		}
		for i, s := range again {
			if ratio := float64(s.length()) / float64(c.spans[i].length()); ratio < 0.6 || ratio > 1.5 {
				t.Errorf("seed %d: span %d is %.2f times as long", seed, i, ratio)
			}
			was, is := c.pcm[c.spans[i].from:c.spans[i].to], out.pcm[s.from:s.to]
			if ratio := rms16(is) / rms16(was); ratio < 0.7 || ratio > 1.4 {
				t.Errorf("seed %d: span %d is %.2f times as loud", seed, i, ratio)
			}
		}
		if slices.Equal(firstOf(out, again), firstOf(c, c.spans)) {
			t.Errorf("seed %d: the voice is the same", seed)
		}
	}
}

func firstOf(c *call, all []span) []int16 { return c.pcm[all[0].from:all[0].to] }

// What is in noise is neither taken out nor put in.
func TestSpansOfNoise(t *testing.T) {
	c := talkTwice(1, "human")
	random := rand.New(rand.NewPCG(1, 1))
	for i := range c.pcm {
		c.pcm[i] += int16(1500 * random.NormFloat64())
	}
	if got := spans(c); len(got) != 0 {
		t.Errorf("spans = %v, want none", got)
	}
}

// A voice of the fold that is kept back is not learnt from.
func TestTableKeepsBack(t *testing.T) {
	moments := make([]detect.Features, 2)
	c := &call{label: "human", fold: 0, lessons: []lesson{{donor: &call{fold: 1}, heard: moments}, {donor: &call{fold: 2}, heard: moments}}}
	if got := len(table([]*call{c}, recipe{}, 1).person); got != 2 {
		t.Errorf("rows without fold 1 = %d, want 2", got)
	}
	if got := len(table([]*call{c}, recipe{}, allFolds).person); got != 4 {
		t.Errorf("rows of all = %d, want 4", got)
	}
}

// A recording as it is counts more than what is made of it.
func TestTableWeighs(t *testing.T) {
	moments := make([]detect.Features, 1)
	c := &call{label: "human", lessons: []lesson{{heard: moments}, {asIs: true, heard: moments}}}
	r := table([]*call{c}, recipe{own: 4}, allFolds)
	if len(r.weight) != 2 || r.weight[1] != 4*r.weight[0] {
		t.Errorf("weights %v, want the second four times the first", r.weight)
	}
}
