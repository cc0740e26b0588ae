package explain

import (
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/config/rules"
)

// The picker of a callback strikes out what the law of the place forbids, and what the
// campaign does, in the local time of all places that the number may be in.
func TestCallTimes(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	r, err := eligibility.Load(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	c := campaigns.Campaign{
		ID: "spring", Name: "Spring", Lists: []campaigns.ListID{"web"}, Trunks: "default", CallerIDs: []string{"+12125550100"},
		Pacing: campaigns.Pacing{Mode: campaigns.Progressive}, Dispositions: campaigns.DefaultDispositions(),
		Windows: []campaigns.Hours{{Days: []time.Weekday{1, 2, 3, 4, 5}, From: "10:00", To: "19:00"}},
	}
	if _, err := store.SaveCampaign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	x := Explainer{store, r}
	chicago := campaigns.Number{E164: "+13125550100", Zones: []string{"America/Chicago"}, Regions: []string{"US-FED"}}
	either := campaigns.Number{E164: "+18505550100", Zones: []string{"America/Chicago", "America/New_York"}, Regions: []string{"US-FED"}}
	for _, tc := range []struct {
		name     string
		n        campaigns.Number
		local    string
		open     bool
		rule     string
		zone     string
		at       string
		allowing string
	}{
		{"law", chicago, "2026-12-01T07:30", false, "US-FED", "America/Chicago", "2026-12-01T13:30:00Z", "08:00-21:00"},
		{"campaign", chicago, "2026-12-01T09:00", false, "campaign", "America/Chicago", "2026-12-01T15:00:00Z", "10:00-19:00"},
		{"open", chicago, "2026-12-01T10:00", true, "", "", "2026-12-01T16:00:00Z", ""},
		{"weekend of the campaign", chicago, "2026-12-05T12:00", false, "campaign", "America/Chicago", "2026-12-05T18:00:00Z", ""},
		{"two zones: the later one is meant, the earlier one closes", either, "2026-12-01T18:30", false, "campaign", "America/New_York", "2026-12-02T00:30:00Z", "10:00-19:00"},
	} {
		times, err := x.CallTimes(t.Context(), "spring", tc.n, tc.local[:10])
		if err != nil || len(times) != 48 {
			t.Fatalf("%s: %d half hours, %v", tc.name, len(times), err)
		}
		for _, got := range times {
			if got.Local != tc.local {
				continue
			}
			if got.Open != tc.open || got.At.Format(time.RFC3339) != tc.at {
				t.Errorf("%s: %+v, want open %v at %s", tc.name, got, tc.open, tc.at)
			}
			if by := got.ClosedBy; tc.rule == "" && by != nil || tc.rule != "" && (by == nil || by.Rule != tc.rule || by.Zone != tc.zone || by.Hours != tc.allowing) {
				t.Errorf("%s: closed by %+v, want %s in %s, which allows %q", tc.name, by, tc.rule, tc.zone, tc.allowing)
			}
		}
	}
	for _, day := range []string{"9999-12-31", "0000-01-01"} { // of which half is in no year that JSON has
		if _, err := x.CallTimes(t.Context(), "spring", chicago, day); err == nil {
			t.Errorf("%s is taken", day)
		}
	}
	if _, err := x.CallTimes(t.Context(), "spring", chicago, "2026-02-30"); err == nil {
		t.Error("a day that is none has hours")
	}
	if _, err := x.CallTimes(t.Context(), "autumn", chicago, "2026-12-01"); !errors.Is(err, campaigns.ErrNotFound) {
		t.Errorf("a campaign that is none: %v", err)
	}
}
