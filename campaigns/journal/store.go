package journal

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Full is a store with both contracts.
type Full interface {
	campaigns.Store
	campaigns.Records
}

// Store is a store whose dials are kept in a journal as well. Use Attach.
type Store struct {
	Full
	marks   campaigns.Replayer
	journal *Journal
	found   Report

	stop   context.CancelFunc
	marked sync.WaitGroup
	closed sync.Once
	failed error // of Close
}

// markEvery is how often the store keeps how far the journal is: what a copy of
// the store need not hear again.
const markEvery = time.Minute

// Attach brings a store up to date with a journal, and keeps the journal from
// then on. Where nobody can say what was dialled since the store was as it is
// now, every campaign is put on hold. A store that cannot replay is returned
// without a journal. Close closes both.
func Attach(ctx context.Context, store Full, j *Journal) (*Store, error) {
	marks, ok := campaigns.As[campaigns.Replayer](store)
	if !ok {
		return nil, errors.New("journal: the store cannot replay one")
	}
	s := &Store{Full: store, marks: marks, journal: j}
	var err error
	if s.found, err = s.catchUp(ctx); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.marked.Go(func() { s.keepMarks(ctx) })
	return s, nil
}

// Unwrap is the store inside; see campaigns.As.
func (s *Store) Unwrap() any { return s.Full }

// Report says what Attach found.
func (s *Store) Report() Report { return s.found }

// Lost is how many lines could not be written that nobody waited for.
func (s *Store) Lost() uint64 { return s.journal.Lost() }

// Begin makes an attempt durable in the store, then in the journal; see
// campaigns.Store. An error of the journal means that the call must not be
// made, though the store has the attempt.
func (s *Store) Begin(ctx context.Context, in campaigns.Intent) error {
	if err := s.Full.Begin(ctx, in); err != nil {
		return err
	}
	return s.journal.Append(campaigns.JournalLine{Begun: &campaigns.Begun{
		Attempt: in.Attempt, Lead: in.Claim.Lead.ID, Campaign: in.Claim.Queue.Campaign, Segment: in.Claim.Queue.Segment,
		Number: in.Claim.Number.E164, Node: in.Claim.Node, Trunk: in.Trunk, CallerID: in.CallerID, Decision: in.Decision, Inbound: in.Inbound, At: in.At,
	}})
}

// End writes an outcome; see campaigns.Store.
func (s *Store) End(ctx context.Context, e campaigns.Ending) error {
	err := s.Full.End(ctx, e)
	if err == nil {
		s.journal.Note(campaigns.JournalLine{Ended: &e})
	}
	return err
}

// Dispose writes a disposition; see campaigns.Store.
func (s *Store) Dispose(ctx context.Context, d campaigns.Disposal) error {
	err := s.Full.Dispose(ctx, d)
	if err == nil {
		s.journal.Note(campaigns.JournalLine{Disposed: &d})
	}
	return err
}

// Suppress puts a number on the do-not-call list, durably in both.
func (s *Store) Suppress(ctx context.Context, x campaigns.Suppression) error {
	if err := s.Full.Suppress(ctx, x); err != nil {
		return err
	}
	return s.journal.Append(campaigns.JournalLine{Suppressed: &x})
}

// Unsuppress takes a number off the list.
func (s *Store) Unsuppress(ctx context.Context, e164 string, by campaigns.UserID) error {
	err := s.Full.Unsuppress(ctx, e164, by)
	if err == nil {
		s.journal.Note(campaigns.JournalLine{Allowed: e164})
	}
	return err
}

func (s *Store) keepMarks(ctx context.Context) {
	tick := time.NewTicker(markEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = s.Mark(ctx) // an older mark only means more to read
		case <-ctx.Done():
			return
		}
	}
}

// Mark keeps in the store how far the journal is: every line before it was in
// the store before it was written.
func (s *Store) Mark(ctx context.Context) error {
	return s.marks.SetJournalMark(ctx, s.journal.Mark())
}

// Close ends the journal and closes the store.
func (s *Store) Close() error {
	s.closed.Do(func() {
		s.stop()
		s.marked.Wait()
		failed := s.journal.Close()
		_ = s.Mark(context.Background())
		s.failed = errors.Join(failed, s.Full.Close())
	})
	return s.failed
}
