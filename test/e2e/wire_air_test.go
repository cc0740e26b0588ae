package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
)

// TestWireDeadAir measures what a person hears of the three modes of detection:
// from the end of their first word to the operator's audio, at the far end.
func TestWireDeadAir(t *testing.T) {
	t.Parallel()
	clips, operators := madeClips(4), 4
	if whole() {
		clips, operators = append(madeClips(40), recordedClips(t, nth())...), 6
	}
	var people []clip
	for _, c := range clips {
		if c.label == "human" {
			people = append(people, c)
		}
	}
	modes := []struct {
		detection string
		most      time.Duration // p95
	}{{"before", 4 * time.Second}, {"with", 200 * time.Millisecond}, {"off", 0}}
	var lines []lineup
	for _, m := range modes {
		lines = append(lines, lineup{campaign: "air-" + m.detection, detection: m.detection, recordings: patient(people), operators: operators})
	}
	var table strings.Builder
	fmt.Fprintf(&table, "dead air, from the end of a person's first word to the operator's audio, %d people\n%-10s%12s%12s%12s%14s\n",
		len(people), "", "p50, ms", "p95, ms", "none", "not connected")
	for i, calls := range callAll(t, "", lines...) {
		air, none, lost := deadAir(people, calls)
		p50, p95 := percentile(sortedTimes(air), 0.5), percentile(sortedTimes(air), 0.95)
		fmt.Fprintf(&table, "%-10s%12.0f%12.0f%10.1f %%%12.1f %%\n", modes[i].detection, inMilliseconds(p50), inMilliseconds(p95),
			percent(none, len(air)), percent(lost, len(people)))
		if p95 > modes[i].most {
			t.Errorf("%s: dead air of %v (p95), want %v at most", modes[i].detection, p95, modes[i].most)
		}
		if percent(lost, len(people)) > 10 {
			t.Errorf("%s: %d of %d people came to no operator", modes[i].detection, lost, len(people))
		}
	}
	t.Log("\n" + table.String())
}

// patient are the recordings of people who wait in silence after what they said.
func patient(people []clip) (all []*carrier.Recording) {
	for _, c := range people {
		all = append(all, &carrier.Recording{Sound: c.pcm, Answer: c.answer, Stays: 6 * time.Second, Talks: 200 * time.Millisecond})
	}
	return all
}

// deadAir is that of each call that came to an operator; none counts those who
// heard the operator before the end of their word.
func deadAir(people []clip, calls []wireCall) (air []time.Duration, none, lost int) {
	for i, c := range calls {
		if c.tone.IsZero() {
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
	return air, none, lost
}

func percent(n, of int) float64 { return 100 * float64(n) / float64(max(1, of)) }
