package storetest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// histories does random things to a store and to the model, and compares them
// after each step. Crashes come between any two steps.
func histories(t *testing.T, open func(t *testing.T) Both) {
	rapid.Check(t, func(r *rapid.T) {
		h := newHistory(t, r, open)
		defer func() {
			if err := h.w.Close(); err != nil {
				r.Error(err)
			}
		}()
		r.Repeat(map[string]func(*rapid.T){
			"": h.check, "time": h.time, "claim": h.claim, "claim more": h.claim, "claim chosen": h.claimChosen, "claim forgotten": h.claimForgotten, "release": h.release, "begin": h.begin, "begin more": h.begin,
			"end": h.end, "end more": h.end, "dispose": h.dispose, "reclaim": h.reclaim, "suppress": h.suppress, "crash": h.crash,
		})
	})
}

var (
	campaignIDs = []campaigns.CampaignID{"c", "d"}
	nodes       = []string{"n1", "n2"}
	outcomes    = []campaigns.Outcome{campaigns.Connected, campaigns.Busy, campaigns.NoAnswer, campaigns.Congestion, campaigns.InvalidNumber}
)

// history is a store and the model that it is compared with.
type history struct {
	w      *world
	m      *model
	claims []campaigns.Claim // all that were ever given
}

func newHistory(t *testing.T, r *rapid.T, open func(t *testing.T) Both) *history {
	w := newWorld(t, open(t))
	w.list("l")
	segments := []campaigns.Segment{{Name: "hot", Filter: "cp > 2", Priority: "cp"}, {Name: "rest", Filter: "cp > 0", Priority: "level"}}
	c, err := w.SaveCampaign(w.ctx(), campaigns.Campaign{ID: "c", Lists: []campaigns.ListID{"l"}, Segments: segments, NthNew: 3, CreatedAt: start})
	w.ok(err)
	cs := []campaigns.Campaign{c, w.campaign("d", "l", campaigns.Segment{Name: "rest", Filter: "cp > 0"})} // d by the default
	var leads []campaigns.Lead
	for i := range rapid.IntRange(1, 6).Draw(r, "leads") {
		l := lead(fmt.Sprintf("lead-%d", i), rapid.IntRange(0, 5).Draw(r, "cp"))
		for _, n := range rapid.SliceOfNDistinct(rapid.IntRange(0, 7), 1, 3, rapid.ID).Draw(r, "numbers") { // some are shared
			l.Numbers = append(l.Numbers, number(fmt.Sprintf("+480%d", n), []campaigns.WindowClass{warsaw, tokyo}[n%2]))
		}
		leads = append(leads, l)
	}
	m, err := newModel(w.add(leads...), cs)
	w.ok(err)
	return &history{w: w, m: m}
}

func (h *history) time(r *rapid.T) {
	h.w.now = h.w.now.Add(rapid.SampledFrom([]time.Duration{1, time.Second, 50 * time.Second, 10 * time.Minute, 5 * time.Hour}).Draw(r, "by"))
}

// claim compares order and number; among equals the store may choose.
func (h *history) claim(r *rapid.T) {
	c := rapid.SampledFrom(campaignIDs).Draw(r, "campaign")
	q := campaigns.ClaimRequest{Limit: rapid.IntRange(1, 4).Draw(r, "limit"), Node: rapid.SampledFrom(nodes).Draw(r, "node"), Lease: time.Minute, Now: h.w.now}
	q.Queues = queuesOf(c)
	h.claimed(r, q)
}

// queuesOf are all queues that a campaign may have.
func queuesOf(c campaigns.CampaignID) []campaigns.QueueID {
	var all []campaigns.QueueID
	for _, segment := range []string{"hot", "rest"} {
		for _, class := range []campaigns.WindowClass{warsaw, tokyo} {
			q := queue(c, segment, class)
			fresh, anns := q, q
			fresh.New, anns.Operator = true, "ann"
			all = append(all, q, fresh, anns)
		}
	}
	return all
}

// claimForgotten claims what an operator promised and has not come to for long.
func (h *history) claimForgotten(r *rapid.T) {
	c := rapid.SampledFrom(campaignIDs).Draw(r, "campaign")
	q := campaigns.ClaimRequest{Limit: 2, Node: "n1", Lease: time.Minute, Now: h.w.now, DueBy: h.w.now.Add(-rapid.SampledFrom([]time.Duration{1, 10 * time.Minute}).Draw(r, "grace"))}
	for _, id := range queuesOf(c) {
		if id.Operator != "" {
			q.Queues = append(q.Queues, id)
		}
	}
	h.claimed(r, q)
}

func (h *history) claimed(r *rapid.T, q campaigns.ClaimRequest) {
	c := q.Queues[0].Campaign
	want := h.m.best(q)
	want = want[:min(q.Limit, len(want))]
	got, err := h.w.Claim(h.w.ctx(), q)
	if err != nil {
		r.Fatal(err)
	}
	if len(got) != len(want) {
		r.Fatalf("%d claims of %s, want %d", len(got), c, len(want))
	}
	for i, claim := range got {
		p := h.m.place(claim.Lead.ID, c)
		if !h.m.claimable(p, q.Due()) {
			r.Fatalf("lead %d was claimed: %+v", p.lead, p)
		}
		if claim.Priority != want[i].priority || !claim.DueAt.Equal(want[i].due) {
			r.Fatalf("claim %d has priority %v, due %v; want %v, %v", i, claim.Priority, claim.DueAt, want[i].priority, want[i].due)
		}
		if claim.Number.E164 != p.number || claim.Queue != p.queue || claim.Attempts != p.attempts || claim.Operator != p.operator {
			r.Fatalf("claim = %+v, want place %+v", claim, p)
		}
		if claim.Fence <= p.fence {
			r.Fatalf("fence %d after %d", claim.Fence, p.fence)
		}
		p.state, p.claim, p.fence = campaigns.EntryClaimed, claim, claim.Fence
	}
	h.claims = append(h.claims, got...)
}

// anyClaim draws a claim, mostly a late one, stale or not.
func (h *history) anyClaim(r *rapid.T) campaigns.Claim {
	if len(h.claims) == 0 {
		r.Skip("no claims yet")
	}
	return h.claims[len(h.claims)-1-rapid.IntRange(0, min(len(h.claims)-1, 6)).Draw(r, "claim")]
}

func (h *history) release(r *rapid.T) {
	batch := []campaigns.Claim{h.anyClaim(r), h.anyClaim(r)}
	var at time.Time
	if rapid.Bool().Draw(r, "later") {
		at = h.w.now.Add(time.Hour)
	}
	var want error
	for _, c := range batch {
		if !h.m.holds(c) {
			want = campaigns.ErrStale
			continue
		}
		p := h.m.place(c.Lead.ID, c.Queue.Campaign)
		if !at.IsZero() {
			p.due = at
		}
		h.m.put(p)
	}
	if err := h.w.Release(h.w.ctx(), batch, at); !errors.Is(err, want) {
		r.Fatalf("release = %v, want %v", err, want)
	}
}

func (h *history) begin(r *rapid.T) {
	in := h.w.intent(h.anyClaim(r))
	if rapid.Bool().Draw(r, "caps") {
		in.Caps = []campaigns.Cap{{N: 2, Period: time.Hour}, {N: 3, Period: 24 * time.Hour}}
	}
	refusal, want := h.m.begin(in)
	err := h.w.Begin(h.w.ctx(), in)
	if refusal == nil {
		if !errors.Is(err, want) {
			r.Fatalf("begin = %v, want %v", err, want)
		}
		return
	}
	got, ok := errors.AsType[*campaigns.Refusal](err)
	if !ok || got.Reason != refusal.Reason || !got.Next.Equal(refusal.Next) {
		r.Fatalf("begin = %v, want %+v", err, refusal)
	}
}

// anyAttempt draws an attempt, mostly a late one.
func (h *history) anyAttempt(r *rapid.T) *modelAttempt {
	if len(h.m.attempts) == 0 {
		r.Skip("no attempts yet")
	}
	return h.m.attempts[len(h.m.attempts)-1-rapid.IntRange(0, min(len(h.m.attempts)-1, 4)).Draw(r, "attempt")]
}

func (h *history) next(r *rapid.T, a *modelAttempt) campaigns.Next {
	switch rapid.IntRange(0, 5).Draw(r, "next") {
	case 0:
		return campaigns.Next{Done: true}
	case 1:
		at := h.w.now.Add(10 * time.Minute)
		return campaigns.Next{At: at, Callback: &campaigns.Callback{At: at, User: rapid.SampledFrom([]campaigns.UserID{"ann", ""}).Draw(r, "whose")}}
	case 2:
		numbers := h.m.leads[a.place.lead].Numbers
		return campaigns.Next{At: h.w.now, Number: numbers[len(numbers)-1].E164}
	case 3:
		return campaigns.Next{}
	}
	return campaigns.Next{At: h.w.now.Add(rapid.SampledFrom([]time.Duration{0, time.Minute, time.Hour}).Draw(r, "after"))}
}

func (h *history) end(r *rapid.T) {
	a := h.anyAttempt(r)
	o := rapid.SampledFrom(outcomes).Draw(r, "outcome")
	var operator campaigns.UserID
	if o == campaigns.Connected {
		operator = rapid.SampledFrom([]campaigns.UserID{"ann", "bob"}).Draw(r, "operator")
	}
	h.finish(r, a, campaigns.Ending{
		Attempt: a.id, Outcome: o, Next: h.next(r, a), BadNumber: o == campaigns.InvalidNumber, Count: o.Reached(), At: h.w.now,
		Suppress: rapid.IntRange(0, 19).Draw(r, "suppress") == 0, Operator: operator,
	})
}

func (h *history) finish(r *rapid.T, a *modelAttempt, e campaigns.Ending) {
	h.m.end(a, e)
	if err := h.w.End(h.w.ctx(), e); err != nil {
		r.Fatal(err)
	}
}

func (h *history) dispose(r *rapid.T) {
	a := h.anyAttempt(r)
	d := campaigns.Disposal{Attempt: a.id, Disposition: "x", By: "ann", Next: h.next(r, a), At: h.w.now, BadNumber: rapid.IntRange(0, 9).Draw(r, "bad") == 0,
		Grades:   campaigns.Grades{CP: rapid.IntRange(0, 5).Draw(r, "cp"), Level: rapid.IntRange(0, 5).Draw(r, "level")},
		Suppress: rapid.IntRange(0, 19).Draw(r, "suppress") == 0}
	err := h.w.Dispose(h.w.ctx(), d)
	if !a.ended {
		if !errors.Is(err, campaigns.ErrConflict) {
			r.Fatalf("dispose of an open attempt = %v", err)
		}
		return
	}
	if err != nil {
		r.Fatal(err)
	}
	h.m.dispose(a, d)
}

func (h *history) reclaim(r *rapid.T) {
	node := rapid.SampledFrom([]string{"", "", "n1", "n2"}).Draw(r, "node")
	want := h.m.reclaim(node, h.w.now)
	got, err := h.w.Reclaim(h.w.ctx(), node, h.w.now)
	if err != nil || got != want {
		r.Fatalf("reclaim = %d, %v; want %d", got, err, want)
	}
}

func (h *history) suppress(r *rapid.T) {
	n := fmt.Sprintf("+480%d", rapid.IntRange(0, 7).Draw(r, "number"))
	if h.m.suppressed[n] {
		delete(h.m.suppressed, n)
		if err := h.w.Unsuppress(h.w.ctx(), n, "ann"); err != nil {
			r.Fatal(err)
		}
	} else if rapid.IntRange(0, 2).Draw(r, "really") == 0 {
		h.m.suppressed[n] = true
		if err := h.w.Suppress(h.w.ctx(), campaigns.Suppression{E164: n, At: h.w.now}); err != nil {
			r.Fatal(err)
		}
	}
}

// crash opens the store again and, mostly, settles what a node left behind.
func (h *history) crash(r *rapid.T) {
	h.w.crash()
	node := rapid.SampledFrom(append([]string{""}, nodes...)).Draw(r, "settles")
	if node == "" {
		return
	}
	open, err := h.w.Open(h.w.ctx(), node)
	if err != nil {
		r.Fatal(err)
	}
	for _, o := range open {
		i := slices.IndexFunc(h.m.attempts, func(a *modelAttempt) bool { return a.id == o.ID })
		if i < 0 || h.m.attempts[i].ended {
			r.Fatalf("open attempt %+v was not begun, or has ended", o)
		}
		h.finish(r, h.m.attempts[i], campaigns.Ending{Attempt: o.ID, Outcome: campaigns.Interrupted, Count: true, Next: campaigns.Next{At: h.w.now.Add(4 * time.Hour)}, At: h.w.now})
	}
	for _, a := range h.m.attempts {
		if a.node == node && !a.ended {
			r.Fatalf("attempt %s was left open by %s and is forgotten", a.id, node)
		}
	}
	want := h.m.reclaim(node, h.w.now)
	if got, err := h.w.Reclaim(h.w.ctx(), node, h.w.now); err != nil || got != want {
		r.Fatalf("reclaim = %d, %v; want %d", got, err, want)
	}
}

// check compares everything that can be read.
func (h *history) check(r *rapid.T) {
	for id := range h.m.leads {
		entries, err := h.w.Entries(h.w.ctx(), id)
		if err != nil || len(entries) != len(campaignIDs) {
			r.Fatalf("lead %d has %d places, %v", id, len(entries), err)
		}
		for _, e := range entries {
			h.checkEntry(r, e, h.m.place(id, e.Queue.Campaign))
		}
		times, err := h.w.PersonAttempts(h.w.ctx(), id, start)
		if want := h.m.persons(id, start.Add(-1)); err != nil || !slices.EqualFunc(times, want, time.Time.Equal) {
			r.Fatalf("attempts to the person of lead %d: %v, %v; want %v", id, times, err, want)
		}
	}
	for _, c := range campaignIDs {
		h.checkQueues(r, c)
	}
	h.checkAttempts(r)
}

func (h *history) checkEntry(r *rapid.T, e campaigns.Entry, p *modelPlace) {
	if e.State != p.state || e.Attempts != p.attempts || e.LastOutcome != p.outcome || !e.LastAt.Equal(p.lastAt) || e.Operator != p.operator {
		r.Fatalf("entry = %+v, want %+v", e, p)
	}
	if p.state == campaigns.EntryDone || p.state == campaigns.EntryNone {
		return
	}
	if e.Number != p.number || e.Priority != p.priority || !e.DueAt.Equal(p.due) || e.Queue != p.queue {
		r.Fatalf("entry = %+v, want %+v", e, p)
	}
}

func (h *history) checkQueues(r *rapid.T, c campaigns.CampaignID) {
	want := map[campaigns.QueueID]campaigns.QueueInfo{}
	for _, p := range h.m.places {
		if p.campaign != c || p.state != campaigns.EntryWaiting {
			continue
		}
		id := p.queue
		q := want[id]
		q.QueueID = id
		if p.due.After(h.w.now) {
			q.Waiting++
			if q.NextDue.IsZero() || p.due.Before(q.NextDue) {
				q.NextDue = p.due
			}
		} else {
			q.Ready++
		}
		want[id] = q
	}
	got, err := h.w.Queues(h.w.ctx(), c, h.w.now)
	if err != nil || len(got) != len(want) {
		r.Fatalf("queues of %s = %+v, %v; want %+v", c, got, err, want)
	}
	for _, q := range got {
		if w := want[q.QueueID]; q.Ready != w.Ready || q.Waiting != w.Waiting || !q.NextDue.Equal(w.NextDue) {
			r.Fatalf("queue = %+v, want %+v", q, w)
		}
	}
}

// checkAttempts sees to it that each attempt that was begun is there once, with
// one outcome where it has ended.
func (h *history) checkAttempts(r *rapid.T) {
	kept, err := h.w.Attempts(h.w.ctx(), campaigns.AttemptQuery{Limit: 10_000})
	if err != nil || len(kept) != len(h.m.attempts) {
		r.Fatalf("%d attempts are kept, %v; %d were begun", len(kept), err, len(h.m.attempts))
	}
	for _, k := range kept {
		i := slices.IndexFunc(h.m.attempts, func(a *modelAttempt) bool { return a.id == k.ID })
		if i < 0 || k.Outcome != h.m.attempts[i].outcome || k.EndedAt.IsZero() == h.m.attempts[i].ended {
			r.Fatalf("attempt kept as %+v, want %+v", k, h.m.attempts[i])
		}
	}
}
