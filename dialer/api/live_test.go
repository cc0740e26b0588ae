package api

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// What is live on other nodes is shown with the node named, and no number to who may
// not see it, in whichever order people look.
func TestLiveOfOtherNodes(t *testing.T) {
	w := newWorld(t)
	shared := []dialer.Snapshot{{Node: "node-2", Calls: 3, Operators: []dialer.OperatorView{talking("oskar")}}}
	w.api.others = func(context.Context) []dialer.Snapshot { return shared }
	for _, user := range []string{"max", "mia", "max"} {
		got := w.as(t, user, "GET", "/api/v1/live", nil).want(t, 200)
		var all live
		got.into(t, &all)
		if all.Node != "node-1" || len(all.Others) != 1 || all.Others[0].Node != "node-2" || all.Others[0].Operators[0].User != "oskar" {
			t.Fatalf("%s sees %s", user, got.body)
		}
		if sees := strings.Count(got.body, marker) == 4; sees != (user == "max") { // with that of the lead, at each node
			t.Errorf("%s sees %s", user, got.body)
		}
		if user == "mia" && strings.Contains(got.body, marker[1:]) {
			t.Errorf("%s sees a number: %s", user, got.body)
		}
	}
	if shared[0].Operators[0].Number != marker {
		t.Error("what one user may not see was taken from all")
	}
	w.as(t, "olga", "GET", "/api/v1/live", nil).want(t, 403)
	s := Server{engine: w.engine, others: w.api.others}
	if all, err := s.live(t.Context(), campaigns.User{}); err != nil || len(all.Others) != 1 {
		t.Errorf("a stream shows %+v, %v", all, err)
	}
}

// A pacing decision is described as it is written.
func TestDecisionSchema(t *testing.T) {
	keys := func(v any) []string {
		t.Helper()
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var all map[string]any
		if err := json.Unmarshal(text, &all); err != nil {
			t.Fatal(err)
		}
		return slices.Sorted(maps.Keys(all))
	}
	// What may be left out is set.
	written := dialer.CampaignView{}.Decision
	written.Record, written.Cancel = 1, []string{"a1"}
	if got, want := keys(pacingDecision{Record: 1, Cancel: []string{"a1"}}), keys(written); !slices.Equal(got, want) {
		t.Errorf("described as %q, written as %q", got, want)
	}
}
