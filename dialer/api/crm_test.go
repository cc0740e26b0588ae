package api

import (
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

// The address of a person's page elsewhere has the number that the operator may see, and
// what is put in cannot leave its place.
func TestCRM(t *testing.T) {
	w := newWorld(t)
	var got struct {
		CRM campaigns.CRM `json:"crm"`
	}
	for user, phone := range map[string]string{"olga": "%2B4822%2A%2A%2A7391", "max": "%2B48225557391"} {
		w.as(t, user, "GET", "/api/v1/operator", nil).want(t, 200).into(t, &got)
		if want := "https://crm.example/?phone=" + phone + "&id=A%2F7&who=" + user + "&policy=88%20%26%201&lead=1&none="; got.CRM.URL != want {
			t.Errorf("%s: %q, want %q", user, got.CRM.URL, want)
		}
	}
	if live := w.as(t, "mia", "GET", "/api/v1/live", nil).want(t, 200); strings.Contains(live.body, "crm.example") {
		t.Error("the live page has the address")
	}
}

// A form that is too large to be one is not kept.
func TestDraftOfForm(t *testing.T) {
	w := newWorld(t)
	fields := map[string]string{"until": "2027-01-31"}
	w.as(t, "olga", "PUT", "/api/v1/operator/draft", map[string]any{"attempt": "a1", "note": "", "fields": fields}).want(t, noContent)
	var kept Draft
	w.as(t, "olga", "GET", "/api/v1/operator/draft", nil).want(t, 200).into(t, &kept)
	if kept.Fields["until"] != "2027-01-31" {
		t.Errorf("kept %+v", kept)
	}
	fields["until"] = strings.Repeat("x", maxDraftFields)
	w.as(t, "olga", "PUT", "/api/v1/operator/draft", map[string]any{"attempt": "a1", "note": "", "fields": fields}).want(t, 422)
}
