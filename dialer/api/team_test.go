package api

import (
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// A team lead sees and hears the calls of their team, one of no team nobody else's.
func TestTeams(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.engine.others = []dialer.OperatorView{talking("oskar"), talking("lena")}
	for _, u := range []campaigns.User{
		{ID: "oskar", Role: campaigns.RoleOperator, Team: "south"},
		{ID: "lea", Role: campaigns.RoleLead, Team: "north", Rights: []campaigns.Right{campaigns.RightLeads}},
		{ID: "leo", Role: campaigns.RoleLead, Team: "south", Rights: []campaigns.Right{campaigns.RightLeads}},
		{ID: "lena", Role: campaigns.RoleLead, Rights: []campaigns.Right{campaigns.RightLeads}},
	} {
		if err := w.store.SaveUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		w.tokens[string(u.ID)] = w.signIn(t, u.ID, time.Hour)
	}
	for user, want := range map[string]struct {
		live  []campaigns.UserID // who talks
		olgas int                // attempts
		play  int
	}{
		"lea":  {[]campaigns.UserID{"olga"}, 1, 200},
		"leo":  {[]campaigns.UserID{"oskar"}, 0, 404},
		"lena": {[]campaigns.UserID{"lena"}, 0, 404},
		"mia":  {[]campaigns.UserID{"lena", "olga", "oskar"}, 1, 200},
	} {
		var floor live
		w.as(t, user, "GET", "/api/v1/live", nil).want(t, 200).into(t, &floor)
		var talk []campaigns.UserID
		for _, o := range floor.Operators {
			talk = append(talk, o.User)
		}
		if slices.Sort(talk); !slices.Equal(talk, want.live) {
			t.Errorf("%s sees %q on the floor, want %q", user, talk, want.live)
		}
		for _, query := range []string{"", "?operator=olga", "?campaign=spring"} {
			attempts := itemsOf[campaigns.Attempt](t, w.as(t, user, "GET", "/api/v1/attempts"+query, nil))
			if len(attempts) != want.olgas {
				t.Errorf("%s sees %d attempts with %q, want %d", user, len(attempts), query, want.olgas)
			}
		}
		var detail leadDetail
		w.as(t, user, "GET", "/api/v1/leads/1", nil).want(t, 200).into(t, &detail)
		if len(detail.Attempts) != want.olgas {
			t.Errorf("%s sees %d attempts of the lead, want %d", user, len(detail.Attempts), want.olgas)
		}
		w.as(t, user, "GET", "/api/v1/recordings/a1", nil).want(t, want.play)
	}
	w.engine.others = nil // attempt a1 is olga's alone
	for user, status := range map[string]int{"lea": 204, "leo": 404, "lena": 404, "mia": 204} {
		w.as(t, user, "POST", "/api/v1/calls/a1/listen", nil).want(t, status)
	}
}

// Who has campaigns sees the lists and leads that those dial, and why those call.
func TestLeadsOfSomeCampaigns(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	if err := w.store.SaveList(t.Context(), campaigns.List{ID: "hers", Name: "Hers"}); err != nil {
		t.Fatal(err)
	}
	w.as(t, "mia", "PUT", "/api/v1/lists/hers/leads/x", row("", "Ewa", "+48225550150")).want(t, 200)
	other := spring()
	other.ID, other.Lists = "other", []campaigns.ListID{"hers"}
	if _, err := w.store.SaveCampaign(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	const explain = "/api/v1/explain?number=%2B48225557391"
	for campaign, want := range map[campaigns.CampaignID]struct {
		list              campaigns.ListID
		name              string
		its, not, verdict int // status of lead 1, of lead 2, explanations
	}{"spring": {"web", "Jan", 200, 404, 1}, "other": {"hers", "Ewa", 404, 200, 0}} {
		if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "max", Role: campaigns.RoleManager, Campaigns: []campaigns.CampaignID{campaign}}); err != nil {
			t.Fatal(err)
		}
		lists := itemsOf[campaigns.List](t, w.as(t, "max", "GET", "/api/v1/lists", nil))
		leads := itemsOf[campaigns.Lead](t, w.as(t, "max", "GET", "/api/v1/leads", nil))
		var ofBoth []campaigns.Lead
		for _, list := range []string{"web", "hers"} {
			ofBoth = append(ofBoth, itemsOf[campaigns.Lead](t, w.as(t, "max", "GET", "/api/v1/leads?list="+list, nil))...)
		}
		if len(lists) != 1 || lists[0].ID != want.list || len(leads) != 1 || leads[0].Name != want.name || len(ofBoth) != 1 || ofBoth[0].Name != want.name {
			t.Errorf("of %s: lists %+v, leads %+v, list by list %+v", campaign, lists, leads, ofBoth)
		}
		w.as(t, "max", "GET", "/api/v1/leads/1", nil).want(t, want.its)
		w.as(t, "max", "GET", "/api/v1/leads/2", nil).want(t, want.not)
		var why []Explanation
		w.as(t, "max", "GET", explain, nil).want(t, 200).into(t, &why)
		if len(why) != want.verdict {
			t.Errorf("of %s: %d explanations, want %d", campaign, len(why), want.verdict)
		}
	}
}
