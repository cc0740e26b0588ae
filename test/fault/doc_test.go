// Package fault breaks the product from outside and judges it by what the far
// ends saw: the binary itself runs as a process of its own, on loopback, under
// kill -9, hostile traffic, a real Prometheus and files at size; or several of it on
// one Redis, whose nodes die, sleep and are cut off.
//
//	world:   carrier ─ journal ─┐
//	         outpace serve ─────┼─► judge (journal and store, never our own counters)
//	         operators ─ journal┘
//
// The kill test takes four lives by default and as many as OUTPACE_KILLS says
// (`make fault`: fifty). The heavier tests wait for OUTPACE_FAULTS, which `make
// fault` sets; F-numbers are those of the list of faults that the store is held to. Tests that need a program which is not installed are
// left out and say so; with OUTPACE_REQUIRE_TOOLS=1 they fail.
package fault

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// program is the product, built once for all tests; without the race detector,
// so that its times and its memory are those of the real one.
var program string

func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "outpace-fault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "outpace")
	build := exec.Command("go", "build", "-o", program, "github.com/outpace-dialer/outpace/cmd/outpace")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// needs finds a program, or leaves the test out.
func needs(t *testing.T, name, leavesOut string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	switch {
	case err == nil:
	case os.Getenv("OUTPACE_REQUIRE_TOOLS") == "1":
		t.Fatalf("%s is not installed", name)
	default:
		t.Skipf("%s is not installed: left out: %s", name, leavesOut)
	}
	return path
}
