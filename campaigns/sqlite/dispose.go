package sqlite

import (
	"context"
	"fmt"

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
func (s *Store) Dispose(ctx context.Context, d campaigns.Disposal) error {
	return s.write(ctx, "dispose", func(w *writer) error { return w.dispose(d) })
}

func (w *writer) dispose(d campaigns.Disposal) error {
	a, err := w.attempt(d.Attempt)
	if err != nil {
		return err
	}
	if a.EndedAt.IsZero() {
		return fmt.Errorf("attempt %s is still open: %w", d.Attempt, campaigns.ErrConflict)
	}
	if d.Next.MoveTo != "" {
		if _, err := w.planOf(d.Next.MoveTo); err != nil {
			return err
		}
	}
	if err := w.undoMove(a, d.Next.MoveTo); err != nil {
		return err
	}
	err = w.tell(func() ([]campaigns.Event, error) {
		l, err := w.leadTold(a.Lead)
		return campaigns.EventsOfDisposal(a, l, d), err
	})
	if err != nil {
		return err
	}
	_, err = w.exec(`UPDATE attempt SET disposition = ?, disposed_by = ?, note = ?, moved_to = ? WHERE id = ?`,
		d.Disposition, string(d.By), d.Note, string(d.Next.MoveTo), string(d.Attempt))
	if err != nil {
		return err
	}
	if err := w.applyToLead(a, d); err != nil {
		return err
	}
	e, err := findEntry(w.statements, a.Lead, a.Campaign)
	if err != nil {
		return err
	}
	if e.there && e.lastAttempt == a.ID && e.state != calling {
		if err := w.follow(&e, d.Next, d.At); err != nil {
			return err
		}
	}
	return w.requeueLead(a.Lead, d.At)
}

// applyToLead writes grades, a bad number and do-not-call.
func (w *writer) applyToLead(a campaigns.Attempt, d campaigns.Disposal) error {
	g := d.Grades
	n, err := w.numbersOf(string(g.Stage), string(g.Temperature))
	if err != nil {
		return err
	}
	_, err = w.exec(`UPDATE lead SET stage = ?, cp = ?, pi = ?, level = ?, temperature = ?, progress = ?, updated_at = ? WHERE id = ?`,
		n[0], g.CP, g.PI, g.Level, n[1], g.Progress, stamp(d.At), int64(a.Lead))
	if err != nil {
		return err
	}
	if err := w.fillForm(a.Lead, d.Fields); err != nil {
		return err
	}
	if d.BadNumber { // wrong for this person, but perhaps right for another
		if _, err := w.exec(`UPDATE lead_number SET bad = 1 WHERE lead = ? AND e164 = ?`, int64(a.Lead), phone(a.Number)); err != nil {
			return err
		}
	}
	if !d.Suppress {
		return nil
	}
	l, err := loadLead(w.statements, a.Lead)
	if err != nil {
		return err
	}
	numbers := append(l.Numbers, campaigns.Number{E164: a.Number}) // it may not be among them any more
	for _, n := range numbers {
		s := campaigns.Suppression{E164: n.E164, Reason: d.Disposition, Source: "operator", By: d.By, At: d.At}
		if err := w.suppress(s); err != nil {
			return err
		}
	}
	return nil
}

// fillForm writes custom fields of a lead.
func (w *writer) fillForm(id campaigns.LeadID, written map[string]string) error {
	if len(written) == 0 {
		return nil
	}
	l, err := loadLead(w.statements, id)
	if err != nil {
		return err
	}
	fields, err := fieldsJSON(campaigns.Filled(l.Fields, written))
	if err == nil {
		_, err = w.exec(`UPDATE lead SET fields = ? WHERE id = ?`, given(fields), int64(id))
	}
	return err
}

// undoMove takes a lead out of the campaign that an earlier disposition of the
// same attempt moved it to, where nothing has happened to it there.
func (w *writer) undoMove(a campaigns.Attempt, to campaigns.CampaignID) error {
	var before campaigns.CampaignID
	if err := w.get(`SELECT moved_to FROM attempt WHERE id = ?`, args(string(a.ID)), &before); err != nil {
		return err
	}
	if before == "" || before == to {
		return nil
	}
	campaign, err := w.number(string(before))
	if err != nil {
		return err
	}
	_, err = w.exec(`DELETE FROM entry WHERE lead = ? AND campaign = ? AND moved = 1 AND attempts = 0 AND state IN (0, 1, 5)`, int64(a.Lead), campaign)
	return err
}
