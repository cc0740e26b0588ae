// Package eventlog is the recorded day of a campaign's pacing: what the
// controller was told and asked, and what it answered, one JSON object a line.
// It writes and reads the lines, records a controller while it works, and
// replays what was recorded.
//
// It is pure: it neither keeps nor compresses logs, and knows no store.
//
//	engine ─► Recorder ─► controller
//	             └─► Line ─► Append ─► log ─► Reader ─► Session ─► decisions again
//
// The words are those of `outpace pace`. A log may hold kinds of lines, events
// and fields that this version does not know; they are ignored.
package eventlog

import (
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// Kind is what a line tells the controller.
type Kind string

// The kinds of lines.
const (
	Init   Kind = "init"   // a new controller starts
	Adjust Kind = "adjust" // other settings
	Recall Kind = "recall" // the past of the campaign
	Decide Kind = "decide" // a question, with the answer where it was recorded
)

// Line is one line of a log: at At the events had happened, in their order, and
// then came what the kind says.
type Line struct {
	Kind Kind
	At   time.Time
	// Seq counts the lines of one recording from 1, so that a gap shows; 0 where
	// the log does not count.
	Seq      int
	Events   []Event          // since the line before; none in an Init
	Settings pacing.Settings  // of Init and Adjust
	Past     pacing.Past      // of Recall
	View     pacing.View      // of Decide
	Answer   *pacing.Decision // of Decide; nil: not recorded
}

// Event is what happened, and when the controller was told.
type Event struct {
	At time.Time
	pacing.Event
}
