package hopper

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// lookEvery is the longest time between two looks at the store: how soon a new
// lead or an opened window is noticed.
const lookEvery = time.Second

// Run fills the hopper until ctx ends, and returns why it did. A store that
// fails is asked again; Status says so meanwhile. Claims are kept: call Drain
// to give them back.
func (h *Hopper) Run(ctx context.Context) error {
	for {
		h.pass(ctx)
		h.tellFilled()
		select {
		case <-h.wake:
		case <-time.After(h.nextLook(time.Now())):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// soonestLook keeps leads that become due one by one from being looked for one by
// one.
const soonestLook = 50 * time.Millisecond

// nextLook is how long to wait: an empty hopper looks when a window opens or a
// lead is due, so that operators wait no longer than they must.
func (h *Hopper) nextLook(now time.Time) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	soonest := earlier(h.seen.NextOpen, h.seen.NextDue)
	if h.held() > 0 || soonest.IsZero() {
		return lookEvery
	}
	return min(lookEvery, max(soonestLook, soonest.Sub(now)))
}

// tellFilled tells who asked in vain that leads are there.
func (h *Hopper) tellFilled() {
	h.mu.Lock()
	filled := h.arrived || h.starved && h.held() > 0
	h.arrived = false
	if h.held() > 0 {
		h.starved = false
	}
	h.mu.Unlock()
	if filled && h.told != nil {
		h.told()
	}
}

// Drain gives all claims back and fills the hopper no more. It may be called
// while Run runs or after it.
func (h *Hopper) Drain(ctx context.Context) error {
	h.mu.Lock()
	h.drained = true
	h.giveBackAll()
	h.mu.Unlock()
	select { // a claim under way would come in late
	case h.looking <- struct{}{}:
		defer func() { <-h.looking }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	return h.release(ctx)
}

// pass looks at the store once: gives back, then fills up.
func (h *Hopper) pass(ctx context.Context) {
	select {
	case h.looking <- struct{}{}:
		defer func() { <-h.looking }()
	case <-ctx.Done():
		return
	}
	now := time.Now()
	h.tidy(now)
	err := errors.Join(h.release(ctx), h.reclaimDead(ctx, now))
	h.mu.Lock()
	c, runs := h.campaign, h.runs()
	h.mu.Unlock()
	seen := Status{Empty: CampaignStopped}
	if runs && err == nil {
		seen, err = h.fill(ctx, c, now)
	}
	if err != nil {
		seen.Empty, seen.Err = StoreFailed, err
	}
	h.mu.Lock()
	h.seen = seen
	h.patient = time.Time{}
	if h.held() < h.target { // the store has no more
		h.patient = now.Add(lookEvery)
	}
	h.mu.Unlock()
}

// tidy takes out what may not be dialled any more, wherever it lies.
func (h *Hopper) tidy(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.runs() {
		h.giveBackAll()
		return
	}
	look := h.glance(now)
	for _, s := range h.shelves {
		s.claims = slices.DeleteFunc(s.claims, func(c *campaigns.Claim) bool {
			if look.usable(c) {
				return false
			}
			h.back = append(h.back, *c)
			return true
		})
	}
	h.tidyPromises(now)
	h.forgetOvertaken()
}

// release gives back what was put aside. Claims that the store does not know
// any more are gone already; after another error they are tried again.
func (h *Hopper) release(ctx context.Context) error {
	h.mu.Lock()
	back := h.back
	h.back = nil
	h.mu.Unlock()
	if len(back) == 0 {
		return nil
	}
	err := h.store.Release(ctx, back, time.Time{})
	if err == nil || errors.Is(err, campaigns.ErrStale) {
		return nil
	}
	h.mu.Lock()
	h.back = append(h.back, back...)
	h.mu.Unlock()
	return err
}

// reclaimDead gives back claims of any node whose lease ran out.
func (h *Hopper) reclaimDead(ctx context.Context, now time.Time) error {
	if now.Before(h.reclaim) { // only pass touches it
		return nil
	}
	h.reclaim = now.Add(h.lease / 2)
	_, err := h.store.Reclaim(ctx, "", now)
	return err
}

// supply is what the store has for one shelf, in open windows.
type supply struct {
	shelf  *shelf
	queues []campaigns.QueueID
	ready  int // due and not asked for yet
}

// order is how many leads to claim for a shelf.
type order struct {
	*supply
	n int
}

// fill claims leads up to the target, sharing the room among segments by weight.
func (h *Hopper) fill(ctx context.Context, c campaigns.Campaign, now time.Time) (Status, error) {
	queues, err := h.store.Queues(ctx, c.ID, now)
	if err != nil {
		return Status{}, err
	}
	seen, open, promised := h.sort(queues, c, now)
	got, err := h.claimPromises(ctx, promised, c, now)
	if err != nil {
		return seen, err
	}
	for range 2 { // the second shares what short segments left
		for _, order := range h.orders(open) {
			claimed, err := h.store.Claim(ctx, campaigns.ClaimRequest{
				Queues: order.queues, Limit: order.n, Node: h.node, Lease: h.lease, Now: now,
			})
			if err != nil {
				return seen, err
			}
			if len(claimed) < order.n {
				order.ready = 0 // others have them
			}
			got += len(claimed)
			h.shelve(claimed)
		}
	}
	h.noteMore(open)
	if seen.Ready > 0 && got == 0 {
		seen.Empty = HeldElsewhere
	}
	return seen, nil
}

// noteMore notes for which shelves the store has more.
func (h *Hopper) noteMore(open []*supply) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, s := range open {
		s.shelf.more = s.ready > 0
	}
}

// sort tells open queues from closed ones.
func (h *Hopper) sort(queues []campaigns.QueueInfo, c campaigns.Campaign, now time.Time) (Status, []*supply, []campaigns.QueueID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	var seen Status
	var promised []campaigns.QueueID
	byShelf := map[*shelf]*supply{}
	var open []*supply
	for _, s := range h.shelves {
		byShelf[s] = &supply{shelf: s}
		open = append(open, byShelf[s])
	}
	for _, q := range queues {
		isOpen, until, opens := h.rules.Open(q.Window, c, now)
		if q.Operator != "" && isOpen && q.Ready > 0 {
			seen.Promised += q.Ready
			q.Ready = 0
			if h.shelfFor(q.QueueID) != nil {
				promised = append(promised, q.QueueID)
			}
		}
		seen.count(q, isOpen, until, opens)
		if s := byShelf[h.shelfFor(q.QueueID)]; s != nil && isOpen && q.Ready > 0 {
			s.queues = append(s.queues, q.QueueID)
			s.ready += q.Ready
		}
	}
	for _, s := range h.shelves { // the store does not count these
		for _, cl := range s.claims {
			if isOpen, until, _ := h.rules.Open(cl.Queue.Window, c, now); isOpen {
				seen.closes(until)
			}
		}
	}
	seen.Empty = seen.why()
	return seen, open, promised
}

// orders says how many leads to claim for each shelf now. What is ordered is
// taken off the supply. A shelf that is empty gets one lead even beyond the
// target: there may be more segments than room, and none of them is to starve.
func (h *Hopper) orders(open []*supply) []order {
	h.mu.Lock()
	defer h.mu.Unlock()
	room := h.target - h.held()
	var all []order
	for _, s := range open {
		least := 0
		if len(s.shelf.claims) == 0 {
			least = 1
		}
		n := min(h.share(s, open)-len(s.shelf.claims), s.ready, max(room, least))
		if n <= 0 {
			continue
		}
		s.ready -= n
		room -= n
		all = append(all, order{s, n})
	}
	return all
}

// share is how many of the leads at hand are to be on a shelf: of the segments
// that have any to give by weight, and in the segment by the weights of its
// shelves. At least one.
func (h *Hopper) share(of *supply, open []*supply) int {
	if of.ready == 0 {
		return 0
	}
	weights, shelves := 0, 0
	var counted *segment
	for _, s := range open { // shelves of a segment follow each other
		if s.ready == 0 {
			continue
		}
		if s.shelf.segment != counted {
			counted = s.shelf.segment
			weights += counted.weight
		}
		if s.shelf.segment == of.shelf.segment {
			shelves += s.shelf.weight
		}
	}
	if shelves == 0 { // of every one lead one new, and there are no new ones
		return (h.target*of.shelf.segment.weight + weights - 1) / weights
	}
	part := weights * shelves
	return max(1, (h.target*of.shelf.segment.weight*of.shelf.weight+part-1)/part)
}

// shelve puts new claims on their shelves; those that have none go back.
func (h *Hopper) shelve(claimed []campaigns.Claim) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range claimed {
		s := h.shelfFor(c.Queue)
		if s == nil || !h.runs() {
			h.back = append(h.back, c)
			h.look()
			continue
		}
		s.add(&c)
	}
}
