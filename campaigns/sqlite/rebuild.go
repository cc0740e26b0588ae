package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A rebuild finds the places of all leads of a campaign again, after its lists
// or segments changed. It goes through the leads by id, a chunk in a
// transaction, with a cursor in the campaign's row, so that calls go on
// meanwhile and a crash loses nothing.

// cursor is how far a rebuild is.
type cursor struct {
	after   sql.NullInt64 // last lead that is done; NULL: no rebuild is under way
	version int64         // of the campaign: another one starts again
}

func readCursor(s *statements, id campaigns.CampaignID) (cursor, error) {
	var c cursor
	err := s.get(`SELECT rebuilt, version FROM campaign WHERE id = ?`, args(string(id)), &c.after, &c.version)
	return c, err
}

// rebuildAtOnce is how many leads one step of a rebuild places: small enough that a
// call that wants to begin meanwhile hardly waits.
const rebuildAtOnce = 500

// finishRebuilds goes on with rebuilds that a crash cut short.
func (s *Store) finishRebuilds(ctx context.Context) error {
	ids, err := readList(ctx, s, "campaigns", column[campaigns.CampaignID], `SELECT id FROM campaign WHERE rebuilt IS NOT NULL`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := s.rebuild(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// rebuild goes on until the campaign's rebuild is over. Several may run at a
// time: they share the cursor.
func (s *Store) rebuild(ctx context.Context, id campaigns.CampaignID) error {
	for over := false; !over; {
		from, leads, err := s.leadsToRebuild(ctx, id)
		if err == nil {
			err = s.writeBulk(ctx, "rebuild", func(w *writer) error {
				over, err = w.rebuildChunk(id, from, leads)
				return err
			})
		}
		if err != nil {
			return fmt.Errorf("rebuild queues of %s: %w", id, err)
		}
	}
	return nil
}

// leadsToRebuild reads which leads come next: those of the campaign's lists and
// those that have an entry.
func (s *Store) leadsToRebuild(ctx context.Context, id campaigns.CampaignID) (from cursor, leads []campaigns.LeadID, err error) {
	err = s.reading(ctx, "rebuild_leads", func(r *statements) error {
		if from, err = readCursor(r, id); err != nil {
			return err
		}
		leads, err = list(r, column[campaigns.LeadID], `
			SELECT l.id FROM campaign c, lead l
			WHERE c.id = ? AND l.id > ?
			  AND (l.list IN (SELECT value FROM json_each(c.body, '$.lists'))
			       OR EXISTS (SELECT 1 FROM entry e WHERE e.lead = l.id AND e.campaign = c.id))
			ORDER BY l.id LIMIT ?`, string(id), from.after.Int64, rebuildAtOnce)
		return err
	})
	return from, leads, err
}

// rebuildChunk places leads and moves the cursor behind them. Where somebody
// else moved it, or the campaign changed, it does nothing and is asked again.
func (w *writer) rebuildChunk(id campaigns.CampaignID, from cursor, leads []campaigns.LeadID) (over bool, err error) {
	present, err := readCursor(w.statements, id)
	if err != nil || !present.after.Valid {
		return true, err
	}
	if present != from {
		return false, nil
	}
	if len(leads) == 0 {
		_, err := w.exec(`UPDATE campaign SET rebuilt = NULL WHERE id = ?`, string(id))
		return true, err
	}
	p, err := w.planOf(id)
	if err != nil {
		return false, err
	}
	now := time.Now()
	for _, lead := range leads {
		if err := w.rebuildLead(lead, p, now); err != nil {
			return false, err
		}
	}
	_, err = w.exec(`UPDATE campaign SET rebuilt = ? WHERE id = ?`, int64(leads[len(leads)-1]), string(id))
	return false, err
}

func (w *writer) rebuildLead(id campaigns.LeadID, p *plan, now time.Time) error {
	l, err := loadLead(w.statements, id)
	if err != nil {
		return err
	}
	e, err := findEntry(w.statements, id, p.campaign.ID)
	if err != nil {
		return err
	}
	if e.id == 0 {
		return w.addEntry(l, p, now)
	}
	return w.requeue(e, l, now)
}
