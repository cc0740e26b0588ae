package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/outpace-dialer/outpace/campaigns"
)

// ClaimLead leases one chosen lead; see campaigns.Store.
func (s *Store) ClaimLead(ctx context.Context, q campaigns.ClaimLeadRequest) (campaigns.Claim, error) {
	var c campaigns.Claim
	var refusal *campaigns.Refusal
	err := s.do(ctx, "claim_lead", func(ctx context.Context) error {
		err := s.retry(ctx, func() error {
			var err error
			c, err = s.claimLead(ctx, q)
			return err
		})
		if errors.As(err, &refusal) {
			return nil // an answer
		}
		if err != nil {
			return err
		}
		one := []campaigns.Claim{c}
		err = s.countOutcomes(ctx, one)
		c = one[0]
		return err
	})
	if err == nil && refusal != nil {
		err = refusal
	}
	if err != nil {
		return campaigns.Claim{}, err // one that was taken comes back when its lease is over
	}
	return c, nil
}

// claimLead reads the lead, asks what may forbid it, and takes it if it is still so.
func (s *Store) claimLead(ctx context.Context, q campaigns.ClaimLeadRequest) (campaigns.Claim, error) {
	w, x, err := s.workOn(ctx, q.Now, q.Lead)
	if err != nil {
		return campaigns.Claim{}, err
	}
	e := x.entry(q.Campaign)
	if e == nil {
		return campaigns.Claim{}, fmt.Errorf("lead %d in %s: %w", q.Lead, q.Campaign, campaigns.ErrNotFound)
	}
	kept := e.number
	if !x.holds(*e) && e.state != done {
		w.place(x, e)
	}
	var holder campaigns.CampaignID
	if x.held != nil {
		holder = x.held.queue.Campaign
	}
	if r := q.RefusedBy(x.state(*e), holder, x.lead); r != nil {
		return campaigns.Claim{}, r
	}
	number, err := q.Choose(x.lead, e.number)
	if err != nil {
		return campaigns.Claim{}, err
	}
	at := x.positions()[q.Campaign]
	// A rebuild has not come to it, or its number was found bad elsewhere: it goes where it
	// belongs first.
	if x.before[q.Campaign] != at || e.number != kept {
		if err := w.save(ctx); err != nil {
			return campaigns.Claim{}, err
		}
		return campaigns.Claim{}, errChanged
	}
	fence, err := w.takeLead(ctx, q, x, at)
	if err != nil {
		return campaigns.Claim{}, err
	}
	of := campaigns.ClaimRequest{Node: q.Node, Lease: q.Lease, Now: q.Now}
	return q.Leased(claimOf(x.record, of, at.queue, fence), number), nil
}

// takeLead takes a lead out of its queue, or gives errChanged.
func (w *work) takeLead(ctx context.Context, q campaigns.ClaimLeadRequest, x *seat, at position) (fence int64, err error) {
	s := w.s
	page, field := s.keys.page(q.Lead)
	ready, waiting := s.keys.queueKeys(w.shard, at.queue)
	keys := []string{s.heldKey(w.shard), s.fenceKey(w.shard), s.generationKey(w.shard), page, ready, waiting}
	fence, err = scripts.takeLead.Run(ctx, s.db, keys,
		strconv.FormatInt(int64(q.Lead), 10), w.plans.generation, field, x.raw,
		readyMember(at.due, q.Lead), waitingMember(at.due, at.priority, q.Lead),
		stamp(q.Now.Add(q.Lease)), q.Node, string(q.Campaign), at.queue.Segment, windowName(at.queue)).Int64()
	if err == nil && fence == 0 {
		s.stale.Store(true) // perhaps it is our plans that are old
		err = errChanged
	}
	return fence, err
}

// LeadByExternalID finds a lead by what its source calls it; see campaigns.Records. An index
// may name a lead that is called otherwise by now.
func (s *Store) LeadByExternalID(ctx context.Context, list campaigns.ListID, id string) (campaigns.Lead, error) {
	missing := fmt.Errorf("lead %q of list %s: %w", id, list, campaigns.ErrNotFound)
	if id == "" {
		return campaigns.Lead{}, missing
	}
	var l campaigns.Lead
	err := s.do(ctx, "lead", func(ctx context.Context) error {
		who, err := campaigns.Lead{ExternalID: id}.Identity()
		if err != nil {
			return err
		}
		found, err := s.index(ctx, "get", naming{name: identityName(list, who)})
		if err != nil {
			return err
		}
		seats, err := s.readSeats(ctx, found[0])
		if err != nil {
			return err
		}
		for _, x := range seats {
			if x.exists && x.lead.List == list && x.lead.ExternalID == id {
				l = x.lead
				return nil
			}
		}
		return missing
	})
	return l, err
}
