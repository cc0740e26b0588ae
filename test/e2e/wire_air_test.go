package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
)

// modes are the ways of detection, and the most dead air that they may have (p95).
var modes = []struct {
	detection string
	most      time.Duration
}{{"before", 4 * time.Second}, {"with", 200 * time.Millisecond}, {"off", 0}}

// deadAir measures what a person hears of each mode: from the end of their first word
// to the operator's audio, at the far end.
func deadAir(t *testing.T) part {
	clips, operators := madeClips(3), 3
	if whole() {
		clips, operators = append(madeClips(10), recordedClips(t, nth())...), 4
	}
	people := slices.DeleteFunc(clips, func(c clip) bool { return c.label != "human" })
	p := part{name: "dead-air"}
	for _, m := range modes {
		p.lineups = append(p.lineups, lineup{campaign: "air-" + m.detection, detection: m.detection, recordings: patient(people), operators: operators})
	}
	p.judge = func(t *testing.T, calls [][]wireCall) {
		t.Logf("dead air, from the end of a person's first word to the operator's audio, %d people\n%-10s%12s%12s%12s%12s%16s", len(people),
			"", "undisturbed", "p50, ms", "p95, ms", "none", "not connected")
		for i, m := range modes {
			air, none, lost := silences(people, calls[i])
			p50, p95 := percentile(air, 0.5), percentile(air, 0.95)
			t.Logf("%-10s%12d%12.0f%12.0f%10.1f %%%14.1f %%", m.detection, len(air)+lost, inMilliseconds(p50), inMilliseconds(p95),
				percent(none, len(air)), percent(lost, len(air)+lost))
			if !enough(t, m.detection, len(air)+lost, len(people)) {
				continue
			}
			if p95 > m.most {
				t.Errorf("%s: dead air of %v (p95), want %v at most", m.detection, p95, m.most)
			}
			if lost > 1+len(people)/10 {
				t.Errorf("%s: %d of %d people came to no operator", m.detection, lost, len(air)+lost)
			}
		}
	}
	return p
}

// patient are the recordings of people who wait in silence after what they said.
func patient(people []clip) (all []*carrier.Recording) {
	for _, c := range people {
		all = append(all, &carrier.Recording{Sound: c.pcm, Answer: c.answer, Stays: 6 * time.Second, Talks: 200 * time.Millisecond})
	}
	return all
}

// silences are the dead air of each undisturbed call that came to an operator, sorted;
// none counts those who heard the operator before the end of their word.
func silences(people []clip, calls []wireCall) (air []time.Duration, none, lost int) {
	for i, c := range calls {
		switch {
		case !c.undisturbed(0, firstWord(people[i])+5*time.Second):
			continue
		case c.tone.IsZero():
			lost++
			continue
		}
		word := int(firstWord(people[i]).Seconds() * 8000)
		d := max(0, c.tone.Sub(c.sentAt(word-1)))
		if d == 0 {
			none++
		}
		air = append(air, d)
	}
	return sortedTimes(air), none, lost
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(1, of)) }
