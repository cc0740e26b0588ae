// Package calibration measures the answer detector on one's own calls: how often it is
// right, how many people it loses, whether it is what it was.
//
// It hears nothing and decides nothing: it counts verdicts against what came out later.
//
//	dialer.Notice ─► Collector ─► Sample ─┬─► Book ─► Report, Loss, drift
//	  (ended, disposed)                   └─► Journal (a line of JSON, no audio)
//
// A label is what came out: an operator's disposition, a beep after the verdict, a far
// end that hung up. Who was hung up on has no label, so labels alone say little of people
// lost. A campaign may have a share of its answered calls checked: they go to an operator
// whatever is heard. Only these say without bias how often each kind is taken for another.
package calibration

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Label is who was there.
type Label string

// The labels. Nobody is a machine, a fax, an announcement.
const (
	Unknown Label = ""
	Person  Label = "person"
	Nobody  Label = "nobody"
)

// Basis is what a label rests on.
type Basis string

// The bases, the surest first.
const (
	ByBeep        Basis = "beep"        // a machine went on to its beep
	ByDisposition Basis = "disposition" // an operator said so
	ByHangUp      Basis = "hang_up"     // machines do not hang up in their greeting, nor at once on an operator
)

// Sample is one answered call: what it was held to be, and what it was. Without audio,
// number and lead.
type Sample struct {
	At       time.Time         `json:"at"`
	Attempt  string            `json:"attempt"`
	Campaign string            `json:"campaign"`
	Trunk    string            `json:"trunk"`
	Verdict  media.VerdictKind `json:"verdict"` // acted on, or to be acted on; empty: none
	Chance   float64           `json:"chance"`  // of a person when that was told, in [0, 1]
	Checked  bool              `json:"checked,omitempty"`
	Label    Label             `json:"label,omitempty"`
	Basis    Basis             `json:"basis,omitempty"`
	Features []float32         `json:"features,omitempty"` // as detect.FeatureNames; where the campaign keeps them
}

// lost says that a person with this verdict is hung up on.
func (s Sample) lost() bool {
	switch s.Verdict {
	case "", media.Person, media.Ringback:
		return false
	}
	return true
}

// byOdds says that the verdict weighed the odds of a person: the tones of faxes, of the
// network and of silence need none.
func (s Sample) byOdds() bool { return s.Verdict == media.Person || s.Verdict == media.Machine }

// mostOdds bounds the log odds: further out a chance tells nothing more.
const mostOdds = 6.0

// odds is the natural logarithm of the odds of a person.
func (s Sample) odds() float64 {
	return max(-mostOdds, min(mostOdds, math.Log(s.Chance/(1-s.Chance))))
}
