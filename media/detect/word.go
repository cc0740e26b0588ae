package detect

import (
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Machine says that a machine answered: somebody heard it. Nothing takes that back. What is
// left to tell is when its message may begin: after a beep, at once where that was heard
// before, or where it is quiet for long without one.
func (d *Detector) Machine() {
	beeped := d.final.Beep || d.heldAt > 0 || d.unheeded
	d.final = Finding{Kind: media.Machine, Probability: 1, Beep: beeped, At: d.now}
	d.word, d.sounds = true, beeped
	d.trial, d.waited, d.heldAt, d.beepAt = false, false, 0, 0
}

// afterWord tells once that a machine which somebody heard is quiet for long without a beep.
// The quiet may have begun before it was said, or before anybody listened.
func (d *Detector) afterWord() (Finding, bool) {
	quiet := d.Quiet()
	if d.waited || d.final.Beep || quiet < giveUp {
		return Finding{}, false
	}
	d.waited = true
	return Finding{Kind: media.Machine, Probability: 1, GreetingEnd: max(d.now-quiet, time.Nanosecond)}, true
}
