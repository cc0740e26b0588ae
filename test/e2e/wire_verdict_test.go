package e2e

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/phone"
)

// condition is how recordings come to the product.
type condition struct {
	name string
	law  phone.Law
	path phone.Path
	most float64 // share of labels that may differ from those on the file
}

var conditions = []condition{
	{name: "clean"},
	{name: "2 % loss", path: phone.Path{Loss: 0.02}, most: 0.02},
	{name: "40 ms jitter", path: phone.Path{Jitter: 40 * time.Millisecond}, most: 0.02},
	{name: "comfort noise", path: phone.Path{Pauses: true}, most: 0.02},
	{name: "A-law", law: phone.PCMA, most: 0.02},
}

// recordings are the clips under a condition.
func (c condition) recordings(clips []clip) (all []*carrier.Recording) {
	for i, clip := range clips {
		path := c.path
		path.Seed, path.Plain = uint64(i), true
		all = append(all, &carrier.Recording{Sound: clip.pcm, Answer: clip.answer, Talks: 200 * time.Millisecond, Law: c.law, Path: path})
	}
	return all
}

// onTime is how near a verdict on the wire must be to that on the file.
const onTime = 40 * time.Millisecond

// verdicts holds what the product says of recordings to what outpace detect says of
// the files.
func verdicts(t *testing.T) part {
	clips, operators := madeClips(2), 6
	if whole() {
		clips, operators = append(madeClips(10), recordedClips(t, nth())...), 3
	}
	p := part{name: "verdicts"}
	for i, c := range conditions {
		p.lineups = append(p.lineups, lineup{campaign: fmt.Sprint("verdicts-", i), detection: "before", recordings: c.recordings(clips), operators: operators})
	}
	p.judge = func(t *testing.T, calls [][]wireCall) {
		t.Logf("verdicts over RTP beside those on the file, %d recordings\n%-16s%12s%14s%16s%26s%28s", len(clips),
			"", "undisturbed", "same label", "within 40 ms", "off by p50 / p95, ms", "told late p50 / p95, ms")
		for i, c := range conditions {
			c.judge(t, compare(t, c, clips, calls[i]), len(clips))
		}
	}
	return p
}

func (c condition) judge(t *testing.T, m match, of int) {
	t.Helper()
	t.Logf("%-16s%12d%12.2f %%%14.2f %%%26s%28s", c.name, m.calls, percent(m.same, m.calls), percent(m.near, m.calls), pair(m.off), pair(m.late))
	if !enough(t, c.name, m.calls, of) {
		return
	}
	if other := m.calls - m.same; other > int(math.Ceil(c.most*float64(m.calls))) {
		t.Errorf("%s: %d of %d labels are not those on the file", c.name, other, m.calls)
	}
	// All, but for calls whose answer a busy machine took late: that is not seen from here.
	if c.name == "clean" && m.near < m.same-max(1, m.same/50) {
		t.Errorf("%s: %d of %d verdicts within %v of those on the file, want all", c.name, m.near, m.same, onTime)
	}
}

// match is how the calls under a condition went beside the files.
type match struct {
	calls, same, near int             // undisturbed, of these with the same label, of these in time
	off, late         []time.Duration // of verdicts from those on the file; of the engine's from the detector's
}

func compare(t *testing.T, c condition, clips []clip, calls []wireCall) (m match) {
	t.Helper()
	for i, call := range calls {
		if !call.called || call.begin.IsZero() {
			t.Fatalf("%s: %s was not called, or sent nothing", c.name, clips[i].name)
		}
		want, got := acted(opinions(clips[i])), acted(call.heard)
		if !call.undisturbed(0, max(want.at, got.at)) {
			continue
		}
		m.calls++
		if want.kind != got.kind {
			t.Logf("%s: %s: %q at %v on the file, %q at %v on the wire: %v", c.name, clips[i].name, want.kind, want.at, got.kind, got.at, call.heard)
			continue
		}
		m.same++
		d := (got.at - want.at).Abs()
		m.off = append(m.off, d)
		if d <= onTime {
			m.near++
		} else if c.name == "clean" {
			t.Logf("%s: %s: %q at %v on the file, at %v on the wire", c.name, clips[i].name, want.kind, want.at, got.at)
		}
		if n := slices.IndexFunc(call.heard, func(o opinion) bool { return o.at == got.at }); n >= 0 {
			m.late = append(m.late, call.told[n].Sub(call.begin)-got.at)
		}
	}
	return m
}

func pair(all []time.Duration) string {
	sorted := sortedTimes(all)
	return fmt.Sprintf("%.0f / %.0f", inMilliseconds(percentile(sorted, 0.5)), inMilliseconds(percentile(sorted, 0.95)))
}

func inMilliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
