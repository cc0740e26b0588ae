package storetest

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// chosen asks for one lead of a campaign.
func (w *world) chosen(id campaigns.LeadID, c campaigns.CampaignID) campaigns.ClaimLeadRequest {
	return campaigns.ClaimLeadRequest{Lead: id, Campaign: c, Node: "n1", Lease: time.Minute, Now: w.now}
}

// claimLead claims a chosen lead that may be.
func (w *world) claimLead(id campaigns.LeadID, c campaigns.CampaignID) campaigns.Claim {
	w.t.Helper()
	claim, err := w.ClaimLead(w.ctx(), w.chosen(id, c))
	w.ok(err)
	return claim
}

// notClaimed says why a chosen lead may not be claimed.
func (w *world) notClaimed(q campaigns.ClaimLeadRequest, want campaigns.RefusalReason) {
	w.t.Helper()
	claim, err := w.ClaimLead(w.ctx(), q)
	r, ok := errors.AsType[*campaigns.Refusal](err)
	if !ok || r.Reason != want || claim.Fence != 0 {
		w.t.Errorf("claim of lead %d = %+v, %v; want the refusal %s", q.Lead, claim, err, want)
	}
}

// A chosen lead need not be due; released it waits for its time as before.
func chosenEarly(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 4, "+4801", "+4802"))[0]
	w.add(lead("other", 5, "+4803"))
	later := start.Add(2 * time.Hour)
	a := w.begin(w.claimLead(l.ID, "c"))
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: a, Outcome: campaigns.Connected, Operator: "ann", Count: true, At: start,
		Next: campaigns.Next{At: later, Callback: &campaigns.Callback{At: later, User: "ann"}}}))
	w.now = start.Add(time.Hour)
	got := w.claimLead(l.ID, "c")
	anns := queue("c", "s", warsaw)
	anns.Operator = "ann"
	w.same("claim", got, campaigns.Claim{
		Lead: l, Queue: anns, Number: l.Numbers[0], Fence: got.Fence, Node: "n1", Priority: campaigns.CallbackPriority,
		DueAt: later, Early: true, Until: w.now.Add(time.Minute), Attempts: 1, ByOutcome: map[campaigns.Outcome]int{campaigns.Connected: 1},
		LastOutcome: campaigns.Connected, LastAt: start, Callback: &campaigns.Callback{At: later, User: "ann"}, Operator: "ann",
	})
	w.state(l.ID, "c", campaigns.EntryClaimed)
	w.same("not among the others", names(w.take("c", 5)), []string{"other"})

	w.ok(w.Release(w.ctx(), []campaigns.Claim{got}, time.Time{}))
	w.is(w.Begin(w.ctx(), w.intent(got)), campaigns.ErrStale)
	infos, err := w.Queues(w.ctx(), "c", w.now)
	w.ok(err)
	w.same("it waits as before", infos, []campaigns.QueueInfo{{QueueID: anns, Waiting: 1, NextDue: later}})
	w.same("not before its time", names(w.take("c", 5)), []string{})
	w.now = later
	again := w.takeOne("c")
	if again.Lead.ID != l.ID || again.Fence <= got.Fence {
		t.Errorf("then claimed: %+v, want lead %d and a fence above %d", again, l.ID, got.Fence)
	}
}

// Nobody else's lead can be chosen: not one claimed or called for any campaign.
func chosenTaken(t *testing.T, w *world) {
	w.simple()
	w.campaign("d", "l", campaigns.Segment{Name: "s"})
	id := w.add(lead("a", 1, "+4801"))[0].ID
	claim := w.takeOne("c")
	w.notClaimed(w.chosen(id, "c"), campaigns.RefusedTaken)
	w.notClaimed(w.chosen(id, "d"), campaigns.RefusedTaken)
	a := w.begin(claim)
	w.notClaimed(w.chosen(id, "c"), campaigns.RefusedTaken)
	w.notClaimed(w.chosen(id, "d"), campaigns.RefusedTaken)
	w.end(a, campaigns.NoAnswer, campaigns.Next{At: start.Add(time.Hour)})

	mine := w.claimLead(id, "d")
	w.notClaimed(w.chosen(id, "d"), campaigns.RefusedTaken)
	w.notClaimed(w.chosen(id, "c"), campaigns.RefusedTaken)
	w.now = mine.Until.Add(1)
	w.is(w.Begin(w.ctx(), w.intent(mine)), campaigns.ErrStale)
	n, err := w.Reclaim(w.ctx(), "", w.now)
	if w.ok(err); n != 1 {
		t.Errorf("%d claims reclaimed when the lease was over, want 1", n)
	}
	w.begin(w.claimLead(id, "c"))
}

func chosenPlace(t *testing.T, w *world) {
	w.list("l")
	w.list("m")
	w.campaign("c", "l", campaigns.Segment{Name: "s", Filter: "cp > 0"})
	w.campaign("e", "m")
	ls := w.add(lead("done", 3, "+4801"), lead("none", 0, "+4802"), lead("bad", 1, "+4803"))
	w.end(w.begin(w.claimLead(ls[0].ID, "c")), campaigns.Connected, campaigns.Next{Done: true})
	w.notClaimed(w.chosen(ls[0].ID, "c"), campaigns.RefusedDone)
	w.notClaimed(w.chosen(ls[1].ID, "c"), campaigns.RefusedPlace)
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: w.begin(w.claimLead(ls[2].ID, "c")), Outcome: campaigns.InvalidNumber, BadNumber: true, Next: campaigns.Next{At: w.now}, At: w.now}))
	w.notClaimed(w.chosen(ls[2].ID, "c"), campaigns.RefusedGone)
	for _, q := range []campaigns.ClaimLeadRequest{w.chosen(ls[0].ID, "e"), w.chosen(ls[0].ID, "none"), w.chosen(999_999, "c")} {
		_, err := w.ClaimLead(w.ctx(), q)
		w.is(err, campaigns.ErrNotFound)
	}
	w.state(ls[0].ID, "c", campaigns.EntryDone)
	w.state(ls[1].ID, "c", campaigns.EntryNone)
}

// A number may be chosen too; released, the lead's next one is what it was.
func chosenNumber(t *testing.T, w *world) {
	w.simple()
	l := lead("a", 1, "+4801", "+8102")
	l.Numbers[1] = number("+8102", tokyo)
	l = w.add(l)[0]
	q := w.chosen(l.ID, "c")
	q.Number = "+8102"
	claim, err := w.ClaimLead(w.ctx(), q)
	w.ok(err)
	w.same("number", claim.Number, l.Numbers[1])
	w.same("its hours", claim.Queue, queue("c", "s", tokyo))
	w.ok(w.Release(w.ctx(), []campaigns.Claim{claim}, time.Time{}))
	w.same("the next number", w.entry(l.ID, "c").Number, "+4801")
	w.same("where it waits", w.entry(l.ID, "c").Queue, queue("c", "s", warsaw))

	claim, err = w.ClaimLead(w.ctx(), q)
	w.ok(err)
	w.end(w.begin(claim), campaigns.Busy, campaigns.Next{At: w.now, Number: "+8102"})
	kept, err := w.Attempts(w.ctx(), campaigns.AttemptQuery{Lead: l.ID})
	if w.ok(err); len(kept) != 1 || kept[0].Number != "+8102" {
		t.Errorf("attempts = %+v, want one on +8102", kept)
	}
	claim, err = w.ClaimLead(w.ctx(), q)
	w.ok(err)
	w.same("how that one ended", claim.ByOutcome, map[campaigns.Outcome]int{campaigns.Busy: 1})
	w.ok(w.Release(w.ctx(), []campaigns.Claim{claim}, time.Time{}))
	q.Number = "+4809"
	w.notClaimed(q, campaigns.RefusedGone)
}

// What Begin forbids a paced call it forbids this one.
func chosenGates(t *testing.T, w *world) {
	w.simple()
	ls := w.add(lead("suppressed", 1, "+4801"), lead("capped", 1, "+4802"), lead("twin", 1, "+4802"))
	w.ok(w.Suppress(w.ctx(), campaigns.Suppression{E164: "+4801", Reason: "asked", Source: "api", At: w.now}))
	if r := w.refused(w.intent(w.claimLead(ls[0].ID, "c"))); r.Reason != campaigns.RefusedDoNotCall {
		t.Errorf("refusal = %+v, want do not call", r)
	}
	w.notClaimed(w.chosen(ls[0].ID, "c"), campaigns.RefusedDone)
	a := w.begin(w.claimLead(ls[1].ID, "c"))
	if r := w.refused(w.intent(w.claimLead(ls[2].ID, "c"))); r.Reason != campaigns.RefusedLocked {
		t.Errorf("refusal = %+v, want the number locked", r)
	}
	w.end(a, campaigns.NoAnswer, campaigns.Next{At: w.now})
	once := campaigns.Cap{N: 1, Period: time.Hour}
	if r := w.refused(w.intent(w.claimLead(ls[1].ID, "c"), once)); r.Reason != campaigns.RefusedCap || !r.Next.Equal(start.Add(time.Hour)) {
		t.Errorf("refusal = %+v, want cap for an hour", r)
	}
	w.same("it waits for that", w.entry(ls[1].ID, "c").DueAt, start.Add(time.Hour))
	w.now = start.Add(time.Hour)
	tomorrow := start.Add(24 * time.Hour)
	w.end(w.begin(w.claimLead(ls[1].ID, "c")), campaigns.Busy, campaigns.Next{At: tomorrow})
	w.now = w.now.Add(time.Minute)
	w.refused(w.intent(w.claimLead(ls[1].ID, "c"), once))
	w.same("its own time where that is later", w.entry(ls[1].ID, "c").DueAt, tomorrow)
}

func chosenCrash(t *testing.T, w *world) {
	w.simple()
	ls := w.add(lead("claimed", 1, "+4801"), lead("begun", 1, "+4802"))
	claim := w.claimLead(ls[0].ID, "c")
	in := w.intent(w.claimLead(ls[1].ID, "c"))
	in.Decision.By = "ann"
	w.ok(w.Begin(w.ctx(), in))
	w.crash()
	w.state(ls[0].ID, "c", campaigns.EntryClaimed)
	w.notClaimed(w.chosen(ls[1].ID, "c"), campaigns.RefusedTaken)
	open, err := w.Open(w.ctx(), "n1")
	if w.ok(err); len(open) != 1 || open[0].ID != in.Attempt || open[0].Decision.By != "ann" {
		t.Fatalf("open attempts = %+v, want the one that ann asked for", open)
	}
	w.end(in.Attempt, campaigns.Interrupted, campaigns.Next{At: w.now.Add(4 * time.Hour)})
	n, err := w.Reclaim(w.ctx(), "n1", w.now)
	if w.ok(err); n != 1 {
		t.Errorf("%d claims given back, want 1", n)
	}
	w.is(w.Begin(w.ctx(), w.intent(claim)), campaigns.ErrStale)
	if again := w.claimLead(ls[0].ID, "c"); again.Fence <= claim.Fence {
		t.Errorf("fence %d after %d: it must rise", again.Fence, claim.Fence)
	}
	w.claimLead(ls[1].ID, "c")
}

// Of many who want a lead at once, from its queue or by choice, one has it.
func chosenRace(t *testing.T, w *world) {
	w.simple()
	w.campaign("d", "l", campaigns.Segment{Name: "s"})
	id := w.add(lead("a", 1, "+4801"))[0].ID
	var mu sync.Mutex
	won := 0
	var all sync.WaitGroup
	for i := range 12 {
		all.Go(func() {
			c := campaignIDs[i%2]
			claim, err := w.ClaimLead(w.ctx(), w.chosen(id, c))
			if i%3 == 0 {
				var some []campaigns.Claim
				some, err = w.Claim(w.ctx(), campaigns.ClaimRequest{Queues: []campaigns.QueueID{queue(c, "s", warsaw)}, Limit: 1, Node: "n2", Lease: time.Minute, Now: w.now})
				if len(some) == 1 {
					claim = some[0]
				}
			}
			mu.Lock()
			defer mu.Unlock()
			if claim.Fence != 0 {
				won++
			}
			if r, refused := errors.AsType[*campaigns.Refusal](err); err != nil && (!refused || r.Reason != campaigns.RefusedTaken) {
				t.Errorf("claim: %v", err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d have the lead, want 1", won)
	}
}

// A lead that a rebuild has not come to is claimed from where it belongs now.
func chosenRebuilt(t *testing.T, w *world) {
	w.list("l")
	c := w.campaign("c", "l", campaigns.Segment{Name: "old", Priority: "cp"})
	many := make([]campaigns.Lead, 3000)
	for i := range many {
		many[i] = lead(fmt.Sprintf("n-%04d", i), 1+i%5, fmt.Sprintf("+48%07d", i))
	}
	_, err := w.AddLeads(w.ctx(), "l", many)
	w.ok(err)
	last, err := w.FindLeads(w.ctx(), campaigns.LeadQuery{List: "l", Text: "n-2999"})
	if w.ok(err); len(last) != 1 {
		t.Fatalf("%d leads, want 1", len(last))
	}
	c.Segments = []campaigns.Segment{{Name: "new", Priority: "-cp"}}
	_, err = w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	claim := w.claimLead(last[0].ID, "c")
	if claim.Queue.Segment != "new" || claim.Priority != -5 {
		t.Errorf("claimed from %q with priority %v, want new and -5", claim.Queue.Segment, claim.Priority)
	}
	w.begin(claim)
}

// claimChosen claims one lead of the history, perhaps with a number.
func (h *history) claimChosen(r *rapid.T) {
	p := rapid.SampledFrom(h.m.places).Draw(r, "place")
	q := campaigns.ClaimLeadRequest{Lead: p.lead, Campaign: p.campaign, Node: rapid.SampledFrom(nodes).Draw(r, "node"), Lease: time.Minute, Now: h.w.now}
	if rapid.Bool().Draw(r, "a number") {
		q.Number = rapid.SampledFrom(h.m.leads[p.lead].Numbers).Draw(r, "number").E164
	}
	now, number, reason := h.m.choose(p, q.Number)
	got, err := h.w.ClaimLead(h.w.ctx(), q)
	if reason != "" {
		if refusal, ok := errors.AsType[*campaigns.Refusal](err); !ok || refusal.Reason != reason {
			r.Fatalf("claim = %+v, %v; want the refusal %s", got, err, reason)
		}
		return
	}
	if err != nil {
		r.Fatal(err)
	}
	*p = now
	want := p.queue
	want.Window = number.Window()
	if got.Number.E164 != number.E164 || got.Queue != want || got.Attempts != p.attempts || got.Operator != p.operator || !got.DueAt.Equal(p.due) || got.Fence <= p.fence {
		r.Fatalf("claim = %+v, want place %+v on %s", got, p, number.E164)
	}
	p.state, p.claim, p.fence = campaigns.EntryClaimed, got, got.Fence
	h.claims = append(h.claims, got)
}
