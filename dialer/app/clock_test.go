package app

import (
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A step is told from the passing of time, from a clock that is somewhat fast or
// slow, and from earlier steps.
func TestClockSteps(t *testing.T) {
	var s clockSteps
	wall, passed := time.Duration(0), time.Duration(0)
	for i, c := range []struct {
		wall, passed, step time.Duration
	}{
		{time.Second, time.Second, 0},
		{time.Second + 500*time.Microsecond, time.Second, 500 * time.Microsecond}, // 500 ppm
		{-time.Hour + time.Second, time.Second, -time.Hour},
		{time.Second, time.Second, 0},
		{25 * time.Hour, time.Hour, 24 * time.Hour},
		{time.Second, time.Second, 0},
		{-2 * time.Second, time.Second, -3 * time.Second},
	} {
		wall, passed = wall+c.wall, passed+c.passed
		if got := s.see(wall, passed); got != c.step {
			t.Errorf("%d: step %v, want %v", i, got, c.step)
		}
	}
}

// runningCampaign makes one that dials.
func runningCampaign(t *testing.T, s Store) {
	t.Helper()
	_, err := s.SaveCampaign(t.Context(), campaigns.Campaign{
		ID: "spring", Name: "Spring", State: campaigns.Running, Trunks: "default", CallerIDs: []string{"+9995550001"}, Pacing: campaigns.Pacing{Mode: campaigns.Progressive},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A clock that goes back holds campaigns, in the store and in the engine; one
// that goes forward, or hardly back, does not.
func TestClockBackHolds(t *testing.T) {
	cfg := settings(t, "127.0.0.1:9")
	s, err := OpenStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	runningCampaign(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	a, stop := start(t, cfg)
	state := func() (campaigns.Campaign, campaigns.CampaignState) {
		t.Helper()
		c, err := a.store.Campaign(t.Context(), "spring")
		if err != nil {
			t.Fatal(err)
		}
		snapshot, err := a.engine.Snapshot(t.Context())
		if err != nil || len(snapshot.Campaigns) != 1 {
			t.Fatalf("snapshot of %d campaigns, %v", len(snapshot.Campaigns), err)
		}
		return c, snapshot.Campaigns[0].State
	}
	for step, want := range map[time.Duration]campaigns.CampaignState{time.Hour: campaigns.Running, -time.Second: campaigns.Running} {
		a.clockStepped(t.Context(), time.Now(), step)
		if c, live := state(); c.State != want || live != want {
			t.Errorf("after %v: %s, %s; want %s", step, c.State, live, want)
		}
	}
	a.clockStepped(t.Context(), time.Now(), -time.Hour)
	if c, live := state(); c.State != campaigns.OnHold || live != campaigns.OnHold || !strings.Contains(c.HoldReason, "went back by 1h0m0s") {
		t.Errorf("after an hour back: %s, %s: %q", c.State, live, c.HoldReason)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	again, _ := start(t, cfg) // still to be seen
	snapshot, err := again.engine.Snapshot(t.Context())
	if err != nil || len(snapshot.Campaigns) != 1 || !strings.Contains(snapshot.Campaigns[0].Why, "went back by 1h0m0s") {
		t.Errorf("after a restart: %+v, %v", snapshot.Campaigns, err)
	}
}
