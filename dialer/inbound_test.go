package dialer_test

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/sip"
)

// People who came in have the operators first: no call is placed for those.
func TestInboundIsDemand(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.inbound.Store(2)
		f.store.add("spring", 9)
		f.run(progressive("spring"))
		f.ready("ann", "bob", "cas")
		f.wait(130 * time.Millisecond)
		f.wantCalls(1, "two wait for three operators")
		f.inbound.Store(1)
		f.engine.InboundChanged("spring")
		f.engine.InboundChanged("autumn") // runs nowhere
		f.wait(0)
		f.wantCalls(2, "one is left")
		f.inbound.Store(-5) // nonsense is nobody
		f.wait(time.Second)
		f.wantCalls(3, "nobody is left")
	})
}

// The customer of a broken leg waits for the next operator who is free.
func TestStrandedCustomerIsDemand(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.phoneLost("ann")
		f.wait(130 * time.Millisecond)
		f.ready("bob") // and has the customer, not a call
		f.wantState("bob", operator.Talking)
		f.fails(leg, sip.ResultNone, 0)
		f.stop()
		most := 0
		for _, l := range f.decisions("spring") {
			most = max(most, l.View.Waiting)
		}
		if most != 1 {
			t.Errorf("pacing was told of %d people who wait, want 1", most)
		}
	})
}
