package eventually

import (
	"fmt"
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
	w := &watched{TB: t}
	start := time.Now()
	defer func() {
		if r := recover(); r != nil && r != any(w) {
			panic(r)
		}
		said, took = w.said, time.Since(start)
	}()
	So(w, limit, "the lamp is on", so)
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
