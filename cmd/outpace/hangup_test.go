package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// TestHangup sends this very process SIGHUP, which would end it, and wants to be told what
// became of the configuration file.
func TestHangup(t *testing.T) {
	for _, variable := range os.Environ() { // of the tests: the product would take it for a key of its own
		if name, value, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "OUTPACE_") {
			t.Setenv(name, value) // as it was, after the test
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "outpace.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const trunks = "trunks: [{name: a, targets: [{address: '192.0.2.1:5060'}], caller_ids: ['+442079460123'], max_cps: 1, max_channels: 1}]\n"
	write(trunks + "data_dir: /tmp/a\n")
	inForce, err := config.Load(path, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	core, logged := observer.New(zap.InfoLevel)
	defer followHangups(path, inForce, zap.New(core))()
	for _, step := range []struct{ text, want string }{
		{trunks + "data_dir: /tmp/a\n", "as it was"},
		{trunks + "data_dir: /tmp/b\n", "has changed"},
		{trunks + "data_drr: /tmp/b\n", "would not be taken"},
	} {
		write(step.text)
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		var said []observer.LoggedEntry
		eventually.So(t, 30*time.Second, "a line in the log", func() bool {
			said = append(said, logged.TakeAll()...)
			return len(said) > 0
		})
		if !strings.Contains(said[0].Message, step.want) {
			t.Errorf("%q: told %q, want %q", step.text, said[0].Message, step.want)
		}
	}
}
