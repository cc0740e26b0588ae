package eventlog

import (
	"bytes"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/pacing"
)

var at = time.Unix(1764113529, 123456789).UTC()

// fill gives every field under v a value that is not zero and not its
// neighbour's, so that a field without a word in the log is found.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Kind() {
	case reflect.Struct:
		if _, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(at.Add(-time.Duration(*n) * 7919)))
			return
		}
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), n)
		}
	case reflect.String:
		v.SetString("w" + strings.Repeat("o", *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(int64(*n)*1000003 + 1) // of a duration: odd nanoseconds
	case reflect.Uint8:
		v.SetUint(uint64(*n % 250))
	case reflect.Float64:
		v.SetFloat(1 / float64(*n+2))
	default:
		panic("eventlog: no value for " + v.Type().String())
	}
}

func filled[T any](t *testing.T) T {
	t.Helper()
	var v T
	n := 0
	fill(reflect.ValueOf(&v).Elem(), &n)
	return v
}

func roundTrip(t *testing.T, lines ...Line) []Line {
	t.Helper()
	var log []byte
	for _, l := range lines {
		log = Append(log, l)
	}
	var got []Line
	for l, err := range NewReader(bytes.NewReader(log)).All() {
		if err != nil {
			t.Fatalf("%v in\n%s", err, log)
		}
		got = append(got, l)
	}
	return got
}

// Every field of the contract has a word in the log, and comes back as it was.
func TestNothingIsLost(t *testing.T) {
	d := filled[pacing.Decision](t)
	operator := filled[pacing.Operator](t)
	operator.State = pacing.Wrapping
	events := []Event{
		{at, operator}, {at, filled[pacing.Dialed](t)}, {at.Add(-1), filled[pacing.Ringing](t)},
		{at, filled[pacing.Answered](t)}, {at, filled[pacing.Human](t)}, {at, filled[pacing.Machine](t)},
		{at.Add(time.Nanosecond), filled[pacing.Ended](t)}, {at, filled[pacing.Connected](t)}, {at, filled[pacing.Abandoned](t)}, {at, filled[pacing.Shared](t)},
		{at, pacing.Operator{State: pacing.Off}}, {at, pacing.Ringing{Since: at}},
	}
	want := []Line{
		{Kind: Init, At: at, Seq: 1, Settings: filled[pacing.Settings](t)},
		{Kind: Recall, At: at, Seq: 2, Past: filled[pacing.Past](t)},
		{Kind: Adjust, At: at, Seq: 3, Events: events[:2], Settings: filled[pacing.Settings](t)},
		{Kind: Decide, At: at.Add(1), Seq: 4, Events: events, View: filled[pacing.View](t), Answer: &d},
		{Kind: Decide, At: at.Add(2), Seq: 5, View: pacing.View{Room: -1, Bound: pacing.BoundCPS, Records: []pacing.Record{{Segment: "hot"}}}},
		{Kind: Decide, At: at.Add(3), Seq: 6, View: pacing.View{}},
	}
	if diff := cmp.Diff(want, roundTrip(t, want...)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestNumbersThatAreNone(t *testing.T) {
	d := pacing.Decision{AbandonChance: math.NaN(), Credit: math.Inf(1), Threshold: math.Inf(-1)}
	got := roundTrip(t, Line{Kind: Decide, At: at, Answer: &d})[0].Answer
	if !math.IsNaN(got.AbandonChance) || got.Credit != d.Credit || got.Threshold != d.Threshold {
		t.Errorf("got %+v", got)
	}
}

// Whatever a call is named, the controller and the log agree on the name.
func TestIdentifiers(t *testing.T) {
	for _, name := range []string{"17", "-1.5e3", "x", "007", "", `"17"`, `"x"`, "null", `a"b`, "1 2", " 1", "1\n"} {
		got := roundTrip(t, Line{Kind: Decide, At: at, Events: []Event{{at, pacing.Human{Call: name}}}})
		if ev := got[0].Events[0].Event; ev != (pacing.Human{Call: name}) {
			t.Errorf("%q came back as %q", name, ev)
		}
	}
	for _, text := range []string{`17`, `"17"`, `"b"`, `1.50`} {
		var i id
		if err := i.UnmarshalJSON([]byte(text)); err != nil {
			t.Fatal(err)
		}
		if back, err := i.MarshalJSON(); err != nil || string(back) != text {
			t.Errorf("%s went back as %s, %v", text, back, err)
		}
	}
}

// A line as other programs write it: seconds only, no records, things that we
// do not know.
func TestContractLines(t *testing.T) {
	log := `{"type":"init","t":0.5,"limit":0.03,"connect_s":2,"clock":"detect","channels":9,"ring_timeout_s":25.1,"window_s":18000,"segments":["main"]}
{"type":"remark","t":1}

{"type":"decide","t":12.5,"events":[{"type":"operator","id":3,"state":"ready","script_stage":"offer","paused_reason":"x"},{"type":"operator","id":3,"state":"asleep"},{"type":"news"},{"type":"ringing","call":17,"since":11.9},{"type":"answered","call":17}],"segment":"main","more":1}`
	var got []Line
	for l, err := range NewReader(strings.NewReader(log)).All() {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, l)
	}
	t12 := time.Unix(12, 5e8).UTC()
	want := []Line{
		{Kind: Init, At: time.Unix(0, 5e8).UTC(), Settings: pacing.Settings{
			Mode: pacing.Predictive, Limit: 0.03, ConnectWithin: 2 * time.Second, Clock: pacing.FromVerdict,
			RingTimeout: 25100 * time.Millisecond, WindowEnd: time.Unix(18000, 0).UTC(),
		}},
		{Kind: Decide, At: t12, Events: []Event{
			{t12, pacing.Operator{ID: "3", State: pacing.Ready, Stage: "offer"}},
			{t12, pacing.Ringing{Call: "17", Since: time.Unix(11, 9e8).UTC()}},
			{t12, pacing.Answered{Call: "17", Since: t12}},
		}, View: pacing.View{Room: -1, Bound: pacing.BoundChannels, Records: []pacing.Record{{Segment: "main"}}}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
}

func TestReaderNamesTheLine(t *testing.T) {
	r := NewReader(strings.NewReader("{\"type\":\"remark\"}\n\n{\"type\":"))
	if _, err := r.Read(); err == nil || !strings.HasPrefix(err.Error(), "line 3: ") {
		t.Errorf("error = %v, want one of line 3", err)
	}
}

func FuzzReader(f *testing.F) {
	f.Add([]byte(`{"type":"decide","t":1,"events":[{"type":"operator","id":3,"state":"ready"}],"records":[{}],"answer":{"cancel":[1]}}`))
	f.Add([]byte(`{"type":"recall","t":1e300,"counts":[{"t":1}],"learnt":"AA=="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for l, err := range NewReader(bytes.NewReader(text)).All() {
			if err == nil {
				Append(nil, l)
			}
		}
	})
}
