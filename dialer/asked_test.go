package dialer_test

import (
	"testing"

	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// Pacing is asked after what it is told: of a call that becomes durable and leaves it was
// told when the call was begun, and asked again then.
func TestADurableAttemptIsNoQuestion(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wantCalls(1, "when an operator is ready")
		f.stop()
		after := -1 // questions, of the moment in which the call was begun
		for _, l := range f.paced["spring"] {
			switch {
			case l.Kind != eventlog.Decide:
			case after >= 0:
				after++
			case l.Answer.Dial > 0:
				after = 0
			}
		}
		if after != 1 {
			t.Errorf("%d questions after the call was begun, want one: whether there is another to place", after)
		}
	})
}
