package eventlog

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// Reader reads a log line by line, from a file or from a program that waits for
// an answer to each line.
type Reader struct {
	lines *bufio.Reader
	n     int          // of the line read last
	bound pacing.Bound // what limits the room where a decide does not say
}

// NewReader returns a reader of r.
func NewReader(r io.Reader) *Reader {
	return &Reader{lines: bufio.NewReaderSize(r, 1<<16)}
}

// Read returns the next line of a known kind; io.EOF at the end. Other errors
// name the line.
func (r *Reader) Read() (Line, error) {
	for {
		text, err := r.lines.ReadBytes('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return Line{}, fmt.Errorf("read line %d: %w", r.n+1, err)
		}
		if len(text) == 0 {
			return Line{}, io.EOF
		}
		r.n++
		if text = bytes.TrimSpace(text); len(text) == 0 {
			continue
		}
		l, known, err := r.parse(text)
		if err != nil {
			return Line{}, fmt.Errorf("line %d: %w", r.n, err)
		}
		if known {
			return l, nil
		}
	}
}

// All returns what is left of the log. An error ends it.
func (r *Reader) All() iter.Seq2[Line, error] {
	return func(yield func(Line, error) bool) {
		for {
			l, err := r.Read()
			if errors.Is(err, io.EOF) {
				return
			}
			if !yield(l, err) || err != nil {
				return
			}
		}
	}
}

// Number is the number of the line read last, from 1.
func (r *Reader) Number() int { return r.n }

func (r *Reader) parse(text []byte) (l Line, known bool, err error) {
	w := lineWords{settingsWords: &settingsWords{}, pastWords: &pastWords{}, viewWords: &viewWords{}}
	if err := json.Unmarshal(text, &w); err != nil {
		return Line{}, false, err
	}
	l = Line{Kind: w.Type, At: instant(w.T, w.NS), Seq: w.Seq}
	for _, e := range w.Events {
		if ev, ok := e.event(l.At); ok {
			l.Events = append(l.Events, ev)
		}
	}
	switch l.Kind {
	case Init:
		l.Settings = w.settings()
		r.bound = w.roomBound()
	case Adjust:
		l.Settings = w.settings()
	case Recall:
		l.Past = w.past()
	case Decide:
		l.View = w.view(r.bound)
		if w.Answer != nil {
			d := w.Answer.Decision()
			l.Answer = &d
		}
	default:
		return Line{}, false, nil
	}
	return l, true, nil
}

func (w *settingsWords) settings() pacing.Settings {
	s := pacing.Settings{
		Mode: w.Mode, Ratio: float64(w.Ratio), MinRatio: float64(w.MinRatio), MaxRatio: float64(w.MaxRatio),
		Limit: float64(w.Limit), ConnectWithin: seconds(w.Connect), Clock: w.Clock,
		DetectorLoss: float64(w.DetectorLoss), TargetUtilisation: float64(w.Target),
		RingTimeout: seconds(w.RingTimeout), RingMin: seconds(w.RingMin), Cancel: w.Cancel,
		Fatigue: pacing.Fatigue{MaxOccupancy: float64(w.MaxOccupancy), MinBreath: seconds(w.MinBreath)},
	}
	if s.Mode == "" {
		s.Mode = pacing.Predictive
	}
	if w.Window > 0 || w.WindowNS != 0 {
		s.WindowEnd = instant(w.Window, w.WindowNS)
	}
	for _, span := range w.Windows {
		s.Windows = append(s.Windows, seconds(span))
	}
	return s
}

// roomBound is what limits the room, as far as an init can say: the tokens run
// out long before the channels.
func (w *settingsWords) roomBound() pacing.Bound {
	switch {
	case w.CPS > 0:
		return pacing.BoundCPS
	case w.Channels > 0:
		return pacing.BoundChannels
	}
	return pacing.BoundLeads
}

func (w *pastWords) past() pacing.Past {
	p := pacing.Past{Learnt: w.Learnt}
	for _, c := range w.Counts {
		p.Counts = append(p.Counts, pacing.Count{At: instant(c.T, c.NS), Live: c.Live, Abandoned: c.Abandoned})
	}
	return p
}

func (w *viewWords) view(bound pacing.Bound) pacing.View {
	v := pacing.View{Room: -1, Bound: bound, Waiting: w.Waiting}
	if w.Room != nil {
		v.Room = *w.Room
	}
	if w.Bound != nil {
		v.Bound = *w.Bound
	}
	if w.Records == nil {
		v.Records = []pacing.Record{{Segment: w.Segment}}
		return v
	}
	for _, r := range w.Records {
		v.Records = append(v.Records, pacing.Record{
			Segment: r.Segment, Score: float64(r.Score), Attempts: r.Attempts, Last: r.Last, Hour: r.Hour,
		})
	}
	return v
}

// event translates w; false where its type is unknown.
func (w eventWords) event(line time.Time) (Event, bool) {
	e := Event{At: optional(w.T, w.NS, line)}
	call, since := string(w.Call), optional(w.Since, w.SinceNS, e.At)
	switch w.Type {
	case "operator":
		switch w.State {
		case pacing.Ready, pacing.Talking, pacing.Wrapping, pacing.Away, pacing.Off:
		default:
			return Event{}, false
		}
		stage := w.Stage
		if stage == "" {
			stage = w.ScriptStage
		}
		e.Event = pacing.Operator{
			ID: string(w.ID), State: w.State, PauseRequested: w.PauseRequested, Stage: stage,
			RestUntil: optional(w.RestUntil, w.RestUntilNS, time.Time{}),
		}
	case "dialed":
		e.Event = pacing.Dialed{Call: call, Trunk: w.Trunk, Record: pacing.Record{
			Segment: w.Segment, Score: float64(w.Score), Attempts: w.Attempts, Last: w.Last, Hour: w.Hour,
		}}
	case "ringing":
		e.Event = pacing.Ringing{Call: call, Since: since}
	case "answered":
		e.Event = pacing.Answered{Call: call, Since: since}
	case "human":
		e.Event = pacing.Human{Call: call}
	case "machine":
		e.Event = pacing.Machine{Call: call, Talked: w.Talked, Late: w.Late}
	case "ended":
		e.Event = pacing.Ended{Call: call, Cause: w.Cause}
	case "connected":
		e.Event = pacing.Connected{Call: call, Operator: string(w.Operator), Late: w.Late}
	case "abandoned":
		e.Event = pacing.Abandoned{Call: call}
	case "shared":
		e.Event = pacing.Shared{
			Live: w.Live, Abandoned: w.Abandoned,
			Part: float64(w.Part), Credit: float64(w.Credit), OwnLive: w.OwnLive, OwnAbandoned: w.OwnAbandoned,
		}
	default:
		return Event{}, false
	}
	return e, true
}
