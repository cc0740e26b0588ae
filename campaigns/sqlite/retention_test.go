package sqlite

import (
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// aged is a store in which leads were called once, each long ago.
type aged struct {
	*Store
	t *testing.T
	n int
}

// called adds a lead of a region that was called some days before start, with an
// outcome that leaves it done or waiting.
func (a *aged) called(region string, days int, done bool, recording string) (campaigns.LeadID, campaigns.AttemptID) {
	a.t.Helper()
	a.n++
	must := func(err error) {
		a.t.Helper()
		if err != nil {
			a.t.Fatal(err)
		}
	}
	ctx, at := a.t.Context(), start.AddDate(0, 0, -days)
	n := campaigns.Number{E164: fmt.Sprintf("+4833%07d", a.n), Zones: []string{"UTC"}, Regions: []string{region}}
	_, err := a.AddLeads(ctx, "list", []campaigns.Lead{{Name: "old", Numbers: []campaigns.Number{n}, CreatedAt: at.Add(-time.Hour)}})
	must(err)
	found, err := a.FindLeads(ctx, campaigns.LeadQuery{Number: n.E164})
	must(err)
	queue := campaigns.QueueID{Campaign: "camp", Segment: "rest", Window: n.Window()}
	claims, err := a.Claim(ctx, campaigns.ClaimRequest{Queues: []campaigns.QueueID{queue}, Limit: 1, Node: "n", Lease: time.Minute, Now: at})
	must(err)
	if len(claims) != 1 {
		a.t.Fatalf("%d claims", len(claims))
	}
	id := campaigns.AttemptID(fmt.Sprintf("01940000-0000-7000-8000-%012d", a.n))
	must(a.Begin(ctx, campaigns.Intent{Attempt: id, Claim: claims[0], Decision: campaigns.Decision{Regions: n.Regions}, At: at}))
	must(a.End(ctx, campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, Count: true, Recording: recording,
		Next: campaigns.Next{Done: done, At: at.AddDate(100, 0, 0)}, At: at}))
	return found[0].ID, id
}

func (a *aged) there(lead campaigns.LeadID, attempt campaigns.AttemptID) [2]bool {
	a.t.Helper()
	_, err := a.Lead(a.t.Context(), lead)
	attempts, errAttempts := a.Attempts(a.t.Context(), campaigns.AttemptQuery{ID: attempt})
	if errAttempts != nil {
		a.t.Fatal(errAttempts)
	}
	return [2]bool{err == nil, len(attempts) == 1}
}

// every runs steps to the end and sums what they deleted.
func every(t *testing.T, step func(cursor int64) (int, int64, error)) int {
	t.Helper()
	total, cursor := 0, int64(0)
	for {
		n, next, err := step(cursor)
		if err != nil {
			t.Fatal(err)
		}
		total += n
		if next == 0 {
			return total
		}
		cursor = next
	}
}

// What is old goes; what is to be dialled, what a law keeps and do-not-call stay.
func TestRetention(t *testing.T) {
	a := &aged{Store: openTest(t), t: t}
	fill(t, a.Store, 0)
	if err := a.SetCampaignState(t.Context(), "camp", campaigns.Running, ""); err != nil {
		t.Fatal(err)
	}
	type row struct {
		what    string
		lead    campaigns.LeadID
		attempt campaigns.AttemptID
		stays   [2]bool // the lead, the attempt
	}
	var rows []row
	add := func(what, region string, days int, done bool, recording string, stays [2]bool) {
		lead, attempt := a.called(region, days, done, recording)
		rows = append(rows, row{what, lead, attempt, stays})
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
	if err := a.Suppress(t.Context(), campaigns.Suppression{E164: "+48330000001", At: start.AddDate(-10, 0, 0)}); err != nil {
		t.Fatal(err)
	}
	if err := a.write(t.Context(), "age", func(w *writer) error { // requeueing stamps the present
		_, err := w.exec(`UPDATE lead SET updated_at = created_at`)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r := campaigns.Retention{Before: start.AddDate(-1, 0, 0), Laws: []campaigns.KeepLaw{{Region: "US", Before: start.AddDate(-5, 0, 0)}}}
	leads := every(t, func(cursor int64) (int, int64, error) { return a.DeleteLeads(t.Context(), r, cursor, 2) })
	attempts := every(t, func(cursor int64) (int, int64, error) { return a.DeleteAttempts(t.Context(), r, cursor, 2) })
	for _, row := range rows {
		if got := a.there(row.lead, row.attempt); got != row.stays {
			t.Errorf("%s: lead and attempt are there: %v, want %v", row.what, got, row.stays)
		}
	}
	if leads != 4 || attempts != 3 {
		t.Errorf("%d leads and %d attempts deleted, want 4 and 3", leads, attempts)
	}
	if _, listed, err := a.Suppressed(t.Context(), "+48330000001"); err != nil || !listed {
		t.Errorf("do-not-call of a lead that is gone: %v, %v", listed, err)
	}
	lists, err := a.Lists(t.Context())
	if err != nil || lists[0].Leads != len(rows)-4 {
		t.Errorf("the list has %d leads, %v", lists[0].Leads, err)
	}
	if queues, err := a.Queues(t.Context(), "camp", start); err != nil || len(queues) != 1 || queues[0].Waiting != 1 {
		t.Errorf("queues = %+v, %v", queues, err)
	}
}

// The attempts of a lead that is gone are not those of one that comes later.
func TestDeletedLeadsLeaveNothingToOthers(t *testing.T) {
	a := &aged{Store: openTest(t), t: t}
	fill(t, a.Store, 0)
	gone, _ := a.called("PL", 400, true, "x.wav")
	r := campaigns.Retention{Before: time.Now().Add(time.Hour)}
	if n := every(t, func(cursor int64) (int, int64, error) { return a.DeleteLeads(t.Context(), r, cursor, 2) }); n != 1 {
		t.Fatalf("%d leads deleted, want 1", n)
	}
	if err := a.write(t.Context(), "restart", func(w *writer) error { w.forget(); return nil }); err != nil {
		t.Fatal(err)
	}
	later, _ := a.called("PL", 10, true, "")
	calls, err := a.Attempts(t.Context(), campaigns.AttemptQuery{Lead: later, Limit: 10})
	if err != nil || len(calls) != 1 || later == gone {
		t.Errorf("lead %d after %d is gone has %d attempts, %v; want another lead with its one", later, gone, len(calls), err)
	}
}

func TestOldRecordings(t *testing.T) {
	a := &aged{Store: openTest(t), t: t}
	fill(t, a.Store, 0)
	_, old := a.called("PL", 400, true, "old.wav")
	_, young := a.called("PL", 10, true, "young.wav")
	seen := every(t, func(cursor int64) (int, int64, error) {
		found, next, err := a.OldRecordings(t.Context(), start.AddDate(-1, 0, 0), cursor, 1)
		for _, f := range found {
			if f.ID != old || f.Recording != "old.wav" {
				t.Errorf("found %+v", f)
			}
			err = a.ForgetRecordings(t.Context(), []campaigns.AttemptID{f.ID})
		}
		return len(found), next, err
	})
	for id, want := range map[campaigns.AttemptID]string{old: "", young: "young.wav"} {
		got, err := a.Attempts(t.Context(), campaigns.AttemptQuery{ID: id})
		if err != nil || got[0].Recording != want {
			t.Errorf("recording %q, %v; want %q", got[0].Recording, err, want)
		}
	}
	if seen != 1 {
		t.Errorf("%d found, want 1", seen)
	}
}
