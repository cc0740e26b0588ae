package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/number"
	"github.com/outpace-dialer/outpace/dialer"
)

// callers says who calls us; see dialer.Callers. It decides nothing about a call: who
// is unknown and may be taken becomes a lead that no campaign dials.
type callers struct{ records campaigns.Records }

// mostNamesakes is how many leads of one number are looked at.
const mostNamesakes = 20

// Caller is the lead of a number: of several the one of the campaign that was called
// last, else the one that any campaign called last, else the youngest.
func (k callers) Caller(ctx context.Context, c campaigns.Campaign, e164 string, now time.Time) (dialer.Caller, error) {
	leads, err := k.records.FindLeads(ctx, campaigns.LeadQuery{Number: e164, Limit: mostNamesakes})
	if err != nil {
		return dialer.Caller{}, err
	}
	isNew := len(leads) == 0
	if isNew {
		lead, err := k.take(ctx, c, e164, now)
		if err != nil {
			return dialer.Caller{}, err
		}
		leads = []campaigns.Lead{lead}
	}
	var best *known
	for _, lead := range leads {
		this, err := k.known(ctx, c.ID, lead, e164)
		if err != nil {
			return dialer.Caller{}, err
		}
		if best == nil || best.before(this) {
			best = this
		}
	}
	_, suppressed, err := k.records.Suppressed(ctx, e164)
	return dialer.Caller{
		Claim: best.claim, New: isNew || best.claim.Lead.List == campaigns.InboundList,
		DoNotCall: suppressed, CalledAt: best.calledAt, CalledFor: best.outcome, Place: best.place,
	}, err
}

// Place is where a lead waits in a campaign; Done where it does not.
func (k callers) Place(ctx context.Context, c campaigns.CampaignID, lead campaigns.LeadID) (campaigns.Next, error) {
	entries, err := k.records.Entries(ctx, lead)
	if err != nil {
		return campaigns.Next{}, err
	}
	return placeIn(entries, c), nil
}

func placeIn(entries []campaigns.Entry, c campaigns.CampaignID) campaigns.Next {
	for _, e := range entries {
		if e.Queue.Campaign == c && e.State != campaigns.EntryDone {
			return campaigns.Next{At: e.DueAt, Number: e.Number, Callback: e.Callback}
		}
	}
	return campaigns.Next{Done: true}
}

// known is a lead that has the number of a caller.
type known struct {
	claim    campaigns.Claim
	here     bool      // in the campaign
	calledAt time.Time // last, by us
	outcome  campaigns.Outcome
	place    campaigns.Next
}

func (k *known) before(o *known) bool {
	if k.here != o.here {
		return o.here
	}
	return cmp.Or(k.calledAt.Compare(o.calledAt), cmp.Compare(k.claim.Lead.ID, o.claim.Lead.ID)) < 0
}

func (k callers) known(ctx context.Context, c campaigns.CampaignID, lead campaigns.Lead, e164 string) (*known, error) {
	this := &known{claim: campaigns.Claim{Lead: lead, Queue: campaigns.QueueID{Campaign: c}}}
	at := slices.IndexFunc(lead.Numbers, func(n campaigns.Number) bool { return n.E164 == e164 })
	if at < 0 {
		return nil, fmt.Errorf("lead %d was found by a number that it has not", lead.ID)
	}
	this.claim.Number = lead.Numbers[at]
	entries, err := k.records.Entries(ctx, lead.ID)
	if err != nil {
		return nil, err
	}
	this.place = placeIn(entries, c)
	for _, e := range entries {
		if e.Queue.Campaign != c {
			continue
		}
		this.here = true
		cl := &this.claim
		cl.Queue.Segment, cl.Priority, cl.DueAt, cl.Attempts = e.Queue.Segment, e.Priority, e.DueAt, e.Attempts
		cl.LastOutcome, cl.LastAt, cl.Callback, cl.Operator = e.LastOutcome, e.LastAt, e.Callback, e.Operator
		if e.Number == e164 { // else they are of another number
			cl.ByOutcome = e.ByOutcome
		}
	}
	attempts, err := k.records.Attempts(ctx, campaigns.AttemptQuery{Lead: lead.ID, Limit: mostNamesakes})
	for _, a := range attempts { // newest first
		if !a.Inbound && a.Outcome != campaigns.NotPlaced {
			this.calledAt, this.outcome = a.BeganAt, a.Outcome
			break
		}
	}
	return this, err
}

// take makes a lead of somebody whom nobody knew. A number that may cost more than a
// call, or is none, is not taken: an operator might call it back.
func (k callers) take(ctx context.Context, c campaigns.Campaign, e164 string, now time.Time) (campaigns.Lead, error) {
	if c.Inbound.Unknown != campaigns.UnknownTaken {
		return campaigns.Lead{}, dialer.ErrUnknownCaller
	}
	n, err := placed(e164)
	if err != nil {
		return campaigns.Lead{}, err
	}
	list := campaigns.List{ID: campaigns.InboundList, Name: "Inbound", Source: "people who called us", CreatedAt: now}
	if err := k.keepList(ctx, list); err != nil {
		return campaigns.Lead{}, err
	}
	lead := campaigns.Lead{List: list.ID, Numbers: []campaigns.Number{n}, CreatedAt: now, UpdatedAt: now}
	if _, err := k.records.AddLeads(ctx, list.ID, []campaigns.Lead{lead}); err != nil {
		return campaigns.Lead{}, err
	}
	found, err := k.records.FindLeads(ctx, campaigns.LeadQuery{List: list.ID, Number: e164, Limit: 1})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("a lead that was just added: %w", campaigns.ErrNotFound)
	}
	if err != nil {
		return campaigns.Lead{}, err
	}
	return found[0], nil
}

// placed is a number with its zones and regions; without, where no plan knows it: then
// it is never dialled.
func placed(e164 string) (campaigns.Number, error) {
	parsed, err := number.Parse(e164, "")
	if err == nil {
		return parsed.Number("", number.Hints{})
	}
	refused, is := errors.AsType[*number.Error](err)
	if is && !unlisted[refused.Reason] {
		return campaigns.Number{}, fmt.Errorf("%w: %w", dialer.ErrUnknownCaller, refused)
	}
	return campaigns.Number{E164: e164}, nil
}

// keepList makes the list where it is not there yet: what people wrote of it stays.
func (k callers) keepList(ctx context.Context, list campaigns.List) error {
	lists, err := k.records.Lists(ctx)
	if err != nil || slices.ContainsFunc(lists, func(l campaigns.List) bool { return l.ID == list.ID }) {
		return err
	}
	return k.records.SaveList(ctx, list)
}
