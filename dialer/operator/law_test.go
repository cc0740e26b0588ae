package operator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// floor is a team with its ready queue, kept as the engine keeps it: on Changed
// and on nothing else.
type floor struct {
	people map[string]*Operator
	ready  Queue
	calls  int
	open   map[string]string // call that wants a disposition -> operator
}

func (f *floor) step(t *rapid.T, now time.Time, o *Operator, ev Event) {
	before := o.state
	if reserve, ok := ev.(Reserve); ok && before != Ready {
		defer func() {
			if o.state != before || o.call == reserve.Call {
				t.Fatalf("a %s operator was reserved", before)
			}
		}()
	}
	call := o.call
	actions := o.Step(now, ev)
	changed := slices.ContainsFunc(actions, func(a Action) bool { _, ok := a.(Changed); return ok })
	if !changed && o.state != before {
		t.Fatalf("%s to %s untold", before, o.state)
	}
	f.disposition(t, o, before, call, ev, actions)
	if changed {
		f.ready.Remove(o.id)
		if o.state == Ready {
			f.ready.Add(o.id, o.since)
		}
	}
}

// disposition follows each call from its talk to the one disposition it gets.
func (f *floor) disposition(t *rapid.T, o *Operator, before State, call string, ev Event, actions []Action) {
	switch ev := ev.(type) {
	case Bridged:
		if before == Reserved {
			f.open[o.call] = o.id
		}
	case Disposed:
		delete(f.open, call)
	case CallOver:
		if ev.WrapUp == 0 && (before == Talking || before == Lost) {
			delete(f.open, call) // said in the talk
		}
	}
	for _, a := range actions {
		if d, ok := a.(DefaultDisposition); ok {
			if f.open[d.Call] != o.id {
				t.Fatalf("a default disposition for call %q, which wants none", d.Call)
			}
			delete(f.open, d.Call)
		}
	}
}

func (f *floor) check(t *rapid.T) {
	var ready []*Operator
	for _, o := range f.people {
		busy := o.state == Reserved || o.state == Talking || o.state == Wrapping
		if busy && o.call == "" || !busy && o.state != Lost && o.call != "" {
			t.Fatalf("%s with call %q", o.state, o.call)
		}
		if o.state == Ready {
			ready = append(ready, o)
		}
	}
	for call, user := range f.open {
		if f.people[user].call != call {
			t.Fatalf("%s forgot call %s without a disposition (%s)", user, call, f.people[user].state)
		}
	}
	if f.ready.Len() != len(ready) {
		t.Fatalf("%d in the queue, %d ready", f.ready.Len(), len(ready))
	}
	first, ok := f.ready.First(func(string) bool { return true })
	if !ok {
		return
	}
	for _, o := range ready {
		if o.since.Before(f.people[first].since) {
			t.Fatalf("%s waits longer than %s, who is first", o.id, first)
		}
	}
}

// From any sequence of events of a team: the queue holds those who are ready and
// nobody else, the longest ready first; a paused, lost or offline operator is
// never reserved; each talk gets one disposition.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := &floor{people: map[string]*Operator{}, open: map[string]string{}}
		var ids []string
		for i := range rapid.IntRange(1, 4).Draw(t, "team") {
			id := fmt.Sprintf("op%d", i)
			ids = append(ids, id)
			f.people[id] = New(id, begin)
		}
		now := begin
		for range rapid.IntRange(1, 80).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second)
			o := f.people[rapid.SampledFrom(ids).Draw(t, "operator")]
			ev := rapid.SampledFrom(happenings).Draw(t, "event").event(o)
			if _, ok := ev.(Reserve); ok {
				f.calls++
				ev = Reserve{Call: fmt.Sprintf("c%d", f.calls)}
			}
			f.step(t, now, o, ev)
			f.check(t)
		}
	})
}

func TestQueueIsFair(t *testing.T) {
	var q Queue
	all := func(string) bool { return true }
	if id, ok := q.First(all); ok {
		t.Fatalf("an empty queue gave %q", id)
	}
	q.Add("late", clock(30))
	q.Add("early", clock(10))
	q.Add("also early", clock(10))
	q.Add("middle", clock(20))
	q.Remove("nobody")
	var got []string
	for q.Len() > 0 {
		id, _ := q.First(all)
		got = append(got, id)
		q.Remove(id)
	}
	if want := []string{"early", "also early", "middle", "late"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestQueueFindsWhoFits(t *testing.T) {
	var q Queue
	q.Add("ann", clock(10))
	q.Add("bob", clock(20))
	q.Add("ann", clock(30)) // again: a new place
	if id, ok := q.First(func(id string) bool { return id == "ann" }); !ok || id != "ann" {
		t.Errorf("got %q, %v", id, ok)
	}
	if id, _ := q.First(func(string) bool { return true }); id != "bob" || q.Len() != 2 {
		t.Errorf("first is %q of %d, want bob of 2", id, q.Len())
	}
	if _, ok := q.First(func(string) bool { return false }); ok {
		t.Error("somebody fits whom nobody wants")
	}
}
