package pacinglog

import (
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns/jsonline"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// appendLine appends a line of the pacing log to b, byte for byte as eventlog.Append
// writes it. Nearly all lines are decisions, several for each call, so these are written
// without reflection and without garbage. What has names or numbers in it that need care,
// and every other kind of line, is left to eventlog.Append.
func appendLine(b []byte, l eventlog.Line) []byte {
	if l.Kind == eventlog.Decide && l.Answer != nil {
		w := lineWriter{Writer: jsonline.New(b)}
		if w.decide(&l); !w.odd && w.Err() == nil {
			return append(w.Bytes(), '\n')
		}
	}
	return eventlog.Append(b, l)
}

// lineWriter writes what lines are made of, in the order of eventlog's words.
type lineWriter struct {
	jsonline.Writer
	odd bool // there is something that only eventlog knows how to write
}

func (w *lineWriter) decide(l *eventlog.Line) {
	w.Object()
	w.Text("type", "decide")
	w.moment("t", "ns", l.At)
	w.SomeInt("seq", int64(l.Seq))
	w.Key("events")
	w.List()
	for i := range l.Events {
		w.Item()
		w.event(&l.Events[i], l.At)
	}
	w.CloseList()
	w.view(&l.View)
	w.Key("answer")
	w.answer(l.Answer)
	w.Close()
}

func (w *lineWriter) event(e *eventlog.Event, line time.Time) {
	at := func(kind string) {
		w.Object()
		w.Text("type", kind)
		if !e.At.Equal(line) {
			w.someMoment("t", "ns", e.At)
		}
	}
	switch ev := e.Event.(type) {
	case pacing.Operator:
		at("operator")
		w.id("id", ev.ID)
		w.SomeText("state", string(ev.State))
		w.SomeBool("pause_requested", ev.PauseRequested)
		w.SomeText("stage", ev.Stage)
		w.someMoment("rest_until", "rest_until_ns", ev.RestUntil)
	case pacing.Dialed:
		at("dialed")
		w.id("call", ev.Call)
		w.SomeText("trunk", ev.Trunk)
		w.SomeText("segment", ev.Segment)
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
		w.SomeBool("late", ev.Late)
		w.SomeBool("talked", ev.Talked)
	case pacing.Ended:
		at("ended")
		w.id("call", ev.Call)
		w.SomeText("cause", string(ev.Cause))
	case pacing.Connected:
		at("connected")
		w.id("call", ev.Call)
		w.id("operator", ev.Operator)
		w.SomeBool("late", ev.Late)
	case pacing.Abandoned:
		at("abandoned")
		w.id("call", ev.Call)
	default:
		w.odd = true
	}
	w.Close()
}

func (w *lineWriter) view(v *pacing.View) {
	segment := ""
	if len(v.Records) > 0 {
		segment = v.Records[0].Segment
	}
	w.Int("room", int64(v.Room))
	w.Text("bound", string(v.Bound))
	w.Text("segment", segment)
	if len(v.Records) != 1 || v.Records[0] != (pacing.Record{Segment: segment}) {
		w.Key("records")
		w.List()
		for i := range v.Records {
			w.Item()
			w.Object()
			w.Text("segment", v.Records[i].Segment)
			w.known(&v.Records[i])
			w.Close()
		}
		w.CloseList()
	}
	w.SomeInt("waiting", int64(v.Waiting))
}

// known is what is known of a record besides its segment.
func (w *lineWriter) known(r *pacing.Record) {
	w.SomeNumber("score", r.Score)
	w.SomeInt("attempts", int64(r.Attempts))
	w.SomeText("last", r.Last)
	w.SomeInt("hour", int64(r.Hour))
}

func (w *lineWriter) answer(d *pacing.Decision) {
	w.Object()
	w.Int("dial", int64(d.Dial))
	w.SomeInt("record", int64(d.Record))
	w.Key("cancel")
	w.List()
	for _, call := range d.Cancel {
		w.Item()
		w.identifier(call)
	}
	w.CloseList()
	w.Text("bound", string(d.Bound))
	w.SomeText("mode", string(d.Mode))
	w.SomeInt("free", int64(d.Free))
	w.SomeInt("at_work", int64(d.AtWork))
	w.SomeInt("in_flight", int64(d.InFlight))
	w.SomeInt("room", int64(d.Room))
	w.SomeNumber("ratio", d.Ratio)
	w.SomeNumber("wanted", d.Wanted)
	w.Number("answer_probability", d.AnswerProbability)
	w.Number("abandon_chance", d.AbandonChance)
	w.Number("threshold", d.Threshold)
	w.SomeNumber("credit", d.Credit)
	w.SomeNumber("live", d.Live)
	w.SomeInt("resting", int64(d.Resting))
	w.Close()
}

// moment is a time in seconds and in exact nanoseconds.
func (w *lineWriter) moment(seconds, exact string, t time.Time) {
	ns := t.UnixNano()
	w.Number(seconds, float64(ns)/float64(time.Second))
	w.SomeInt(exact, ns)
}

// someMoment and id leave out a field that holds nothing.
func (w *lineWriter) someMoment(seconds, exact string, t time.Time) {
	if !t.IsZero() {
		w.moment(seconds, exact, t)
	}
}

func (w *lineWriter) id(name, s string) {
	if s != "" {
		w.Key(name)
		w.identifier(s)
	}
}

// identifier writes the name of a call or an operator. eventlog writes numbers as they
// are, so one that could be a number, by itself or in quotes, is not for us.
func (w *lineWriter) identifier(s string) {
	w.String(s)
	w.odd = w.odd || mayBeNumber(s) || strings.HasPrefix(s, `"`)
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
