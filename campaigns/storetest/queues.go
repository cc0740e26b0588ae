package storetest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func claimOrder(t *testing.T, w *world) {
	w.simple()
	late := lead("late", 5, "+4801")
	late.CreatedAt = start.Add(-time.Minute)
	early := lead("early", 5, "+4802")
	early.CreatedAt = start.Add(-time.Hour)
	far := lead("far", 9)
	far.Numbers = []campaigns.Number{number("+8103", tokyo)}
	w.add(lead("last", 1, "+4800"), late, early, far, lead("middle", 3, "+4804"))
	w.same("first three", names(w.take("c", 3)), []string{"far", "early", "late"})
	w.same("the rest", names(w.take("c", 10)), []string{"middle", "last"})
	w.same("nobody is left", names(w.take("c", 10)), []string{})
}

// Leads of a segment without a priority go by that of the campaign, and else by
// worth; a changed expression puts those who wait in another order.
func claimPriority(t *testing.T, w *world) {
	w.list("l")
	c := w.campaign("c", "l", campaigns.Segment{Name: "own", Filter: "cp == 5", Priority: "number(fields.rank, -1)"}, campaigns.Segment{Name: "s"})
	var leads []campaigns.Lead
	for i, f := range []map[string]string{nil, {"chance": "0.5", "seconds": "60"}, {"worth": "1"}, {"worth": "7000"}, {"rank": "0.05"}, {"rank": "none"}} {
		l := lead([]string{"plain", "quick", "poor", "rich", "named", "nameless"}[i], 5*(i/4), fmt.Sprintf("+480%d", i))
		l.Fields = f
		leads = append(leads, l)
	}
	w.add(leads...)
	order := func(when string, want ...string) {
		t.Helper()
		claims := w.take("c", 10)
		w.same(when, names(claims), want)
		w.ok(w.Release(w.ctx(), claims, time.Time{}))
	}
	// 0.02 x 7000 / 240; 0.5 x 20 / 60; 0.05; 0.02 x 20 / 240; 0.02 x 1 / 240; -1
	order("by worth", "rich", "quick", "named", "plain", "poor", "nameless")
	c.Priority = "-worth"
	c, err := w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	order("by the campaign's own", "named", "nameless", "poor", "plain", "quick", "rich")
	c.Priority = "worth +\n pri"
	_, err = w.SaveCampaign(w.ctx(), c)
	if se, ok := errors.AsType[*campaigns.SegmentError](err); !ok || se.Part != "priority" || se.Line != 2 || se.Column != 2 {
		t.Errorf("error = %v, want line 2, column 2", err)
	}
	order("a bad expression changes nothing", "named", "nameless", "poor", "plain", "quick", "rich")
}

func claimQueues(t *testing.T, w *world) {
	w.list("l")
	w.campaign("c", "l", campaigns.Segment{Name: "hot", Filter: "cp > 3", Priority: "0"}, campaigns.Segment{Name: "rest", Filter: "cp > 0", Priority: "0"})
	far := lead("far", 5)
	far.Numbers = []campaigns.Number{number("+8101", tokyo)}
	none := w.add(lead("near", 5, "+4801"), far, lead("cold", 1, "+4802"), lead("none", 0, "+4803"))[3]
	claim := func(queues ...campaigns.QueueID) []string {
		claims, err := w.Claim(w.ctx(), campaigns.ClaimRequest{Queues: queues, Limit: 10, Node: "n", Lease: time.Minute, Now: start})
		w.ok(err)
		return names(claims)
	}
	w.same("tokyo only", claim(queue("c", "hot", tokyo)), []string{"far"})
	w.same("no such queues", claim(queue("c", "warm", warsaw), queue("x", "hot", warsaw), queue("c", "rest", tokyo)), []string{})
	w.same("no queues", claim(), []string{})
	w.same("equals go by the order of the queues", claim(queue("c", "rest", warsaw), queue("c", "hot", warsaw)), []string{"cold", "near"})
	w.state(none.ID, "c", campaigns.EntryNone)
}

func claimDue(t *testing.T, w *world) {
	w.simple()
	w.add(lead("a", 1, "+4801"), lead("b", 1, "+4802"))
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(time.Hour)})
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(time.Hour + time.Nanosecond)})
	w.now = start.Add(time.Hour - time.Nanosecond)
	w.same("a moment early", names(w.take("c", 2)), []string{})
	w.now = start.Add(time.Hour)
	w.same("on time", len(w.take("c", 2)), 1)
	w.now = start.Add(30 * time.Minute) // the clock was set back
	w.same("clock set back", names(w.take("c", 2)), []string{})
	w.now = start.Add(2 * time.Hour)
	w.same("later", len(w.take("c", 2)), 1)
}

func claimOnce(t *testing.T, w *world) {
	w.simple()
	w.campaign("d", "l", campaigns.Segment{Name: "s"})
	w.add(lead("a", 1, "+4801", "+4802"))
	c := w.takeOne("c")
	w.same("claimed in c", names(w.take("d", 5)), []string{})
	a := w.begin(c)
	w.same("called in c", names(w.take("d", 5)), []string{})
	w.end(a, campaigns.NoAnswer, campaigns.Next{At: start.Add(time.Hour)})
	w.same("free again", names(w.take("d", 5)), []string{"a"})
}

func claimContent(t *testing.T, w *world) {
	w.simple()
	l := lead("a", 4, "+4801", "+4802")
	l.Fields = map[string]string{"city": "Gdynia"}
	l.Note = "calls back at night"
	kept := w.add(l)[0]
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(time.Hour)})
	w.now = start.Add(time.Hour)
	w.call("c", campaigns.NoAnswer, campaigns.Next{At: start.Add(2 * time.Hour), Number: "+4802"})
	w.now = start.Add(2 * time.Hour)
	w.call("c", campaigns.Congestion, campaigns.Next{At: start.Add(3 * time.Hour), Number: "+4801"})
	w.now = start.Add(3 * time.Hour)
	got := w.takeOne("c")
	if got.Fence == 0 {
		t.Error("the fence is 0")
	}
	want := campaigns.Claim{
		Lead: kept, Queue: queue("c", "s", warsaw), Number: kept.Numbers[0], Fence: got.Fence, Node: "n1", Priority: 4,
		DueAt: start.Add(3 * time.Hour), Until: start.Add(3*time.Hour + time.Minute), Attempts: 2,
		ByOutcome:   map[campaigns.Outcome]int{campaigns.Busy: 1, campaigns.NoAnswer: 1},
		ByNumber:    map[string]map[campaigns.Outcome]int{"+4802": {campaigns.Congestion: 1}},
		LastOutcome: campaigns.Congestion, LastAt: start.Add(2 * time.Hour),
	}
	w.same("claim", got, want)
}

// Where several leads are claimed at once each knows its own past, and that of its numbers.
func claimSeveral(_ *testing.T, w *world) {
	w.simple()
	w.campaign("d", "l", campaigns.Segment{Name: "s"})
	w.add(lead("a", 3, "+4801", "+4802"), lead("b", 2, "+4801"), lead("new", 1, "+4803"))
	again := campaigns.Next{At: start.Add(time.Hour)}
	for i, one := range []struct {
		campaign campaigns.CampaignID
		outcome  campaigns.Outcome
	}{{"c", campaigns.Busy}, {"c", campaigns.NoAnswer}, {"d", campaigns.Congestion}} { // a, b, a
		w.now = start.Add(time.Duration(i) * time.Minute)
		w.call(one.campaign, one.outcome, again)
	}
	w.now = start.Add(time.Hour)
	claims := w.take("c", 3)
	w.same("claimed", names(claims), []string{"a", "b", "new"})
	shared := map[campaigns.Outcome]int{campaigns.Busy: 1, campaigns.NoAnswer: 1}
	w.same("of the number of a", claims[0].ByOutcome, shared)
	w.same("of the same number, with b", claims[1].ByOutcome, shared)
	w.same("of a number that was never called", len(claims[2].ByOutcome), 0)
	last := func(c campaigns.Claim) string { return string(c.LastOutcome) + c.LastAt.UTC().Format(" 15:04") }
	w.same("last of a, in whatever campaign", last(claims[0]), "congestion 09:02")
	w.same("last of b", last(claims[1]), "no_answer 09:01")
	w.same("last of a lead that was never called", claims[2].LastOutcome, campaigns.Outcome(""))
}

func claimCallback(t *testing.T, w *world) {
	w.simple()
	promised := w.add(lead("promised", 1, "+4801"))[0]
	at := start.Add(time.Hour)
	w.call("c", campaigns.Connected, campaigns.Next{At: at, Callback: &campaigns.Callback{At: at, User: "ann"}})
	w.add(lead("great", 5, "+4802"))
	w.now = at
	claims := w.take("c", 2)
	w.same("order", names(claims), []string{"promised", "great"})
	w.same("callback", claims[0].Callback, &campaigns.Callback{At: at, User: "ann"})
	w.same("priority", claims[0].Priority, float64(campaigns.CallbackPriority))
	w.same("in the entry", w.entry(promised.ID, "c").Callback, &campaigns.Callback{At: at, User: "ann"})
	w.end(w.begin(claims[0]), campaigns.NoAnswer, campaigns.Next{At: at.Add(time.Hour)})
	if e := w.entry(promised.ID, "c"); e.Callback != nil || e.Priority != 1 {
		t.Errorf("after the promise was tried: %+v", e)
	}
}

// Where a campaign mixes in leads never tried, they have queues of their own until
// an attempt begins; turning that on or off moves them.
func claimUntried(t *testing.T, w *world) {
	w.list("l")
	c := w.campaign("c", "l", campaigns.Segment{Name: "s", Priority: "cp"})
	c.NthNew = 4
	c, err := w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	ls := w.add(lead("a", 3, "+4801"), lead("b", 2, "+4802"), lead("c", 1, "+4803"))
	fresh := queue("c", "s", warsaw)
	fresh.New = true
	claim := func(q campaigns.QueueID) []campaigns.Claim {
		t.Helper()
		claims, err := w.Claim(w.ctx(), campaigns.ClaimRequest{Queues: []campaigns.QueueID{q}, Limit: 1, Node: "n1", Lease: time.Minute, Now: w.now})
		w.ok(err)
		return claims
	}
	w.same("none was tried", names(claim(queue("c", "s", warsaw))), []string{})
	first := claim(fresh)
	w.same("the best of the new ones", names(first), []string{"a"})
	w.same("its queue", first[0].Queue, fresh)
	w.ok(w.Release(w.ctx(), first, time.Time{}))
	w.same("given back it is still new", w.entry(ls[0].ID, "c").Queue, fresh)
	w.end(w.begin(claim(fresh)[0]), campaigns.NotPlaced, campaigns.Next{At: w.now})
	w.same("begun once it is not new", w.entry(ls[0].ID, "c").Queue, queue("c", "s", warsaw))
	w.same("the tried one", names(claim(queue("c", "s", warsaw))), []string{"a"})
	infos, err := w.Queues(w.ctx(), "c", w.now)
	w.ok(err)
	w.same("queues", infos, []campaigns.QueueInfo{{QueueID: fresh, Ready: 2}})
	w.crash()
	w.same("after a crash", names(claim(fresh)), []string{"b"})
	c.NthNew = 0
	_, err = w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	w.same("all alike again", w.entry(ls[2].ID, "c").Queue, queue("c", "s", warsaw))
}

// The promises of an operator wait in queues of their own: others come to them
// only where they ask for them, and for those that are due for long.
func claimPersonal(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801"))[0]
	at := start.Add(time.Hour)
	claim := w.takeOne("c")
	a := w.begin(claim)
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: a, Outcome: campaigns.Connected, Operator: "ann", Count: true, At: start,
		Next: campaigns.Next{At: at, Callback: &campaigns.Callback{At: at, User: "ann"}}}))
	anns := queue("c", "s", warsaw)
	anns.Operator = "ann"
	w.same("queue", w.entry(l.ID, "c").Queue, anns)
	w.same("who talked to it", w.entry(l.ID, "c").Operator, campaigns.UserID("ann"))
	try := func(q campaigns.QueueID, grace time.Duration) []campaigns.Claim {
		t.Helper()
		claims, err := w.Claim(w.ctx(), campaigns.ClaimRequest{
			Queues: []campaigns.QueueID{q}, Limit: 1, Node: "n1", Lease: time.Minute, Now: w.now, DueBy: w.now.Add(-grace),
		})
		w.ok(err)
		return claims
	}
	w.now = at.Add(5 * time.Minute)
	w.same("not for all", names(try(queue("c", "s", warsaw), 0)), []string{})
	own := try(anns, 0)
	w.same("for its operator", names(own), []string{"a"})
	w.same("and says whose it is", own[0].Callback, &campaigns.Callback{At: at, User: "ann"})
	w.same("and who had it last", own[0].Operator, campaigns.UserID("ann"))
	w.ok(w.Release(w.ctx(), own, time.Time{}))
	w.same("for others not yet", names(try(anns, 5*time.Minute+1)), []string{})
	w.same("but still for its operator", len(try(anns, 0)), 1)
	_, err := w.Reclaim(w.ctx(), "n1", w.now)
	w.ok(err)
	late := try(anns, 5*time.Minute)
	w.same("for others later", names(late), []string{"a"})
	w.same("the lease runs from now", late[0].Until, w.now.Add(time.Minute))
	w.end(w.begin(late[0]), campaigns.NoAnswer, campaigns.Next{At: w.now, Callback: &campaigns.Callback{At: w.now}})
	w.same("a promise of nobody is for all", w.entry(l.ID, "c").Queue, queue("c", "s", warsaw))
	w.same("she still had it last", w.takeOne("c").Operator, campaigns.UserID("ann"))
}

func queueCounts(t *testing.T, w *world) {
	w.simple()
	far := lead("far", 1)
	far.Numbers = []campaigns.Number{number("+8101", tokyo)}
	w.add(lead("p", 5, "+4801"), lead("q", 4, "+4802"), lead("s", 3, "+4803"), far)
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(time.Hour)})
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(2 * time.Hour)})
	counts := func(when string, want ...campaigns.QueueInfo) {
		t.Helper()
		got, err := w.Queues(w.ctx(), "c", w.now)
		w.ok(err)
		w.same(when, got, want)
	}
	info := func(class campaigns.WindowClass, ready, waiting int, next time.Time) campaigns.QueueInfo {
		return campaigns.QueueInfo{QueueID: queue("c", "s", class), Ready: ready, Waiting: waiting, NextDue: next}
	}
	counts("at first", info(tokyo, 1, 0, time.Time{}), info(warsaw, 1, 2, start.Add(time.Hour)))
	w.now = start.Add(time.Hour)
	counts("after an hour", info(tokyo, 1, 0, time.Time{}), info(warsaw, 2, 1, start.Add(2*time.Hour)))
	w.take("c", 2)
	counts("two claimed", info(tokyo, 1, 0, time.Time{}), info(warsaw, 0, 1, start.Add(2*time.Hour)))
	w.crash()
	counts("after a crash", info(tokyo, 1, 0, time.Time{}), info(warsaw, 0, 1, start.Add(2*time.Hour)))
}

func leaseRelease(t *testing.T, w *world) {
	w.simple()
	id := w.add(lead("a", 1, "+4801"))[0].ID
	c := w.takeOne("c")
	w.ok(w.Release(w.ctx(), []campaigns.Claim{c}, time.Time{}))
	w.is(w.Release(w.ctx(), []campaigns.Claim{c}, time.Time{}), campaigns.ErrStale)
	w.is(w.Begin(w.ctx(), w.intent(c)), campaigns.ErrStale)
	again := w.takeOne("c")
	if again.Fence <= c.Fence {
		t.Errorf("fence %d after %d: it must rise", again.Fence, c.Fence)
	}
	w.same("time as it was", again.DueAt, c.DueAt)
	w.is(w.Begin(w.ctx(), w.intent(c)), campaigns.ErrStale)
	w.is(w.Release(w.ctx(), []campaigns.Claim{c, again}, start.Add(time.Hour)), campaigns.ErrStale)
	w.state(id, "c", campaigns.EntryWaiting) // the good one was released all the same
	w.same("not before", names(w.take("c", 1)), []string{})
	w.now = start.Add(time.Hour)
	w.takeOne("c")
}

func leaseEnds(t *testing.T, w *world) {
	w.simple()
	w.add(lead("a", 1, "+4801"))
	c := w.takeOne("c")
	w.now = c.Until
	n, err := w.Reclaim(w.ctx(), "", w.now)
	if w.ok(err); n != 0 {
		t.Errorf("%d claims reclaimed at the end of their lease, want 0: it is not over", n)
	}
	w.now = c.Until.Add(1)
	w.is(w.Begin(w.ctx(), w.intent(c)), campaigns.ErrStale)
	n, err = w.Reclaim(w.ctx(), "", w.now)
	if w.ok(err); n != 1 {
		t.Errorf("%d claims reclaimed, want 1", n)
	}
	w.begin(w.takeOne("c"))
}

func leaseReclaim(t *testing.T, w *world) {
	w.simple()
	ls := w.add(lead("mine", 3, "+4801"), lead("begun", 2, "+4802"), lead("other", 1, "+4803"))
	w.takeOne("c")
	w.begin(w.takeOne("c"))
	_, err := w.Claim(w.ctx(), campaigns.ClaimRequest{Queues: []campaigns.QueueID{queue("c", "s", warsaw)}, Limit: 1, Node: "n2", Lease: time.Minute, Now: w.now})
	w.ok(err)
	n, err := w.Reclaim(w.ctx(), "n1", w.now)
	if w.ok(err); n != 1 {
		t.Errorf("%d claims reclaimed, want 1", n)
	}
	w.state(ls[0].ID, "c", campaigns.EntryWaiting)
	w.state(ls[1].ID, "c", campaigns.EntryCalling)
	w.state(ls[2].ID, "c", campaigns.EntryClaimed)
}
