// Package testbed is what tests of the whole product stand on: its binary, built once and
// run as a process of its own; ports that nobody else takes; a store with leads where it
// is day and with operators; journals that many write; waiting. What the far ends do is
// test/carrier's and test/operators', and what is expected is the tests'.
//
//	test/security, test/fault, test/e2e ─► testbed ─► outpace serve
package testbed

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/eventually"
)

// Must ends a test on an error.
func Must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Until waits for something to become true, as eventually.So.
func Until(t testing.TB, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	eventually.So(t, limit, what, ok)
}

// Pass lets time go by: what is done to the product here is done to a process that works.
func Pass(d time.Duration) { <-time.After(d) }

// endsWithin is for far ends of many calls, each of which says goodbye.
const endsWithin = time.Minute

// RunUntilCleanup runs a far end until it is stopped, or the test is over.
func RunUntilCleanup(t testing.TB, what string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	})
	stop = func() {
		cancel()
		eventually.Ends(t, endsWithin, what+" ends", wg.Wait)
	}
	t.Cleanup(stop)
	return stop
}

// Lines is a log or journal that many write at once.
type Lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *Lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *Lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Count is how often any of some texts occurs, without a copy of the whole.
func (l *Lines) Count(texts ...string) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, text := range texts {
		n += bytes.Count(l.text.Bytes(), []byte(text))
	}
	return n
}

// Tail is the end, of at most so many bytes.
func (l *Lines) Tail(most int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.text.Bytes()
	return string(b[max(0, len(b)-most):])
}
