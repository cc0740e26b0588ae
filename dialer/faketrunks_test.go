package dialer_test

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/sip"
)

// trunks are a carrier on which nothing happens by itself but the end of a leg
// that we hang up on.
type trunks struct {
	depart    time.Duration // for which the next INVITE must wait
	share     string        // what Capacity says of it
	why       string        // and why it takes no call
	mu        sync.Mutex
	signal    func(sip.Event)
	room      int       // channels
	cps       bool      // no CPS token is left
	token     time.Time // when one returns
	used      int
	dialled   []sip.LegID
	hungUp    map[sip.LegID]int
	goodbye   sip.Cause   // of the last hang-up
	confirmed []sip.LegID // in the order they were
	answered  map[sip.LegID]bool
	full      error
	finished  []string
	accepted  map[sip.LegID]bool // callers whom we answered
	refused   map[sip.LegID]int  // with which status
}

func (t *trunks) change(what func(t *trunks)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what(t)
}

func (t *trunks) set(room int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room = room
}

func (t *trunks) Reserve(_, _ string, callerIDs []string, callID string) (dialer.Route, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full != nil {
		return dialer.Route{}, t.full
	}
	t.used++
	callerID := ""
	if len(callerIDs) > 0 {
		callerID = callerIDs[0]
	}
	return dialer.Route{Trunk: "carrier", CallerID: callerID, Dialog: sip.Dialog{CallID: callID}}, nil
}

func (t *trunks) Release(dialer.Route) { t.free() }

func (t *trunks) free() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used--
}

func (t *trunks) Dial(leg sip.LegID, _ dialer.Route, _ []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dialled = append(t.dialled, leg)
}

func (t *trunks) Hangup(leg sip.LegID, why sip.Cause) {
	t.mu.Lock()
	t.refused[leg] = why.Code
	t.goodbye = why
	t.hungUp[leg]++
	first, up := t.hungUp[leg] == 1, t.answered[leg]
	t.mu.Unlock()
	if first && up { // the agent gives our own cause back
		why.Result = cmp.Or(why.Result, sip.ResultAnswered)
		t.end(sip.Ended{Leg: leg, ByUs: true, WasUp: true, Cause: why})
	} else if first {
		t.end(sip.Ended{Leg: leg, ByUs: true, Cause: sip.Cause{Code: 487, Result: sip.ResultNone}})
	}
}

func (t *trunks) Confirm(leg sip.LegID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmed = append(t.confirmed, leg)
}

func (t *trunks) isConfirmed(leg sip.LegID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.confirmed, leg)
}

func (t *trunks) end(ev sip.Ended) {
	t.free()
	t.signal(ev)
}

func (*trunks) Reply(sip.LegID, []byte) {}

func (t *trunks) Depart(dialer.Route) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := t.depart
	t.depart = 0
	return wait
}

func (t *trunks) Capacity(string, time.Time) sip.Capacity {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.room - t.used
	c := sip.Capacity{Up: true, Channels: n, Ringing: n, Calls: n, Share: t.share, Why: t.why}
	if t.cps {
		c.Calls, c.NextToken = 0, t.token
	}
	return c
}

func (*trunks) RingTimeout(string) time.Duration { return 31 * time.Second }

func (t *trunks) Finish(_ context.Context, d sip.Dialog) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finished = append(t.finished, d.CallID)
	return nil
}

func (t *trunks) legs() []sip.LegID {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.dialled)
}

func (t *trunks) hangups(leg sip.LegID) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hungUp[leg]
}

func (t *trunks) inUse() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}
