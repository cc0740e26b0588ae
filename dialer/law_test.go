package dialer_test

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// Who is heard to be a person so late that the law's time is over talks to the
// operator all the same, and is abandoned: in the store, on the page, for pacing.
func TestConnectedLateIsAbandoned(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		f.answer(leg)
		said := time.Now()
		f.wait(4 * time.Second) // the detector was not sure
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, GreetingEnd: said, At: time.Now()})
		f.wantState("ann", operator.Talking)
		f.wait(time.Minute)
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Abandoned: 1})
		if c := f.spring(); c.Live != 1 || c.Abandoned != 1 || c.Late != 1 || c.Outcomes[campaigns.Connected] != 0 {
			t.Errorf("%d live, %d abandoned, %d late, outcomes %v", c.Live, c.Abandoned, c.Late, c.Outcomes)
		}
		if e := f.store.ending(0); e.Operator != "ann" || e.BridgedAt.IsZero() {
			t.Errorf("ending %+v: the talk is not in it", e)
		}
	})
	inBubble(t, func(f *floor) { // who never had an operator is not late
		waiting(f)
		f.wait(3 * time.Second)
		f.sound(media.Played{Leg: media.LegID(f.call(0)), Prompt: media.PromptSafeHarbor, At: time.Now()})
		if c := f.spring(); c.Abandoned != 1 || c.Late != 0 {
			t.Errorf("%d abandoned, %d late", c.Abandoned, c.Late)
		}
	})
}

// The people whom the detector takes for machines count against the limit where
// there is a detector.
func TestDetectorLossIsCounted(t *testing.T) {
	for _, tt := range []struct {
		detection        string
		configured, want float64
	}{{"", 0, 0.005}, {"before", 0.02, 0.02}, {"off", 0.02, 0}, {"off", 0, 0}} {
		inBubble(t, func(f *floor) {
			f.stop()
			f.cfg = dialer.Config{DetectorLoss: tt.configured}
			f.start()
			c := progressive("spring")
			c.Detection = tt.detection
			f.run(c)
			f.stop()
			for _, l := range f.paced["spring"] {
				if (l.Kind == eventlog.Init || l.Kind == eventlog.Adjust) && l.Settings.DetectorLoss != tt.want {
					t.Errorf("detection %q, configured %v: loss %v, want %v", tt.detection, tt.configured, l.Settings.DetectorLoss, tt.want)
				}
			}
		})
	}
}
