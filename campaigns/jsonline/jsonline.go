// Package jsonline writes JSON field by field, without reflection and without garbage,
// byte for byte as encoding/json writes a struct. It is for the lines of which each call
// has several: those of the journal and of the pacing log. What such a line is made of is
// said where it is written; whatever else there is goes through encoding/json.
package jsonline

import (
	"encoding/json"
	"math"
	"strconv"
	"time"
)

// Writer appends members to the object or list that was opened last, in the order of the
// calls. Its zero value writes a line of its own; New goes on behind what is there.
type Writer struct {
	b   []byte
	err error // the first
}

// New makes a writer that appends to b.
func New(b []byte) Writer { return Writer{b: b} }

// Bytes is what was written so far, behind what New was given. The slice is the writer's.
func (w *Writer) Bytes() []byte { return w.b }

// Err is the first value that JSON has no word for: a number that is none, a year beyond
// 9999, what json.Marshal refuses. What was written then is no line.
func (w *Writer) Err() error { return w.err }

// Object opens an object, Close ends it.
func (w *Writer) Object() { w.b = append(w.b, '{') }
func (w *Writer) Close()  { w.b = append(w.b, '}') }

// List opens a list, CloseList ends it; Item stands before each of its members.
func (w *Writer) List()      { w.b = append(w.b, '[') }
func (w *Writer) CloseList() { w.b = append(w.b, ']') }

// Item begins a member of a list.
func (w *Writer) Item() {
	if w.b[len(w.b)-1] != '[' {
		w.b = append(w.b, ',')
	}
}

// Key begins a member of an object. A name is written as it is.
func (w *Writer) Key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

// Text, Texts, Int, Bool, Number, Time and Any are members of an object, whatever they
// hold.
func (w *Writer) Text(name, s string) {
	w.Key(name)
	w.String(s)
}

func (w *Writer) Texts(name string, all []string) {
	w.Key(name)
	if all == nil {
		w.null()
		return
	}
	w.List()
	for _, s := range all {
		w.Item()
		w.String(s)
	}
	w.CloseList()
}

func (w *Writer) Int(name string, n int64) {
	w.Key(name)
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *Writer) Bool(name string, is bool) {
	w.Key(name)
	w.b = strconv.AppendBool(w.b, is)
}

func (w *Writer) Number(name string, f float64) {
	w.Key(name)
	w.float(f)
}

func (w *Writer) Time(name string, t time.Time) {
	w.Key(name)
	if t == (time.Time{}) { // what did not happen: most of a call's end
		w.b = append(w.b, `"0001-01-01T00:00:00Z"`...)
		return
	}
	b, err := t.AppendText(append(w.b, '"'))
	w.b = append(b, '"')
	w.failed(err)
}

// Any is for what few lines have; it makes garbage unless there is none.
func (w *Writer) Any(name string, x any, none bool) {
	w.Key(name)
	if none {
		w.null()
		return
	}
	w.marshal(x)
}

// SomeText, SomeInt, SomeBool and SomeNumber leave out a member that holds nothing, as
// omitempty does.
func (w *Writer) SomeText(name, s string) {
	if s != "" {
		w.Text(name, s)
	}
}

func (w *Writer) SomeInt(name string, n int64) {
	if n != 0 {
		w.Int(name, n)
	}
}

func (w *Writer) SomeBool(name string, is bool) {
	if is {
		w.Bool(name, is)
	}
}

func (w *Writer) SomeNumber(name string, f float64) {
	if f != 0 {
		w.Number(name, f)
	}
}

// String is a string by itself, which mostly JSON takes as it is.
func (w *Writer) String(s string) {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			w.marshal(s)
			return
		}
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

// float writes the shortest digits that give f back, with an exponent where it is very
// small or very large.
func (w *Writer) float(f float64) {
	switch size := math.Abs(f); {
	case size == 0 || size >= 1e-6 && size < 1e21:
		w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
	default: // what is no number too
		w.marshal(f)
	}
}

func (w *Writer) null() { w.b = append(w.b, "null"...) }

func (w *Writer) marshal(x any) {
	text, err := json.Marshal(x)
	w.b = append(w.b, text...)
	w.failed(err)
}

func (w *Writer) failed(err error) {
	if w.err == nil {
		w.err = err
	}
}
