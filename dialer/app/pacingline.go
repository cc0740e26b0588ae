package app

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// appendLine appends a line of the pacing log to b, byte for byte as eventlog.Append
// writes it. Nearly all lines are decisions, several for each call, so these are written
// without reflection and without garbage. What has words or numbers in it that need care,
// and every other kind of line, is left to eventlog.Append.
func appendLine(b []byte, l eventlog.Line) []byte {
	if l.Kind == eventlog.Decide && l.Answer != nil {
		w := lineWriter{b: b}
		if w.decide(&l); !w.odd {
			return w.b
		}
	}
	return eventlog.Append(b, l)
}

// lineWriter writes JSON field by field, in the order of eventlog's words.
type lineWriter struct {
	b   []byte
	odd bool // there is something that only eventlog knows how to write
}

func (w *lineWriter) decide(l *eventlog.Line) {
	w.b = append(w.b, `{"type":"decide"`...)
	w.moment("t", "ns", l.At)
	w.someInt("seq", l.Seq)
	w.key("events")
	w.b = append(w.b, '[')
	for i := range l.Events {
		w.next(i)
		w.event(&l.Events[i], l.At)
	}
	w.b = append(w.b, ']')
	w.view(&l.View)
	w.key("answer")
	w.answer(l.Answer)
	w.b = append(w.b, "}\n"...)
}

func (w *lineWriter) event(e *eventlog.Event, line time.Time) {
	at := func(kind string) {
		w.b = append(append(append(w.b, `{"type":"`...), kind...), '"')
		if !e.At.Equal(line) {
			w.someMoment("t", "ns", e.At)
		}
	}
	switch ev := e.Event.(type) {
	case pacing.Operator:
		at("operator")
		w.id("id", ev.ID)
		w.someText("state", string(ev.State))
		w.someBool("pause_requested", ev.PauseRequested)
		w.someText("stage", ev.Stage)
		w.someMoment("rest_until", "rest_until_ns", ev.RestUntil)
	case pacing.Dialed:
		at("dialed")
		w.id("call", ev.Call)
		w.someText("trunk", ev.Trunk)
		w.someText("segment", ev.Segment)
		w.known(&ev.Record)
	case pacing.Ringing:
		at("ringing")
		w.id("call", ev.Call)
		w.someMoment("since", "since_ns", ev.Since)
	case pacing.Answered:
		at("answered")
		w.id("call", ev.Call)
		w.someMoment("since", "since_ns", ev.Since)
	case pacing.Human:
		at("human")
		w.id("call", ev.Call)
	case pacing.Machine:
		at("machine")
		w.id("call", ev.Call)
		w.someBool("late", ev.Late)
		w.someBool("talked", ev.Talked)
	case pacing.Ended:
		at("ended")
		w.id("call", ev.Call)
		w.someText("cause", string(ev.Cause))
	case pacing.Connected:
		at("connected")
		w.id("call", ev.Call)
		w.id("operator", ev.Operator)
		w.someBool("late", ev.Late)
	case pacing.Abandoned:
		at("abandoned")
		w.id("call", ev.Call)
	default:
		w.odd = true
	}
	w.b = append(w.b, '}')
}

func (w *lineWriter) view(v *pacing.View) {
	segment := ""
	if len(v.Records) > 0 {
		segment = v.Records[0].Segment
	}
	w.int("room", v.Room)
	w.text("bound", string(v.Bound))
	w.text("segment", segment)
	if len(v.Records) != 1 || v.Records[0] != (pacing.Record{Segment: segment}) {
		w.key("records")
		w.b = append(w.b, '[')
		for i := range v.Records {
			w.next(i)
			w.b = append(w.b, '{')
			w.text("segment", v.Records[i].Segment)
			w.known(&v.Records[i])
			w.b = append(w.b, '}')
		}
		w.b = append(w.b, ']')
	}
	w.someInt("waiting", v.Waiting)
}

// known is what is known of a record besides its segment.
func (w *lineWriter) known(r *pacing.Record) {
	w.someNumber("score", r.Score)
	w.someInt("attempts", r.Attempts)
	w.someText("last", r.Last)
	w.someInt("hour", r.Hour)
}

func (w *lineWriter) answer(d *pacing.Decision) {
	w.b = append(w.b, '{')
	w.int("dial", d.Dial)
	w.someInt("record", d.Record)
	w.key("cancel")
	w.b = append(w.b, '[')
	for i, call := range d.Cancel {
		w.next(i)
		w.identifier(call)
	}
	w.b = append(w.b, ']')
	w.text("bound", string(d.Bound))
	w.someText("mode", string(d.Mode))
	w.someInt("free", d.Free)
	w.someInt("at_work", d.AtWork)
	w.someInt("in_flight", d.InFlight)
	w.someInt("room", d.Room)
	w.someNumber("ratio", d.Ratio)
	w.someNumber("wanted", d.Wanted)
	w.number("answer_probability", d.AnswerProbability)
	w.number("abandon_chance", d.AbandonChance)
	w.number("threshold", d.Threshold)
	w.someNumber("credit", d.Credit)
	w.someNumber("live", d.Live)
	w.someInt("resting", d.Resting)
	w.b = append(w.b, '}')
}

// next stands between two members of a list.
func (w *lineWriter) next(i int) {
	if i > 0 {
		w.b = append(w.b, ',')
	}
}

func (w *lineWriter) key(name string) {
	if w.b[len(w.b)-1] != '{' {
		w.b = append(w.b, ',')
	}
	w.b = append(append(append(w.b, '"'), name...), '"', ':')
}

func (w *lineWriter) int(name string, n int) {
	w.key(name)
	w.b = strconv.AppendInt(w.b, int64(n), 10)
}

func (w *lineWriter) number(name string, f float64) {
	w.key(name)
	w.float(f)
}

func (w *lineWriter) text(name, s string) {
	w.key(name)
	w.quoted(s)
}

// moment is a time in seconds and in exact nanoseconds.
func (w *lineWriter) moment(seconds, exact string, t time.Time) {
	ns := t.UnixNano()
	w.number(seconds, float64(ns)/float64(time.Second))
	if ns != 0 {
		w.key(exact)
		w.b = strconv.AppendInt(w.b, ns, 10)
	}
}

// What follows leaves out a field that holds nothing.

func (w *lineWriter) someMoment(seconds, exact string, t time.Time) {
	if !t.IsZero() {
		w.moment(seconds, exact, t)
	}
}

func (w *lineWriter) someInt(name string, n int) {
	if n != 0 {
		w.int(name, n)
	}
}

func (w *lineWriter) someNumber(name string, f float64) {
	if f != 0 || math.Signbit(f) {
		w.number(name, f)
	}
}

func (w *lineWriter) someText(name, s string) {
	if s != "" {
		w.text(name, s)
	}
}

func (w *lineWriter) someBool(name string, is bool) {
	if is {
		w.key(name)
		w.b = append(w.b, "true"...)
	}
}

func (w *lineWriter) id(name, s string) {
	if s != "" {
		w.key(name)
		w.identifier(s)
	}
}

// identifier writes the name of a call or an operator. eventlog writes numbers as they
// are, so one that could be a number is not for us.
func (w *lineWriter) identifier(s string) {
	w.quoted(s)
	w.odd = w.odd || mayBeNumber(s)
}

// mayBeNumber says whether JSON might take s for a number: it begins like one and has
// nothing else in it.
func mayBeNumber(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c == '-', i > 0 && (c == '+' || c == '.' || c == 'e' || c == 'E'):
		default:
			return false
		}
	}
	return s != ""
}

// quoted writes a string that JSON takes as it is.
func (w *lineWriter) quoted(s string) {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ' || c >= 0x7f, c == '"', c == '\\', c == '<', c == '>', c == '&':
			w.odd = true
			return
		}
	}
	w.b = append(append(append(w.b, '"'), s...), '"')
}

// float writes a number in the form of encoding/json: the shortest digits that give it
// back, with an exponent where it is very small or very large.
func (w *lineWriter) float(f float64) {
	size := math.Abs(f)
	switch {
	case math.IsNaN(f) || math.IsInf(f, 0):
		w.odd = true
	case size != 0 && size < 1e-6 || size >= 1e21:
		text, err := json.Marshal(f)
		w.b, w.odd = append(w.b, text...), w.odd || err != nil
	default:
		w.b = strconv.AppendFloat(w.b, f, 'f', -1, 64)
	}
}
