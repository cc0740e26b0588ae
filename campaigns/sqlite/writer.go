package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync/atomic"
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
	err   error
	done  chan struct{}
}

// write runs do on the writer and returns when what it did is durable. ctx ends
// the waiting only before do has begun, so that the answer is always known. Where
// another request of its group fails, do runs a second time from its beginning: it
// keeps nothing outside of the transaction but its last answer.
func (s *Store) write(ctx context.Context, name string, do func(*writer) error) error {
	return s.submit(&request{ctx: ctx, name: name, do: do, done: make(chan struct{})})
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
		err = full(r.err)
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
	if s.requests == nil {
		return ErrReadOnly
	}
	select {
	case s.requests <- r: // nearly always there is room, and ctx need not make a channel to be done by
		return nil
	default:
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
	called atomic.Int64  // when something that is not bulk was last written, Unix nanoseconds
	held   bool          // calls wait for the bulk work of this group once the breath is over
	breath time.Duration // the least from one commit to the next, while requests come together
	last   time.Time     // end of the last commit, as far as calls caused it
	usual  time.Duration // that a commit of calls takes, of late
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
		if first.apart {
			first.err = first.do(w)
			close(first.done)
			continue
		}
		var group []*request
		group, late = w.serve(first, requests)
		for _, r := range group {
			close(r.done)
		}
	}
}

// serve commits first and what may share its commit, and returns them. late may not.
func (w *writer) serve(first *request, requests <-chan *request) (group []*request, late *request) {
	if first.bulk && !w.calling() {
		w.held = false
		group, late = gather([]*request{first}, true, requests)
		return w.commit(group, nil), late
	}
	began, bulk := time.Now(), first
	var waiting []*request // calls
	if !first.bulk {
		waiting, bulk = w.breathe(first, requests)
	}
	w.held = len(waiting) > 0
	switch {
	case bulk == nil:
		group, late = gather(waiting, false, requests)
		return w.commit(group, nil), late
	case bulk.apart:
		return w.commit(waiting, nil), bulk
	}
	group = w.commit([]*request{bulk}, func() (calls []*request) {
		calls, late = w.awaitCalls(waiting, requests, began)
		return calls
	})
	return group, late
}

// breathe gathers calls until the breath is over, or something else comes.
func (w *writer) breathe(first *request, requests <-chan *request) (calls []*request, other *request) {
	calls = []*request{first}
	left := w.breath - time.Since(w.last)
	if left <= 0 {
		return calls, nil
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	for len(calls) < maxGroup {
		select {
		case r, open := <-requests:
			if !open {
				return calls, nil
			}
			if r.bulk || r.apart {
				return calls, r
			}
			calls = append(calls, r)
		case <-timer.C:
			return calls, nil
		}
	}
	return calls, nil
}

// Calls come first: while they are made, bulk work takes no flush of its own. It has the
// breath between two commits to write in, in which calls wait anyway, and then waits for
// them, so long at most, to share their commit.
const awaitCallsFor = 50 * time.Millisecond

// calling says whether anything but bulk was written a moment ago.
func (w *writer) calling() bool { return time.Since(time.Unix(0, w.called.Load())) < time.Second }

// mayGoOn says whether a bulk request that has done n pieces of work may do more
// before the commit.
func (w *writer) mayGoOn(n int) bool {
	if w.calling() {
		return n < atOnceInCalls && (time.Since(w.last) < w.breath || !w.held && !w.waits())
	}
	return !w.waits() && n < atOnce
}

// awaitCalls returns the calls whose commit bulk work shares that began at a time: those
// that wait already, and those that gather until the breath is over. Where there is none
// it waits for the first. late is what ended the waiting and is no call.
func (w *writer) awaitCalls(waiting []*request, requests <-chan *request, began time.Time) (calls []*request, late *request) {
	time.Sleep(w.breath - time.Since(w.last))
	if len(waiting) > 0 {
		return gather(waiting, true, requests)
	}
	timer := time.NewTimer(awaitCallsFor - time.Since(began))
	defer timer.Stop()
	select {
	case r, open := <-requests:
		switch {
		case !open:
			return nil, nil
		case r.bulk || r.apart:
			return nil, r
		}
		return gather([]*request{r}, true, requests)
	case <-timer.C:
		return nil, nil
	}
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
// late is one that may not be in this group: a second one of bulk work, or one apart.
func gather(group []*request, bulk bool, requests <-chan *request) (all []*request, late *request) {
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

// commit runs a group in one transaction, then those that join returns, and sets the
// error of each request. It returns them all. join may be nil.
func (w *writer) commit(group []*request, join func() []*request) []*request {
	fail := func(what string, err error) []*request {
		w.forget()
		for _, r := range group {
			r.err = fmt.Errorf("%s: %s: %w", r.name, what, err)
		}
		return group
	}
	_, err := w.exec("BEGIN IMMEDIATE")
	if err != nil {
		return fail("begin", err)
	}
	plain, err := w.plainly(group)
	if err == nil && join != nil {
		more := join()
		group = append(group, more...)
		if plain {
			plain, err = w.plainly(more)
		}
	}
	if n := calls(group); n > 0 {
		w.called.Store(time.Now().UnixNano())
		w.breath = nextBreath(w.breath, n)
	}
	if err != nil {
		return fail("begin", err)
	}
	if !plain {
		for _, r := range group {
			if err := w.try(r); err != nil {
				w.rollback()
				return fail("savepoint", err)
			}
		}
	}
	began := time.Now()
	_, err = w.exec("COMMIT")
	w.ended(group, time.Since(began))
	if err != nil {
		w.rollback()
		return fail("commit", err)
	}
	w.stats.Add("commit", 0, nil)
	return group
}

// ended notes when a commit was over that took so long. What bulk work added to it is
// taken off the next breath, so that calls wait no longer for it.
func (w *writer) ended(group []*request, took time.Duration) {
	w.last = time.Now()
	if calls(group) == len(group) {
		w.usual += (took - w.usual) / 8
		return
	}
	if more := took - w.usual; more > 0 {
		w.last = w.last.Add(-more)
	}
}

// calls is how many requests of a group are not bulk.
func calls(group []*request) int {
	n := 0
	for _, r := range group {
		if !r.bulk {
			n++
		}
	}
	return n
}

// plainly runs a group without savepoints, which keep a copy of each page before it
// changes: they cost the writes of a call nearly as much as they do, and an import a
// fifth of its time. False: one has failed, which is rare, and nothing of the
// transaction is done. An error means that there is no transaction any more.
func (w *writer) plainly(group []*request) (ok bool, err error) {
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
			if cause := full(r.err); errors.Is(cause, campaigns.ErrFull) { // SQLite has ended the transaction
				return cause
			}
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
