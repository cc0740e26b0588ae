package storetest

import (
	"cmp"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// census counts campaign "c"; its special leads come by number, and by priority where
// they share it.
func (w *world) census(since time.Time) campaigns.Census {
	w.t.Helper()
	counter, ok := campaigns.As[campaigns.Counter](w.Records)
	if !ok {
		w.t.Fatal("the store is no campaigns.Counter")
	}
	n, err := counter.Census(w.ctx(), "c", since, w.now)
	w.ok(err)
	slices.SortFunc(n.Special, func(a, b campaigns.Standing) int {
		return cmp.Or(cmp.Compare(a.Entry.Number, b.Entry.Number), cmp.Compare(b.Entry.Priority, a.Entry.Priority))
	})
	return n
}

// censusEverybody has a lead for each way to stand.
func censusEverybody(t *testing.T, w *world) {
	w.list("l")
	w.campaign("c", "l", campaigns.Segment{Name: "s", Filter: "cp > 0", Priority: "cp"})
	w.same("an empty campaign", w.census(start), campaigns.Census{DoneAfter: map[campaigns.Outcome]int{}})
	far := lead("far", 1)
	far.Numbers = []campaigns.Number{number("+8115", tokyo)}
	all := w.add(
		lead("long ago", 9, "+4801"), lead("postponed", 8, "+4802"), lead("talked", 7, "+4803"), lead("shut", 6, "+4804"),
		lead("calling", 5, "+4805"), lead("claimed", 4, "+4806"),
		lead("same home", 3, "+4807", "+4802"), lead("same line", 3, "+4805"), lead("suppressed", 2, "+4809"),
		lead("other phone", 2, "+4810", "+4811"), lead("plain", 1, "+4812"), lead("nowhere", 0, "+4813"), lead("mute", 1), far)
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(50 * time.Minute)})
	w.now = start.Add(10 * time.Minute)
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(2 * time.Hour)})
	w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	w.call("c", campaigns.InvalidNumber, campaigns.Next{Done: true})
	w.begin(w.takeOne("c"))
	w.takeOne("c")
	for _, n := range []string{"+4809", "+4811"} {
		w.ok(w.Suppress(w.ctx(), campaigns.Suppression{E164: n, At: start}))
	}
	w.now = start.Add(time.Hour)

	near, tokyo := queue("c", "s", warsaw), queue("c", "s", tokyo)
	standing := func(i int, state campaigns.EntryState) campaigns.Standing {
		e := w.entry(all[i].ID, "c")
		if e.State != state {
			t.Errorf("%s is %s, want %s", all[i].Name, e.State, state)
		}
		e.ByOutcome = nil
		return campaigns.Standing{Entry: e}
	}
	called := start.Add(10 * time.Minute)
	later, calling, claimed := standing(1, campaigns.EntryWaiting), standing(4, campaigns.EntryCalling), standing(5, campaigns.EntryClaimed)
	later.Attempts, later.LastOutcome, later.LastAt = []time.Time{called}, campaigns.Busy, called
	calling.Attempts = []time.Time{called}
	shares, held := standing(6, campaigns.EntryWaiting), standing(7, campaigns.EntryWaiting)
	shares.Attempts = []time.Time{called}
	held.Attempts, held.Held = []time.Time{called}, true
	suppressed, second := standing(8, campaigns.EntryWaiting), standing(9, campaigns.EntryWaiting)
	suppressed.Suppressed = true
	want := campaigns.Census{
		Total: 14, Done: 2, DoneAfter: map[campaigns.Outcome]int{campaigns.Connected: 1, campaigns.InvalidNumber: 1}, Nowhere: 2,
		Queues: []campaigns.QueueInfo{
			{QueueID: tokyo, Ready: 1},
			{QueueID: near, Ready: 6, Waiting: 1, NextDue: start.Add(2 * time.Hour)},
		},
		Special: []campaigns.Standing{later, calling, held, claimed, shares, suppressed, second},
	}
	w.same("census", w.census(start.Add(5*time.Minute)), want)
	w.crash()
	w.same("after a crash", w.census(start.Add(5*time.Minute)), want)
}

// censusDialling: while leads move, each is counted once.
func censusDialling(t *testing.T, w *world) {
	const leads, calls = 200, 60
	w.simple()
	var some []campaigns.Lead
	for i := range leads {
		some = append(some, lead(fmt.Sprint("lead ", i), i%6, fmt.Sprintf("+48%04d", i)))
	}
	_, err := w.AddLeads(w.ctx(), "l", some)
	w.ok(err)
	done := make(chan struct{})
	go func() { // ends with the calls
		defer close(done)
		caller := *w
		for i := range calls {
			claims, err := caller.Claim(t.Context(), campaigns.ClaimRequest{Queues: []campaigns.QueueID{queue("c", "s", warsaw)}, Limit: 1, Node: "n1", Lease: time.Minute, Now: start})
			if err != nil || len(claims) != 1 {
				t.Errorf("%d claims, %v", len(claims), err)
				return
			}
			in := caller.intent(claims[0])
			err = caller.Begin(t.Context(), in)
			if err == nil && i%3 > 0 {
				err = caller.End(t.Context(), campaigns.Ending{Attempt: in.Attempt, Outcome: campaigns.Busy, Count: true, At: start, Next: campaigns.Next{At: start.Add(time.Hour), Done: i%3 == 1}})
			}
			if err != nil {
				t.Errorf("call: %v", err)
				return
			}
		}
	}()
	for busy := true; busy; {
		select {
		case <-done:
			busy = false
		default:
		}
		n := w.census(start.Add(-time.Hour))
		sum := n.Done + n.Nowhere
		for _, q := range n.Queues {
			sum += q.Ready + q.Waiting
		}
		for _, x := range n.Special {
			if x.Entry.State != campaigns.EntryWaiting {
				sum++
			}
		}
		if sum != n.Total || n.Total != leads {
			t.Fatalf("%d leads add up to %d", n.Total, sum)
		}
	}
	if n := w.census(start.Add(-time.Hour)); n.Done != calls/3 || len(n.Special) != 2*calls/3 {
		t.Errorf("in the end %d are done and %d special, want %d and %d", n.Done, len(n.Special), calls/3, 2*calls/3)
	}
}
