package dialer_test

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
)

// F-15: the carrier sends no BYE, and no audio any more. What the audio says of it (15 s
// after the last packet, 30 s after an answer without any) takes the call down at once:
// leg, operator and outcome. How it looks on the wire is a row of the sipp test in
// test/e2e.
func TestF15AudioStopsWithoutBye(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.wait(time.Minute)
		f.sound(media.AudioLost{Leg: media.LegID(leg), For: 15 * time.Second, At: time.Now()})
		f.trunks.mu.Lock()
		times := f.trunks.hungUp[leg]
		f.trunks.mu.Unlock()
		if times != 1 {
			t.Errorf("the leg was hung up %d times, want once", times)
		}
		f.wantState("ann", operator.Wrapping)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		f.wantAudio(1, "close "+string(leg))
	})
}
