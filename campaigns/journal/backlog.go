package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Backlog is a store on another machine whose outcomes do not get lost while it is
// gone: what it does not take waits in a folder here, durably, and is written when
// it is back, in the order in which it came. Writing twice changes nothing there, so
// a crash in between only repeats some of it. Use OpenBacklog.
//
//	End, Dispose ─► store ─► done
//	                 └► not there, or others wait ─► folder ─► done
//	                                                   └──► every second ─► store
type Backlog struct {
	Full
	dir  string
	told func(waiting int, err error)

	folder  sync.RWMutex // held while a line is added; to empty the folder it must be free
	journal *Journal
	broken  error // the folder could not be emptied: nothing can be added

	mu      sync.Mutex
	waiting []campaigns.JournalLine // lines that the store does not have, the oldest first
	lines   bool                    // there are lines in the folder, of these or older

	stop   context.CancelFunc
	ended  sync.WaitGroup
	closed sync.Once
	failed error // of Close
}

const (
	// tryFor is how long a store may take before an outcome waits here instead.
	tryFor     = 3 * time.Second
	flushEvery = time.Second
)

// OpenBacklog writes what a dead process left in a folder, then keeps there what the
// store does not take. Only one process may use the folder. told hears how many
// outcomes wait, whenever that begins or ends, and why; it may be nil.
func OpenBacklog(ctx context.Context, store Full, dir string, told func(waiting int, err error)) (*Backlog, error) {
	if told == nil {
		told = func(int, error) {}
	}
	b := &Backlog{Full: store, dir: dir, told: told}
	var err error
	if b.journal, err = Open(dir); err != nil {
		return nil, err
	}
	for l, damage := range b.journal.after(campaigns.JournalMark{}) {
		if damage != nil {
			continue // the attempt is settled as interrupted, which is the careful guess
		}
		b.waiting, b.lines = append(b.waiting, l), true
	}
	if err := b.flush(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("outcomes of the last process: %w", err), b.journal.Close())
	}
	ctx, b.stop = context.WithCancel(context.WithoutCancel(ctx))
	b.ended.Go(func() { b.keepFlushing(ctx) })
	return b, nil
}

// Unwrap is the store inside; see campaigns.As.
func (b *Backlog) Unwrap() any { return b.Full }

// Waiting is how many outcomes the store does not have yet.
func (b *Backlog) Waiting() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting)
}

// End writes an outcome; see campaigns.Store. nil means that it is durable, in the
// store or here.
func (b *Backlog) End(ctx context.Context, e campaigns.Ending) error {
	return b.write(ctx, campaigns.JournalLine{Ended: &e})
}

// Dispose writes a disposition, behind the outcome of its attempt.
func (b *Backlog) Dispose(ctx context.Context, d campaigns.Disposal) error {
	return b.write(ctx, campaigns.JournalLine{Disposed: &d})
}

func (b *Backlog) write(ctx context.Context, l campaigns.JournalLine) error {
	b.mu.Lock()
	behind := b.lines // a crash would write those again: nothing may overtake them
	b.mu.Unlock()
	var err error
	if !behind {
		within, cancel := context.WithTimeout(ctx, tryFor)
		defer cancel()
		if err = b.give(within, l); err == nil || campaigns.IsAnswer(err) {
			return err
		}
	}
	if full := b.add(l, err); full != nil {
		return errors.Join(err, full)
	}
	return nil
}

// give hands a line to the store.
func (b *Backlog) give(ctx context.Context, l campaigns.JournalLine) error {
	if l.Ended != nil {
		return b.Full.End(ctx, *l.Ended)
	}
	return b.Full.Dispose(ctx, *l.Disposed)
}

// add makes a line durable here.
func (b *Backlog) add(l campaigns.JournalLine, why error) error {
	b.folder.RLock()
	defer b.folder.RUnlock()
	if b.broken != nil {
		return b.broken
	}
	if err := b.journal.Append(l); err != nil {
		return err
	}
	b.mu.Lock()
	b.waiting, b.lines = append(b.waiting, l), true
	first := len(b.waiting) == 1
	b.mu.Unlock()
	if first {
		b.told(1, why)
	}
	return nil
}

func (b *Backlog) keepFlushing(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			_ = b.flush(ctx) // the next one tries again
		case <-ctx.Done():
			return
		}
	}
}

// flush gives the store what waits, until it does not take one.
func (b *Backlog) flush(ctx context.Context) error {
	b.mu.Lock()
	waiting, lines := b.waiting, b.lines
	b.mu.Unlock()
	if !lines {
		return nil
	}
	for _, l := range waiting {
		err := b.give(ctx, l)
		if err == nil && l.Ended != nil && l.Ended.Suppress {
			err = b.suppress(ctx, *l.Ended)
		}
		if err != nil && !campaigns.IsAnswer(err) {
			return err
		}
		b.mu.Lock()
		b.waiting = b.waiting[1:]
		b.mu.Unlock()
	}
	return b.empty()
}

// suppress sees to it that a person who does not want to be called is not, also where
// another node settled the attempt meanwhile: then the store keeps that outcome, and
// the wish that came with ours would be lost.
func (b *Backlog) suppress(ctx context.Context, e campaigns.Ending) error {
	kept, err := b.Attempts(ctx, campaigns.AttemptQuery{ID: e.Attempt, Limit: 1})
	if err != nil || len(kept) == 0 || kept[0].Outcome == e.Outcome {
		return err
	}
	return b.Suppress(ctx, campaigns.Suppression{E164: kept[0].Number, Reason: string(e.Outcome), Source: "network", At: e.At})
}

// empty forgets the lines, if no more came.
func (b *Backlog) empty() error {
	b.folder.Lock()
	defer b.folder.Unlock()
	if b.Waiting() > 0 {
		return nil
	}
	_ = b.journal.Close() // what is in it is over
	if b.broken = b.anew(); b.broken != nil {
		return b.broken
	}
	b.mu.Lock()
	b.lines = false
	b.mu.Unlock()
	b.told(0, nil)
	return nil
}

// anew deletes the segments, all of which the store has, and begins another.
func (b *Backlog) anew() error {
	numbers, err := segmentsIn(b.dir)
	if err != nil {
		return err
	}
	for _, n := range numbers {
		if err := os.Remove(filepath.Join(b.dir, segmentName(n))); err != nil {
			return fmt.Errorf("journal: %w", err)
		}
	}
	b.journal, err = Open(b.dir)
	return err
}

// Close tries once more, and closes the store. What still waits is written by the
// next process.
func (b *Backlog) Close() error {
	b.closed.Do(func() {
		b.stop()
		b.ended.Wait()
		ctx, cancel := context.WithTimeout(context.Background(), tryFor)
		defer cancel()
		_ = b.flush(ctx)
		b.failed = errors.Join(b.journal.Close(), b.Full.Close())
	})
	return b.failed
}
