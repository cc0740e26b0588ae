package fault

import (
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// TestClockBack (F-19): the clock went back, by most of a minute, while the product was
// down. Nothing is dialled until a person has looked. (A step while it runs is a
// test of dialer/app: nobody may turn the clock of this machine.)
func TestClockBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, carrier.Config{Behave: fleeting}, 100, 2)
	store := w.open(t)
	callOnce(t, store, numberOf(3), nil, time.Now().Add(50*time.Second)) // inside the lease of its claim
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	w.start(t)
	w.operate(t, time.Second)
	testbed.Pass(5 * time.Second)
	if n := w.carrier.Stats().Invites; n > 0 {
		t.Errorf("%d calls were made", n)
	}
	w.stop(t)
	store = w.open(t)
	defer store.Close()
	c, err := store.Campaign(t.Context(), campaign)
	if err != nil || c.State != campaigns.OnHold || !strings.Contains(c.HoldReason, "the clock of this machine went back") {
		t.Errorf("the campaign is %s: %q, %v", c.State, c.HoldReason, err)
	}
}
