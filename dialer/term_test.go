package dialer_test

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/sip"
)

// Without a term nothing is claimed for a call, and what was begun in a term that
// is over is not placed in the next.
func TestNothingIsPlacedOutsideATerm(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.set(func(s *store) { s.beginDelay = 2 * time.Second })
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(time.Second) // on its way to be durable
		f.term.Store(-1)
		f.wait(500 * time.Millisecond)
		f.term.Store(1) // another node may have been here
		f.wait(time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs of a term that was over", n)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.NotPlaced: 1})
		f.fails(f.call(0), sip.ResultBusy, 486)
		f.term.Store(-2)
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n != 1 {
			t.Errorf("%d INVITEs, 1 before the term was over", n)
		}
	})
}

// After a gap the calls go on that are still this node's; the others are over.
func TestRegain(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 2)
		f.run(progressive("spring"))
		f.ready("ann", "bob")
		ours, settled := f.call(0), f.call(1)
		f.person(ours)
		f.person(settled)
		f.term.Store(-1)
		f.store.set(func(s *store) {
			s.left = []campaigns.Attempt{{ID: campaigns.AttemptID(ours)}}
			delete(s.open, campaigns.AttemptID(settled))
		})
		n, err := f.engine.Regain(f.ctx)
		f.do(err)
		if n != 1 || f.trunks.hungUp[settled] != 1 || f.trunks.hungUp[ours] != 0 {
			t.Errorf("%d calls hung up: %v", n, f.trunks.hungUp)
		}
		f.hangsUp(ours)
	})
}

// While outcomes wait beside the store, nothing new is placed, and calls go on.
func TestNothingIsPlacedWhileOutcomesWait(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann", "bob")
		first := f.call(0)
		f.person(first)
		f.fails(f.call(1), sip.ResultBusy, 486)
		f.call(2)
		f.behind.Store(true)
		f.fails(f.call(2), sip.ResultBusy, 486)
		f.store.add("spring", 1)
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n != 3 {
			t.Errorf("%d INVITEs, 3 before outcomes waited", n)
		}
		if v := f.spring(); v.Bound != dialer.BoundStore {
			t.Errorf("bound %s: %s", v.Bound, v.Why)
		}
		f.wantState("ann", operator.Talking)
		f.behind.Store(false)
		f.fails(f.call(3), sip.ResultBusy, 486)
		f.hangsUp(first)
	})
}

// An INVITE waits for the carrier's rate, and is asked about once more then; one that
// is given up meanwhile never leaves.
func TestInviteWaitsForTheRate(t *testing.T) {
	inBubble(t, func(f *floor) {
		late := func(d time.Duration) {
			f.trunks.mu.Lock()
			defer f.trunks.mu.Unlock()
			f.trunks.depart = d
		}
		f.store.add("spring", 3)
		late(400 * time.Millisecond)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(300 * time.Millisecond)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs before there was room", n)
		}
		f.wait(200 * time.Millisecond)
		late(time.Second)
		f.fails(f.call(0), sip.ResultBusy, 486)
		f.wait(500 * time.Millisecond)
		f.rules.set(func(r *rules) { r.closed = true })
		f.wait(time.Second)
		if n := len(f.trunks.legs()); n != 1 {
			t.Errorf("%d INVITEs; the window closed while the second waited", n)
		}
		late(time.Minute)
		f.rules.set(func(r *rules) { r.closed = false })
		f.wait(2 * time.Second)
		f.do(f.engine.HangUpCall(f.ctx, f.store.intent(2).Attempt))
		f.wait(2 * time.Minute)
		if n := len(f.trunks.legs()); n != 1 {
			t.Errorf("%d INVITEs; the third was given up while it waited", n)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Busy: 1, campaigns.NotPlaced: 2})
	})
}
