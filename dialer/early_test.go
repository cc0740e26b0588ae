package dialer_test

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Who calls while the product starts waits until it knows whom the number belongs to;
// who does not wait is forgotten.
func TestCallersWhileStarting(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.stop()
		f.starting = true
		f.start()
		for _, number := range []string{"+12025557001", "+12025557002"} {
			f.callers.add(number, known)
		}
		stays, leaves := f.callsIn(1, "+12025557001"), f.callsIn(2, "+12025557002")
		f.wait(3 * time.Second)
		if f.trunks.status(stays) != 0 || f.trunks.took(stays) {
			t.Fatal("answered before the campaigns are known")
		}
		f.hangsUp(leaves)
		f.run(open(progressive("spring")))
		f.wait(time.Second)
		f.do(f.engine.TakeCallers(f.ctx))
		f.wait(time.Second)
		if !f.trunks.took(stays) || f.trunks.took(leaves) || f.trunks.status(stays) != 0 {
			t.Errorf("took who stayed: %v, who left: %v", f.trunks.took(stays), f.trunks.took(leaves))
		}
		f.hangsUp(stays)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerGaveUp: 1})
	})
}
