package eventually

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// watched is a test that says how it ended.
type watched struct {
	testing.TB
	said string
}

func (w *watched) Helper() {}

func (w *watched) Fatalf(format string, args ...any) {
	w.said = fmt.Sprintf(format, args...)
	panic(w)
}

// until is how a wait ended, and how long it took.
func until(t *testing.T, limit time.Duration, so func() bool) (said string, took time.Duration) {
	return watch(t, func(t testing.TB) { So(t, limit, "the lamp is on", so) })
}

func watch(t *testing.T, wait func(testing.TB)) (said string, took time.Duration) {
	w := &watched{TB: t}
	start := time.Now()
	defer func() {
		if r := recover(); r != nil && r != any(w) {
			panic(r)
		}
		said, took = w.said, time.Since(start)
	}()
	wait(w)
	return
}

func TestSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if said, took := until(t, time.Minute, func() bool { return true }); said != "" || took != 0 {
			t.Errorf("so from the start: %q after %v", said, took)
		}
		on := time.Now().Add(2 * time.Second)
		if said, took := until(t, time.Minute, func() bool { return !time.Now().Before(on) }); said != "" || took != 2*time.Second {
			t.Errorf("so after 2 s: %q after %v", said, took)
		}
		if said, took := until(t, time.Minute, func() bool { return false }); said != "not within 1m0s: the lamp is on" || took != time.Minute {
			t.Errorf("never so: %q after %v", said, took)
		}
	})
}

func TestComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		post := make(chan string, 1)
		var got string
		wait := func(t testing.TB) { got = Comes(t, time.Minute, "a letter", post) }
		if said, took := watch(t, wait); said != "not within 1m0s: a letter" || took != time.Minute {
			t.Errorf("nothing comes: %q after %v", said, took)
		}
		time.AfterFunc(time.Second, func() { post <- "hello" })
		if said, took := watch(t, wait); said != "" || got != "hello" || took != time.Second {
			t.Errorf("%q comes, after %v: %q", got, took, said)
		}
		close(post)
		if said, took := watch(t, wait); said != "" || got != "" || took != 0 {
			t.Errorf("%q comes of what is closed, after %v: %q", got, took, said)
		}
	})
}

func TestEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		work := make(chan struct{})
		wait := func(t testing.TB) { Ends(t, time.Minute, "the work is done", func() { <-work }) }
		if said, took := watch(t, wait); !strings.HasPrefix(said, "not within 1m0s: the work is done; meanwhile:\ngoroutine ") || took != time.Minute {
			t.Errorf("it does not end: %q after %v", said, took)
		}
		time.AfterFunc(time.Second, func() { close(work) })
		if said, took := watch(t, wait); said != "" || took != time.Second {
			t.Errorf("it ends: %q after %v", said, took)
		}
	})
}
