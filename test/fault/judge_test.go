package fault

import (
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
)

// dialog is one call or operator's leg as a far end saw it.
type dialog struct {
	id, number, kind string
	from, to         time.Time // to is zero while it is up
	answered         time.Time
	by               string // who ended it
}

// judge holds the store against the far ends' journal.
func judge(t testing.TB, w *world, lives []life) {
	t.Helper()
	events := w.events(t)
	store := w.open(t)
	defer store.Close()
	attempts := allAttempts(t, store)
	calls, legs := callsOf(t, events), legsOf(events)
	if len(attempts) == 0 || len(calls) == 0 {
		t.Fatalf("%d attempts, %d calls: nothing was tested", len(attempts), len(calls))
	}
	judgeOutcomes(t, attempts, calls)
	judgeTimes(t, attempts, calls)
	strays, answered := judgeEnds(t, "call", calls, lives)
	strayLegs, _ := judgeEnds(t, "operator's leg", legs, lives)
	recorded, cut := judgeRecordings(t, w, attempts, events, lives)
	interrupted, bridged := 0, 0
	for _, a := range attempts {
		if a.Outcome == campaigns.Interrupted {
			interrupted++
		}
		if !a.BridgedAt.IsZero() {
			bridged++
		}
	}
	if strays == 0 || answered == 0 || strayLegs == 0 || cut == 0 {
		t.Errorf("%d calls (%d answered) and %d legs were up at a kill, %d recordings were cut: every one of these is to be tested",
			strays, answered, strayLegs, cut)
	}
	t.Logf("%d kills: %d attempts, %d INVITEs, %d talks, %d interrupted; up at a kill: %d calls (%d of them answered), %d operators' legs; %d recordings play, %d of them cut by a kill; slowest restart %v",
		len(lives)-1, len(attempts), len(calls), bridged, interrupted, strays, answered, strayLegs, recorded, cut, slowest(lives))
}

func slowest(lives []life) time.Duration {
	longest := time.Duration(0)
	for _, l := range lives[1:] {
		longest = max(longest, l.ready.Sub(l.started)) // below zero where it never was
	}
	return longest.Round(time.Millisecond)
}

// allAttempts are the attempts, newest first.
func allAttempts(t testing.TB, store campaigns.Records) []campaigns.Attempt {
	t.Helper()
	var all []campaigns.Attempt
	q := campaigns.AttemptQuery{Campaign: campaign, Limit: 10_000}
	for {
		page, err := store.Attempts(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if len(page) == 0 {
			return all
		}
		all = append(all, page...)
		q.Before = page[len(page)-1].ID
	}
}

// callsOf are the carrier's calls by Call-ID. A second INVITE with one Call-ID
// is a fault.
func callsOf(t testing.TB, events []carrier.Event) map[string]*dialog {
	t.Helper()
	calls := map[string]*dialog{}
	for _, e := range events {
		c := calls[e.Call]
		switch {
		case e.Event == "invite" && c != nil:
			t.Errorf("call %s came twice", e.Call)
		case e.Event == "invite":
			calls[e.Call] = &dialog{id: e.Call, number: e.Number, kind: e.Kind, from: e.T}
		case e.User != "" || c == nil:
		case e.Event == "answer" || e.Event == "late_answer":
			c.answered = e.T
		case e.Event == "bye":
			c.to, c.by = e.T, e.By
		case e.Event == "final":
			c.to = e.T
		}
	}
	return calls
}

// legsOf are the operators' legs by Call-ID.
func legsOf(events []carrier.Event) map[string]*dialog {
	legs := map[string]*dialog{}
	for _, e := range events {
		switch e.Event {
		case "leg_up":
			legs[e.Leg] = &dialog{id: e.Leg, number: e.User, kind: "leg", from: e.T, answered: e.T}
		case "leg_down":
			if l := legs[e.Leg]; l != nil {
				l.to, l.by = e.T, e.By
			}
		}
	}
	return legs
}

// judgeOutcomes: every attempt has one outcome, and every INVITE was an attempt
// before it left.
func judgeOutcomes(t testing.TB, attempts []campaigns.Attempt, calls map[string]*dialog) {
	t.Helper()
	begun := map[string]campaigns.Attempt{}
	for _, a := range attempts {
		if _, twice := begun[string(a.ID)]; twice {
			t.Errorf("attempt %s is there twice", a.ID)
		}
		begun[string(a.ID)] = a
		if !a.Outcome.Known() || a.EndedAt.IsZero() {
			t.Errorf("attempt %s: outcome %q, ended %v", a.ID, a.Outcome, a.EndedAt)
		}
	}
	for id, c := range calls {
		a, known := begun[id]
		switch {
		case !known:
			t.Errorf("the carrier saw call %s to %s, the store knows no such attempt", id, c.number)
		case a.Number != c.number:
			t.Errorf("call %s went to %s, the attempt says %s", id, c.number, a.Number)
		case a.Outcome == campaigns.NotPlaced:
			t.Errorf("call %s reached the carrier, its outcome is %s", id, a.Outcome)
		case c.from.Before(a.BeganAt):
			t.Errorf("call %s left at %v, before its attempt was begun at %v", id, c.from, a.BeganAt)
		}
	}
}

// restOf is how long a number must rest after an outcome; false where it must
// not be dialled again at all. After a talk the disposition decides, and none
// of them asks for less than an hour.
func restOf(o campaigns.Outcome) (time.Duration, bool) {
	if o == campaigns.Connected {
		return time.Hour, true
	}
	for _, r := range slices.Concat(retry, campaigns.DefaultRetry) {
		if r.Outcome == o {
			return r.After, r.Max > 0
		}
	}
	return 0, false
}

// judgeTimes: no number is dialled before its time, nor while it is on a call.
func judgeTimes(t testing.TB, attempts []campaigns.Attempt, calls map[string]*dialog) {
	t.Helper()
	last := map[string]campaigns.Attempt{}
	for _, a := range slices.Backward(attempts) {
		before, again := last[a.Number]
		last[a.Number] = a
		c := calls[string(a.ID)]
		if !again || c == nil {
			continue
		}
		rest, may := restOf(before.Outcome)
		if due := before.EndedAt.Add(rest); !may || c.from.Before(due) {
			t.Errorf("%s was dialled at %v, %v after an attempt that came to %s (may be: %v, not before %v)",
				a.Number, c.from, c.from.Sub(before.EndedAt), before.Outcome, may, due)
		}
		if was := calls[string(before.ID)]; was != nil && c.from.Before(was.to) {
			t.Errorf("%s was dialled at %v while a call to it was up until %v", a.Number, c.from, was.to)
		}
	}
}

// judgeEnds: what was up when a process died has ended soon after the next one
// was started. It returns how many were up, and how many of these answered.
func judgeEnds(t testing.TB, what string, all map[string]*dialog, lives []life) (up, answered int) {
	t.Helper()
	for i := range len(lives) - 1 {
		died, started := lives[i].died, nextReady(lives[i+1:]).started
		for _, d := range all {
			if !d.from.Before(lives[i+1].started) || d.from.Before(lives[i].started) || !d.to.IsZero() && d.to.Before(died) {
				continue
			}
			up++
			if !d.answered.IsZero() {
				answered++
			}
			if limit := started.Add(endedWithin); d.to.IsZero() || d.to.After(limit) {
				t.Errorf("%s %s (%s, %s) was up at kill %d at %s, began %v before it, answered %s; ended %s, %v after the restart",
					what, d.id, d.number, d.kind, i+1, clock(died), died.Sub(d.from), clock(d.answered), clock(d.to), d.to.Sub(started))
			}
		}
	}
	for _, d := range all {
		if d.to.IsZero() {
			t.Errorf("%s %s (%s, %s) is still up, since %s", what, d.id, d.number, d.kind, clock(d.from))
		}
	}
	return up, answered
}

// nextReady is the first life that got as far as to serve.
func nextReady(lives []life) life {
	return lives[slices.IndexFunc(lives, func(l life) bool { return !l.ready.IsZero() })]
}

func clock(at time.Time) string {
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format("15:04:05.000")
}
