package api

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TestSegmentCount counts leads for filters that are not saved, in the order of match.
func TestSegmentCount(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	if err := w.store.SaveList(t.Context(), campaigns.List{ID: "fair", Name: "Fair"}); err != nil {
		t.Fatal(err)
	}
	var leads []campaigns.Lead
	for n := range 9 {
		leads = append(leads, campaigns.Lead{Name: fmt.Sprint("fair ", n), Grades: campaigns.Grades{CP: n % 3}, Numbers: []campaigns.Number{
			{E164: fmt.Sprintf("+4822555020%d", n), Kind: campaigns.Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}},
		}})
	}
	if _, err := w.store.AddLeads(t.Context(), "fair", leads); err != nil {
		t.Fatal(err)
	}
	const path = "/api/v1/campaigns/spring/segments/count"
	segments := []countedSegment{{Name: "two", Filter: "cp >= 2"}, {Filter: `cp >= 1 && list == "fair"`}}
	for name, tc := range map[string]struct {
		body any
		want segmentCounts
	}{
		"of its own list": {map[string]any{"segments": segments}, segmentCounts{1, true, 1, []segmentCount{{"two", 0, 0}, {"1", 0, 0}}}},
		"of others": {map[string]any{"lists": []string{"web", "fair"}, "segments": segments},
			segmentCounts{10, true, 4, []segmentCount{{"two", 3, 3}, {"1", 6, 3}}}},
		"without segments": {map[string]any{"lists": []string{"fair"}, "segments": []any{}}, segmentCounts{9, true, 0, []segmentCount{}}},
	} {
		var got segmentCounts
		w.as(t, "mia", "POST", path, tc.body).want(t, 200).into(t, &got)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", name, diff)
		}
	}
	segments[1].Filter = "cp >"
	if got := w.as(t, "mia", "POST", path, map[string]any{"segments": segments}).want(t, 422); !strings.Contains(got.body, `"pointer":"#/segments/1/filter"`) {
		t.Errorf("no pointer to the filter: %s", got.body)
	}
	w.as(t, "mia", "POST", "/api/v1/campaigns/autumn/segments/count", map[string]any{"segments": []any{}}).want(t, 404)
	if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "mia", Role: campaigns.RoleManager, Campaigns: []campaigns.CampaignID{"spring"}}); err != nil {
		t.Fatal(err)
	}
	w.as(t, "mia", "POST", path, map[string]any{"lists": []string{"fair"}, "segments": []any{}}).want(t, 422)
}
