package journal

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/campaigns/storetest"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// remote is a store that may be gone, and writes down what it is given.
type remote struct {
	Full
	mu    sync.Mutex
	gone  bool
	given []string
}

var errGone = errors.New("gone")

func (r *remote) take(what string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.gone {
		return errGone
	}
	r.given = append(r.given, what)
	return nil
}

func (r *remote) set(gone bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = gone
}

func (r *remote) list() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]string(nil), r.given...)
}

func (r *remote) End(_ context.Context, e campaigns.Ending) error {
	return r.take(fmt.Sprint(e.Attempt, " ", e.Outcome))
}

func (r *remote) Dispose(_ context.Context, d campaigns.Disposal) error {
	if d.Attempt == "unknown" {
		return campaigns.ErrNotFound
	}
	return r.take(fmt.Sprint(d.Attempt, " ", d.Disposition))
}

func (r *remote) Close() error { return nil }

// Attempts says that another node settled those whose name begins with s.
func (r *remote) Attempts(_ context.Context, q campaigns.AttemptQuery) ([]campaigns.Attempt, error) {
	a := campaigns.Attempt{ID: q.ID, Number: "+4801", Outcome: campaigns.Unwanted}
	if q.ID[0] == 's' {
		a.Outcome = campaigns.Interrupted
	}
	return []campaigns.Attempt{a}, nil
}

func (r *remote) Suppress(_ context.Context, x campaigns.Suppression) error {
	return r.take("suppress " + x.E164)
}

func openBacklog(t *testing.T, r Full, dir string) (*Backlog, *[]int) {
	t.Helper()
	var heard []int
	b, err := OpenBacklog(t.Context(), r, dir, func(n int, _ error) { heard = append(heard, n) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() }) // mostly the second time
	return b, &heard
}

func end(id campaigns.AttemptID, o campaigns.Outcome) campaigns.Ending {
	return campaigns.Ending{Attempt: id, Outcome: o, At: start, Next: campaigns.Next{At: start.Add(time.Hour), Number: "+4801"}, Count: true}
}

// TestBacklogConformance: a store with a backlog keeps every promise of a store.
func TestBacklogConformance(t *testing.T) {
	var both func(t *testing.T, dir string) storetest.Both
	both = func(t *testing.T, dir string) storetest.Both {
		plain, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"))
		if err != nil {
			t.Fatal(err)
		}
		b, _ := openBacklog(t, plain, filepath.Join(dir, "outcomes"))
		return storetest.Both{Store: b, Records: b, Around: true, Reopen: func() storetest.Both {
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
			return both(t, dir)
		}}
	}
	storetest.Run(t, func(t *testing.T) storetest.Both { return both(t, t.TempDir()) })
}

// What a store does not take waits, in its order, and is written when it is back.
func TestBacklogWaitsForTheStore(t *testing.T) {
	r := &remote{}
	b, heard := openBacklog(t, r, t.TempDir())
	ok := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ok(b.End(t.Context(), end("a1", campaigns.Busy)))
	r.set(true)
	ok(b.End(t.Context(), end("a2", campaigns.Connected)))
	ok(b.Dispose(t.Context(), campaigns.Disposal{Attempt: "a2", Disposition: "sale"}))
	ok(b.Dispose(t.Context(), campaigns.Disposal{Attempt: "unknown", Disposition: "sale"}))
	unwanted := end("a4", campaigns.Unwanted)
	unwanted.Suppress = true
	ok(b.End(t.Context(), unwanted))
	unwanted.Attempt = "settled"
	ok(b.End(t.Context(), unwanted))
	r.set(false)
	ok(b.End(t.Context(), end("a3", campaigns.NoAnswer))) // it does not overtake
	if b.Waiting() == 0 || len(r.list()) > 1 {
		t.Errorf("%d wait, the store has %q", b.Waiting(), r.list())
	}
	eventually.So(t, 10*time.Second, "the store has all", func() bool { return b.Waiting() == 0 })
	ok(b.Close())
	if diff := cmp.Diff([]string{"a1 busy", "a2 connected", "a2 sale", "a4 unwanted", "settled unwanted", "suppress +4801", "a3 no_answer"}, r.list()); diff != "" {
		t.Errorf("the store was given (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{1, 0}, *heard); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// A process that dies while the store is gone leaves its outcomes to the next one,
// which gives them all, some of them a second time perhaps, before anything else.
func TestBacklogOutlivesTheProcess(t *testing.T) {
	dir, r := t.TempDir(), &remote{gone: true}
	b, _ := openBacklog(t, r, dir)
	for i := range 3 {
		if err := b.End(t.Context(), end(campaigns.AttemptID(fmt.Sprint("a", i)), campaigns.Busy)); err != nil {
			t.Fatal(err)
		}
	}
	// It dies: nothing of it is closed. Its store stays gone for the next one too.
	b.stop()
	b.ended.Wait()
	if again, err := OpenBacklog(t.Context(), r, dir, nil); !errors.Is(err, errGone) {
		t.Fatalf("opened without what was left: %v, %v", again, err)
	}
	r.set(false)
	next, heard := openBacklog(t, r, dir)
	if got := r.list(); len(got) != 3 || got[0] != "a0 busy" || got[2] != "a2 busy" || next.Waiting() != 0 {
		t.Errorf("the store has %q, %d wait; told %v", got, next.Waiting(), *heard)
	}
	if err := next.Close(); err != nil {
		t.Fatal(err)
	}
	openBacklog(t, r, dir)
	if got := r.list(); len(got) != 3 {
		t.Errorf("a third process gave them again: %q", got)
	}
}
