package plane

import (
	"testing"

	"github.com/outpace-dialer/outpace/media"
)

// wordy is a detector that counts how often it was told of a machine.
type wordy struct {
	frames
	machines int
}

func (w *wordy) Machine() { w.machines++ }

// The detector that listens is told that a machine answered; where none does, a new one is.
func TestListenForBeep(t *testing.T) {
	var made []*wordy
	r := start(t, func(c *Config) {
		c.NewDetector = func(string) Detector {
			made = append(made, &wordy{})
			return made[len(made)-1]
		}
	})
	if _, err := r.Offer("c", local); err != nil {
		t.Fatal(err)
	}
	r.Detect("c", "")
	r.ListenForBeep("c")
	if made[0].machines != 1 {
		t.Errorf("the detector that listens was told %d times, want once", made[0].machines)
	}
	r.StopDetect("c")
	r.ListenForBeep("c")
	if last := made[len(made)-1]; last == made[0] || last.machines != 1 || made[0].machines != 1 {
		t.Errorf("after its end: %d detectors, the last was told %d times", len(made), last.machines)
	}
	r.ListenForBeep("nobody")
}

// A machine that was told of by somebody is no news.
func TestToldMachineIsNoVerdict(t *testing.T) {
	var e ear
	e.listen(&wordy{})
	e.machine()
	if e.told != media.Machine {
		t.Errorf("told %q", e.told)
	}
	e.stop()
	e.machine() // nobody listens
}
