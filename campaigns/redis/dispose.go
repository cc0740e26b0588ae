package redis

import (
	"context"
	"fmt"
	"slices"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Dispose writes the disposition of an ended attempt; see campaigns.Store. An
// attempt that is still open gives ErrConflict, an unknown campaign to move to
// ErrNotFound; then nothing is written.
//
// Where the lead goes next is told only by its last attempt: a correction of an
// older one changes grades and do-not-call, not the queue. A lead that is
// claimed again meanwhile is taken from the claim; one that is being called
// goes where that call says. A correction takes back a move to a campaign that
// has not tried the lead yet; it never lifts do-not-call or a bad number.
//
// Do-not-call is written first: were that all, nobody is called who should not be. A
// replica has both, where there is one; ErrNotReplicated means that they may be lost with
// their master, and doing it again is what to do.
func (s *Store) Dispose(ctx context.Context, d campaigns.Disposal) error {
	return s.do(ctx, "dispose", func(ctx context.Context) error {
		suppressed := false
		return s.retry(ctx, func() error {
			a, err := s.findAttempt(ctx, d.Attempt)
			if err != nil {
				return err
			}
			if a.EndedAt.IsZero() {
				return fmt.Errorf("attempt %s is still open: %w", d.Attempt, campaigns.ErrConflict)
			}
			w, x, err := s.workOn(ctx, d.At, a.Lead)
			if err != nil {
				return err
			}
			if d.Next.MoveTo != "" && w.plans.byID[d.Next.MoveTo] == nil {
				if err := s.knowsCampaign(ctx, d.Next.MoveTo); err != nil {
					return err
				}
			}
			if d.Suppress && !suppressed {
				if err := s.suppress(ctx, suppressions(a, x.lead, d)...); err != nil {
					return err
				}
				suppressed = true
			}
			if err := w.dispose(x, a, d); err != nil {
				return err
			}
			return w.saveReplicated(ctx)
		})
	})
}

// knowsCampaign asks for a campaign that our copy does not have. Where it is
// there all the same, our copy is out of date.
func (s *Store) knowsCampaign(ctx context.Context, id campaigns.CampaignID) error {
	if _, err := s.readCampaign(ctx, id); err != nil {
		return err
	}
	s.stale.Store(true)
	return errChanged
}

// suppressions are those of every number of the lead.
func suppressions(a *keptAttempt, l campaigns.Lead, d campaigns.Disposal) []campaigns.Suppression {
	var all []campaigns.Suppression
	for _, n := range append(slices.Clone(l.Numbers), campaigns.Number{E164: a.Number}) { // it may not be among them any more
		all = append(all, campaigns.Suppression{E164: n.E164, Reason: d.Disposition, Source: "operator", By: d.By, At: d.At})
	}
	return all
}

// dispose adds a disposition to a work.
func (w *work) dispose(x *seat, a *keptAttempt, d campaigns.Disposal) error {
	w.tell(w.s.keys.leads(w.shard), campaigns.EventsOfDisposal(a.Attempt, x.lead, d)...)
	w.undoMove(x, a.MovedTo, d.Next.MoveTo)
	a.Disposition, a.DisposedBy, a.Note, a.MovedTo = d.Disposition, d.By, d.Note, d.Next.MoveTo
	if err := w.writeAttempt(a); err != nil {
		return err
	}
	x.lead.Grades, x.lead.UpdatedAt = d.Grades, d.At
	x.lead.Fields = campaigns.Filled(x.lead.Fields, d.Fields)
	if d.BadNumber { // wrong for this person, but perhaps right for another
		x.markBad(a.Number)
	}
	calling := x.held != nil && x.held.calling && x.held.queue.Campaign == a.Campaign
	if e := x.entry(a.Campaign); e != nil && e.lastAttempt == a.ID && !calling {
		w.follow(x, a.Campaign, d.Next, d.At)
	}
	w.requeue(x)
	return nil
}

// undoMove takes a lead out of the campaign that an earlier disposition of the
// same attempt moved it to, where nothing has happened to it there.
func (w *work) undoMove(x *seat, before, to campaigns.CampaignID) {
	if before == "" || before == to {
		return
	}
	x.entries = slices.DeleteFunc(x.entries, func(e entry) bool {
		return e.campaign == before && e.moved && e.attempts == 0 && e.state != done && !x.holds(e)
	})
}
