// Package eventually waits in tests for what others do: sockets, processes, goroutines that a
// test does not own. It asks again and again, and gives up in the end. Where time can be
// invented, a test uses testing/synctest and none of this.
package eventually

import (
	"testing"
	"time"
)

// askEvery is the time between two questions; some read all that was written so far.
const askEvery = 20 * time.Millisecond

// So waits for something to become so, and ends the test where it has not within the
// limit, which is generous: a busy machine is no failure. what says it in words.
func So(t testing.TB, limit time.Duration, what string, so func() bool) {
	t.Helper()
	over := time.NewTimer(limit)
	defer over.Stop()
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for !so() {
		select {
		case <-again.C:
		case <-over.C:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}
