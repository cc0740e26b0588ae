package redis

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/redis/redistest"
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

// persist does something until Redis is there.
func persist(do func() error) error {
	for {
		err := do()
		if !errors.Is(err, ErrUnavailable) {
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
// outcome.
func TestKill9(t *testing.T) {
	dir, server := t.TempDir(), redistest.Start(t)
	s := openTest(t, server.URL(), WithShards(3))
	fill(t, s, killLeads)
	kills := 0
	for i := range 10 {
		var wg sync.WaitGroup
		killed := make([]bool, 2)
		for n := range killed {
			wg.Go(func() {
				killed[n] = runChild(t, dir, server.URL(), fmt.Sprint("n", n), time.Duration(50+rand.IntN(100))*time.Millisecond)
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
		runChild(t, dir, server.URL(), fmt.Sprint("n", n), -1)
	}
	t.Logf("%d kills", kills)
	if kills < 10 {
		t.Errorf("only %d of 20 children were killed at work", kills)
	}
	checkJournal(t, dir, s)
}

// runChild starts a child and kills it some time after it is up; below 0 it
// lets it finish. It says whether the child was killed.
func runChild(t *testing.T, dir, url, node string, after time.Duration) bool {
	exe, err := os.Executable()
	if err != nil {
		t.Error(err)
		return false
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir, childNode+"="+node, childURL+"="+url)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Error(err)
		return false
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "up\n" {
		t.Errorf("child said %q, %v", line, err)
	}
	if after >= 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have finished
		defer timer.Stop()
	}
	err = cmd.Wait()
	if _, died := errors.AsType[*exec.ExitError](err); err != nil && (!died || after < 0 || cmd.ProcessState.ExitCode() > 0) {
		t.Errorf("child: %v", err)
	}
	return err != nil
}

func checkJournal(t *testing.T, dir string, s *Store) {
	t.Helper()
	kept, err := s.Attempts(t.Context(), campaigns.AttemptQuery{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	byID, byLead := map[string]campaigns.Attempt{}, map[campaigns.LeadID][]campaigns.Outcome{}
	for _, a := range kept {
		byID[string(a.ID)] = a
		if a.Outcome != campaigns.NotPlaced {
			byLead[a.Lead] = append(byLead[a.Lead], a.Outcome)
		}
		if a.Outcome == "" {
			t.Errorf("attempt %s has no outcome", a.ID)
		}
	}
	body, err := os.ReadFile(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	claims := map[string]bool{}
	for line := range strings.Lines(string(body)) {
		f := strings.Fields(line)
		a, found := byID[f[1]]
		switch {
		case !found:
			t.Errorf("%s: an acknowledged attempt is lost", line)
		case f[0] == "ENDED" && a.Outcome != campaigns.Busy:
			t.Errorf("%s: its acknowledged outcome is now %s", line, a.Outcome)
		case f[0] == "INVITE" && claims[f[2]+" "+f[3]]:
			t.Errorf("%s: dialled twice in one claim", line)
		case f[0] == "INVITE":
			claims[f[2]+" "+f[3]] = true
		}
	}
	if len(byLead) != killLeads {
		t.Errorf("%d leads were dialled, want %d", len(byLead), killLeads)
	}
	interrupted := 0
	for id, outcomes := range byLead {
		last := outcomes[0] // newest first
		if last == campaigns.Interrupted {
			interrupted++
		} else if len(outcomes) != killTries {
			t.Errorf("lead %d: outcomes %v, want %d of them or an interrupted one at the end", id, outcomes, killTries)
		}
	}
	for id := range byLead {
		for _, e := range entriesOf(t, s, id) {
			if e.State != campaigns.EntryDone {
				t.Errorf("lead %d is %s at the end", id, e.State)
			}
		}
	}
	t.Logf("%d attempts, %d interrupted", len(kept), interrupted)
}

func entriesOf(t *testing.T, s *Store, id campaigns.LeadID) []campaigns.Entry {
	t.Helper()
	entries, err := s.Entries(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return entries
}
