package app

import (
	"errors"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// Whatever a campaign's list says, some numbers are called by nobody.
func TestTransferable(t *testing.T) {
	store, err := OpenStore(t.Context(), settings(t, "127.0.0.1:9"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	a := &App{store: store}
	if err := store.Suppress(t.Context(), campaigns.Suppression{E164: "+48225550123", Reason: "asked", Source: "operator"}); err != nil {
		t.Fatal(err)
	}
	for number, allowed := range map[string]bool{
		"+48225550124":  true,
		"+12025550100":  true,
		"+18005550199":  true,  // toll-free
		"+48225550123":  false, // on do-not-call
		"+48112":        false, // emergency
		"+48701234567":  false, // premium
		"+19005550100":  false, // premium
		"+870773111632": false, // satellite
		"+979123456789": false, // international premium
		"+447012345678": false, // personal: charged like premium
	} {
		err := a.transferable(t.Context(), number)
		if (err == nil) != allowed || err != nil && !errors.Is(err, dialer.ErrForbidden) {
			t.Errorf("%s: %v, want allowed %v", number, err, allowed)
		}
	}
}
