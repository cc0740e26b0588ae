package eventlog

import (
	"errors"
	"fmt"
	"iter"
	"reflect"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// Session drives a controller through lines.
type Session struct {
	start      func(pacing.Settings, time.Time) pacing.Controller
	controller pacing.Controller
}

// NewSession returns a session whose controllers start makes, one for each Init.
func NewSession(start func(pacing.Settings, time.Time) pacing.Controller) *Session {
	return &Session{start: start}
}

// Play tells the controller one line. The decision is the answer to a Decide.
func (s *Session) Play(l Line) (pacing.Decision, error) {
	if l.Kind == Init {
		s.controller = s.start(l.Settings, l.At)
		return pacing.Decision{}, nil
	}
	if s.controller == nil {
		return pacing.Decision{}, fmt.Errorf("%s before init", l.Kind)
	}
	for _, e := range l.Events {
		s.controller.Observe(e.At, e.Event)
	}
	switch l.Kind {
	case Adjust:
		s.controller.Adjust(l.At, l.Settings)
	case Recall:
		s.controller.Recall(l.At, l.Past)
	case Decide:
		return s.controller.Decide(l.At, l.View), nil
	}
	return pacing.Decision{}, nil
}

// Report is what a replay found.
type Report struct {
	Runs       int `json:"runs"`       // controllers started
	Decisions  int `json:"decisions"`  // compared
	Different  int `json:"different"`  // of them
	Unrecorded int `json:"unrecorded"` // decides without a recorded answer
	Gaps       int `json:"gaps"`       // lines are missing; the rest of that run is passed over
	Skipped    int `json:"skipped"`    // lines passed over
	// Differences are the first of them.
	Differences []Difference `json:"differences,omitempty"`
}

// Difference is a decision that came out otherwise.
type Difference struct {
	At       time.Time `json:"at"`
	Seq      int       `json:"seq"`
	Recorded Answer    `json:"recorded"`
	Replayed Answer    `json:"replayed"`
}

// keepDifferences is how many differences a report shows: after the first the
// others mostly follow from it.
const keepDifferences = 10

// errNoInit means that a log holds no start of a run.
var errNoInit = errors.New("eventlog: no init line: no run starts in this log")

// Replay drives fresh controllers through a log and compares each decision with
// the recorded one. Lines before the first start of a run, where old ones were
// deleted, and those after a gap are passed over.
func Replay(lines iter.Seq2[Line, error], start func(pacing.Settings, time.Time) pacing.Controller) (Report, error) {
	var r Report
	s := NewSession(start)
	seq, lost := 0, true
	for l, err := range lines {
		if err != nil {
			return r, err
		}
		if l.Kind == Init {
			r.Runs++
			seq, lost = l.Seq, false
		} else if seq++; l.Seq != 0 && l.Seq != seq && !lost {
			r.Gaps++
			lost = true
		}
		if lost {
			r.Skipped++
			continue
		}
		d, err := s.Play(l)
		if err != nil {
			return r, err
		}
		if l.Kind == Decide {
			r.compare(l, d)
		}
	}
	if r.Runs == 0 {
		return r, errNoInit
	}
	return r, nil
}

func (r *Report) compare(l Line, d pacing.Decision) {
	if l.Answer == nil {
		r.Unrecorded++
		return
	}
	r.Decisions++
	if same(*l.Answer, d) {
		return
	}
	r.Different++
	if len(r.Differences) < keepDifferences {
		r.Differences = append(r.Differences, Difference{l.At, l.Seq, AnswerOf(*l.Answer), AnswerOf(d)})
	}
}

// same says whether two decisions agree in everything, to the last bit.
func same(a, b pacing.Decision) bool {
	if len(a.Cancel) == 0 && len(b.Cancel) == 0 {
		a.Cancel, b.Cancel = nil, nil
	}
	return reflect.DeepEqual(a, b)
}
