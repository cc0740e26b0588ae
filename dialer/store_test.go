package dialer_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/sip"
)

func TestNoInviteBeforeTheAttemptIsDurable(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.beginDelay = 5 * time.Second
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(4 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs before Begin returned", n)
		}
		f.wait(2 * time.Second)
		leg := f.call(0)
		if len(f.store.begun) != 1 || f.store.begun[0].Attempt != campaigns.AttemptID(leg) {
			t.Errorf("begun %+v", f.store.begun)
		}
		f.fails(leg, sip.ResultBusy, 486)
	})
}

func TestRefusedByTheStore(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.beginErr = &campaigns.Refusal{Reason: campaigns.RefusedDoNotCall}
		f.store.add("spring", 2)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(3 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs to people on the do-not-call list", n)
		}
		if got := f.observer.refusals(); !slices.Equal(got, []string{"do_not_call", "do_not_call"}) {
			t.Errorf("refusals %q", got)
		}
		f.wantOutcomes(nil)
	})
}

// Whether a Begin that failed is durable nobody knows: it is ended as not placed.
func TestBeginFails(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.beginErr = errStoreDown
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(3 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs without a durable attempt", n)
		}
	})
}

func TestWindowClosesBetweenBeginAndInvite(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.beginDelay = 2 * time.Second
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(time.Second)
		f.rules.close()
		f.wait(2 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs outside the window", n)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.NotPlaced: 1})
		if f.store.endings[0].Count {
			t.Error("a call that was not placed counts against the person's caps")
		}
	})
}

func TestEndingIsRetriedAndNothingNewIsPlaced(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		f.store.set(func(s *store) { s.down = true })
		f.fails(leg, sip.ResultBusy, 486)
		placed := len(f.trunks.legs()) // what pacing answered to the end itself
		f.wait(10 * time.Second)
		if f.store.tries < 5 {
			t.Errorf("tried %d times in 10 s", f.store.tries)
		}
		if n := len(f.trunks.legs()); n != placed {
			t.Errorf("%d calls placed while an ending is not durable", n-placed)
		}
		f.store.set(func(s *store) { s.down = false })
		f.wait(2 * time.Second)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Busy: 1})
		f.fails(f.call(placed), sip.ResultBusy, 486) // and on it goes
	})
}

func TestDispositionIsRetried(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.hangsUp(leg)
		f.store.set(func(s *store) { s.down = true })
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready) // who does not wait for the disk
		f.wait(3 * time.Second)
		f.store.set(func(s *store) { s.down = false })
		f.wait(2 * time.Second)
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions %q", got)
		}
	})
}

// One ending is missing, the next is written: calls are held until both are.
func TestEveryMissingEndingHoldsNewCalls(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 6)
		f.run(progressive("spring"))
		f.ready("ann", "bob")
		first, second := f.call(0), f.call(1)
		f.store.set(func(s *store) { s.endErrs = map[campaigns.AttemptID]bool{campaigns.AttemptID(first): true} })
		f.fails(first, sip.ResultBusy, 486)
		f.wait(100 * time.Millisecond)
		f.fails(second, sip.ResultBusy, 486)
		f.wait(100 * time.Millisecond)
		placed := len(f.trunks.legs())
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n != placed {
			t.Errorf("%d calls placed while the ending of the first is not durable", n-placed)
		}
		f.store.set(func(s *store) { s.endErrs = nil })
		f.wait(2 * time.Second)
	})
}

func TestDrainWaitsForTheTalkAndItsEnding(t *testing.T) {
	inBubble(t, func(f *floor) {
		talk := bridged(f)
		f.ready("bob")
		ringing := f.call(1)
		f.store.set(func(s *store) { s.endDelay = 2 * time.Second })
		done := make(chan error, 1)
		go func() { done <- f.engine.Drain(f.ctx) }()
		f.wait(10 * time.Second)
		select {
		case err := <-done:
			t.Fatalf("drained in the middle of a talk: %v", err)
		default:
		}
		if f.trunks.hungUp[ringing] == 0 {
			t.Error("a ringing call was not given up")
		}
		if f.trunks.hungUp[talk] != 0 {
			t.Error("the talk was cut")
		}
		f.hangsUp(talk)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1, campaigns.Cancelled: 1})
		if n := len(f.trunks.legs()); n != 2 {
			t.Errorf("%d calls in all; a draining product places none", n)
		}
	})
}

func TestDrainWithNothingToDo(t *testing.T) {
	inBubble(t, func(f *floor) { f.do(f.engine.Drain(f.ctx)) })
}

// A stop without a drain still writes what became of every call, those whose
// Begin is on its way too.
func TestStopEndsEveryAttempt(t *testing.T) {
	stages := map[string]struct {
		reach func(f *floor)
		want  campaigns.Outcome
	}{
		"beginning": {
			reach: func(f *floor) {
				f.store.beginDelay = 3 * time.Second
				f.store.add("spring", 1)
				f.run(progressive("spring"))
				f.ready("ann")
				f.wait(time.Second)
			},
			want: campaigns.NotPlaced,
		},
		"ringing": {
			reach: func(f *floor) {
				f.store.add("spring", 1)
				f.run(progressive("spring"))
				f.ready("ann")
				f.signal(sip.Progress{Leg: f.call(0), Code: 180, At: time.Now()})
			},
			want: campaigns.Cancelled,
		},
		"a person waits": {reach: func(f *floor) { waiting(f) }, want: campaigns.Abandoned},
		"talking":        {reach: func(f *floor) { bridged(f) }, want: campaigns.Connected},
	}
	for name, s := range stages {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				s.reach(f)
				f.stop()
				f.wantOutcomes(map[campaigns.Outcome]int{s.want: 1})
			})
		})
	}
}

// What a dead process left is ended at the carrier and in the store.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t)
		dialog, err := json.Marshal(sip.Dialog{CallID: "left-behind"})
		if err != nil {
			t.Fatal(err)
		}
		f.store.left = []campaigns.Attempt{{ID: "a1", Campaign: "spring", Number: "+12025550100", Dialog: dialog}}
		f.store.open["a1"] = campaigns.Intent{Attempt: "a1"}
		n, err := f.engine.Settle(context.Background(), func(campaigns.CampaignID) (campaigns.Campaign, error) {
			return progressive("spring"), nil
		})
		if err != nil || n != 1 {
			t.Fatalf("settled %d: %v", n, err)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Interrupted: 1})
		if !slices.Equal(f.trunks.finished, []string{"left-behind"}) {
			t.Errorf("dialogs ended: %q", f.trunks.finished)
		}
		if e := f.store.endings[0]; !e.Count || !e.Next.At.After(time.Now()) {
			t.Errorf("ending %+v: counts, and rests before the next try", e)
		}
	})
}
