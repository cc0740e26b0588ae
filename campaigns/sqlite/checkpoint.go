package sqlite

import (
	"context"
	"time"
)

// What is written goes to a log first and from there into the file, in steps. SQLite
// would take such a step within the commit of whoever comes just then; here it is
// taken beside the writer, which has only the last few pages left to do.
const (
	checkpointEvery = 100 * time.Millisecond // how often the log is looked at
	checkpointFrom  = 4000                   // pages in the log from which on it is emptied, 16 MiB
	checkpointCalls = 1000                   // the same while calls are written, see empty
	checkpointRest  = 100                    // pages that the writer may be left with
	checkpointTurns = 5                      // at most, to come down to so few
)

// logState is how many pages the log has and how many of them are in the file.
type logState struct{ pages, done int }

func (l logState) rest() int { return l.pages - l.done }

// look asks for the state of the log, having first copied what mode says.
func look(on *statements, mode string) (logState, error) {
	var busy int
	var l logState
	err := on.get(`PRAGMA wal_checkpoint(`+mode+`)`, nil, &busy, &l.pages, &l.done)
	return l, err
}

// checkpoints empties the log whenever it is long, until ctx is done. Failures are
// met again: the log grows and the next write that finds no room says so.
func (s *Store) checkpoints(ctx context.Context, w *writer) {
	for tick := time.NewTicker(s.checkpointEvery); ; {
		select {
		case <-ctx.Done():
			tick.Stop()
			return
		case <-tick.C:
		}
		calling := w.calling()
		from := checkpointFrom
		if calling {
			from = checkpointCalls
		}
		if l, err := look(s.check, "NOOP"); err != nil || l.pages < from {
			continue
		}
		if calling {
			s.emptying.Lock()
		}
		s.empty(ctx)
		if calling {
			s.emptying.Unlock()
		}
	}
}

// empty copies the log into the file. Commits of calls that come meanwhile wait for the
// flush of the file too. So while there are calls it is done often, a little at a time,
// and imports, which would fill the log and make those commits larger, wait until it is over.
func (s *Store) empty(ctx context.Context) {
	for range checkpointTurns {
		if l, err := look(s.check, "PASSIVE"); err != nil || l.rest() <= checkpointRest {
			break
		}
	}
	// The log begins anew where all of it was copied when somebody writes next.
	_ = s.submit(&request{ctx: ctx, name: "checkpoint", apart: true, done: make(chan struct{}), do: func(w *writer) error {
		_, err := look(w.statements, "PASSIVE")
		return err
	}})
}

// untilEmptied waits for an emptying of the log that is under way beside calls.
func (s *Store) untilEmptied() {
	s.emptying.RLock()
	defer s.emptying.RUnlock()
}
