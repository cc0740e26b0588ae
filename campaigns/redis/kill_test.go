package redis

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/storetest"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// What a child, this binary started again, dials: the folder of its journal, its
// name and the store.
const (
	childDir  = "REDIS_KILL_TEST_DIR"
	childNode = "REDIS_KILL_TEST_NODE"
	childURL  = "REDIS_KILL_TEST_URL"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		d := dialer{node: os.Getenv(childNode), dir: dir}
		if err := d.dialAll(context.Background(), os.Getenv(childURL)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := flag.Set("rapid.checks", "20"); err != nil { // as many as for sqlite; the command line may ask for more
		panic(err)
	}
	os.Exit(m.Run())
}

const (
	killLeads   = 600
	killWorkers = 4
	killTries   = 4 // attempts to each lead, unless one is interrupted
)

// dialer is the child. Its journal is what the outside world saw: one line a
// write, never lost once written, because the kernel has it.
type dialer struct {
	node, dir string
	store     *Store
	journal   *os.File
}

func (d *dialer) say(what string, a campaigns.AttemptID, c campaigns.Claim) error {
	_, err := fmt.Fprintf(d.journal, "%s %s %d %d\n", what, a, c.Lead.ID, c.Fence)
	return err
}

// dialAll settles what the last process of this name left, says that it is up,
// and dials until no lead is left.
func (d *dialer) dialAll(ctx context.Context, url string) error {
	var err error
	err = persist(func() error {
		d.store, err = Open(ctx, url, WithShards(3), WithTimeout(time.Second))
		return err
	})
	if err == nil {
		d.store.options.politeness = 100 * time.Millisecond // dead neighbours are many here
		err = persist(func() error { return d.settle(ctx) })
	}
	if err != nil {
		return err
	}
	d.journal, err = os.OpenFile(filepath.Join(d.dir, "journal"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	fmt.Println("up")
	var wg sync.WaitGroup
	errs := make([]error, killWorkers)
	for i := range killWorkers {
		wg.Go(func() { errs[i] = d.dialSome(ctx) })
	}
	wg.Wait()
	return errors.Join(append(errs, d.store.Close())...)
}

func (d *dialer) settle(ctx context.Context) error {
	open, err := d.store.Open(ctx, d.node)
	if err != nil {
		return err
	}
	for _, a := range open {
		err := d.store.End(ctx, campaigns.Ending{Attempt: a.ID, Outcome: campaigns.Interrupted, Count: true, Next: campaigns.Next{Done: true}, At: time.Now()})
		if err != nil {
			return err
		}
	}
	_, err = d.store.Reclaim(ctx, d.node, time.Now())
	return err
}

// persist does something until Redis is there, for a minute at most.
func persist(do func() error) error {
	for end := time.Now().Add(time.Minute); ; {
		err := do()
		if !errors.Is(err, ErrUnavailable) || time.Now().After(end) {
			return err
		}
		time.Sleep(10 * time.Millisecond) // a real process: no clock of ours
	}
}

func (d *dialer) dialSome(ctx context.Context) error {
	queues := append(queuesOfCamp("best"), queuesOfCamp("rest")...)
	for {
		var claims []campaigns.Claim
		left := 0
		err := persist(func() error {
			infos, err := d.store.Queues(ctx, "camp", time.Now())
			left = len(infos)
			if err != nil || left == 0 {
				return err
			}
			claims, err = d.store.Claim(ctx, campaigns.ClaimRequest{Queues: queues, Limit: 5, Node: d.node, Lease: time.Hour, Now: time.Now()})
			return err
		})
		if err != nil || left == 0 {
			return err
		}
		for _, c := range claims {
			if err := d.dialOne(ctx, c); err != nil {
				return err
			}
		}
	}
}

func (d *dialer) dialOne(ctx context.Context, c campaigns.Claim) error {
	id := campaigns.AttemptID(fmt.Sprintf("%016x-%016x", time.Now().UnixNano(), rand.Uint64()))
	err := d.store.Begin(ctx, campaigns.Intent{Attempt: id, Claim: c, At: time.Now()})
	if errors.Is(err, ErrUnavailable) { // whether it began nobody knows, so it is not dialled
		err := persist(func() error {
			return d.store.End(ctx, campaigns.Ending{Attempt: id, Outcome: campaigns.NotPlaced, At: time.Now()})
		})
		if errors.Is(err, campaigns.ErrNotFound) {
			err = persist(func() error { return d.store.Release(ctx, []campaigns.Claim{c}, time.Time{}) })
		}
		return err
	}
	if _, refused := errors.AsType[*campaigns.Refusal](err); refused {
		return nil
	}
	if err != nil {
		return err
	}
	if err := d.say("INVITE", id, c); err != nil {
		return err
	}
	end := campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{Done: c.Attempts+1 >= killTries}, At: time.Now()}
	if err := persist(func() error { return d.store.End(ctx, end) }); err != nil {
		return err
	}
	return d.say("ENDED", id, c)
}

// Two nodes that are killed again and again, and Redis with them, lose nothing
// that was acknowledged, dial no claim twice, and leave no attempt without an
// outcome. Redis flushes always: at everysec it answers before it writes while a flush
// is slow, see the package documentation.
func TestKill9(t *testing.T) {
	t.Parallel()
	dir, server := t.TempDir(), redistest.Start(t, "--appendfsync", "always")
	s := openTest(t, server.URL(), WithShards(3))
	fill(t, s, killLeads)
	kills := 0
	for i := range 10 {
		var wg sync.WaitGroup
		killed := make([]bool, 2)
		for n := range killed {
			wg.Go(func() {
				killed[n] = storetest.RunChild(t, time.Duration(50+rand.IntN(100))*time.Millisecond, environ(dir, server.URL(), n)...)
			})
		}
		if i%3 == 2 {
			time.Sleep(time.Duration(100+rand.IntN(100)) * time.Millisecond) // into the middle of their work
			server.Kill()
			server.Run()
		}
		wg.Wait()
		for _, k := range killed {
			if k {
				kills++
			}
		}
	}
	for n := range 2 { // the first finds what the other still holds, the second settles it
		storetest.RunChild(t, -1, environ(dir, server.URL(), n)...)
	}
	t.Logf("%d kills", kills)
	if kills < 10 {
		t.Errorf("only %d of 20 children were killed at work", kills)
	}
	judgeKilled(t, s, filepath.Join(dir, "journal"))
}

// judgeKilled is JudgeKilled, and no lead may be left anywhere.
func judgeKilled(t *testing.T, s *Store, journal string) {
	t.Helper()
	storetest.JudgeKilled(t, s, journal, killLeads, killTries)
	for id := range killLeads {
		for _, e := range entriesOf(t, s, campaigns.LeadID(id+1)) {
			if e.State != campaigns.EntryDone {
				t.Errorf("lead %d is %s at the end", id+1, e.State)
			}
		}
	}
}

// environ makes a child of this binary the n-th dialer.
func environ(dir, url string, n int) []string {
	return []string{childDir + "=" + dir, childURL + "=" + url, fmt.Sprintf("%s=n%d", childNode, n)}
}

func entriesOf(t *testing.T, s *Store, id campaigns.LeadID) []campaigns.Entry {
	t.Helper()
	entries, err := s.Entries(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
