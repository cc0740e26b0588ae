package sqlite

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/storetest"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// One request of a group that fails takes none of the others with it, and leaves
// nothing of its own, although they share a transaction without savepoints at first.
func TestOneFailsInAGroup(t *testing.T) {
	s := openTest(t)
	failure := errors.New("refused")
	var asked int
	write := func(id string, err error) *request {
		return &request{ctx: t.Context(), name: "test", done: make(chan struct{}), do: func(w *writer) error {
			asked++
			if _, err := w.exec(`INSERT INTO suppression (e164, reason, source, by, at) VALUES (?, 'test', 'test', '', 1)`, id); err != nil {
				return err
			}
			return err
		}}
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	group := []*request{write("+9991", nil), write("+9992", failure), write("+9993", nil), write("+9994", nil)}
	group[3].ctx = gone
	commit := &request{ctx: t.Context(), name: "test", apart: true, done: make(chan struct{}), do: func(w *writer) error { w.commit(group, nil); return nil }}
	if err := s.submit(commit); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, failure, nil, context.Canceled} {
		if got := group[i].err; !errors.Is(got, want) {
			t.Errorf("request %d: %v, want %v", i, got, want)
		}
	}
	if asked != 5 { // two plainly, then three in savepoints
		t.Errorf("asked %d times, want 5", asked)
	}
	for number, want := range map[string]bool{"+9991": true, "+9992": false, "+9993": true, "+9994": false} {
		if _, ok, err := s.Suppressed(t.Context(), number); err != nil || ok != want {
			t.Errorf("%s: there %v (%v), want %v", number, ok, err, want)
		}
	}
}

// An import that a failing call joins is done once, although it runs twice, and the calls
// that came with it as well.
func TestOneFailsBesideAnImport(t *testing.T) {
	s := openTest(t)
	fill(t, s, 0)
	rows, err := importRows("list", storetest.PlainLeads("list", 0, 20))
	if err != nil {
		t.Fatal(err)
	}
	failure := errors.New("refused")
	ran, added := 0, 0
	bulk := &request{ctx: t.Context(), name: "add_leads", bulk: true, done: make(chan struct{}), do: func(w *writer) error {
		done, err := w.addLeads("list", rows, time.Now())
		ran, added = ran+1, done.Added
		return err
	}}
	call := func(number string, err error) *request {
		return &request{ctx: t.Context(), name: "test", done: make(chan struct{}), do: func(w *writer) error {
			return errors.Join(w.suppress(campaigns.Suppression{E164: number, Reason: "test", At: start}), err)
		}}
	}
	calls := []*request{call("+48999000001", nil), call("+48999000002", failure)}
	all := 0
	commit := &request{ctx: t.Context(), name: "test", apart: true, done: make(chan struct{}), do: func(w *writer) error {
		all = len(w.commit([]*request{bulk}, func() []*request { return calls }))
		return nil
	}}
	if err := s.submit(commit); err != nil {
		t.Fatal(err)
	}
	if bulk.err != nil || calls[0].err != nil || !errors.Is(calls[1].err, failure) {
		t.Errorf("import: %v, calls: %v and %v", bulk.err, calls[0].err, calls[1].err)
	}
	if all != 3 || ran != 2 || added != 20 {
		t.Errorf("%d requests, the import ran %d times and added %d, want 3, 2 and 20", all, ran, added)
	}
	leads, err := s.FindLeads(t.Context(), campaigns.LeadQuery{List: "list", Limit: 100})
	if err != nil || len(leads) != 20 {
		t.Errorf("%d leads, want 20 (%v)", len(leads), err)
	}
	for number, want := range map[string]bool{"+48999000001": true, "+48999000002": false} {
		if _, ok, err := s.Suppressed(t.Context(), number); err != nil || ok != want {
			t.Errorf("%s: there %v (%v), want %v", number, ok, err, want)
		}
	}
}

// While calls write, an import goes on beside them and waits for their commits: it takes
// no flush of its own.
func TestImportSharesCommits(t *testing.T) {
	s := openTest(t)
	fill(t, s, 0)
	commits := func() int64 {
		stats, err := s.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return int64(stats.Operations["commit"].Count)
	}
	ctx, stop := context.WithCancel(t.Context())
	var calls atomic.Int64
	calling := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // one: a commit holds at most one of its calls
		for ctx.Err() == nil {
			if err := s.Ping(t.Context()); err != nil {
				t.Error(err)
			}
			if calls.Add(1) == 8 {
				close(calling)
			}
		}
	})
	eventually.Comes(t, 20*time.Second, "calls write", calling)
	before, called := commits(), calls.Load()
	done, err := s.AddLeads(t.Context(), "list", storetest.PlainLeads("list", 0, 300))
	taken, made := commits()-before, calls.Load()-called
	stop()
	eventually.Ends(t, 20*time.Second, "the last call is written", wg.Wait)
	if err != nil || done.Added != 300 {
		t.Fatalf("%d leads added, %v", done.Added, err)
	}
	pieces := int64(300 / atOnceInCalls)
	if taken < pieces || taken > made+pieces/2 { // on a busy machine a call may be too late for a few
		t.Errorf("%d commits, %d calls beside an import of %d pieces", taken, made, pieces)
	}
}
