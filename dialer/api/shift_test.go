package api

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// A shift begins for a campaign that is there, takes the operator, and is among those that
// they may see: with any other name they would sit there and never be called.
func TestShiftBeginsForACampaign(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	closed := spring()
	closed.ID, closed.Operators = "closed", []campaigns.UserID{"paul"}
	if _, err := w.store.SaveCampaign(t.Context(), closed); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		campaign string
		status   int
		code     string
	}{
		{"spring", noContent, ""},
		{"sprnig", 404, "not_found"},
		{"closed", 403, "not_taken"},
	} {
		got := w.as(t, "olga", "POST", "/api/v1/operator/on-duty", map[string]string{"campaign": c.campaign}).want(t, c.status)
		if c.code != "" && !strings.Contains(got.body, `"code":"`+c.code+`"`) {
			t.Errorf("%s: %s, want the code %s", c.campaign, got.body, c.code)
		}
	}
	if told := w.engine.heard(); !slices.Equal(told, []string{"OnDuty olga spring"}) {
		t.Errorf("the engine was told %q", told)
	}
}

// Whoever signs out leaves no phone on duty behind, unless they are signed in elsewhere.
func TestSignOutEndsTheShift(t *testing.T) {
	w := newWorld(t)
	w.employ(t, olga)
	var desk, tablet session
	w.login(t, "olga", password).want(t, 200).into(t, &desk)
	w.login(t, "olga", password).want(t, 200).into(t, &tablet)
	signOut := func(s session) []string {
		t.Helper()
		before := len(w.engine.heard())
		w.send(t, s.Token, "POST", "/api/v1/logout", nil, nil).want(t, noContent)
		return w.engine.heard()[before:]
	}
	if told := signOut(tablet); len(told) > 0 {
		t.Errorf("signed in elsewhere: the engine was told %q", told)
	}
	if told := signOut(desk); !slices.Equal(told, []string{"OffDuty olga"}) {
		t.Errorf("the engine was told %q, want the end of the shift", told)
	}
	for _, err := range []error{dialer.ErrState, errors.New("the engine is gone")} {
		w.login(t, "olga", password).want(t, 200).into(t, &desk)
		w.engine.fail(err)
		signOut(desk)
		w.send(t, desk.Token, "GET", "/api/v1/me", nil, nil).want(t, 401)
	}
}

// Who may see some campaigns alone begins a shift without naming one where one of those
// takes them; else they are told so, and do not wait for calls that never come.
func TestShiftOfWhoSeesSomeCampaigns(t *testing.T) {
	w := newWorld(t)
	w.fill(t) // spring runs and takes everybody
	closed := spring()
	closed.ID, closed.Operators = "closed", []campaigns.UserID{"paul"}
	later := spring()
	later.ID, later.State = "later", campaigns.Stopped
	for _, c := range []campaigns.Campaign{closed, later} {
		if _, err := w.store.SaveCampaign(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		sees   []campaigns.CampaignID
		status int
	}{
		{nil, noContent},
		{[]campaigns.CampaignID{"spring"}, noContent},
		{[]campaigns.CampaignID{"later"}, noContent},
		{[]campaigns.CampaignID{"closed", "spring"}, noContent},
		{[]campaigns.CampaignID{"closed"}, 403},
		{[]campaigns.CampaignID{"nowhere"}, 403},
	} {
		if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "olga", Role: campaigns.RoleOperator, Campaigns: c.sees}); err != nil {
			t.Fatal(err)
		}
		before := len(w.engine.heard())
		got := w.as(t, "olga", "POST", "/api/v1/operator/on-duty", nil).want(t, c.status)
		if begun := len(w.engine.heard()) > before; begun != (c.status == noContent) {
			t.Errorf("sees %q: shift begun: %v", c.sees, begun)
		}
		if c.status == 403 && !strings.Contains(got.body, `"code":"not_taken"`) {
			t.Errorf("sees %q: %s", c.sees, got.body)
		}
	}
}
