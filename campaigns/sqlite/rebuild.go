package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"math"
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

const (
	// rebuildAtOnce is how many chunks are done before SaveCampaign returns, so that
	// few leads are in their places then.
	rebuildAtOnce = 4
	// rebuildLeads is how many leads a chunk places: few enough that a call that
	// wants to begin meanwhile hardly waits.
	rebuildLeads = 500
	// rebuildAgain is when a rebuild that failed is tried again.
	rebuildAgain = time.Second
)

// finishRebuilds goes on with rebuilds that a crash cut short, in the background.
func (s *Store) finishRebuilds(ctx context.Context) error {
	ids, err := readList(ctx, s, "campaigns", column[campaigns.CampaignID], `SELECT id FROM campaign WHERE rebuilt IS NOT NULL`)
	if err != nil {
		return err
	}
	for _, id := range ids {
		s.startRebuild(id)
	}
	return nil
}

// startRebuild goes on with a rebuild in the background.
func (s *Store) startRebuild(id campaigns.CampaignID) {
	s.jobs.Start(string(id), func(ctx context.Context) error {
		_, err := s.rebuild(ctx, id, math.MaxInt)
		return err
	})
}

// Rebuilds are those under way; see campaigns.Rebuilder.
func (s *Store) Rebuilds(ctx context.Context) ([]campaigns.Rebuild, error) {
	scan := func(r scanner) (x campaigns.Rebuild, err error) {
		return x, r.Scan(&x.Campaign, &x.Done, &x.Total)
	}
	all, err := readList(ctx, s, "rebuilds", scan, `SELECT id, rebuilt, (SELECT coalesce(max(id), 0) FROM lead) FROM campaign WHERE rebuilt IS NOT NULL ORDER BY id`)
	for i := range all {
		if _, problem := s.jobs.Running(string(all[i].Campaign)); problem != nil {
			all[i].Problem = problem.Error()
		}
	}
	return all, err
}

// AwaitRebuild waits for a rebuild; see campaigns.Rebuilder.
func (s *Store) AwaitRebuild(ctx context.Context, id campaigns.CampaignID) error {
	return s.jobs.Wait(ctx, string(id))
}

// rebuild goes on until the campaign's rebuild is over, or so many chunks are done.
// Several may run at a time: they share the cursor.
func (s *Store) rebuild(ctx context.Context, id campaigns.CampaignID, chunks int) (over bool, err error) {
	for ; !over && chunks > 0; chunks-- {
		from, leads, err := s.leadsToRebuild(ctx, id)
		if err == nil {
			err = s.writeBulk(ctx, "rebuild", func(w *writer) error {
				over, err = w.rebuildChunk(id, from, leads)
				return err
			})
		}
		if err != nil {
			return false, fmt.Errorf("rebuild queues of %s: %w", id, err)
		}
	}
	return over, nil
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
			  AND (l.list IN (SELECT w.id FROM json_each(c.body, '$.lists') j JOIN word w ON w.word = j.value)
			       OR EXISTS (SELECT 1 FROM entry e WHERE e.lead = l.id AND e.campaign = (SELECT id FROM word WHERE word = c.id)))
			ORDER BY l.id LIMIT ?`, string(id), from.after.Int64, rebuildLeads)
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
		delete(w.plans, id) // it says that a rebuild is under way
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

// misplaced puts an entry where it belongs by the present rules, where those are
// being applied to all leads and have not come to it. False: it is where it belongs.
func (w *writer) misplaced(e entry, now time.Time) (bool, error) {
	p, err := w.planOf(e.campaign)
	if err != nil || !p.rebuilding {
		return false, err
	}
	l, err := loadLead(w.statements, e.lead)
	if err != nil {
		return false, err
	}
	before := e.queue
	if err := w.place(&e, l, p, dueState(e.due, now)); err != nil || e.queue == before {
		return false, err
	}
	return true, w.saveEntry(e)
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
	if !e.there {
		return w.addEntries([]campaigns.Lead{l}, []*plan{p}, now)
	}
	return w.requeue(e, l, now)
}
