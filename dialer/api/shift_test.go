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
