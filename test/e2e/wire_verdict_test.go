package e2e

import (
	"fmt"
	"math"
	"slices"
	"strings"
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

// TestWireVerdicts has the product hear recordings over RTP, and holds what it
// says to what outpace detect says of the files.
func TestWireVerdicts(t *testing.T) {
	t.Parallel()
	clips, operators := madeClips(4), 10
	if whole() {
		clips, operators = append(madeClips(40), recordedClips(t, nth())...), 4
	}
	var lines []lineup
	for i, c := range conditions {
		lines = append(lines, lineup{campaign: fmt.Sprint("verdicts-", i), detection: "before", recordings: c.recordings(clips), operators: operators})
	}
	var table strings.Builder
	fmt.Fprintf(&table, "verdicts over RTP beside those on the file, of %d recordings (a busy machine leaves some out)\n%-16s%8s%14s%16s%26s%28s\n", len(clips),
		"", "calls", "same label", "within 40 ms", "off by p50 / p95, ms", "told late p50 / p95, ms")
	for i, calls := range callAll(t, "", lines...) {
		c := conditions[i]
		m := compare(t, c, clips, calls)
		fmt.Fprintf(&table, "%-16s%8d%12.2f %%%14.2f %%%26s%28s\n", c.name, m.calls, percent(m.same, m.calls), percent(m.near, m.calls), pair(m.off), pair(m.late))
		if other := m.calls - m.same; other > int(math.Ceil(c.most*float64(m.calls))) {
			t.Errorf("%s: %d of %d labels are not those on the file", c.name, other, m.calls)
		}
		if c.name == "clean" && m.near < m.same {
			t.Errorf("%s: %d of %d verdicts within %v of those on the file, want all", c.name, m.near, m.same, onTime)
		}
	}
	t.Log("\n" + table.String())
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
		if !call.undisturbed() {
			continue
		}
		m.calls++
		want, got := acted(opinions(clips[i])), acted(call.heard)
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
