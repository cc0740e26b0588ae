package sqlite

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
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
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
		if runChild(t, dir, time.Duration(rand.IntN(40))*time.Millisecond) {
			kills++
		}
	}
	runChild(t, dir, -1)
	t.Logf("%d kills", kills)
	if kills < tries/2 {
		t.Errorf("only %d of %d children were killed at work", kills, tries)
	}
	checkJournal(t, dir, path, killLeads*tries)
}

// runChild starts a child and kills it some time after it is up; below 0 it
// lets it finish. It says whether the child was killed.
func runChild(t *testing.T, dir string, after time.Duration) bool {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil || line != "up\n" {
		t.Fatalf("child said %q, %v", line, err)
	}
	if after >= 0 {
		timer := time.AfterFunc(after, func() { _ = cmd.Process.Kill() }) // it may have finished
		defer timer.Stop()
	}
	err = cmd.Wait()
	if _, died := errors.AsType[*exec.ExitError](err); err != nil && (!died || after < 0 || cmd.ProcessState.ExitCode() > 0) {
		t.Fatalf("child: %v", err)
	}
	return err != nil
}

func checkJournal(t *testing.T, dir, path string, leads int) {
	t.Helper()
	s, err := Open(t.Context(), path, WithCheck())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	kept, err := s.Attempts(t.Context(), campaigns.AttemptQuery{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	byID, byLead := map[string]campaigns.Attempt{}, map[campaigns.LeadID][]campaigns.Outcome{}
	for _, a := range kept {
		byID[string(a.ID)] = a
		byLead[a.Lead] = append(byLead[a.Lead], a.Outcome)
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
	if len(byLead) != leads {
		t.Errorf("%d leads were dialled, want %d", len(byLead), leads)
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
	t.Logf("%d attempts, %d interrupted", len(kept), interrupted)
}
