package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

// change sends a merge patch based on a tag.
func (w *world) change(t *testing.T, user, path, tag, patch string) reply {
	t.Helper()
	header := http.Header{"Content-Type": {"application/merge-patch+json"}}
	if tag != "" {
		header["If-Match"] = []string{tag}
	}
	return w.send(t, w.tokens[user], "PATCH", path, patch, header)
}

func TestChangeList(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	const path = "/api/v1/lists/web"
	tag := w.as(t, "mia", "GET", path, nil).want(t, 200).header.Get("ETag")
	got := w.change(t, "mia", path, tag, `{"consent_basis":"form of 2026","verified":true}`).want(t, 200)
	var l campaigns.List
	got.into(t, &l)
	if l.Name != "Web" || l.ConsentBasis != "form of 2026" || !l.Verified || l.Leads != 1 {
		t.Errorf("changed to %+v", l)
	}
	next := w.as(t, "mia", "GET", path, nil).want(t, 200).header.Get("ETag")
	if next == tag || next != got.header.Get("ETag") {
		t.Errorf("ETags %q, then %q, then %q", tag, got.header.Get("ETag"), next)
	}
	w.change(t, "mia", path, "", `{}`).want(t, 428).code(t, "needs_if_match")
	w.change(t, "mia", path, tag, `{"name":"late"}`).want(t, 412).code(t, "changed")
	l = campaigns.List{}
	w.change(t, "mia", path, "*", `{"consent_basis":null}`).want(t, 200).into(t, &l)
	if l.ConsentBasis != "" || l.Name != "Web" {
		t.Errorf("taken away: %+v", l)
	}
	w.change(t, "mia", "/api/v1/lists/none", "*", `{}`).want(t, 404)
	log, err := w.store.AuditLog(t.Context(), 1)
	if err != nil || log[0].Action != "list.change" || log[0].Object != "web" || !strings.Contains(log[0].Before, "form of 2026") {
		t.Errorf("audit = %+v, %v", log, err)
	}
}

func TestChangeLead(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	const path = "/api/v1/leads/1"
	tag := w.as(t, "mia", "GET", path, nil).want(t, 200).header.Get("ETag")
	var l campaigns.Lead
	got := w.change(t, "mia", path, tag, `{"name":"Janina","note":"prefers mornings","fields":{"a/b":"1","c":"2"},"grades":{"cp":4,"temperature":"hot"}}`).want(t, 200)
	got.into(t, &l)
	if l.Name != "Janina" || l.Note != "prefers mornings" || l.Fields["a/b"] != "1" || l.Grades.CP != 4 || l.Grades.Temperature != campaigns.Hot {
		t.Errorf("changed to %+v", l)
	}
	kept, err := w.store.Lead(t.Context(), 1)
	if err != nil || kept.Name != "Janina" || kept.Numbers[0].E164 != marker {
		t.Errorf("kept %+v, %v: the number stays as it is", kept, err)
	}
	w.change(t, "mia", path, tag, `{"name":"late"}`).want(t, 412).code(t, "changed")
	l = campaigns.Lead{}
	w.change(t, "mia", path, got.header.Get("ETag"), `{"fields":{"a/b":null}}`).want(t, 200).into(t, &l)
	if len(l.Fields) != 1 || l.Fields["c"] != "2" || l.Note != "prefers mornings" {
		t.Errorf("taken away: %+v", l)
	}
	for patch, pointer := range map[string]string{
		`{"numbers":[]}`: "#/numbers", `{"name":7}`: "#/name", `{"grades":{"cp":9}}`: "#/grades/cp", `{"grades":{"temperature":"tepid"}}`: "#/grades/temperature",
		`{"fields":{"c":1}}`: "#/fields/c",
	} {
		if got := w.change(t, "mia", path, "*", patch).want(t, 422); !strings.Contains(got.body, `"pointer":"`+pointer+`"`) {
			t.Errorf("%s: no pointer %s: %s", patch, pointer, got.body)
		}
	}
	w.change(t, "mia", path, "*", `[]`).want(t, 422)
	w.change(t, "mia", path, "*", `{`).want(t, 400)
	w.change(t, "mia", "/api/v1/leads/77", "*", `{}`).want(t, 404)
	log, err := w.store.AuditLog(t.Context(), 2)
	if err != nil || log[1].Action != "lead.change" || log[1].Object != "1" || !strings.Contains(log[1].After, "Janina") || strings.Contains(log[1].After, marker) {
		t.Errorf("audit = %+v, %v", log, err)
	}
}

// Who sees some campaigns changes what those alone dial.
func TestChangeWithinScope(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "mia", Role: campaigns.RoleManager, Campaigns: []campaigns.CampaignID{"spring"}}); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/lists/web", "/api/v1/leads/1"} {
		w.change(t, "mia", path, "*", `{"name":"theirs"}`).want(t, 200)
	}
	ways := map[string]func(list string) reply{
		"upsert": func(list string) reply {
			return w.as(t, "mia", "PUT", "/api/v1/lists/"+list+"/leads/x", row("", "Ewa", "+48225550150"))
		},
		"batch": func(list string) reply {
			return w.as(t, "mia", "POST", "/api/v1/lists/"+list+"/leads", map[string]any{"items": []any{row("y", "Ela", "+48225550151")}})
		},
		"import": func(list string) reply {
			return w.as(t, "mia", "POST", "/api/v1/lists/"+list+"/import", "number\n+48601100201\n")
		},
	}
	for _, list := range []string{"new", "web"} { // import makes the first
		for _, name := range []string{"import", "upsert", "batch"} {
			ways[name](list).want(t, 200)
		}
	}
	other := spring()
	other.ID = "other"
	if _, err := w.store.SaveCampaign(t.Context(), other); err != nil { // dials the list too
		t.Fatal(err)
	}
	for _, path := range []string{"/api/v1/lists/web", "/api/v1/leads/1"} {
		w.change(t, "mia", path, "*", `{"name":"not theirs alone"}`).want(t, 404)
	}
	for name, write := range ways {
		if got, undialled := write("web"), write("new"); got.status != 404 || undialled.status != 200 {
			t.Errorf("%s: %d for a list that others dial too, %d for one that nobody dials; want 404 and 200", name, got.status, undialled.status)
		}
	}
}
