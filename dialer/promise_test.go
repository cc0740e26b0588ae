package dialer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// promise makes the last lead of the store a call that an operator promised.
func (f *floor) promise(user campaigns.UserID, at time.Time) {
	f.store.mu.Lock()
	defer f.store.mu.Unlock()
	l := &f.store.leads[len(f.store.leads)-1]
	l.Callback, l.DueAt, l.Queue.Operator = &campaigns.Callback{At: at, User: user}, at, user
}

func TestPromisedCallIsMadeByWhoPromisedIt(t *testing.T) {
	for _, mode := range []campaigns.PacingMode{campaigns.Progressive, campaigns.Predictive} {
		inBubble(t, func(f *floor) {
			at := time.Now().Add(time.Minute)
			f.store.add("spring", 1)
			f.promise("bob", at)
			c := progressive("spring")
			c.Pacing.Mode, c.Pacing.AbandonmentLimit, c.SafeHarbor = mode, 0.03, "sorry"
			f.run(c)
			f.ready("ann") // the longest ready, and not the one who promised it
			f.ready("bob")
			f.until(at.Add(-time.Millisecond))
			f.wantCalls(0, "before the promised time")
			f.until(at.Add(2 * time.Second))
			f.wantCalls(1, "at the promised time")
			f.wantState("bob", operator.Reserved)
			f.wantState("ann", operator.Ready)
			f.person(f.call(0))
			f.wantState("bob", operator.Talking)
			f.hangsUp(f.call(0))
			f.do(f.engine.Dispose(f.ctx, "bob", said("sale")))
			f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		})
	}
}

func TestPromisedCallOfAnAbsentOperator(t *testing.T) {
	for _, wait := range []bool{false, true} {
		inBubble(t, func(f *floor) {
			at := time.Now().Add(time.Minute)
			f.store.add("spring", 1)
			f.promise("bob", at)
			c := progressive("spring")
			c.Callbacks = campaigns.Callbacks{Grace: 10 * time.Minute, Wait: wait}
			f.run(c)
			f.ready("ann")
			f.until(at.Add(10*time.Minute - time.Second))
			f.wantCalls(0, "in the grace")
			f.until(at.Add(10*time.Minute + 3*time.Second))
			if wait {
				f.wantCalls(0, "it waits for bob")
				f.ready("bob")
				f.wait(2 * time.Second)
				f.wantCalls(1, "bob is there")
				f.wantState("bob", operator.Reserved)
				return
			}
			f.wantCalls(1, "after the grace")
			f.person(f.call(0))
			f.wantState("ann", operator.Talking)
		})
	}
}

// An operator on a break is not called; when they come back they are.
func TestPromisedCallWaitsForABreak(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(progressive("spring"))
		f.ready("bob")
		f.do(f.engine.Pause(f.ctx, "bob", "lunch"))
		f.store.add("spring", 1)
		f.promise("bob", time.Now())
		f.wait(3 * time.Second)
		f.wantCalls(0, "on a break")
		f.do(f.engine.Ready(f.ctx, "bob"))
		f.wait(2 * time.Second)
		f.wantCalls(1, "back from it")
	})
}

func TestPromisedCallIsShownInPreview(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 2)
		f.promise("ann", time.Now())
		promised := f.store.leads[1].Lead.ID
		c := progressive("spring")
		c.Pacing.Mode = campaigns.Preview
		f.run(c)
		f.ready("ann") // nothing is at hand for her yet but the other lead
		f.wait(2 * time.Second)
		f.do(f.engine.SkipPreview(f.ctx, "ann"))
		f.wait(2 * time.Second)
		if v := f.view("ann"); !v.Preview || v.Lead.ID != promised {
			t.Errorf("she sees %+v, want lead %d", v, promised)
		}
		f.wantCalls(0, "until she asks")
	})
}

func TestStickyOperator(t *testing.T) {
	for _, sticky := range []bool{true, false} {
		inBubble(t, func(f *floor) {
			f.store.add("spring", 1)
			f.store.leads[0].Operator = "bob"
			c := progressive("spring")
			c.StickyOperator = sticky
			f.run(c)
			f.ready("ann")
			f.wait(time.Second)
			f.ready("bob")
			f.person(f.call(0))
			who := map[bool]campaigns.UserID{true: "bob", false: "ann"}[sticky]
			f.wantState(who, operator.Talking)
		})
	}
	inBubble(t, func(f *floor) { // who is not ready is not waited for
		f.store.add("spring", 1)
		f.store.leads[0].Operator = "bob"
		c := progressive("spring")
		c.StickyOperator = true
		f.run(c)
		f.ready("ann")
		f.person(f.call(0))
		f.wantState("ann", operator.Talking)
	})
}

func TestCallbackByTheCustomersClock(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.hangsUp(leg)
		wrong := dialer.Said{Disposition: "callback", CallbackLocal: "tomorrow"}
		if err := f.engine.Dispose(f.ctx, "ann", wrong); !errors.Is(err, dialer.ErrNeedsTime) {
			t.Errorf("error = %v, want %v", err, dialer.ErrNeedsTime)
		}
		f.do(f.engine.Dispose(f.ctx, "ann", dialer.Said{Disposition: "callback", CallbackLocal: "2000-01-03T15:00", Personal: true}))
		f.wait(time.Second)
		want := time.Date(2000, 1, 3, 20, 0, 0, 0, time.UTC) // in New York
		f.store.mu.Lock()
		defer f.store.mu.Unlock()
		d := f.store.disposals[0]
		if cb := d.Next.Callback; cb == nil || !cb.At.Equal(want) || cb.User != "ann" {
			t.Errorf("next = %+v, want a promise of ann at %v", d.Next, want)
		}
	})
}
