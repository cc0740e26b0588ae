package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/journal"
	"github.com/outpace-dialer/outpace/config"
)

// retention deletes what is older than it is to be kept, a little at a time, so
// that calls never wait for it.
type retention struct {
	keep       config.Retention
	journal    time.Duration
	store      Store
	recordings recordings
	// node is whose recordings are here; empty: everybody's, the store is ours alone.
	node string
	more chan struct{} // a list was deleted
	log  *zap.Logger
}

func newRetention(cfg config.Config, store Store, r recordings, log *zap.Logger) *retention {
	n := &retention{keep: cfg.Retention, journal: cfg.Store.JournalKeep, store: store, recordings: r, more: make(chan struct{}, 1), log: log}
	if _, shared := campaigns.As[campaigns.Nodes](store); shared {
		n.node = cfg.Engine.Node
	}
	return n
}

const (
	retentionEvery = time.Hour
	retentionBatch = 500                    // rows that are looked at in one step
	retentionPause = 100 * time.Millisecond // between steps
)

// laws keep calls longer than the configuration says: what is asked for and
// where.
var laws = []struct {
	region string
	years  int
	source string
}{
	{"US", 5, "16 CFR 310.5"},
	{"STRICT", 5, "nobody knows where the person is: as in the United States"},
	{"CA", 3, "CRTC Unsolicited Telecommunications Rules"},
}

func (r *retention) run(ctx context.Context) error {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		if err := r.pass(ctx, time.Now()); err != nil && ctx.Err() == nil {
			r.log.Warn("old data not deleted; tried again later", zap.Error(err))
		}
		select {
		case <-tick.C:
		case <-r.more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// listDeleted begins a pass: the leads of a deleted list do not wait for the next hour.
func (r *retention) listDeleted() {
	select {
	case r.more <- struct{}{}:
	default: // one is to begin already
	}
}

// pass deletes all that is old now.
func (r *retention) pass(ctx context.Context, now time.Time) error {
	var errs []error
	if s, ok := campaigns.As[*journal.Store](r.store); ok && r.journal > 0 {
		_, err := s.Prune(ctx, now.Add(-r.journal))
		errs = append(errs, err)
	}
	keeper, ok := campaigns.As[campaigns.Keeper](r.store)
	if !ok {
		return errors.Join(errs...)
	}
	recordings, err := r.each(ctx, r.keep.Recordings, func(cursor int64) (int, int64, error) {
		return r.deleteRecordings(ctx, keeper, now.Add(-r.keep.Recordings), cursor)
	})
	attempts, errAttempts := r.each(ctx, r.keep.Attempts, func(cursor int64) (int, int64, error) {
		return keeper.DeleteAttempts(ctx, olderThan(now, r.keep.Attempts), cursor, retentionBatch)
	})
	leads, errLeads := r.each(ctx, r.keep.Leads, func(cursor int64) (int, int64, error) {
		return keeper.DeleteLeads(ctx, olderThan(now, r.keep.Leads), cursor, retentionBatch)
	})
	unlisted, errLists := r.deleteLists(ctx, keeper, now)
	leads, errLeads = leads+unlisted, errors.Join(errLeads, errLists)
	return errors.Join(append(errs, err, errAttempts, errLeads, r.tell(ctx, now, recordings, attempts, leads))...)
}

// deleteLists deletes the leads of lists that people deleted, whatever their age, as far as
// no law keeps them; where none is left, the list is forgotten.
func (r *retention) deleteLists(ctx context.Context, keeper campaigns.Keeper, now time.Time) (leads int, err error) {
	deleted, err := keeper.DeletedLists(ctx)
	if err != nil || len(deleted) == 0 {
		return 0, err
	}
	what := olderThan(now, 0)
	for _, l := range deleted {
		what.Lists = append(what.Lists, l.ID)
	}
	leads, err = r.each(ctx, 1, func(cursor int64) (int, int64, error) {
		return keeper.DeleteLeads(ctx, what, cursor, retentionBatch)
	})
	for _, l := range deleted {
		if err == nil {
			err = keeper.ForgetList(ctx, l.ID)
		}
	}
	return leads, err
}

// olderThan is what may go that is older than keep.
func olderThan(now time.Time, keep time.Duration) campaigns.Retention {
	r := campaigns.Retention{Before: now.Add(-keep)}
	for _, l := range laws {
		r.Laws = append(r.Laws, campaigns.KeepLaw{Region: l.region, Before: now.AddDate(-l.years, 0, 0)})
	}
	return r
}

// each runs steps from the oldest to the newest.
func (r *retention) each(ctx context.Context, keep time.Duration, step func(cursor int64) (int, int64, error)) (total int, err error) {
	if keep <= 0 {
		return 0, nil
	}
	for cursor := int64(0); ; {
		n, next, err := step(cursor)
		total += n
		if err != nil || next == 0 {
			return total, err
		}
		cursor = next
		select {
		case <-time.After(retentionPause):
		case <-ctx.Done():
			return total, context.Cause(ctx)
		}
	}
}

// deleteRecordings deletes files, then notes that they are gone: a crash in
// between leaves a note to do again. What is on the disk of another node is that
// node's to delete: a file that is not here is not gone.
func (r *retention) deleteRecordings(ctx context.Context, keeper campaigns.Keeper, before time.Time, cursor int64) (int, int64, error) {
	old, next, err := keeper.OldRecordings(ctx, before, cursor, retentionBatch)
	if err != nil || len(old) == 0 {
		return 0, next, err
	}
	var gone []campaigns.AttemptID
	for _, a := range old {
		if r.node != "" && a.Node != r.node {
			continue
		}
		if err := r.recordings.root.Remove(a.Recording); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, next, fmt.Errorf("recording of attempt %s: %w", a.ID, err)
		}
		gone = append(gone, a.ID)
	}
	return len(gone), next, keeper.ForgetRecordings(ctx, gone)
}

// tell keeps what was deleted, without whom it was about.
func (r *retention) tell(ctx context.Context, now time.Time, recordings, attempts, leads int) error {
	if recordings+attempts+leads == 0 {
		return nil
	}
	r.log.Info("old data deleted", zap.Int("recordings", recordings), zap.Int("attempts", attempts), zap.Int("leads", leads))
	return r.store.Audit(ctx, campaigns.AuditEntry{
		At: now, By: "retention", From: "local", Action: "retention.delete",
		Object: fmt.Sprintf("%d recordings, %d attempts, %d leads", recordings, attempts, leads),
	})
}
