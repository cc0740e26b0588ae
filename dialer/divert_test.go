package dialer_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/sip"
)

// diverts tells the engine that a leg goes to another trunk.
func (f *floor) diverts(leg sip.LegID) {
	f.trunks.mu.Lock()
	f.trunks.used++ // the other target's; the first is free
	f.trunks.mu.Unlock()
	f.trunks.free()
	f.signal(sip.Diverted{
		Leg: leg, From: "carrier", Route: dialer.Route{Trunk: "other", Dialog: sip.Dialog{CallID: string(leg) + "-2"}},
		Cause: sip.Cause{Code: 503, Result: sip.ResultCongestion}, At: time.Now(),
	})
}

func (f *floor) durableDialog(leg sip.LegID) (d sip.Dialog) {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	if b := f.store.dialogs[campaigns.AttemptID(leg)]; b != nil {
		if err := json.Unmarshal(b, &d); err != nil {
			f.t.Error(err)
		}
	}
	return d
}

// A call that goes to another target is one attempt, and its dialog there is
// durable before its INVITE.
func TestDivertedCall(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		f.diverts(leg)
		if got := f.durableDialog(leg).CallID; got != string(leg)+"-2" {
			t.Errorf("durable dialog %q", got)
		}
		if legs := f.trunks.legs(); len(legs) != 2 || legs[1] != leg {
			t.Fatalf("dialled %v, want the leg twice", legs)
		}
		f.fails(leg, sip.ResultBusy, 486)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Busy: 1})
		if n := len(f.store.begun); n != 1 {
			t.Errorf("%d attempts, want one", n)
		}
	})
}

// Where the dialog cannot be durable, or nothing may be placed any more, the call
// ends as the first target left it and gives the other back.
func TestDivertedCallIsNotPlaced(t *testing.T) {
	for name, spoil := range map[string]func(f *floor){
		"store":  func(f *floor) { f.store.dialogErr = errStoreDown },
		"window": func(f *floor) { f.rules.closed = true },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				f.store.add("spring", 1)
				f.run(progressive("spring"))
				f.ready("ann")
				leg := f.call(0)
				f.store.set(func(*store) { spoil(f) })
				f.diverts(leg)
				f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Congestion: 1})
				if legs := f.trunks.legs(); len(legs) != 1 {
					t.Errorf("dialled %v", legs)
				}
				f.trunks.mu.Lock()
				defer f.trunks.mu.Unlock()
				if f.trunks.used != 0 {
					t.Errorf("%d routes are still held", f.trunks.used)
				}
			})
		})
	}
}
