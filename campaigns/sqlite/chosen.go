package sqlite

import (
	"context"
	"errors"
	"fmt"

	"github.com/outpace-dialer/outpace/campaigns"
)

// ClaimLead leases one chosen lead; see campaigns.Store.
func (s *Store) ClaimLead(ctx context.Context, q campaigns.ClaimLeadRequest) (campaigns.Claim, error) {
	var l lease
	var number campaigns.Number
	var refusal *campaigns.Refusal
	err := s.write(ctx, "claim_lead", func(w *writer) error {
		var err error
		l, number, err = w.claimLead(q)
		if refusal = nil; errors.As(err, &refusal) {
			return nil // an answer
		}
		return err
	})
	if err == nil && refusal != nil {
		err = refusal
	}
	if err != nil {
		return campaigns.Claim{}, err
	}
	var c campaigns.Claim
	err = s.reading(context.WithoutCancel(ctx), "claimed_leads", func(r *statements) error { // see Claim
		l.number = number.E164 // what is known of this one
		claims, err := loadClaims(r, []lease{l}, campaigns.ClaimRequest{Node: q.Node, Lease: q.Lease, Now: q.Now})
		if err == nil {
			c = claims[0]
		}
		return err
	})
	return q.Leased(c, number), err
}

func (w *writer) claimLead(q campaigns.ClaimLeadRequest) (lease, campaigns.Number, error) {
	e, number, err := w.chosen(q)
	if err != nil {
		return lease{}, number, err
	}
	queue, err := w.queueOf(e.queue)
	if err != nil {
		return lease{}, number, err
	}
	err = w.get(`UPDATE entry SET queue = ?, rank = ?, number = ?, state = 2, fence = fence + 1, node = ?, lease_until = ?
		WHERE lead = ? AND campaign = ? RETURNING fence`,
		args(e.queue, e.rank, phone(e.number), q.Node, stamp(q.Now.Add(q.Lease)), int64(e.lead), e.key), &e.fence)
	if err != nil {
		err = fmt.Errorf("claim lead %d: %w", e.lead, err)
	}
	return lease{e, queue}, number, err
}

// chosen is the place of a lead that may be claimed, as it is by the present rules, and the
// number to dial.
func (w *writer) chosen(q campaigns.ClaimLeadRequest) (entry, campaigns.Number, error) {
	all, err := entriesOf(w.statements, q.Lead)
	if err != nil {
		return entry{}, campaigns.Number{}, err
	}
	var e entry
	var holder campaigns.CampaignID
	for _, one := range all {
		if one.campaign == q.Campaign {
			e = one
		}
		if one.held() {
			holder = one.campaign
		}
	}
	if !e.there {
		return e, campaigns.Number{}, fmt.Errorf("lead %d in %s: %w", q.Lead, q.Campaign, campaigns.ErrNotFound)
	}
	lead, err := loadLead(w.statements, q.Lead)
	if err != nil {
		return e, campaigns.Number{}, err
	}
	if !e.held() && e.state != done {
		p, err := w.planOf(q.Campaign)
		if err != nil {
			return e, campaigns.Number{}, err
		}
		if err := w.place(&e, lead, p, dueState(e.due, q.Now)); err != nil {
			return e, campaigns.Number{}, err
		}
	}
	if r := q.RefusedBy(stateNames[e.state], holder, lead); r != nil {
		return e, campaigns.Number{}, r
	}
	n, err := q.Choose(lead, e.number)
	return e, n, err
}

// queueOf is the queue with a key.
func (w *writer) queueOf(id int64) (campaigns.QueueID, error) {
	var q campaigns.QueueID
	err := w.get(`SELECT campaign, segment, window_class, untried, operator FROM queue WHERE id = ?`, args(id),
		&q.Campaign, &q.Segment, &q.Window, &q.New, &q.Operator)
	return q, err
}

// LeadByExternalID finds a lead by what its source calls it; see campaigns.Records.
func (s *Store) LeadByExternalID(ctx context.Context, from campaigns.ListID, id string) (campaigns.Lead, error) {
	var l campaigns.Lead
	err := s.reading(ctx, "lead", func(r *statements) error {
		ids, err := list(r, column[campaigns.LeadID], `SELECT id FROM lead
			WHERE list = (SELECT id FROM word WHERE word = ?) AND external_id = ?`, string(from), id)
		if err == nil && len(ids) == 0 {
			err = fmt.Errorf("lead %q of list %s: %w", id, from, campaigns.ErrNotFound)
		}
		if err != nil {
			return err
		}
		l, err = loadLead(r, ids[0])
		return err
	})
	return l, err
}
