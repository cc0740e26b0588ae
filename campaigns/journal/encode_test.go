package journal

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Whatever happened to a call, and whatever fields its record may have, the line is the
// one that encoding/json would write.
func TestLinesAreThoseOfJSON(t *testing.T) {
	times := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 3).Draw(t, "none") == 0 {
			return time.Time{}
		}
		at := time.Unix(rapid.Int64Range(-1e11, 3e11).Draw(t, "second"), rapid.Int64Range(0, 999_999_999).Draw(t, "ns"))
		return at.In(time.FixedZone("", rapid.IntRange(-13*3600, 14*3600).Draw(t, "offset")))
	})
	texts := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9+:/ -]{0,12}`), rapid.String())
	made := rapid.MakeCustom[campaigns.JournalLine](rapid.MakeConfig{
		Types: map[reflect.Type]*rapid.Generator[any]{reflect.TypeFor[time.Time](): times.AsAny()},
		Kinds: map[reflect.Kind]*rapid.Generator[any]{
			reflect.String: texts.AsAny(), reflect.Float64: rapid.Float64Range(-1e9, 1e9).AsAny(),
		},
	})
	rapid.Check(t, func(t *rapid.T) {
		l := made.Draw(t, "line")
		if rapid.IntRange(0, 4).Draw(t, "of a call") > 0 { // as nearly all are
			l.Disposed, l.Suppressed, l.Allowed = nil, nil, ""
		}
		want, wrong := json.Marshal(l)
		got, err := appendLine([]byte("before "), l)
		if (err == nil) != (wrong == nil) || err == nil && string(got) != "before "+string(want) {
			t.Errorf("line\n%s (%v), want\n%s (%v)", got, err, want, wrong)
		}
	})
}

// BenchmarkLines are the two lines of a call.
func BenchmarkLines(b *testing.B) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 123456789, time.UTC)
	begun := campaigns.JournalLine{Begun: &campaigns.Begun{
		Attempt: "01932c9a-1e53-7c12-9f61-0d6a8f0f8a11", Lead: 4711, Campaign: "spring", Segment: "hot", Number: "+12125550123", Node: "node-1",
		Trunk: "main", CallerID: "+12125550100", At: at,
		Decision: campaigns.Decision{RulePack: "2026-11-22", Regions: []string{"US-FED", "US-NY"}, Zones: []string{"America/New_York"}, Basis: "area code 212", Window: "US-FED America/New_York 08:00-21:00", Closes: at, At: at},
	}}
	ended := campaigns.JournalLine{Ended: &campaigns.Ending{Attempt: begun.Begun.Attempt, Outcome: campaigns.Busy, Code: 486, Reason: "Busy Here", RingingAt: at, Next: campaigns.Next{At: at, Number: "+12125550123"}, Count: true, At: at}}
	for name, write := range map[string]func([]byte, campaigns.JournalLine) ([]byte, error){
		"journal": appendLine,
		"json": func(b []byte, l campaigns.JournalLine) ([]byte, error) {
			text, err := json.Marshal(l)
			return append(b, text...), err
		},
	} {
		b.Run(name, func(b *testing.B) {
			var buffer []byte
			b.ReportAllocs()
			for b.Loop() {
				buffer, _ = write(buffer[:0], begun)
				buffer, _ = write(buffer, ended)
			}
			b.ReportMetric(float64(len(buffer)), "bytes/call")
		})
	}
}
