// Package detect hears who answered.
package detect

import (
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Finding is something new that the detector holds a call to be. Times are
// stream time: since the first sample of the first frame.
type Finding struct {
	Kind        media.VerdictKind
	Probability float64 // of Kind, in [0, 1]
	Early       bool    // heard before the answer
	SIT         string  // code of the tri-tone, with Announcement
	Revised     bool    // takes back an earlier finding
	GreetingEnd time.Duration
	At          time.Duration
	Beep        bool // the machine's greeting is over: it records now
}

// Detector listens to one call. It is pure: no clock, no goroutine, no log.
type Detector struct {
	cfg   Config
	final Finding
}

// New makes a detector for one call.
func New(cfg Config) *Detector { return &Detector{cfg: cfg} }

// Answered says that the frames from now on are after the answer.
func (d *Detector) Answered() {}

// Hear takes the next 20 ms.
func (d *Detector) Hear(f media.Frame) (Finding, bool) { return Finding{}, false }

// Final is what the call is held to be now; Kind is empty while unknown.
func (d *Detector) Final() Finding { return d.final }

// Label is the class name of the scorer: human, machine, screening, sit, fax,
// busy, ringback, silence, unknown.
func Label(f Finding) string {
	switch f.Kind {
	case media.Person:
		return "human"
	case media.Machine:
		return "machine"
	case media.Screening:
		return "screening"
	case media.Announcement:
		return "sit"
	case media.Fax:
		return "fax"
	case media.BusyTone:
		return "busy"
	case media.Ringback:
		return "ringback"
	case media.Silence:
		return "silence"
	default:
		return "unknown"
	}
}
