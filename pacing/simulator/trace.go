package simulator

import (
	"errors"
	"iter"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// Trace is a recorded day of a campaign's pacing, taken apart: who worked, what
// became of every dial, how long people talked. It can be simulated again under
// other settings, see Replay.
//
// A controller that was started anew in the course of the day counts as one that
// went on. Operators' rests between calls, inbound calls and what one trunk is
// better at than another are not in it.
type Trace struct {
	origin   time.Time
	length   time.Duration
	settings []settingsFrom // the first from 0 on
	past     *pacing.Past   // what the controller was told at its start
	segments []string
	fates    []fate // in the order of the dials
	blocks   []int  // of fates: the first index of each
	absences [][]absence
	talks    [][]lasted // by segment, in the order of their beginnings
	wraps    [][]lasted
	shut     []absence // times without leads, or outside the calling window
	trunks   Trunks

	// Recorded is what the day gave, as the log has it. People whom the detector
	// lost are not in it but by their expected share.
	Recorded Run
}

type settingsFrom struct {
	at time.Duration
	pacing.Settings
}

// absence is a time without something.
type absence struct {
	from, to time.Duration
	off      bool          // of an operator: signed out; else paused
	decided  time.Duration // of an operator: when it may have been; they leave after the call
}

// lasted is a talk or a wrap-up.
type lasted struct {
	at, d time.Duration
}

// Errors of a log that cannot be simulated.
var (
	errNoStart = errors.New("simulator: no init line: no run starts in this log")
	errNoWork  = errors.New("simulator: nobody was connected to an operator in this log: there is nothing to simulate")
)

// ReadTrace takes a log apart. Lines before the first start of a run are passed
// over.
func ReadTrace(lines iter.Seq2[eventlog.Line, error]) (*Trace, error) {
	r := tracer{calls: map[string]*fate{}, operators: map[string]*worker{}}
	for l, err := range lines {
		if err != nil {
			return nil, err
		}
		if l.Kind != eventlog.Init && len(r.settings) == 0 {
			continue
		}
		r.line(l)
	}
	if len(r.settings) == 0 {
		return nil, errNoStart
	}
	r.finish()
	if r.connected == 0 {
		return nil, errNoWork
	}
	return &r.Trace, nil
}

// fastest is the most calls a second that the day shows over ten seconds.
func (t *Trace) fastest() float64 {
	const span = 10 * time.Second
	first, most := 0, 0
	for i, f := range t.fates {
		for f.at-t.fates[first].at > span {
			first++
		}
		most = max(most, i-first+1)
	}
	return float64(most) / span.Seconds()
}
