package dialer_test

import (
	"testing"

	"github.com/outpace-dialer/outpace/sip"
)

// A number that no trunk takes calls to makes room for the leads behind it.
func TestNoRoute(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		f.trunks.full = sip.ErrNoRoute
		f.run(progressive("spring"))
		f.ready("ann")
		f.store.mu.Lock()
		defer f.store.mu.Unlock()
		if n := len(f.store.released); n != 3 || len(f.store.begun) != 0 {
			t.Errorf("%d of 3 leads put off, %d attempts begun", n, len(f.store.begun))
		}
	})
}
