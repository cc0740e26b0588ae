package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
)

// TestMain lets scripts run this very binary as outpace.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"outpace": func() { os.Exit(run(os.Args[1:])) }})
}

// TestScripts runs the commands as people type them: testdata/*.txt. Besides
// what testscript knows, `status N ARGS` is outpace with that exit status, and
// `hold FILE [CAMPAIGN]` has the store as outpace serve would, and makes a campaign in it.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:  "testdata",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"status": status, "hold": hold},
	})
}

func status(ts *testscript.TestScript, _ bool, args []string) {
	got := 0
	if err := ts.Exec("outpace", args[1:]...); err != nil {
		exit, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			ts.Fatalf("outpace %v: %v", args[1:], err)
		}
		got = exit.ExitCode()
	}
	if want, err := strconv.Atoi(args[0]); err != nil || got != want {
		ts.Fatalf("outpace %v: exit status %d, want %s", args[1:], got, args[0])
	}
}

func hold(ts *testscript.TestScript, _ bool, args []string) {
	s, err := sqlite.Open(context.Background(), ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Defer(func() { s.Close() })
	if len(args) > 1 {
		_, err := s.SaveCampaign(context.Background(), campaigns.Campaign{ID: campaigns.CampaignID(args[1])})
		ts.Check(err)
	}
}
