package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// dutyComesAndGoes: on one node people sign in and out as they like, and messages may
// be sent twice.
func dutyComesAndGoes(_ *testing.T, w *world) {
	say := w.node("n1", time.Minute)
	for nth, on := range []bool{true, true, false, false, true} {
		for range 2 { // its answer was lost
			w.ok(say("ann", int64(nth), on))
		}
	}
	w.ok(say("bob", 9, true))
}

// dutyOneNode: somebody is on duty at one living node at a time.
func dutyOneNode(_ *testing.T, w *world) {
	if !w.shared() {
		return
	}
	first, second := w.node("n1", shortTerm), w.node("n2", time.Minute)
	w.ok(first("ann", 1, true))
	w.elsewhere(second("ann", 1, true), "n1")
	w.ok(second("ann", 2, false)) // not its own: nothing changes
	w.elsewhere(second("ann", 3, true), "n1")
	w.ok(second("bob", 4, true))

	w.ok(first("ann", 2, false))
	w.ok(second("ann", 5, true))
	w.elsewhere(first("ann", 3, true), "n2")
	w.ok(second("ann", 6, false))
	w.ok(first("ann", 4, true))

	w.termOver(func() error { return second("ann", 7, true) })
	w.is(first("ann", 5, true), campaigns.ErrNodeLost)
	w.ok(first("ann", 6, false)) // of a duty that it has no more
	w.elsewhere(w.node("n1", time.Minute)("ann", 1, true), "n2")
	w.ok(w.node("n3", time.Minute)("cid", 1, true))
}

// dutyOvertaken: what a node said late changes nothing, whichever term it is in.
func dutyOvertaken(_ *testing.T, w *world) {
	if !w.shared() {
		return
	}
	first, second := w.node("n1", shortTerm), w.node("n2", time.Minute)
	w.ok(first("ann", 2, false))
	w.ok(first("ann", 3, true))
	w.ok(first("ann", 2, false))
	w.elsewhere(second("ann", 1, true), "n1")
	w.ok(first("ann", 5, false))
	w.is(first("ann", 4, true), campaigns.ErrStale)
	w.ok(second("ann", 2, true))
	w.ok(second("ann", 3, false))
	w.ok(first("bob", 8, true))

	w.termOver(func() error { return second("bob", 4, true) })
	again := w.node("n1", time.Minute) // another process, which counts from 1
	w.ok(again("ann", 1, true))
	w.is(first("ann", 6, true), campaigns.ErrNodeLost)
	w.ok(first("ann", 7, false))
	w.elsewhere(second("ann", 5, true), "n1")
}

// shortTerm is a lease that ends in a test, and does not before what is to happen in it
// on a slow machine.
const shortTerm = 2 * time.Second

// termOver tries until a term is over that keeps it from succeeding: the clock of a
// real store is not ours.
func (w *world) termOver(try func() error) {
	w.t.Helper()
	err := try()
	for began := time.Now(); err != nil && time.Since(began) < 10*shortTerm; err = try() {
		time.Sleep(shortTerm / 100)
	}
	w.ok(err)
}

// shared says whether several nodes may share the store.
func (w *world) shared() bool {
	_, ok := campaigns.As[campaigns.Nodes](w.Store)
	return ok
}

// node joins a process under a name, where the store knows nodes, and returns how it
// says who is on duty at it.
func (w *world) node(name string, lease time.Duration) func(user campaigns.UserID, nth int64, on bool) error {
	w.t.Helper()
	w.tries++
	m := campaigns.Member{Node: name, Term: fmt.Sprint("term ", w.tries)}
	if nodes, ok := campaigns.As[campaigns.Nodes](w.Store); ok {
		w.ok(nodes.Join(w.ctx(), m, lease))
	}
	return func(user campaigns.UserID, nth int64, on bool) error {
		return w.SaveDuty(w.ctx(), campaigns.Duty{User: user, Node: m.Node, Term: m.Term, Nth: nth, On: on})
	}
}

func (w *world) elsewhere(err error, node string) {
	w.t.Helper()
	if e, ok := errors.AsType[*campaigns.OnDutyElsewhere](err); !ok || e.Node != node {
		w.t.Errorf("error = %v, want on duty at %s", err, node)
	}
}
