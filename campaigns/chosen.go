package campaigns

import (
	"fmt"
	"maps"
	"time"
)

// ClaimLeadRequest asks for one lead that somebody chose, in one campaign.
type ClaimLeadRequest struct {
	Lead     LeadID
	Campaign CampaignID
	Number   string        // which of its numbers, E.164; empty: the one that is next
	Node     string        // who claims
	Lease    time.Duration // how long the claim holds unless begun
	Now      time.Time
}

// Choose finds the number that a request means, of a lead whose next one is given. The
// error is a *Refusal.
func (q ClaimLeadRequest) Choose(l Lead, next string) (Number, error) {
	wanted := next
	if q.Number != "" {
		wanted = q.Number
	}
	n, ok := l.NumberToDial(wanted)
	if !ok || q.Number != "" && n.E164 != q.Number {
		return Number{}, &Refusal{Reason: RefusedGone, Detail: "the number may not be dialled"}
	}
	return n, nil
}

// Leased makes the claim that a lease of a lead is: of its place, for the number chosen.
func (q ClaimLeadRequest) Leased(c Claim, n Number) Claim {
	c.Number, c.Queue.Window = n, n.Window()
	c.Node, c.Until = q.Node, q.Now.Add(q.Lease)
	c.Early = c.DueAt.After(q.Now)
	return c
}

// RefusedBy is the refusal of a lead whose state in the campaign keeps it from being
// claimed, or whom somebody has for the campaign holder; nil: it may be.
func (q ClaimLeadRequest) RefusedBy(state EntryState, holder CampaignID, l Lead) *Refusal {
	switch {
	case state == EntryCalling:
		return &Refusal{Reason: RefusedTaken, Detail: "being called now"}
	case holder != "" && holder != q.Campaign:
		return &Refusal{Reason: RefusedTaken, Detail: fmt.Sprintf("campaign %s has the lead now", holder)}
	case state == EntryClaimed:
		return &Refusal{Reason: RefusedTaken, Detail: "about to be called"}
	case state == EntryDone:
		return &Refusal{Reason: RefusedDone, Detail: "no further attempts in this campaign"}
	case state == EntryNone:
		if _, ok := l.NumberToDial(""); !ok {
			return &Refusal{Reason: RefusedGone, Detail: "no number may be dialled"}
		}
		return &Refusal{Reason: RefusedPlace, Detail: "no segment of the campaign takes the lead"}
	}
	return nil
}

// On is the claim for another number of its lead; false: it has no such number, or that may
// not be dialled.
func (c Claim) On(e164 string) (Claim, bool) {
	if e164 == "" || e164 == c.Number.E164 {
		return c, true
	}
	n, ok := c.Lead.NumberToDial(e164)
	if !ok || n.E164 != e164 {
		return c, false
	}
	by := maps.Clone(c.ByNumber)
	delete(by, e164)
	on := c
	on.ByNumber, on.ByOutcome = by, c.ByNumber[e164]
	on.NoteNumber(c.Number.E164, c.ByOutcome)
	on.Number, on.Queue.Window = n, n.Window()
	return on, true
}
