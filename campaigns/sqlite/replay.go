package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Replayer = (*Store)(nil)

// JournalMark is how far the journal was when the store was last told; see
// campaigns.Replayer.
func (s *Store) JournalMark(ctx context.Context) (campaigns.JournalMark, error) {
	var m campaigns.JournalMark
	err := s.reading(ctx, "journal_mark", func(r *statements) error {
		err := r.get(`SELECT journal, segment, place FROM journal`, nil, &m.Journal, &m.Segment, &m.Offset)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return m, err
}

// SetJournalMark keeps how far the journal is.
func (s *Store) SetJournalMark(ctx context.Context, m campaigns.JournalMark) error {
	return s.write(ctx, "set_journal_mark", func(w *writer) error {
		_, err := w.exec(`INSERT INTO journal (only_one, journal, segment, place) VALUES (1, ?, ?, ?)
			ON CONFLICT (only_one) DO UPDATE SET journal = excluded.journal, segment = excluded.segment, place = excluded.place`,
			m.Journal, m.Segment, m.Offset)
		return err
	})
}

// Replay writes what a journal knows and this store does not; see
// campaigns.Replayer.
func (s *Store) Replay(ctx context.Context, lines []campaigns.JournalLine) (campaigns.Replayed, error) {
	var done campaigns.Replayed
	err := s.writeBulk(ctx, "replay", func(w *writer) error {
		done = campaigns.Replayed{Strange: map[campaigns.CampaignID]int{}}
		for _, l := range lines {
			if err := w.replay(l, &done); err != nil {
				return err
			}
		}
		return nil
	})
	return done, err
}

func (w *writer) replay(l campaigns.JournalLine, done *campaigns.Replayed) error {
	var err error
	switch {
	case l.Begun != nil:
		return w.replayBegun(*l.Begun, done)
	case l.Ended != nil:
		err = w.replayEnded(*l.Ended)
	case l.Disposed != nil:
		err = w.replayDisposed(*l.Disposed)
	case l.Suppressed != nil:
		err = w.suppress(*l.Suppressed)
	case l.Allowed != "":
		_, err = w.exec(`DELETE FROM suppression WHERE e164 = ?`, l.Allowed)
	}
	if errors.Is(err, campaigns.ErrNotFound) || errors.Is(err, campaigns.ErrConflict) {
		return nil // of an attempt from before the journal
	}
	return err
}

// forgotten is the reason of attempts that were replayed and whose end is not
// known.
const forgotten = "made after this store was copied"

// forgottenRest is how long a lead rests whose attempt another one overtook.
const forgottenRest = 4 * time.Hour

// replayBegun adds an attempt. It is open, as after a crash, where its lead is
// known; else it is ended, and counts by its number.
func (w *writer) replayBegun(b campaigns.Begun, done *campaigns.Replayed) error {
	_, err := w.attempt(b.Attempt)
	if err == nil || !errors.Is(err, campaigns.ErrNotFound) {
		return err
	}
	if b.Inbound {
		return w.replayReceived(b, done)
	}
	if err := w.endLocked(b); err != nil {
		return err
	}
	e, known, err := w.entryOf(b)
	if err != nil {
		return err
	}
	done.Attempts++
	if !known {
		done.Strange[b.Campaign]++
		b.Lead = 0 // another one may have its id by now
	}
	decision, err := json.Marshal(b.Decision)
	if err != nil {
		return err
	}
	_, err = w.exec(`INSERT INTO attempt (id, lead, campaign, segment, number, node, trunk, caller_id, decision, began_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		string(b.Attempt), int64(b.Lead), string(b.Campaign), b.Segment, b.Number, b.Node, b.Trunk, b.CallerID, string(decision), stamp(b.At))
	if err != nil {
		return fmt.Errorf("replay attempt %s: %w", b.Attempt, err)
	}
	if !known {
		_, err = w.exec(`UPDATE attempt SET ended_at = began_at, outcome = ?, reason = ? WHERE id = ?`, string(campaigns.Interrupted), forgotten, string(b.Attempt))
		return err
	}
	e.state, e.lastAttempt = calling, b.Attempt
	return w.saveEntry(e)
}

// entryOf finds the place of a lead that is still the one that was dialled.
func (w *writer) entryOf(b campaigns.Begun) (entry, bool, error) {
	l, err := loadLead(w.statements, b.Lead)
	if errors.Is(err, campaigns.ErrNotFound) {
		return entry{}, false, nil
	}
	if err != nil {
		return entry{}, false, err
	}
	same := slices.ContainsFunc(l.Numbers, func(n campaigns.Number) bool { return n.E164 == b.Number })
	e, err := findEntry(w.statements, b.Lead, b.Campaign)
	return e, same && e.there, err
}

// endLocked ends an attempt that is open on the number: the next one could not
// have begun otherwise. Its own end comes later in the journal, if at all.
func (w *writer) endLocked(b campaigns.Begun) error {
	var open campaigns.AttemptID
	err := w.get(`SELECT id FROM attempt WHERE number = ? AND ended_at = 0 AND inbound = 0`, args(b.Number), &open)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	_, err = w.settle(campaigns.Ending{Attempt: open, Outcome: campaigns.Interrupted, Reason: forgotten, Count: true,
		Next: campaigns.Next{At: b.At.Add(forgottenRest)}, At: b.At})
	return err
}

// replayEnded ends an attempt as it was, also one that was ended for want of
// better knowledge.
func (w *writer) replayEnded(e campaigns.Ending) error {
	_, err := w.exec(`UPDATE attempt SET ended_at = 0 WHERE id = ? AND outcome = ? AND reason = ?
		AND NOT EXISTS (SELECT 1 FROM attempt o WHERE o.number = attempt.number AND o.ended_at = 0)`,
		string(e.Attempt), string(campaigns.Interrupted), forgotten)
	if err != nil {
		return err
	}
	return w.end(e)
}

// replayDisposed writes a disposition that is not there yet.
func (w *writer) replayDisposed(d campaigns.Disposal) error {
	a, err := w.attempt(d.Attempt)
	if err != nil || a.Lead == 0 {
		return err
	}
	if a.Disposition == d.Disposition && a.DisposedBy == d.By && a.Note == d.Note {
		return w.fillForm(a.Lead, d.Fields)
	}
	return w.dispose(d)
}
