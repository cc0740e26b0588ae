package fault

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/testbed"
	"github.com/outpace-dialer/outpace/test/tool"
)

// onSmallDisk gives the product a disk of its own, in memory.
func onSmallDisk(t *testing.T, size string) func(*product) {
	return func(p *product) {
		if err := os.MkdirAll(p.dir, 0o750); err != nil {
			t.Fatal(err)
		}
		if err := unix.Mount("none", p.dir, "tmpfs", 0, "size="+size); err != nil {
			t.Skipf("left out: a small disk can be mounted by root alone: %v", err)
		}
		t.Cleanup(func() {
			if err := unix.Unmount(p.dir, unix.MNT_DETACH); err != nil {
				t.Error(err)
			}
		})
	}
}

// fill takes all that is left of a disk and returns how to give it back.
func fill(t *testing.T, dir string) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	block := make([]byte, 64<<10)
	for len(block) > 0 {
		if _, err = f.Write(block); errors.Is(err, syscall.ENOSPC) {
			block = block[:len(block)/2]
		} else if err != nil {
			t.Fatal(err)
		}
	}
	f.Close()
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// lasting answers everybody with a person who talks for a while.
func lasting(string, int) (carrier.Behaviour, bool) {
	return carrier.Behaviour{Kind: carrier.Person, Ring: 300 * time.Millisecond, Talk: time.Minute, Patience: time.Minute}, true
}

// TestDiskFull (F-8): the disk is full while people talk and others are dialled.
// New calls stop within a second, talks go on, and ten seconds after there is
// room again calls are made: no outcome is lost.
func TestDiskFull(t *testing.T) {
	heavy(t)
	w := newWorld(t, carrier.Config{Seed: 8, Behave: lasting}, 2000, 8, onSmallDisk(t, "32m"))
	w.start(t)
	w.operate(t, 6*time.Second)
	testbed.Until(t, 30*time.Second, "people talk", func() bool { return len(testbed.Talks(w.events(t))) >= 8 })
	for round := range 2 {
		free := fill(t, w.dir)
		full := time.Now()
		testbed.Pass(10 * time.Second)
		free()
		freed := time.Now()
		late, goOn := 0, 0
		for _, e := range w.events(t) {
			if e.Event == "invite" && e.T.After(full.Add(time.Second)) {
				late++
			}
		}
		for _, c := range callsOf(t, w.events(t)) {
			if !c.answered.IsZero() && c.answered.Before(full) && (c.to.IsZero() || c.to.After(full.Add(3*time.Second))) {
				goOn++
			}
		}
		if late > 0 || goOn == 0 {
			t.Errorf("round %d: %d calls were begun more than a second after the disk was full; %d calls went on", round, late, goOn)
		}
		t.Logf("round %d: %d calls went on for three seconds and more", round, goOn)
		if err := w.healthy(); err != nil {
			t.Fatalf("the product died: %v", err)
		}
		invites := w.carrier.Stats().Invites
		testbed.Until(t, 10*time.Second, "calls are made again", func() bool { return w.carrier.Stats().Invites > invites })
		t.Logf("round %d: a call was made %v after there was room", round, time.Since(freed).Round(10*time.Millisecond))
		testbed.Pass(5 * time.Second)
	}
	if !strings.Contains(w.log.String(), "recording ended early") {
		t.Error("no recording is said to have ended early")
	}
	w.stop(t)
	store := w.open(t)
	defer store.Close()
	attempts := allAttempts(t, store)
	judgeOutcomes(t, attempts, callsOf(t, w.events(t)))
	judgeTimes(t, attempts, callsOf(t, w.events(t)))
}

// TestSlowDisk (F-9): every flush takes 200 ms more. Calls are made all the same,
// no outcome is lost, and memory stays.
func TestSlowDisk(t *testing.T) {
	heavy(t)
	strace := tool.Path(t, "strace", "slow flushes")
	w := newWorld(t, carrier.Config{Seed: 9, Behave: fleeting}, 2000, 8)
	w.under = []string{strace, "-D", "-f", "--seccomp-bpf", "-qq", "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_exit=200000"}
	w.start(t)
	w.operate(t, time.Second)
	w.invites(t, 20)
	before := w.figures(t)
	invites, began := w.carrier.Stats().Invites, time.Now()
	testbed.Pass(30 * time.Second)
	rate := float64(w.carrier.Stats().Invites-invites) / time.Since(began).Seconds()
	after := w.figures(t)
	text := w.scrape(t)
	begins := int(testbed.Sample(t, text, `dialer_store_operations_total{op="begin",result="ok",store="sqlite"}`))
	waited := int(testbed.Sample(t, text, `dialer_store_operation_seconds_total{op="begin",store="sqlite"}`))
	t.Logf("%d attempts waited %d s to be durable in the store", begins, waited)
	if waited*5 < begins*9/10 { // rounded down to seconds
		t.Error("flushes were not slow: nothing was tested")
	}
	t.Logf("%.1f calls a second; memory %d KiB, then %d; goroutines %d, then %d", rate, before.memory>>10, after.memory>>10, before.goroutines, after.goroutines)
	if rate == 0 {
		t.Error("no calls were made")
	}
	if after.memory-before.memory > mayGrow || after.goroutines > before.goroutines+100 {
		t.Error("memory or goroutines grow")
	}
	w.stop(t)
	store := w.open(t)
	defer store.Close()
	judgeOutcomes(t, allAttempts(t, store), callsOf(t, w.events(t)))
}
