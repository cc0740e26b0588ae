package jsonline

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

// line has a member of every kind, and each kind that may be left out.
type line struct {
	Text   string    `json:"text"`
	Texts  []string  `json:"texts"`
	Int    int64     `json:"int"`
	Bool   bool      `json:"bool"`
	Number float64   `json:"number"`
	Time   time.Time `json:"time"`
	Any    *inner    `json:"any"`

	SomeText   string  `json:"some_text,omitempty"`
	SomeInt    int64   `json:"some_int,omitempty"`
	SomeBool   bool    `json:"some_bool,omitempty"`
	SomeNumber float64 `json:"some_number,omitempty"`
	Inner      inner   `json:"inner"`
}

type inner struct {
	SomeText string `json:"some_text,omitempty"`
	Text     string `json:"text"`
}

func (l line) append(b []byte) ([]byte, error) {
	w := New(b)
	w.Object()
	w.Text("text", l.Text)
	w.Texts("texts", l.Texts)
	w.Int("int", l.Int)
	w.Bool("bool", l.Bool)
	w.Number("number", l.Number)
	w.Time("time", l.Time)
	w.Any("any", l.Any, l.Any == nil)
	w.SomeText("some_text", l.SomeText)
	w.SomeInt("some_int", l.SomeInt)
	w.SomeBool("some_bool", l.SomeBool)
	w.SomeNumber("some_number", l.SomeNumber)
	w.Key("inner")
	w.Object()
	w.SomeText("some_text", l.Inner.SomeText)
	w.Text("text", l.Inner.Text)
	w.Close()
	w.Close()
	return w.Bytes(), w.Err()
}

// FuzzLine: whatever a line holds, it is the one that encoding/json writes, and what that
// refuses is refused.
func FuzzLine(f *testing.F) {
	f.Add("", "", int64(0), false, uint64(0), int64(0), int64(0), int16(0), uint8(0))
	f.Add("Anna", `<"&\`, int64(-1), true, math.Float64bits(0.1), int64(1764113529), int64(123456789), int16(-330), uint8(1))
	f.Add("\x00\n\x7f\xff\u2028", "żółw", int64(math.MinInt64), true, math.Float64bits(1e-7), int64(253402300800), int64(1), int16(1439), uint8(2))
	f.Add("a", "b", int64(math.MaxInt64), false, math.Float64bits(1e21), int64(-62135596800), int64(0), int16(0), uint8(3))
	f.Add("a", "b", int64(7), false, math.Float64bits(math.NaN()), int64(1), int64(0), int16(1500), uint8(4))
	f.Add("a", "b", int64(7), false, math.Float64bits(math.Copysign(0, -1)), int64(1), int64(0), int16(-1), uint8(5))
	f.Fuzz(func(t *testing.T, a, b string, n int64, is bool, bits uint64, second, ns int64, offset int16, many uint8) {
		at := time.Unix(second, ns%1e9).In(time.FixedZone("", 60*int(offset)))
		if second == 0 {
			at = time.Time{}
		}
		l := line{
			Text: a, Int: n, Bool: is, Number: math.Float64frombits(bits), Time: at, Inner: inner{b, a},
			SomeText: b, SomeInt: n, SomeBool: is, SomeNumber: math.Float64frombits(bits),
		}
		if many%2 == 1 {
			l.Any, l.Texts = &inner{a, b}, []string{}
		}
		for i := range int(many % 5) {
			l.Texts = append(l.Texts, []string{a, b}[i%2])
		}
		want, wrong := json.Marshal(l)
		got, err := l.append([]byte("before "))
		if (err == nil) != (wrong == nil) || err == nil && string(got) != "before "+string(want) {
			t.Errorf("line\n%s (%v), want\n%s (%v)", got, err, want, wrong)
		}
	})
}

func TestUsualLinesMakeNoGarbage(t *testing.T) {
	l := line{Text: "main", Texts: []string{"US-NY"}, Int: 4711, Number: 0.2143, Time: time.Unix(1764113529, 123456789).UTC(), SomeText: "busy"}
	b := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { b, _ = l.append(b[:0]) }); n != 0 {
		t.Errorf("allocs per line = %v, want 0", n)
	}
}
