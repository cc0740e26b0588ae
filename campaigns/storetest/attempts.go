package storetest

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func beginOnce(t *testing.T, w *world) {
	w.simple()
	id := w.add(lead("a", 1, "+4801"))[0].ID
	c := w.takeOne("c")
	a := w.begin(c)
	w.state(id, "c", campaigns.EntryCalling)
	w.is(w.Begin(w.ctx(), w.intent(c)), campaigns.ErrStale)
	w.is(w.Release(w.ctx(), []campaigns.Claim{c}, time.Time{}), campaigns.ErrStale)
	w.end(a, campaigns.Busy, campaigns.Next{At: w.now})
	w.is(w.Begin(w.ctx(), w.intent(c)), campaigns.ErrStale)
	kept, err := w.Attempts(w.ctx(), campaigns.AttemptQuery{Lead: id})
	if w.ok(err); len(kept) != 1 {
		t.Errorf("%d attempts, want 1", len(kept))
	}
}

func beginSameID(t *testing.T, w *world) {
	w.simple()
	w.add(lead("a", 2, "+4801"), lead("b", 1, "+4802"))
	first, second := w.intent(w.takeOne("c")), w.intent(w.takeOne("c"))
	w.ok(w.Begin(w.ctx(), first))
	second.Attempt = first.Attempt
	w.is(w.Begin(w.ctx(), second), campaigns.ErrConflict)
	w.state(second.Claim.Lead.ID, "c", campaigns.EntryClaimed)
}

func beginLock(t *testing.T, w *world) {
	w.simple()
	w.list("l2")
	w.campaign("d", "l2")
	w.add(lead("a", 1, "+4801"))
	_, err := w.AddLeads(w.ctx(), "l2", []campaigns.Lead{lead("twin", 1, "+4801")})
	w.ok(err)
	a := w.begin(w.takeOne("c"))
	twin := w.takeOne("d")
	r := w.refused(w.intent(twin))
	if r.Reason != campaigns.RefusedLocked || !r.Next.Equal(w.now.Add(time.Minute)) {
		t.Errorf("refusal = %+v, want locked for a minute", r)
	}
	w.is(w.Begin(w.ctx(), w.intent(twin)), campaigns.ErrStale) // a refusal ends the claim
	w.end(a, campaigns.Busy, campaigns.Next{Done: true})
	w.same("not before", names(w.take("d", 1)), []string{})
	w.now = r.Next
	w.begin(w.takeOne("d"))
}

func beginSuppressed(t *testing.T, w *world) {
	w.simple()
	id := w.add(lead("a", 1, "+4801"))[0].ID
	w.ok(w.Suppress(w.ctx(), campaigns.Suppression{E164: "+4801", Reason: "asked", Source: "api", At: w.now}))
	r := w.refused(w.intent(w.takeOne("c")))
	if r.Reason != campaigns.RefusedDoNotCall || !r.Next.IsZero() {
		t.Errorf("refusal = %+v, want do not call, never", r)
	}
	w.state(id, "c", campaigns.EntryDone)
}

func beginCaps(t *testing.T, w *world) {
	w.simple()
	w.add(lead("a", 1, "+4801"))
	day, week := campaigns.Cap{N: 2, Period: 24 * time.Hour, Source: "two a day"}, campaigns.Cap{N: 3, Period: 7 * 24 * time.Hour}
	try := func(at time.Duration, want time.Duration, o campaigns.Outcome) {
		t.Helper()
		w.now = start.Add(at)
		in := w.intent(w.takeOne("c"), week, day)
		if want == 0 {
			w.ok(w.Begin(w.ctx(), in))
			w.end(in.Attempt, o, campaigns.Next{At: w.now})
			return
		}
		r := w.refused(in)
		if r.Reason != campaigns.RefusedCap || !r.Next.Equal(start.Add(want)) {
			t.Errorf("at %v: refusal = %+v, want cap until %v", at, r, start.Add(want))
		}
	}
	try(0, 0, campaigns.NoAnswer)
	try(time.Hour, 0, campaigns.Congestion) // did not reach the person: does not count
	try(2*time.Hour, 0, campaigns.Interrupted)
	try(3*time.Hour, 24*time.Hour, "")
	try(24*time.Hour, 0, campaigns.NoAnswer) // the first is a full day old
	try(25*time.Hour, 7*24*time.Hour, "")    // of both caps the later end
}

func beginCapsOfPerson(t *testing.T, w *world) {
	w.simple()
	w.list("l2")
	w.campaign("d", "l2")
	id := w.add(lead("a", 1, "+4801", "+4802"))[0].ID
	_, err := w.AddLeads(w.ctx(), "l2", []campaigns.Lead{lead("twin", 1, "+4802")})
	w.ok(err)
	two := campaigns.Cap{N: 2, Period: time.Hour}
	w.call("c", campaigns.NoAnswer, campaigns.Next{At: start.Add(time.Minute)}) // +4801
	w.begin(w.takeOne("d"))                                                     // an open attempt counts
	w.now = start.Add(time.Minute)
	r := w.refused(w.intent(w.takeOne("c"), two))
	if r.Reason != campaigns.RefusedCap || !r.Next.Equal(start.Add(time.Hour)) {
		t.Errorf("refusal = %+v, want cap: one on its own number, one on a number under another lead", r)
	}
	times, err := w.PersonAttempts(w.ctx(), id, start)
	w.ok(err)
	w.same("times", times, []time.Time{start, start})
	times, err = w.PersonAttempts(w.ctx(), id, start.Add(1))
	if w.ok(err); len(times) != 0 {
		t.Errorf("times after the attempts = %v", times)
	}
}

func beginBadNumber(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801", "+4802"))[0]
	c := w.takeOne("c")
	l.Numbers[0].Bad = true
	w.ok(w.SaveLead(w.ctx(), l))
	w.state(l.ID, "c", campaigns.EntryClaimed) // a claim is not disturbed
	if r := w.refused(w.intent(c)); r.Reason != campaigns.RefusedGone || !r.Next.Equal(w.now) {
		t.Errorf("refusal = %+v, want gone, with the other number at once", r)
	}
	c = w.takeOne("c")
	w.same("number", c.Number.E164, "+4802")
	l.Numbers[1].Bad = true
	w.ok(w.SaveLead(w.ctx(), l))
	if r := w.refused(w.intent(c)); r.Reason != campaigns.RefusedGone || !r.Next.IsZero() {
		t.Errorf("refusal = %+v, want gone, never", r)
	}
	w.state(l.ID, "c", campaigns.EntryDone)
}

func endOnce(t *testing.T, w *world) {
	w.simple()
	id := w.add(lead("a", 1, "+4801"))[0].ID
	a := w.begin(w.takeOne("c"))
	w.ok(w.SaveDialog(w.ctx(), a, []byte("dialog")))
	w.end(a, campaigns.NoAnswer, campaigns.Next{At: start.Add(time.Hour)})
	w.now = start.Add(time.Minute)
	w.end(a, campaigns.Busy, campaigns.Next{Done: true})
	w.ok(w.SaveDialog(w.ctx(), a, []byte("late")))
	e := w.entry(id, "c")
	if e.State != campaigns.EntryWaiting || !e.DueAt.Equal(start.Add(time.Hour)) || e.Attempts != 1 || e.LastOutcome != campaigns.NoAnswer {
		t.Errorf("entry after ending twice: %+v", e)
	}
	w.is(w.End(w.ctx(), campaigns.Ending{Attempt: "nobody", At: w.now}), campaigns.ErrNotFound)
	w.is(w.SaveDialog(w.ctx(), "nobody", nil), campaigns.ErrNotFound)
}

func endNext(t *testing.T, w *world) {
	w.simple()
	l := lead("a", 1, "+4801", "+4802")
	l.Numbers[1] = number("+8102", tokyo)
	id := w.add(l)[0].ID
	w.call("c", campaigns.NoAnswer, campaigns.Next{At: start, Number: "+8102"})
	e := w.entry(id, "c")
	if e.Queue != queue("c", "s", tokyo) || e.Number != "+8102" {
		t.Errorf("with the next number: %+v", e)
	}
	w.same("claimed at that number", w.takeOne("c").Number.E164, "+8102")
	_, err := w.Reclaim(w.ctx(), "n1", w.now)
	w.ok(err)
	w.call("c", campaigns.NoAnswer, campaigns.Next{At: start})
	w.same("no number named: the first", w.entry(id, "c").Number, "+4801")
	w.call("c", campaigns.NoAnswer, campaigns.Next{})
	w.same("no time named: at once", w.entry(id, "c").DueAt, w.now)
	w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	w.state(id, "c", campaigns.EntryDone)
}

func endMarks(t *testing.T, w *world) {
	w.simple()
	ls := w.add(lead("a", 2, "+4801", "+4802"), lead("twin", 1, "+4801"))
	a := w.begin(w.takeOne("c"))
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: a, Outcome: campaigns.InvalidNumber, BadNumber: true, Suppress: true, Next: campaigns.Next{At: w.now}, Count: true, At: w.now}))
	w.same("the other number is next", w.entry(ls[0].ID, "c").Number, "+4802")
	for _, l := range ls { // the number is proven bad, whoever has it
		kept, err := w.Lead(w.ctx(), l.ID)
		if w.ok(err); !kept.Numbers[0].Bad {
			t.Errorf("%s: number not marked as bad", l.Name)
		}
	}
	s, found, err := w.Suppressed(w.ctx(), "+4801")
	if w.ok(err); !found || s.Source != "network" || !s.At.Equal(w.now) {
		t.Errorf("suppression = %+v, %v", s, found)
	}
}

func endByOutcome(t *testing.T, w *world) {
	w.simple()
	w.campaign("d", "l")
	id := w.add(lead("a", 1, "+4801", "+4802"))[0].ID
	w.call("c", campaigns.Busy, campaigns.Next{At: start})
	w.call("c", campaigns.Busy, campaigns.Next{At: start, Number: "+4802"})
	w.same("nothing on the other number", len(w.entry(id, "c").ByOutcome), 0)
	w.call("c", campaigns.NoAnswer, campaigns.Next{At: start})
	w.same("on the first", w.entry(id, "c").ByOutcome, map[campaigns.Outcome]int{campaigns.Busy: 2})
	w.same("other campaigns count for themselves", len(w.entry(id, "d").ByOutcome), 0)
	a := w.begin(w.takeOne("c"))
	open, err := w.Open(w.ctx(), "n1")
	if w.ok(err); len(open) != 1 || open[0].ID != a {
		t.Fatalf("open = %+v", open)
	}
	w.same("of the open attempt", open[0].ByOutcome, map[campaigns.Outcome]int{campaigns.Busy: 2})
}

func crashOpen(t *testing.T, w *world) {
	w.simple()
	ls := w.add(lead("begun", 3, "+4801"), lead("claimed", 2, "+4802"), lead("ended", 1, "+4803"))
	a := w.begin(w.takeOne("c"))
	w.ok(w.SaveDialog(w.ctx(), a, []byte("branch and tags")))
	w.takeOne("c")
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(time.Hour)})
	w.crash()
	none, err := w.Open(w.ctx(), "n2")
	if w.ok(err); len(none) != 0 {
		t.Errorf("open attempts of another node: %+v", none)
	}
	open, err := w.Open(w.ctx(), "n1")
	if w.ok(err); len(open) != 1 {
		t.Fatalf("%d open attempts, want 1", len(open))
	}
	if o := open[0]; o.ID != a || string(o.Dialog) != "branch and tags" || o.Number != "+4801" || o.Lead != ls[0].ID || o.LeadName != "begun" || o.Outcome != "" {
		t.Errorf("open = %+v", o)
	}
	w.end(a, campaigns.Interrupted, campaigns.Next{At: start.Add(4 * time.Hour)})
	n, err := w.Reclaim(w.ctx(), "n1", w.now)
	if w.ok(err); n != 1 {
		t.Errorf("%d claims given back, want 1", n)
	}
	if e := w.entry(ls[0].ID, "c"); e.LastOutcome != campaigns.Interrupted || e.Attempts != 1 {
		t.Errorf("settled: %+v", e)
	}
	w.same("goes on", names(w.take("c", 5)), []string{"claimed"})
}
