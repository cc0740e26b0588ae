package eventually

import (
	"runtime"
	"testing"
	"time"
)

// Comes is the next that comes from a channel, or the zero value where it is closed. It
// ends the test where neither is so within the limit.
func Comes[T any](t testing.TB, limit time.Duration, what string, from <-chan T) (next T) {
	t.Helper()
	next, in := within(limit, from)
	if !in {
		t.Fatalf("not within %v: %s", limit, what)
	}
	return next
}

// Ends waits as wait does, for goroutines that were told to end or are about to. Where it
// has not returned within the limit it ends the test and says what all goroutines do:
// otherwise a defect that keeps one from its end would hold up the whole run.
func Ends(t testing.TB, limit time.Duration, what string, wait func()) {
	t.Helper()
	ended := make(chan struct{})
	go func() { // ends with wait
		defer close(ended)
		wait()
	}()
	if _, in := within(limit, ended); !in {
		t.Fatalf("not within %v: %s; meanwhile:\n%s", limit, what, goroutines())
	}
}

// within is the next from a channel, or its end, if that is in time.
func within[T any](limit time.Duration, from <-chan T) (next T, in bool) {
	over := time.NewTimer(limit)
	defer over.Stop()
	select {
	case next = <-from:
		return next, true
	case <-over.C:
		return next, false
	}
}

// goroutines says where each of them is, in 256 KiB at most.
func goroutines() []byte {
	b := make([]byte, 256<<10)
	return b[:runtime.Stack(b, true)]
}
