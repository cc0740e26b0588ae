package sqlite

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// maxGroup is how many requests share a commit at most.
const maxGroup = 512

// request is a write that waits for its turn.
type request struct {
	ctx   context.Context
	name  string
	do    func(*writer) error // an error undoes what it did
	bulk  bool                // takes tens of milliseconds: one in a group
	apart bool                // in no transaction, and in no group
	again bool                // may be done again from its beginning after a rollback
	err   error
	done  chan struct{}
}

// write runs do on the writer and returns when what it did is durable. ctx ends
// the waiting only before do has begun, so that the answer is always known.
func (s *Store) write(ctx context.Context, name string, do func(*writer) error) error {
	return s.submit(&request{ctx: ctx, name: name, do: do, done: make(chan struct{})})
}

// writeCall is write for what every call does: do keeps nothing outside of the
// transaction but its last answer, so that it may be done a second time.
func (s *Store) writeCall(ctx context.Context, name string, do func(*writer) error) error {
	return s.submit(&request{ctx: ctx, name: name, do: do, again: true, done: make(chan struct{})})
}

// writeBulk is write for pieces of long work, so that calls need not wait for
// several of them.
func (s *Store) writeBulk(ctx context.Context, name string, do func(*writer) error) error {
	return s.submit(&request{ctx: ctx, name: name, do: do, bulk: true, done: make(chan struct{})})
}

func (s *Store) submit(r *request) error {
	start := time.Now()
	err := s.hand(r)
	if err == nil {
		<-r.done
		err = r.err
	}
	s.stats.Add(r.name, time.Since(start), err)
	return err
}

func (s *Store) hand(r *request) error {
	s.sending.RLock()
	defer s.sending.RUnlock()
	if s.closed {
		return ErrClosed
	}
	select {
	case s.requests <- r:
		return nil
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

// writer owns the write connection. Its caches hold what is in the file as the
// present transaction sees it; they are emptied when anything is undone.
type writer struct {
	*statements
	conn   *sql.Conn
	stats  *campaigns.Operations
	waits  func() bool   // somebody wants to write
	called time.Time     // when something that is not bulk was last written
	shared bool          // the group has such a request
	breath time.Duration // the least from one commit to the next, while requests come together
	last   time.Time     // end of the last commit
	plans  map[campaigns.CampaignID]*plan
	queues map[campaigns.QueueID]int64
	// nextLead is the id of the next lead that is added; 0: not known.
	nextLead int64
	// endpoints are those that are told anything; nil: not known.
	endpoints []campaigns.Endpoint
}

func newWriter(conn *sql.Conn, stats *campaigns.Operations) *writer {
	w := &writer{statements: newStatements(conn, newWords()), conn: conn, stats: stats, waits: func() bool { return false }}
	w.forget()
	return w
}

func (w *writer) forget() {
	w.plans = map[campaigns.CampaignID]*plan{}
	w.queues = map[campaigns.QueueID]int64{}
	w.words = newWords()
	w.nextLead = 0
	w.endpoints = nil
}

// run serves requests until the channel is closed and empty.
func (w *writer) run(requests <-chan *request) {
	defer w.conn.Close()
	defer w.close()
	w.waits = func() bool { return len(requests) > 0 }
	var late *request // a second bulk request: it opens the next group
	for {
		first := late
		late = nil
		if first == nil {
			var open bool
			if first, open = <-requests; !open {
				return
			}
		}
		group := []*request{first}
		if first.apart {
			first.err = first.do(w)
			close(first.done)
			continue
		}
		if first.bulk && w.calling() {
			group, late = letBy(group, requests)
		}
		if late == nil {
			if !first.bulk {
				time.Sleep(w.breath - time.Since(w.last))
			}
			group, late = gather(group, requests)
		}
		w.breath = nextBreath(w.breath, len(group))
		w.commit(group)
		w.last = time.Now()
		for _, r := range group {
			close(r.done)
		}
	}
}

// Calls come first: while they are made, bulk work waits so long for one of their
// writes to share its commit, and takes no flush of its own before.
const letByFor = 50 * time.Millisecond

// calling says whether anything but bulk was written a moment ago.
func (w *writer) calling() bool { return time.Since(w.called) < time.Second }

// mayGoOn says whether a bulk request that has done n pieces of work may do more
// before the commit.
func (w *writer) mayGoOn(n int) bool {
	if w.calling() {
		return !w.shared && !w.waits() && n < atOnceInCalls
	}
	return !w.waits() && n < atOnce
}

// letBy waits for a request that is not bulk to join a group of bulk work.
func letBy(group []*request, requests <-chan *request) (all []*request, late *request) {
	timer := time.NewTimer(letByFor)
	defer timer.Stop()
	select {
	case r, open := <-requests:
		if open && (r.bulk || r.apart) {
			return group, r
		}
		if open {
			group = append(group, r)
		}
	case <-timer.C:
	}
	return group, nil
}

// fullBreath is how long commits are apart while many calls write. A commit costs far
// more than the writes in it, and where the disk is fast its flush is too short a time
// for the next group to gather in. No call is kept longer than this by it.
const fullBreath = 10 * time.Millisecond

// nextBreath follows how requests come: whoever writes alone, one request after the
// other, is not kept waiting for others.
func nextBreath(breath time.Duration, group int) time.Duration {
	switch {
	case group > 1:
		return fullBreath
	case breath > time.Millisecond:
		return breath / 2
	}
	return 0
}

// gather adds the requests that wait now, without waiting for more: the flush
// of one group, and the breath before it, are the time in which the next gathers.
func gather(group []*request, requests <-chan *request) (all []*request, late *request) {
	bulk := group[0].bulk
	for len(group) < maxGroup {
		select {
		case r, open := <-requests:
			if !open {
				return group, nil
			}
			if r.bulk && bulk || r.apart {
				return group, r
			}
			bulk = bulk || r.bulk
			group = append(group, r)
		default:
			return group, nil
		}
	}
	return group, nil
}

// commit runs a group in one transaction and sets the error of each request.
func (w *writer) commit(group []*request) {
	fail := func(what string, err error) {
		w.forget()
		for _, r := range group {
			r.err = fmt.Errorf("%s: %s: %w", r.name, what, err)
		}
	}
	w.shared = slices.ContainsFunc(group, func(r *request) bool { return !r.bulk })
	if w.shared {
		w.called = time.Now()
	}
	if _, err := w.exec("BEGIN IMMEDIATE"); err != nil {
		fail("begin", err)
		return
	}
	if len(group) == 1 {
		if group[0].err = w.alone(group[0]); group[0].err != nil {
			return
		}
	} else if ok, err := w.plainly(group); err != nil {
		fail("begin", err)
		return
	} else if !ok {
		for _, r := range group {
			if err := w.try(r); err != nil {
				w.rollback()
				fail("savepoint", err)
				return
			}
		}
	}
	if _, err := w.exec("COMMIT"); err != nil {
		w.rollback()
		fail("commit", err)
	}
	w.stats.Add("commit", 0, nil)
}

// alone runs the only request of a group. It needs no savepoint: those keep a copy of
// each page before it changes, which costs an import a fifth of its time.
func (w *writer) alone(r *request) error {
	err := context.Cause(r.ctx)
	if err == nil {
		err = r.do(w)
	}
	if err != nil {
		w.forget()
		w.rollback()
	}
	return err
}

// plainly runs a group without savepoints, which cost the writes of a call nearly as much
// as they do. False: nothing is done, and the group is to be run with them, because one
// has failed (which is rare) or may not be done twice. An error means that there is no
// transaction any more.
func (w *writer) plainly(group []*request) (ok bool, err error) {
	if slices.ContainsFunc(group, func(r *request) bool { return !r.again }) {
		return false, nil
	}
	for _, r := range group {
		if r.err = context.Cause(r.ctx); r.err == nil {
			r.err = r.do(w)
		}
		if r.err != nil {
			w.forget()
			w.rollback()
			_, err := w.exec("BEGIN IMMEDIATE")
			return false, err
		}
	}
	return true, nil
}

// try runs one request in a savepoint, so that its failure spoils no other. An
// error of try itself means that the transaction is lost.
func (w *writer) try(r *request) error {
	if r.ctx.Err() != nil {
		r.err = context.Cause(r.ctx)
		return nil
	}
	if _, err := w.exec("SAVEPOINT request"); err != nil {
		return err
	}
	if r.err = r.do(w); r.err != nil {
		w.forget()
		if _, err := w.exec("ROLLBACK TO request"); err != nil {
			return err
		}
	}
	_, err := w.exec("RELEASE request")
	return err
}

// rollback ends a transaction that failed. SQLite has ended it already where
// the disk is full; then there is nothing to undo and the error says only that.
func (w *writer) rollback() {
	_, _ = w.exec("ROLLBACK")
}
