package sqlite

import (
	"cmp"
	"errors"

	"github.com/outpace-dialer/outpace/campaigns"
)

// receive begins the attempt of somebody who called us: no claim is needed, and the
// place of the lead stays as it is until the end.
func (w *writer) receive(in campaigns.Intent) error {
	if _, err := loadLead(w.statements, in.Claim.Lead.ID); err != nil {
		return err
	}
	return w.addAttempt(in)
}

// endReceived puts the lead of such an attempt where its end says.
func (w *writer) endReceived(e entry, a campaigns.Attempt, in campaigns.Ending) error {
	if !e.there {
		return w.giveRoom(a, in)
	}
	if e.state == calling {
		return nil // that call says where it goes
	}
	e.lastAttempt, e.lastOutcome, e.lastAt = a.ID, in.Outcome, in.At
	e.operator = cmp.Or(in.Operator, e.operator)
	if (e.state == done || e.state == nowhere) && in.Next.Callback == nil {
		return w.saveEntry(e)
	}
	return w.follow(&e, in.Next, in.At)
}

// giveRoom gives a lead a place that is done in the campaign that it called, for the
// disposition to move.
func (w *writer) giveRoom(a campaigns.Attempt, in campaigns.Ending) error {
	_, err := loadLead(w.statements, a.Lead)
	if err == nil {
		_, err = w.planOf(a.Campaign)
	}
	if errors.Is(err, campaigns.ErrNotFound) {
		return nil // of a lead, or a campaign, that is no more
	}
	if err != nil {
		return err
	}
	e := entry{lead: a.Lead, campaign: a.Campaign, state: done, due: in.At, moved: true}
	if err := w.insertEntries(e); err != nil {
		return err
	}
	if e.key, err = w.number(string(a.Campaign)); err != nil {
		return err
	}
	e.there = true
	return w.endReceived(e, a, in)
}

// replayReceived adds the attempt of a caller that the store has forgotten; it is open,
// as after a crash, where its lead is known.
func (w *writer) replayReceived(b campaigns.Begun, done *campaigns.Replayed) error {
	in := campaigns.Intent{
		Attempt: b.Attempt, Trunk: b.Trunk, CallerID: b.CallerID, Decision: b.Decision, At: b.At, Inbound: true,
		Claim: campaigns.Claim{
			Lead: campaigns.Lead{ID: b.Lead}, Number: campaigns.Number{E164: b.Number}, Node: b.Node,
			Queue: campaigns.QueueID{Campaign: b.Campaign, Segment: b.Segment},
		},
	}
	err := w.receive(in)
	if errors.Is(err, campaigns.ErrNotFound) {
		return nil // nobody was called, so nobody need be spared
	}
	if err == nil {
		done.Attempts++
	}
	return err
}
