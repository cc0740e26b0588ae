package hopper

import (
	"context"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// promisesAhead is how many promised calls of one operator are at hand.
const promisesAhead = 2

// personal says whether a claim is of a call that one operator promised to make.
func personal(c *campaigns.Claim) bool { return c.Callback != nil && c.Callback.User != "" }

// Present says whether an operator is here and may soon make the calls they
// promised. Those of operators who are not here stay in the store, for the node
// where they are.
func (h *Hopper) Present(user campaigns.UserID, here bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.present[user] == here {
		return
	}
	if here {
		h.present[user] = true
	} else {
		delete(h.present, user)
	}
	if h.seen.Promised > 0 || len(h.promises) > 0 {
		h.look()
	}
}

// NextFor takes the first call that an operator promised and that is due. Nobody
// else is given it, until it is anyone's (campaigns.Callbacks).
func (h *Hopper) NextFor(now time.Time, user campaigns.UserID) (campaigns.Claim, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	i := h.promiseOf(now, user)
	if i < 0 {
		return campaigns.Claim{}, false
	}
	c := *h.promises[i]
	h.promises = slices.Delete(h.promises, i, i+1)
	h.look()
	return c, true
}

// HasFor says whether NextFor has a call.
func (h *Hopper) HasFor(now time.Time, user campaigns.UserID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.promiseOf(now, user) >= 0
}

func (h *Hopper) promiseOf(now time.Time, user campaigns.UserID) int {
	best, look := -1, h.glance(now)
	for i, c := range h.promises {
		if c.Callback.User == user && look.usable(c) && (best < 0 || c.DueAt.Before(h.promises[best].DueAt)) {
			best = i
		}
	}
	return best
}

// tidyPromises gives back what may not be dialled any more or whose operator is
// gone; what has become anyone's lies with the others from then on.
func (h *Hopper) tidyPromises(now time.Time) {
	look := h.glance(now)
	h.promises = slices.DeleteFunc(h.promises, func(c *campaigns.Claim) bool {
		switch {
		case h.becomesAnyones(c, now):
			return true
		case look.usable(c) && h.present[c.Callback.User]:
			return false
		}
		h.back = append(h.back, *c)
		return true
	})
}

// becomesAnyones puts a promised call on the shelf of its segment where its operator
// did not come to it for too long.
func (h *Hopper) becomesAnyones(c *campaigns.Claim, now time.Time) bool {
	at := h.campaign.Callbacks.ForAnyone(campaigns.Callback{At: c.DueAt, User: c.Callback.User})
	s := h.shelfFor(c.Queue)
	if at.IsZero() || now.Before(at) || s == nil {
		return false
	}
	c.Callback = &campaigns.Callback{At: c.Callback.At} // the next one is anyone's too
	s.add(c)
	return true
}

// claimPromises claims promised calls: those that have become anyone's, and for each
// operator who is here some of their own.
func (h *Hopper) claimPromises(ctx context.Context, queues []campaigns.QueueID, c campaigns.Campaign, now time.Time) (got int, err error) {
	for _, q := range h.promisesWanted(queues, c, now) {
		claimed, err := h.store.Claim(ctx, q)
		if err != nil {
			return got, err
		}
		got += h.keepPromises(claimed, now)
	}
	return got, nil
}

func (h *Hopper) promisesWanted(queues []campaigns.QueueID, c campaigns.Campaign, now time.Time) []campaigns.ClaimRequest {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(queues) == 0 {
		return nil
	}
	ask := campaigns.ClaimRequest{Node: h.node, Lease: h.lease, Now: now}
	var all []campaigns.ClaimRequest
	if !c.Callbacks.Wait {
		late := ask
		late.Queues, late.Limit, late.DueBy = queues, max(1, h.target-h.held()), c.Callbacks.DueForAnyone(now)
		all = append(all, late)
	}
	byOperator := map[campaigns.UserID]*campaigns.ClaimRequest{}
	for _, q := range queues {
		if !h.present[q.Operator] {
			continue
		}
		own := byOperator[q.Operator]
		if own == nil {
			own = new(campaigns.ClaimRequest)
			*own = ask
			byOperator[q.Operator] = own
		}
		own.Queues = append(own.Queues, q)
	}
	for user, own := range byOperator {
		own.Limit = promisesAhead
		for _, held := range h.promises {
			if held.Callback.User == user {
				own.Limit--
			}
		}
		if own.Limit > 0 {
			all = append(all, *own)
		}
	}
	return all
}

// keepPromises puts claimed promises where they belong and says how many are
// anyone's.
func (h *Hopper) keepPromises(claimed []campaigns.Claim, now time.Time) (anyones int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range claimed {
		switch {
		case !h.runs() || h.shelfFor(c.Queue) == nil:
			h.back = append(h.back, c)
			h.look()
		case !personal(&c):
			h.shelfFor(c.Queue).add(&c)
			anyones++
		case h.becomesAnyones(&c, now):
			anyones++
		default:
			h.promises = append(h.promises, &c)
			h.arrived = true
		}
	}
	return anyones
}
