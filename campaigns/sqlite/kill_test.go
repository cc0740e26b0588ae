package sqlite

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/storetest"
)

// childDir names the folder in which this binary, started again, dials.
const childDir = "STORE_KILL_TEST_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := dialAll(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if err := flag.Set("rapid.checks", "20"); err != nil { // a history takes about 0.1 s; the command line may ask for more
		panic(err)
	}
	os.Exit(m.Run())
}

const (
	killLeads   = 15 // for each kill
	killWorkers = 4
	killTries   = 4 // attempts to each lead, unless one is interrupted
)

// journal is what the outside world saw: one line a write, never lost once
// written, because the kernel has it.
type journal struct{ f *os.File }

func (j journal) say(what string, a campaigns.AttemptID, c campaigns.Claim) error {
	_, err := fmt.Fprintf(j.f, "%s %s %d %d\n", what, a, c.Lead.ID, c.Fence)
	return err
}

// dialAll is the child: it settles what the last one left, says that it is up,
// and dials until no lead is left.
func dialAll(ctx context.Context, dir string) error {
	s, err := Open(ctx, filepath.Join(dir, "store.db"))
	if err != nil {
		return err
	}
	open, err := s.Open(ctx, "n")
	if err != nil {
		return err
	}
	for _, a := range open {
		err := s.End(ctx, campaigns.Ending{Attempt: a.ID, Outcome: campaigns.Interrupted, Count: true, Next: campaigns.Next{Done: true}, At: time.Now()})
		if err != nil {
			return err
		}
	}
	if _, err := s.Reclaim(ctx, "n", time.Now()); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, "journal"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	fmt.Println("up")
	var wg sync.WaitGroup
	errs := make([]error, killWorkers)
	for i := range killWorkers {
		wg.Go(func() { errs[i] = dialSome(ctx, s, journal{f}) })
	}
	wg.Wait()
	return errors.Join(append(errs, s.Close())...)
}

func dialSome(ctx context.Context, s *Store, j journal) error {
	for {
		queues, err := s.Queues(ctx, "camp", time.Now())
		if err != nil || len(queues) == 0 {
			return err
		}
		q := campaigns.ClaimRequest{Limit: 5, Node: "n", Lease: time.Hour, Now: time.Now()}
		for _, info := range queues {
			q.Queues = append(q.Queues, info.QueueID)
		}
		claims, err := s.Claim(ctx, q)
		if err != nil {
			return err
		}
		for _, c := range claims {
			if err := dialOne(ctx, s, j, c); err != nil {
				return err
			}
		}
	}
}

func dialOne(ctx context.Context, s *Store, j journal, c campaigns.Claim) error {
	id := campaigns.AttemptID(fmt.Sprintf("%016x-%016x", time.Now().UnixNano(), rand.Uint64()))
	if err := s.Begin(ctx, campaigns.Intent{Attempt: id, Claim: c, At: time.Now()}); err != nil {
		return err
	}
	if err := j.say("INVITE", id, c); err != nil {
		return err
	}
	end := campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{Done: c.Attempts+1 >= killTries}, At: time.Now()}
	if err := s.End(ctx, end); err != nil {
		return err
	}
	return j.say("ENDED", id, c)
}

// A process that is killed again and again loses nothing that was acknowledged,
// dials no claim twice, and leaves no attempt without an outcome.
func TestKill9(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "store.db")
	s, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	tries := 20
	if n, err := strconv.Atoi(os.Getenv("OUTPACE_KILLS")); err == nil && n > 0 {
		tries = n
	}
	fill(t, s, killLeads*tries)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	kills := 0
	for range tries {
		if storetest.RunChild(t, time.Duration(rand.IntN(40))*time.Millisecond, childDir+"="+dir) {
			kills++
		}
	}
	storetest.RunChild(t, -1, childDir+"="+dir)
	t.Logf("%d kills", kills)
	if kills < tries/2 {
		t.Errorf("only %d of %d children were killed at work", kills, tries)
	}
	after, err := Open(t.Context(), path, WithCheck())
	if err != nil {
		t.Fatal(err)
	}
	defer after.Close()
	storetest.JudgeKilled(t, after, filepath.Join(dir, "journal"), killLeads*tries, killTries)
}
