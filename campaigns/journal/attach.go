package journal

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Report is what the journal knew and the store did not.
type Report struct {
	campaigns.Replayed
	Gap  string                 // why nobody can say what was dialled; empty: it is known
	Held []campaigns.CampaignID // put on hold for it
}

// chunk is how many lines are replayed in one step.
const chunk = 500

// catchUp replays what the store forgot, holds what must be held, and marks the
// store: in this order, so that a crash in between only repeats it.
func (s *Store) catchUp(ctx context.Context) (Report, error) {
	mark, err := s.marks.JournalMark(ctx)
	if err != nil {
		return Report{}, err
	}
	found := Report{Replayed: campaigns.Replayed{Strange: map[campaigns.CampaignID]int{}}}
	if renewed, err := s.renewFor(ctx, mark); err != nil || renewed {
		return found, err
	}
	found.Gap = s.gapBefore(mark)
	if mark.Journal != s.journal.id {
		mark = campaigns.JournalMark{} // all there is
	}
	if err := s.replay(ctx, mark, &found); err != nil {
		return found, err
	}
	if err := s.hold(ctx, &found); err != nil {
		return found, err
	}
	return found, s.Mark(ctx)
}

// renewFor begins the journal anew for a store that nobody was ever dialled
// from: what lies in the folder is of another one.
func (s *Store) renewFor(ctx context.Context, mark campaigns.JournalMark) (bool, error) {
	if mark.Journal != "" {
		return false, nil
	}
	leads, err := s.FindLeads(ctx, campaigns.LeadQuery{Limit: 1})
	if err != nil || len(leads) > 0 && !s.journal.fresh {
		return false, err
	}
	if !s.journal.fresh {
		if err := s.journal.renew(); err != nil {
			return false, err
		}
	}
	return true, s.Mark(ctx)
}

// gapBefore says why the journal does not begin where the store ends.
func (s *Store) gapBefore(mark campaigns.JournalMark) string {
	switch {
	case mark.Journal == "":
		return "the store is a copy from before its journal began"
	case mark.Journal != s.journal.id:
		return fmt.Sprintf("the journal of this store is not in %s", s.journal.dir)
	}
	return ""
}

func (s *Store) replay(ctx context.Context, mark campaigns.JournalMark, found *Report) error {
	var lines []campaigns.JournalLine
	write := func() error {
		r, err := s.marks.Replay(ctx, lines)
		lines = lines[:0]
		found.Attempts += r.Attempts
		for c, n := range r.Strange {
			found.Strange[c] += n
		}
		return err
	}
	for l, damage := range s.journal.after(mark) {
		if damage != nil {
			found.Gap = fmt.Sprintf("the journal in %s is damaged: %v", s.journal.dir, damage)
			continue
		}
		if lines = append(lines, l); len(lines) == chunk {
			if err := write(); err != nil {
				return err
			}
		}
	}
	return write()
}

// hold keeps campaigns from dialling whose past is not known.
func (s *Store) hold(ctx context.Context, found *Report) error {
	all, err := s.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		reason := ""
		switch {
		case found.Gap != "":
			reason = "nobody can say who was called since this store was copied: " + found.Gap + ". Start it if these people may be called again"
		case found.Strange[c.ID] > 0:
			reason = fmt.Sprintf("%d calls made since this store was copied were to people who are not in it. Import them again, see who they are under attempts, then start it", found.Strange[c.ID])
		default:
			continue
		}
		if err := s.SetCampaignState(ctx, c.ID, campaigns.OnHold, reason); err != nil {
			return err
		}
		found.Held = append(found.Held, c.ID)
	}
	return nil
}

// renew gives the journal a new identity. No line may have been written yet.
func (j *Journal) renew() error {
	j.id = rand.Text()
	err := j.turn()
	j.moved()
	return err
}

// Prune deletes segments that were last written before a time and that the
// store does not need any more to be up to date. It says how many.
func (s *Store) Prune(ctx context.Context, before time.Time) (int, error) {
	mark, err := s.marks.JournalMark(ctx)
	if err != nil {
		return 0, err
	}
	numbers, err := segmentsIn(s.journal.dir)
	if err != nil {
		return 0, err
	}
	pruned := 0
	for _, n := range numbers {
		path := filepath.Join(s.journal.dir, segmentName(n))
		info, err := os.Stat(path)
		if err != nil || n >= mark.Segment || !info.ModTime().Before(before) {
			continue
		}
		if err := os.Remove(path); err != nil {
			return pruned, fmt.Errorf("journal: %w", err)
		}
		pruned++
	}
	return pruned, nil
}
