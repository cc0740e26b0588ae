package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

// needs skips a test whose tools are missing, or fails it where they are
// required.
func needs(t *testing.T, tools ...string) {
	t.Helper()
	for _, tool := range tools {
		if _, err := exec.LookPath(tool); err == nil {
			continue
		}
		message := fmt.Sprintf("%s is not installed: calls against it are not tested", tool)
		if os.Getenv("OUTPACE_REQUIRE_TOOLS") == "1" {
			t.Fatal(message)
		}
		t.Skip(message)
	}
}

// eventually asks again and again until it is so, or the time is over.
func eventually(t *testing.T, limit time.Duration, what string, ask func() (ok bool, now any)) {
	t.Helper()
	over := time.After(limit)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, now := ask()
		if ok {
			return
		}
		select {
		case <-tick.C:
		case <-over:
			t.Fatalf("%s: not within %v; now %v", what, limit, now)
		}
	}
}
