package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Team leads pause operators of their team, end their shifts and move them; nobody does
// that with others, and all of it is audited.
func TestFloor(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	for _, u := range []campaigns.User{{ID: "lea", Role: campaigns.RoleLead, Team: "north"}, {ID: "leo", Role: campaigns.RoleLead, Team: "south"}} {
		if err := w.store.SaveUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		w.tokens[string(u.ID)] = w.signIn(t, u.ID, time.Hour)
	}
	shut := campaigns.Campaign{ID: "shut", Trunks: "default", CallerIDs: []string{"+48225550100"}, Operators: []campaigns.UserID{"oskar"}, Pacing: campaigns.Pacing{Mode: campaigns.Progressive}}
	if _, err := w.store.SaveCampaign(t.Context(), shut); err != nil {
		t.Fatal(err)
	}
	move := func(to string) map[string]string { return map[string]string{"campaign": to} }
	for _, c := range []struct {
		by, path string
		body     any
		want     int
		told     string
	}{
		{"lea", "pause", nil, 204, "Pause olga by_lead"},
		{"mia", "pause", map[string]string{"reason": "training"}, 204, "Pause olga training"},
		{"lea", "off-duty", nil, 204, "OffDuty olga"},
		{"lea", "campaign", move("spring"), 204, "Move olga spring"},
		{"lea", "campaign", move("shut"), 409, ""},
		{"lea", "campaign", move("nowhere"), 404, ""},
		{"leo", "pause", nil, 404, ""},
		{"olga", "pause", nil, 403, ""},
	} {
		before := len(w.engine.heard())
		got := w.as(t, c.by, "POST", "/api/v1/operators/olga/"+c.path, c.body).want(t, c.want)
		if told := strings.Join(w.engine.heard()[before:], "; "); told != c.told {
			t.Errorf("%s %s: engine was told %q, want %q (%s)", c.by, c.path, told, c.told, got.body)
		}
	}
	var who []string
	for _, a := range w.audited(t, "operator.order") {
		who = append(who, string(a.By)+" "+a.Object)
	}
	if slices.Sort(who); !slices.Equal(who, []string{"lea olga", "lea olga", "lea olga", "mia olga"}) {
		t.Errorf("audited %q", who)
	}
}
