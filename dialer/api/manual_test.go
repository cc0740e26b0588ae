package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// source adds a lead with an external id to the list that spring dials, and one to a list that it
// does not.
func (w *world) source(t *testing.T) {
	t.Helper()
	number := func(e164 string) []campaigns.Number {
		return []campaigns.Number{{E164: e164, Kind: campaigns.Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}}
	}
	ctx := t.Context()
	if err := w.store.SaveList(ctx, campaigns.List{ID: "old", CreatedAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	for list, leads := range map[campaigns.ListID][]campaigns.Lead{
		"web": {{ExternalID: "A/7", Name: "Ewa", Numbers: number("+48225550107")}, {ExternalID: "A/8", Name: "Twin", Numbers: number("+48225550107")}},
		"old": {{ExternalID: "A/9", Name: "Olaf", Numbers: number("+48225550109")}},
	} {
		if _, err := w.store.AddLeads(ctx, list, leads); err != nil {
			t.Fatal(err)
		}
	}
}

func (w *world) leadID(t *testing.T, list campaigns.ListID, id string) campaigns.LeadID {
	t.Helper()
	l, err := w.store.LeadByExternalID(t.Context(), list, id)
	if err != nil {
		t.Fatal(err)
	}
	return l.ID
}

// A lead is chosen by its id, by what its source calls it, or by a number that nobody else has.
func TestCallLead(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.source(t)
	ewa := w.leadID(t, "web", "A/7")
	for _, c := range []struct {
		body any
		want int
		told string
	}{
		{map[string]any{"lead": 1}, 200, "CallLead olga spring 1"},
		{map[string]any{"lead": 1, "campaign": "spring", "number": marker}, 200, "CallLead olga spring 1 " + marker},
		{map[string]any{"list": "web", "external_id": "A/7"}, 200, fmt.Sprintf("CallLead olga spring %d", ewa)},
		{map[string]any{"number": marker}, 200, "CallLead olga spring 1 " + marker},
		{map[string]any{"number": "+48225550107"}, 409, ""}, // two have it
		{map[string]any{"number": "+48225550199"}, 404, ""},
		{map[string]any{"number": "+48225550109"}, 404, ""}, // in no list of the campaign
		{map[string]any{"list": "old", "external_id": "A/9"}, 404, ""},
		{map[string]any{"list": "web", "external_id": "a/7"}, 404, ""},
		{map[string]any{"lead": 999}, 404, ""},
		{map[string]any{"lead": 1, "campaign": "autumn"}, 404, ""},
		{map[string]any{"lead": 1, "list": "web", "external_id": "A/7"}, 422, ""},
		{map[string]any{"list": "web"}, 422, ""},
		{map[string]any{"number": "0800 1234"}, 422, ""},
		{map[string]any{}, 422, ""},
	} {
		before := len(w.engine.heard())
		got := w.as(t, "olga", "POST", "/api/v1/operator/call", c.body).want(t, c.want)
		told := strings.Join(w.engine.heard()[before:], "; ")
		if told != c.told {
			t.Errorf("%v: engine was told %q, want %q (%s)", c.body, told, c.told, got.body)
		}
		if c.want == 200 && !strings.Contains(got.body, `"attempt":"own"`) {
			t.Errorf("%v: %s", c.body, got.body)
		}
	}
	if calls := w.audited(t, "call.manual"); len(calls) != 4 || calls[0].By != "olga" || calls[0].Object != "own" || !strings.Contains(calls[0].After, `"lead":1`) || strings.Contains(calls[0].After, marker) {
		t.Errorf("audited = %+v, want four calls by olga, without numbers", calls)
	}
}

// A CRM calls for operators with a token that can do nothing else; it is audited as who has it.
func TestClickToCall(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.source(t)
	var made newToken
	w.as(t, "mia", "POST", "/api/v1/tokens", map[string]any{"name": "crm", "scopes": []string{"manual.dial.for"}}).want(t, 200).into(t, &made)
	crm := func(path string, body any, key string) reply {
		t.Helper()
		return w.send(t, made.Token, "POST", path, body, http.Header{"Idempotency-Key": {key}})
	}
	ewa := map[string]string{"list": "web", "external_id": "A/7"}
	crm("/api/v1/operators/olga/call", ewa, "k1").want(t, 200)
	again := crm("/api/v1/operators/olga/call", ewa, "k1").want(t, 200)
	if again.header.Get("Idempotency-Replayed") != "true" {
		t.Error("the same request again is not a repetition")
	}
	want := fmt.Sprintf("CallLead olga spring %d", w.leadID(t, "web", "A/7"))
	if told := w.engine.heard(); !slices.Equal(told, []string{want}) {
		t.Errorf("engine was told %q, want %q once", told, want)
	}
	crm("/api/v1/operator/call", ewa, "k2").want(t, 403)
	w.send(t, made.Token, "GET", "/api/v1/leads", nil, nil).want(t, 403)
	w.as(t, "olga", "POST", "/api/v1/operators/olga/call", ewa).want(t, 403)
	if calls := w.audited(t, "call.manual"); len(calls) != 1 || calls[0].By != "mia" || !strings.Contains(calls[0].After, `"operator":"olga"`) {
		t.Errorf("audited = %+v, want one call by mia for olga", calls)
	}
}

// closedExplainer has two gates closed at night.
type closedExplainer struct{ Explainer }

func (closedExplainer) Explain(context.Context, string, time.Time) ([]Explanation, error) {
	return []Explanation{
		{Campaign: "autumn", Lead: 1, Gates: []Gate{{Name: "hours", Detail: "of another campaign"}}},
		{Campaign: "spring", Lead: 1, Gates: []Gate{
			{Name: "hours", Detail: "PL Europe/Warsaw Sun 03:10, sunday: closed"}, {Name: "hours", OK: true, Detail: "open"}, {Name: "due", Detail: "waits for its time"},
		}},
	}, nil
}

// A refusal names the rule, for programs and in words, and is audited; a key that it came under
// may be used again.
func TestCallLeadRefused(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.api.explainer = closedExplainer{}
	w.engine.fail(&dialer.NotCalled{Rule: "window", Detail: "outside the hours", Next: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC)})
	key := http.Header{"Idempotency-Key": {"k1"}}
	var p Problem
	w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/call", map[string]int{"lead": 1}, key).want(t, 409).into(t, &p)
	want := []ProblemField{{Location: "next", Message: "2026-11-30T08:00:00Z"}, {Location: "hours", Message: "PL Europe/Warsaw Sun 03:10, sunday: closed"}}
	if p.Code != "refused_window" || !strings.Contains(p.Detail, "outside the hours") || !slices.Equal(p.Errors, want) {
		t.Errorf("problem = %+v", p)
	}
	if calls := w.audited(t, "call.manual"); len(calls) != 1 || !strings.Contains(calls[0].After, `"refused":"window"`) {
		t.Errorf("audited = %+v", calls)
	}
	w.engine.fail(dialer.ErrNoManual)
	w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/call", map[string]int{"lead": 1}, key).want(t, 403).into(t, &p)
	if p.Code != "manual_forbidden" {
		t.Errorf("code = %q", p.Code)
	}
	w.engine.fail(nil)
	w.send(t, w.tokens["olga"], "POST", "/api/v1/operator/call", map[string]int{"lead": 1}, key).want(t, 200)
}

// Operators find leads of the campaign that they are on, no others.
func TestCallable(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.source(t)
	for text, want := range map[string][]string{
		"ewa": {"Ewa"}, "A/": nil, "A/7": {"Ewa"}, "%2B48225550107": {"Ewa", "Twin"}, "olaf": nil, "%2B48225550109": nil, "jan": {"Jan"},
	} {
		if len(text) < 3 {
			w.as(t, "olga", "GET", "/api/v1/operator/callable?text="+text, nil).want(t, 422)
			continue
		}
		var found []callable
		w.as(t, "olga", "GET", "/api/v1/operator/callable?text="+text, nil).want(t, 200).into(t, &found)
		var names []string
		for _, x := range found {
			names = append(names, x.Name)
			if len(x.Numbers) != 1 || !strings.Contains(x.Numbers[0], "***") {
				t.Errorf("%s: numbers %q, want them masked", x.Name, x.Numbers)
			}
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("%s: found %q, want %q", text, names, want)
		}
	}
	for _, nothing := range []string{"", "?text="} {
		w.as(t, "olga", "GET", "/api/v1/operator/callable"+nothing, nil).want(t, 422)
	}
	w.engine.mu.Lock()
	w.engine.idle = true // of no campaign that lets them
	w.engine.mu.Unlock()
	w.as(t, "olga", "GET", "/api/v1/operator/callable?text=ewa", nil).want(t, 403)
}
