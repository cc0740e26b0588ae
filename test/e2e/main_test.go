package e2e

import (
	"os"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/testbed"
)

func TestMain(m *testing.M) { os.Exit(testbed.Main(m)) }

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
