package dialer_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/sip"
)

// duties is what the store keeps of who is on duty where, and what comes of asking.
type duties struct {
	mu        sync.Mutex
	here      map[campaigns.UserID]int64 // number of the message that took them
	elsewhere map[campaigns.UserID]string
	err       error
	slow      time.Duration
	told      int64
}

func newDuties() *duties {
	return &duties{here: map[campaigns.UserID]int64{}, elsewhere: map[campaigns.UserID]string{}}
}

func (d *duties) save(ctx context.Context, user campaigns.UserID, nth int64, on bool) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.slow > 0 {
		wait := d.slow
		d.mu.Unlock()
		time.Sleep(wait)
		d.mu.Lock()
	}
	d.told++
	switch node := d.elsewhere[user]; {
	case d.err != nil:
		return d.err
	case !on && nth > d.here[user]:
		delete(d.here, user)
	case on && node != "":
		return &campaigns.OnDutyElsewhere{User: user, Node: node}
	case on:
		d.here[user] = max(nth, d.here[user])
	}
	return nil
}

func (d *duties) set(change func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change()
}

// onDuty are those whom the store has here.
func (f *floor) onDuty() []campaigns.UserID {
	f.duties.mu.Lock()
	defer f.duties.mu.Unlock()
	users := []campaigns.UserID{}
	for u := range f.duties.here {
		users = append(users, u)
	}
	slices.Sort(users)
	return users
}

func (f *floor) wantOnDuty(what string, want ...campaigns.UserID) {
	f.t.Helper()
	f.wait(time.Millisecond) // what is told beside the loop
	if got := f.onDuty(); !slices.Equal(got, want) {
		f.t.Errorf("%s: the store has %v on duty, want %v", what, got, want)
	}
}

// The store has an operator from the beginning of the shift to its end, however that
// comes.
func TestDutyLastsAsTheShift(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.ready("ann", "bob")
		f.wantOnDuty("signed in", "ann", "bob")
		f.phoneLost("ann")
		f.wantOnDuty("a phone was lost", "ann", "bob")
		f.do(f.engine.OnDuty(f.ctx, "ann", ""))
		f.do(f.engine.OnDuty(f.ctx, "ann", "")) // twice
		f.do(f.engine.OffDuty(f.ctx, "ann"))
		f.wantOnDuty("off duty", "bob")
		f.do(f.engine.OnDuty(f.ctx, "ann", ""))
		f.wantOnDuty("back", "ann", "bob")
		f.duties.set(func() { f.duties.err = errors.New("the store is gone") })
		f.do(f.engine.OffDuty(f.ctx, "bob"))
		f.wait(5 * time.Second)
		f.duties.set(func() { f.duties.err = nil })
		f.wait(2 * time.Second)
		f.wantOnDuty("off duty while the store was gone", "ann")
		told := f.duties.told
		f.wait(time.Minute)
		if f.duties.told != told {
			t.Errorf("the store was told %d times more in a minute", f.duties.told-told)
		}
	})
}

// Who is on duty at another node cannot sign in here, by the API or by phone.
func TestOnDutyElsewhere(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.duties.set(func() { f.duties.elsewhere["ann"] = "n2" })
		err := f.engine.OnDuty(f.ctx, "ann", "")
		if e, is := errors.AsType[*campaigns.OnDutyElsewhere](err); !is || e.Node != "n2" {
			t.Errorf("signed in: %v", err)
		}
		f.wantState("ann", operator.Offline)
		f.phones.mu.Lock()
		f.phones.legs["ann"] = "in:1"
		f.phones.mu.Unlock()
		f.signal(sip.Incoming{Leg: "in:1", User: "ann", Dialed: "*14711", Body: []byte("sdp"), At: time.Now()})
		f.wantState("ann", operator.Offline)
		if !slices.Contains(f.phones.ended(), "in:1") {
			t.Error("the phone that dialled in was not hung up")
		}
		f.duties.set(func() { delete(f.duties.elsewhere, "ann") })
		f.signal(sip.Incoming{Leg: "in:2", User: "ann", Dialed: "*14711", Body: []byte("sdp"), At: time.Now()})
		f.wantState("ann", operator.Paused)
		f.wantOnDuty("dialled in", "ann")
	})
}

// What is not known to have begun is taken back, and so is the duty of a phone that
// dialled in and went away at once.
func TestDutyThatDidNotBegin(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.duties.set(func() { f.duties.here["ann"], f.duties.err = 0, errors.New("no answer") })
		if err := f.engine.OnDuty(f.ctx, "ann", ""); err == nil {
			t.Error("signed in without an answer of the store")
		}
		f.duties.set(func() { f.duties.err = nil })
		f.wait(2 * time.Second)
		f.wantOnDuty("no answer")
		f.wantState("ann", operator.Offline)

		ctx, cancel := context.WithCancel(f.ctx)
		f.duties.set(func() { f.duties.slow = time.Second })
		go f.engine.OnDuty(ctx, "bob", "") //nolint:errcheck // nobody waits for it
		f.wait(500 * time.Millisecond)
		cancel()
		f.wait(time.Second)
		f.wantOnDuty("whoever asked does not wait", "bob")
		f.wantState("bob", operator.Paused)
	})
}

// In a new term the store has again who is here, without those who went elsewhere.
func TestRegainDuties(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		f.person(leg)
		f.wantState("ann", operator.Talking)
		f.ready("bob", "cid", "dan")
		f.do(f.engine.OffDuty(f.ctx, "dan"))
		f.term.Store(-1)
		f.duties.set(func() {
			clear(f.duties.here)
			f.duties.elsewhere["ann"], f.duties.elsewhere["bob"] = "n2", "n2"
		})
		f.store.set(func(s *store) { s.left = []campaigns.Attempt{{ID: campaigns.AttemptID(leg)}} })
		_, err := f.engine.Regain(f.ctx)
		f.do(err)
		f.term.Store(1)
		f.wantOnDuty("after the gap", "cid")
		f.wantState("bob", operator.Offline)
		f.wantState("cid", operator.Ready)
		f.wantState("ann", operator.Talking) // the customer is not left alone
		f.hangsUp(leg)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Offline)
		if !slices.Contains(f.phones.ended(), string(f.phones.leg("ann"))) {
			t.Error("the phone of who went elsewhere was not hung up")
		}

		f.duties.set(func() { f.duties.err = errors.New("the store is gone") })
		if _, err := f.engine.Regain(f.ctx); err == nil {
			t.Error("a term began although the store does not know who is here")
		}
	})
}
