package storetest

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// RunChild starts this test binary again with more environment and kills it some
// time after it has said "up"; below 0 it lets it finish. It says whether the child
// was killed.
func RunChild(t *testing.T, after time.Duration, env ...string) bool {
	exe, err := os.Executable()
	if err != nil {
		t.Error(err)
		return false
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), env...)
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

// allAttempts are the attempts, newest first.
func allAttempts(t *testing.T, s campaigns.Records) []campaigns.Attempt {
	t.Helper()
	var all []campaigns.Attempt
	for q := (campaigns.AttemptQuery{Limit: 10_000}); ; q.Before = all[len(all)-1].ID {
		page, err := s.Attempts(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, page...); len(page) == 0 {
			return all
		}
	}
}

// JudgeKilled holds what a store kept against the journal of the processes that
// dialled and were killed, a line for each thing that the outside world saw:
// "INVITE attempt lead fence" after Begin, "ENDED ..." after End. Each of so many
// leads was to be dialled tries times and found busy, unless it was interrupted.
func JudgeKilled(t *testing.T, s campaigns.Records, journal string, leads, tries int) {
	t.Helper()
	kept := allAttempts(t, s)
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
	body, err := os.ReadFile(journal)
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
		} else if len(outcomes) != tries {
			t.Errorf("lead %d: outcomes %v, want %d of them or an interrupted one at the end", id, outcomes, tries)
		}
	}
	t.Logf("%d attempts, %d interrupted", len(kept), interrupted)
}
