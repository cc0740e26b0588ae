package storetest

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// arrival makes the attempt of a lead who calls campaign "c" from its nth number.
func (w *world) arrival(l campaigns.Lead, nth int) campaigns.Intent {
	in := w.intent(campaigns.Claim{Lead: l, Number: l.Numbers[nth], Queue: campaigns.QueueID{Campaign: "c", Segment: "s"}, Node: "n1"})
	in.Inbound = true
	return in
}

// callsIn begins such an attempt.
func (w *world) callsIn(l campaigns.Lead, nth int) campaigns.AttemptID {
	w.t.Helper()
	in := w.arrival(l, nth)
	w.ok(w.Begin(w.ctx(), in))
	return in.Attempt
}

// While a person calls us, they are not called: not on this number, whichever lead has
// it, and on no other number of theirs.
func inboundLocks(t *testing.T, w *world) {
	w.simple()
	ls := w.add(lead("a", 2, "+4801", "+4802"), lead("twin", 1, "+4802"))
	first, second := w.callsIn(ls[0], 1), w.callsIn(ls[0], 1)
	for _, name := range []string{"a", "twin"} {
		c := w.takeOne("c")
		w.same("claimed", c.Lead.Name, name)
		if r := w.refused(w.intent(c)); r.Reason != campaigns.RefusedLocked || !r.Next.Equal(w.now.Add(time.Minute)) {
			t.Errorf("%s: refusal = %+v, want locked for a minute", name, r)
		}
	}
	w.end(first, campaigns.CallerGaveUp, campaigns.Next{At: w.now.Add(time.Minute)})
	w.now = w.now.Add(time.Minute)
	if r := w.refused(w.intent(w.takeOne("c"))); r.Reason != campaigns.RefusedLocked {
		t.Errorf("refusal = %+v, want locked: they called twice", r)
	}
	w.end(second, campaigns.CallerGaveUp, campaigns.Next{At: w.now})
	w.begin(w.takeOne("c"))
}

// Who is being called may call us all the same; then that call says where they go.
func inboundWhileCalled(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801"))[0]
	out := w.begin(w.takeOne("c"))
	in := w.callsIn(l, 0)
	w.end(in, campaigns.CallerServed, campaigns.Next{Done: true})
	w.state(l.ID, "c", campaigns.EntryCalling)
	w.end(out, campaigns.Busy, campaigns.Next{At: w.now})
	w.state(l.ID, "c", campaigns.EntryWaiting)
}

func inboundNext(t *testing.T, w *world) {
	w.simple()
	ls := w.add(lead("waits", 3, "+4801"), lead("claimed", 2, "+4802"), lead("done", 1, "+4803"))
	w.ok(w.Suppress(w.ctx(), campaigns.Suppression{E164: "+4801", Reason: "asked", Source: "api", At: w.now}))
	later := w.now.Add(time.Hour)
	w.end(w.callsIn(ls[0], 0), campaigns.CallerGaveUp, campaigns.Next{At: later}) // do-not-call keeps nobody from calling
	if e := w.entry(ls[0].ID, "c"); !e.DueAt.Equal(later) || e.Attempts != 0 || e.LastOutcome != campaigns.CallerGaveUp || !e.LastAt.Equal(w.now) {
		t.Errorf("waits: %+v", e)
	}
	c := w.takeOne("c")
	w.same("claimed", c.Lead.Name, "claimed")
	w.end(w.callsIn(ls[1], 0), campaigns.CallerServed, campaigns.Next{At: later})
	w.state(ls[1].ID, "c", campaigns.EntryWaiting)
	w.is(w.Begin(w.ctx(), w.intent(c)), campaigns.ErrStale)

	w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	w.end(w.callsIn(ls[2], 0), campaigns.CallerGaveUp, campaigns.Next{At: later})
	w.state(ls[2].ID, "c", campaigns.EntryDone)
	w.end(w.callsIn(ls[2], 0), campaigns.CallerTurnedAway, campaigns.Next{At: later, Callback: &campaigns.Callback{At: later}})
	if e := w.entry(ls[2].ID, "c"); e.State != campaigns.EntryWaiting || e.Callback == nil || e.Priority != campaigns.CallbackPriority {
		t.Errorf("who was promised a call: %+v", e)
	}
}

// A lead whom the campaign does not dial goes where the operator says.
func inboundStranger(t *testing.T, w *world) {
	w.simple()
	w.list("other")
	_, err := w.AddLeads(w.ctx(), "other", []campaigns.Lead{lead("stranger", 1, "+4809")})
	w.ok(err)
	found, err := w.FindLeads(w.ctx(), campaigns.LeadQuery{Number: "+4809"})
	if w.ok(err); len(found) != 1 || found[0].Name != "stranger" {
		t.Fatalf("by number: %+v", found)
	}
	l := found[0]
	a := w.arrival(l, 0)
	w.ok(w.Begin(w.ctx(), a))
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: a.Attempt, Outcome: campaigns.CallerServed, Operator: "ann", Next: campaigns.Next{At: w.now}, At: w.now}))
	w.state(l.ID, "c", campaigns.EntryDone)
	w.same("who talked to them", w.entry(l.ID, "c").Operator, campaigns.UserID("ann"))
	later := w.now.Add(time.Hour)
	w.ok(w.Dispose(w.ctx(), campaigns.Disposal{
		Attempt: a.Attempt, Disposition: "callback", By: "ann", At: w.now, Grades: l.Grades,
		Next: campaigns.Next{At: later, Callback: &campaigns.Callback{At: later, User: "ann"}},
	}))
	if e := w.entry(l.ID, "c"); e.State != campaigns.EntryWaiting || !e.DueAt.Equal(later) || e.Callback == nil {
		t.Errorf("after the disposition: %+v", e)
	}
	in := w.arrival(l, 0)
	in.Claim.Lead.ID += 1000
	w.is(w.Begin(w.ctx(), in), campaigns.ErrNotFound)
}

// Attempts of callers are in the history, count against no cap, and are nothing to the
// law's figures.
func inboundHistory(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801"))[0]
	w.call("c", campaigns.Abandoned, campaigns.Next{At: w.now})
	a := w.arrival(l, 0)
	a.CallerID = "+48220000000"
	w.ok(w.Begin(w.ctx(), a))
	w.is(w.Begin(w.ctx(), a), campaigns.ErrConflict)
	w.ok(w.End(w.ctx(), campaigns.Ending{
		Attempt: a.Attempt, Outcome: campaigns.CallerServed, Operator: "ann", AnsweredAt: w.now, BridgedAt: w.now, Recording: "a.wav",
		Next: campaigns.Next{At: w.now}, At: w.now,
	}))
	w.callsIn(l, 0) // open
	interrupted := w.callsIn(l, 0)
	w.end(interrupted, campaigns.Interrupted, campaigns.Next{At: w.now})
	kept, err := w.Attempts(w.ctx(), campaigns.AttemptQuery{ID: a.Attempt})
	if w.ok(err); len(kept) != 1 || !kept[0].Inbound || kept[0].CallerID != "+48220000000" || kept[0].Recording != "a.wav" || kept[0].Segment != "s" {
		t.Errorf("kept: %+v", kept)
	}
	all, err := w.Attempts(w.ctx(), campaigns.AttemptQuery{Lead: l.ID})
	if w.ok(err); len(all) != 4 || all[3].Inbound {
		t.Errorf("history: %+v", all)
	}
	times, err := w.PersonAttempts(w.ctx(), l.ID, start)
	w.ok(err)
	w.same("times that count", times, []time.Time{start})
	tally, err := w.Tally(w.ctx(), "c", start, start.Add(time.Hour))
	w.ok(err)
	w.same("tally", tally, campaigns.Tally{Attempts: 1, Live: 1, Abandoned: 1, Outcomes: map[campaigns.Outcome]int{
		campaigns.Abandoned: 1, campaigns.CallerServed: 1,
	}})
}

func inboundCrash(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801"))[0]
	a := w.callsIn(l, 0)
	w.ok(w.SaveDialog(w.ctx(), a, []byte("tags")))
	w.crash()
	none, err := w.Open(w.ctx(), "n2")
	if w.ok(err); len(none) != 0 {
		t.Errorf("open attempts of another node: %+v", none)
	}
	open, err := w.Open(w.ctx(), "n1")
	if w.ok(err); len(open) != 1 || open[0].ID != a || !open[0].Inbound || string(open[0].Dialog) != "tags" || open[0].LeadName != "a" {
		t.Fatalf("open = %+v", open)
	}
	w.end(a, campaigns.Interrupted, campaigns.Next{At: w.now})
	open, err = w.Open(w.ctx(), "n1")
	if w.ok(err); len(open) != 0 {
		t.Errorf("open after the end: %+v", open)
	}
	w.begin(w.takeOne("c"))
}
