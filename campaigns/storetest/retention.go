package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// keeper is the store's own; every store has one.
func (w *world) keeper() campaigns.Keeper {
	w.t.Helper()
	k, ok := campaigns.As[campaigns.Keeper](w.Store)
	if !ok {
		w.t.Fatal("the store deletes nothing that is old")
	}
	return k
}

// called adds a lead of a region that was called some days before start, with an
// outcome that leaves it done or waiting. Attempts have ids that begin with their time.
func (w *world) called(region string, days int, done bool, recording string) (campaigns.LeadID, campaigns.AttemptID) {
	w.t.Helper()
	w.tries++
	at := start.AddDate(0, 0, -days)
	n := campaigns.Number{E164: fmt.Sprintf("+4833%07d", w.tries), Zones: []string{"UTC"}, Regions: []string{region}}
	name := fmt.Sprintf("old-%04d", w.tries)
	l := w.add(campaigns.Lead{Name: name, ExternalID: name, Numbers: []campaigns.Number{n}, CreatedAt: at.Add(-time.Hour)})[0]
	claims, err := w.Claim(w.ctx(), campaigns.ClaimRequest{Queues: []campaigns.QueueID{queue("c", "s", n.Window())}, Limit: 1, Node: "n", Lease: time.Minute, Now: at})
	w.ok(err)
	if len(claims) != 1 || claims[0].Lead.ID != l.ID {
		w.t.Fatalf("claims = %+v, want lead %d", claims, l.ID)
	}
	ms := fmt.Sprintf("%012x", at.UnixMilli())
	id := campaigns.AttemptID(fmt.Sprintf("%s-%s-7000-8000-%012d", ms[:8], ms[8:], w.tries))
	w.ok(w.Begin(w.ctx(), campaigns.Intent{Attempt: id, Claim: claims[0], Decision: campaigns.Decision{Regions: n.Regions}, At: at}))
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: id, Outcome: campaigns.Connected, Operator: "ann", Count: true, Recording: recording,
		Next: campaigns.Next{Done: done, At: at.AddDate(100, 0, 0)}, At: at}))
	l.UpdatedAt = l.CreatedAt
	w.ok(w.SaveLead(w.ctx(), l)) // the call changed nothing of the lead itself
	return l.ID, id
}

// there says whether a lead and an attempt are in the store, by every way to them.
func (w *world) there(lead campaigns.LeadID, attempt campaigns.AttemptID, number string) [2]bool {
	w.t.Helper()
	_, err := w.Lead(w.ctx(), lead)
	found, errFind := w.FindLeads(w.ctx(), campaigns.LeadQuery{Number: number})
	w.ok(errFind)
	if (err == nil) != (len(found) == 1) {
		w.t.Errorf("lead %d: %v, and %d leads have its number", lead, err, len(found))
	}
	ways := []campaigns.AttemptQuery{{ID: attempt}, {Lead: lead, Limit: 10}, {Campaign: "c", Limit: 100}, {Operator: "ann", Limit: 100}}
	seen := make([]bool, len(ways))
	for i, q := range ways {
		all, err := w.Attempts(w.ctx(), q)
		w.ok(err)
		for _, a := range all {
			seen[i] = seen[i] || a.ID == attempt
		}
		if seen[i] != seen[0] {
			w.t.Errorf("attempt %s by id: %v, by %+v: %v", attempt, seen[0], q, seen[i])
		}
	}
	return [2]bool{err == nil, seen[0]}
}

// everything runs steps to the end and sums what they did.
func (w *world) everything(step func(cursor int64) (int, int64, error)) int {
	w.t.Helper()
	total, cursor := 0, int64(0)
	for range 10_000 {
		n, next, err := step(cursor)
		w.ok(err)
		total += n
		if next == 0 {
			return total
		}
		cursor = next
	}
	w.t.Fatal("a pass has no end")
	return 0
}

// retention: what is old goes; what is to be dialled, what a law keeps and do-not-call
// stay. A few are looked at in each step, so that passes have many.
func retention(_ *testing.T, w *world) {
	w.simple()
	w.ok(w.SetCampaignState(w.ctx(), "c", campaigns.Running, ""))
	type row struct {
		what    string
		lead    campaigns.LeadID
		attempt campaigns.AttemptID
		number  string
		stays   [2]bool // the lead, the attempt
	}
	var rows []row
	add := func(what, region string, days int, done bool, recording string, stays [2]bool) {
		w.t.Helper()
		lead, attempt := w.called(region, days, done, recording)
		rows = append(rows, row{what, lead, attempt, fmt.Sprintf("+4833%07d", w.tries), stays})
	}
	gone, kept := [2]bool{false, false}, [2]bool{true, true}
	add("old", "PL", 400, true, "", gone)
	add("young", "PL", 300, true, "", kept)
	add("old, to be dialled", "PL", 400, false, "", kept)
	add("old, with a recording", "PL", 400, true, "x.wav", [2]bool{false, true})
	add("American", "US-FED", 400, true, "", kept)
	add("American, of a state", "US", 5*365-10, true, "", kept)
	add("American, old enough", "US-FL", 5*365+10, true, "", gone)
	add("not American", "USX", 400, true, "", gone)
	w.ok(w.Suppress(w.ctx(), campaigns.Suppression{E164: rows[0].number, At: start.AddDate(-10, 0, 0)}))

	k := w.keeper()
	r := campaigns.Retention{Before: start.AddDate(-1, 0, 0), Laws: []campaigns.KeepLaw{{Region: "US", Before: start.AddDate(-5, 0, 0)}}}
	leads := w.everything(func(cursor int64) (int, int64, error) { return k.DeleteLeads(w.ctx(), r, cursor, 2) })
	attempts := w.everything(func(cursor int64) (int, int64, error) { return k.DeleteAttempts(w.ctx(), r, cursor, 2) })
	for range 2 { // and the same after a crash
		for _, row := range rows {
			if got := w.there(row.lead, row.attempt, row.number); got != row.stays {
				w.t.Errorf("%s: lead and attempt are there: %v, want %v", row.what, got, row.stays)
			}
		}
		w.crash()
	}
	if leads != 4 || attempts != 3 {
		w.t.Errorf("%d leads and %d attempts deleted, want 4 and 3", leads, attempts)
	}
	if _, listed, err := w.Suppressed(w.ctx(), rows[0].number); err != nil || !listed {
		w.t.Errorf("do-not-call of a lead that is gone: %v, %v", listed, err)
	}
	lists, err := w.Lists(w.ctx())
	if err != nil || lists[0].Leads != len(rows)-4 {
		w.t.Errorf("the list has %d leads, %v", lists[0].Leads, err)
	}
	if queues, err := w.Queues(w.ctx(), "c", start); err != nil || len(queues) != 1 || queues[0].Waiting != 1 {
		w.t.Errorf("queues = %+v, %v", queues, err)
	}
	tally, err := w.Tally(w.ctx(), "c", start.AddDate(-20, 0, 0), start)
	if err != nil || tally.Attempts != len(rows)-3 || tally.Live != len(rows)-3 {
		w.t.Errorf("tally = %+v, %v", tally, err)
	}
	k = w.keeper()
	if n := w.everything(func(cursor int64) (int, int64, error) { return k.DeleteAttempts(w.ctx(), r, cursor, 100) }); n != 0 {
		w.t.Errorf("another pass deletes %d attempts", n)
	}
}

// retentionLeavesNothing: the attempts of a lead that is gone are not those of one that
// comes later, and what is claimed or being called stays.
func retentionLeavesNothing(_ *testing.T, w *world) {
	w.simple()
	gone, _ := w.called("PL", 400, true, "x.wav")
	held := w.add(lead("held", 1, "+48900000001"))[0]
	claim := w.takeOne("c")
	k, r := w.keeper(), campaigns.Retention{Before: time.Now().Add(time.Hour)}
	if n := w.everything(func(cursor int64) (int, int64, error) { return k.DeleteLeads(w.ctx(), r, cursor, 2) }); n != 1 {
		w.t.Fatalf("%d leads deleted, want 1", n)
	}
	w.begin(claim)
	if n := w.everything(func(cursor int64) (int, int64, error) { return k.DeleteLeads(w.ctx(), r, cursor, 2) }); n != 0 {
		w.t.Errorf("%d leads deleted that are being called", n)
	}
	if n := w.everything(func(cursor int64) (int, int64, error) { return k.DeleteAttempts(w.ctx(), r, cursor, 2) }); n != 0 {
		w.t.Errorf("%d attempts deleted that are open or have a recording", n)
	}
	w.state(held.ID, "c", campaigns.EntryCalling)
	w.crash()
	later, _ := w.called("PL", 10, true, "")
	calls, err := w.Attempts(w.ctx(), campaigns.AttemptQuery{Lead: later, Limit: 10})
	if err != nil || len(calls) != 1 || later == gone {
		w.t.Errorf("lead %d after %d is gone has %d attempts, %v; want another lead with its one", later, gone, len(calls), err)
	}
}

// oldRecordings: they are listed, and forgotten one by one.
func oldRecordings(_ *testing.T, w *world) {
	w.simple()
	_, old := w.called("PL", 400, true, "old.wav")
	_, young := w.called("PL", 10, true, "young.wav")
	k := w.keeper()
	seen := w.everything(func(cursor int64) (int, int64, error) {
		found, next, err := k.OldRecordings(w.ctx(), start.AddDate(-1, 0, 0), cursor, 1)
		for _, f := range found {
			if f.ID != old || f.Recording != "old.wav" {
				w.t.Errorf("found %+v", f)
			}
			w.ok(k.ForgetRecordings(w.ctx(), []campaigns.AttemptID{f.ID, "nobody's"}))
		}
		return len(found), next, err
	})
	for id, want := range map[campaigns.AttemptID]string{old: "", young: "young.wav"} {
		got, err := w.Attempts(w.ctx(), campaigns.AttemptQuery{ID: id})
		if err != nil || got[0].Recording != want {
			w.t.Errorf("recording %q, %v; want %q", got[0].Recording, err, want)
		}
	}
	if seen != 1 {
		w.t.Errorf("%d found, want 1", seen)
	}
}
