package pacinglog

import (
	"math"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// anything makes values with every field drawn by chance, so that a field which is new to
// the contract is found here. Texts are mostly such as the engine writes.
func anything[T any](t *rapid.T) T {
	texts := rapid.OneOf(
		rapid.StringMatching(`[a-z_]{0,8}`), rapid.StringMatching(`[0-9a-f]{2}-[0-9e]{2}`), rapid.StringMatching(`[0-9+.eE-]{0,4}`),
		rapid.StringMatching(`"?[0-9]{1,3}"?`), rapid.String(),
	)
	numbers := rapid.OneOf(rapid.Float64(), rapid.Float64Range(-1, 1), rapid.Float64Range(-1e-5, 1e-5), rapid.Just(0.0), rapid.Just(math.Copysign(0, -1)))
	times := rapid.Map(rapid.OneOf(rapid.Int64Range(-5, 5), rapid.Int64()), func(ns int64) time.Time {
		if ns == 3 {
			return time.Time{}
		}
		return time.Unix(0, ns).UTC()
	})
	return rapid.MakeCustom[T](rapid.MakeConfig{
		Types: map[reflect.Type]*rapid.Generator[any]{reflect.TypeFor[time.Time](): times.AsAny()},
		Kinds: map[reflect.Kind]*rapid.Generator[any]{reflect.String: texts.AsAny(), reflect.Float64: numbers.AsAny()},
	}).Draw(t, "any")
}

func anyEvent(t *rapid.T) pacing.Event {
	makers := []func() pacing.Event{
		func() pacing.Event { return anything[pacing.Operator](t) }, func() pacing.Event { return anything[pacing.Dialed](t) },
		func() pacing.Event { return anything[pacing.Ringing](t) }, func() pacing.Event { return anything[pacing.Answered](t) },
		func() pacing.Event { return anything[pacing.Human](t) }, func() pacing.Event { return anything[pacing.Machine](t) },
		func() pacing.Event { return anything[pacing.Ended](t) }, func() pacing.Event { return anything[pacing.Connected](t) },
		func() pacing.Event { return anything[pacing.Abandoned](t) }, func() pacing.Event { return anything[pacing.Shared](t) },
	}
	return makers[rapid.IntRange(0, len(makers)-1).Draw(t, "event")]()
}

// Whatever was decided, the log is the one that eventlog would write.
func TestLinesAreThoseOfEventlog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(0, rapid.Int64().Draw(t, "at")).UTC()
		l := eventlog.Line{Kind: eventlog.Decide, At: at, Seq: rapid.IntRange(0, 3).Draw(t, "seq"), View: anything[pacing.View](t)}
		for range rapid.IntRange(0, 3).Draw(t, "events") {
			e := eventlog.Event{At: at, Event: anyEvent(t)}
			if rapid.Bool().Draw(t, "before") {
				e.At = anything[time.Time](t)
			}
			l.Events = append(l.Events, e)
		}
		if rapid.IntRange(0, 9).Draw(t, "answered") > 0 {
			d := anything[pacing.Decision](t)
			l.Answer = &d
		}
		want := eventlog.Append([]byte("before\n"), l)
		if got := appendLine([]byte("before\n"), l); string(got) != string(want) {
			t.Errorf("line\n%s, want\n%s", got, want)
		}
	})
}

// usual is a line as the engine has several for each call.
func usual() eventlog.Line {
	at := time.Unix(1764113529, 123456789).UTC()
	call := "01932c9a-1e53-7c12-9f61-0d6a8f0f8a11"
	return eventlog.Line{
		Kind: eventlog.Decide, At: at, Seq: 4711,
		Events: []eventlog.Event{
			{At: at, Event: pacing.Ended{Call: call, Cause: pacing.CauseBusy}},
			{At: at.Add(-time.Millisecond), Event: pacing.Dialed{Call: call, Trunk: "main", Record: pacing.Record{Segment: "hot", Hour: 13}}},
		},
		View: pacing.View{Room: 12, Bound: pacing.BoundCPS, Records: []pacing.Record{{Segment: "hot", Hour: 13}, {Segment: "cold", Attempts: 1, Last: "busy", Hour: 14}}},
		Answer: &pacing.Decision{
			Dial: 1, Bound: pacing.BoundFree, Mode: pacing.Predictive, Free: 3, AtWork: 20, InFlight: 12, Room: 12, Ratio: 1.25, Wanted: 1.5,
			AnswerProbability: 0.2143, AbandonChance: 0.0123, Threshold: 0.0311, Credit: 4.25, Live: 312,
		},
	}
}

func TestUsualLinesMakeNoGarbage(t *testing.T) {
	l, b := usual(), make([]byte, 0, 4096)
	if n := testing.AllocsPerRun(100, func() { b = appendLine(b[:0], l) }); n != 0 {
		t.Errorf("allocs per line = %v, want 0", n)
	}
}

func BenchmarkLine(b *testing.B) {
	l := usual()
	for name, write := range map[string]func([]byte, eventlog.Line) []byte{"usual": appendLine, "eventlog": eventlog.Append} {
		b.Run(name, func(b *testing.B) {
			var buffer []byte
			b.ReportAllocs()
			for b.Loop() {
				buffer = write(buffer[:0], l)
			}
			b.ReportMetric(float64(len(buffer)), "bytes/line")
		})
	}
}
