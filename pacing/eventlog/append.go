package eventlog

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// Append appends l as JSON with a newline to b.
func Append(b []byte, l Line) []byte {
	text, err := json.Marshal(wordsOf(l))
	if err != nil {
		panic(fmt.Sprintf("eventlog: %v", err)) // plain fields only
	}
	return append(append(b, text...), '\n')
}

func wordsOf(l Line) lineWords {
	w := lineWords{Type: l.Kind, Seq: l.Seq}
	w.T, w.NS = moment(l.At)
	if len(l.Events) > 0 {
		w.Events = make([]eventWords, len(l.Events))
	}
	for i, e := range l.Events {
		w.Events[i] = eventWordsOf(e, l.At)
	}
	switch l.Kind {
	case Init, Adjust:
		w.settingsWords = settingsWordsOf(l.Settings)
	case Recall:
		w.pastWords = &pastWords{Learnt: l.Past.Learnt}
		for _, c := range l.Past.Counts {
			s, ns := moment(c.At)
			w.Counts = append(w.Counts, countWords{s, ns, c.Live, c.Abandoned})
		}
	case Decide:
		if w.Events == nil {
			w.Events = []eventWords{}
		}
		w.viewWords = viewWordsOf(l.View)
		if l.Answer != nil {
			a := AnswerOf(*l.Answer)
			w.Answer = &a
		}
	}
	return w
}

func settingsWordsOf(s pacing.Settings) *settingsWords {
	w := &settingsWords{
		Mode: s.Mode, Ratio: number(s.Ratio), MinRatio: number(s.MinRatio), MaxRatio: number(s.MaxRatio),
		Limit: number(s.Limit), Connect: s.ConnectWithin.Seconds(), Clock: s.Clock,
		DetectorLoss: number(s.DetectorLoss), Target: number(s.TargetUtilisation),
		RingTimeout: s.RingTimeout.Seconds(), RingMin: s.RingMin.Seconds(), Cancel: s.Cancel,
		MaxOccupancy: number(s.Fatigue.MaxOccupancy), MinBreath: s.Fatigue.MinBreath.Seconds(),
	}
	if s.Mode == "" {
		w.Mode = pacing.Progressive // what Settings mean by none
	}
	if !s.WindowEnd.IsZero() {
		w.Window, w.WindowNS = moment(s.WindowEnd)
	}
	for _, span := range s.Windows {
		w.Windows = append(w.Windows, span.Seconds())
	}
	return w
}

func viewWordsOf(v pacing.View) *viewWords {
	w := &viewWords{Room: &v.Room, Bound: &v.Bound, Waiting: v.Waiting}
	if len(v.Records) > 0 {
		w.Segment = v.Records[0].Segment
	}
	if len(v.Records) != 1 || v.Records[0] != (pacing.Record{Segment: w.Segment}) {
		w.Records = make([]recordWords, len(v.Records))
	}
	for i := range w.Records {
		r := v.Records[i]
		w.Records[i] = recordWords{r.Segment, number(r.Score), r.Attempts, r.Last, r.Hour}
	}
	return w
}

func eventWordsOf(e Event, line time.Time) eventWords {
	w := eventWords{}
	if !e.At.Equal(line) {
		w.T, w.NS = when(e.At)
	}
	switch ev := e.Event.(type) {
	case pacing.Operator:
		w.Type, w.ID, w.State = "operator", id(ev.ID), ev.State
		w.PauseRequested, w.Stage = ev.PauseRequested, ev.Stage
		w.RestUntil, w.RestUntilNS = when(ev.RestUntil)
	case pacing.Dialed:
		w.Type, w.Call, w.Trunk = "dialed", id(ev.Call), ev.Trunk
		w.Segment, w.Score, w.Attempts, w.Last, w.Hour = ev.Segment, number(ev.Score), ev.Attempts, ev.Last, ev.Hour
	case pacing.Ringing:
		w.Type, w.Call = "ringing", id(ev.Call)
		w.Since, w.SinceNS = when(ev.Since)
	case pacing.Answered:
		w.Type, w.Call = "answered", id(ev.Call)
		w.Since, w.SinceNS = when(ev.Since)
	case pacing.Human:
		w.Type, w.Call = "human", id(ev.Call)
	case pacing.Machine:
		w.Type, w.Call, w.Talked, w.Late = "machine", id(ev.Call), ev.Talked, ev.Late
	case pacing.Ended:
		w.Type, w.Call, w.Cause = "ended", id(ev.Call), ev.Cause
	case pacing.Connected:
		w.Type, w.Call, w.Operator, w.Late = "connected", id(ev.Call), id(ev.Operator), ev.Late
	case pacing.Abandoned:
		w.Type, w.Call = "abandoned", id(ev.Call)
	case pacing.Shared:
		w.Type, w.Live, w.Abandoned = "shared", ev.Live, ev.Abandoned
		w.Part, w.Credit, w.OwnLive, w.OwnAbandoned = number(ev.Part), number(ev.Credit), ev.OwnLive, ev.OwnAbandoned
	}
	return w
}

// when is a moment that may be missing.
func when(t time.Time) (*float64, int64) {
	if t.IsZero() {
		return nil, 0
	}
	s, ns := moment(t)
	return &s, ns
}
