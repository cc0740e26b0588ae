package api

import (
	"crypto/sha256"
	spreadsheet "encoding/csv"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func row(id, name, number string) map[string]any {
	return map[string]any{"external_id": id, "name": name, "numbers": []map[string]string{{"number": number}}}
}

func TestUpsert(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	put := func(name string) rowResult {
		t.Helper()
		var got rowResult
		w.as(t, "mia", "PUT", "/api/v1/lists/web/leads/crm-7", row("", name, "+48225550199")).want(t, 200).into(t, &got)
		return got
	}
	for i, want := range []string{"created", "same", "updated"} {
		if got := put([]string{"Ada", "Ada", "Eve"}[i]); got.Result != want || got.ExternalID != "crm-7" {
			t.Errorf("%d: %+v, want %s", i, got, want)
		}
	}
	w.as(t, "mia", "PUT", "/api/v1/lists/web/leads/crm-7", row("other", "Ada", "+48225550199")).want(t, 422).code(t, "invalid")
	w.as(t, "mia", "PUT", "/api/v1/lists/none/leads/crm-7", row("", "Ada", "+48225550199")).want(t, 404)
	got := w.as(t, "mia", "PUT", "/api/v1/lists/web/leads/crm-8", row("", "Ada", "12")).want(t, 422)
	if !strings.Contains(got.body, `"#/numbers/0/number"`) {
		t.Errorf("no pointer: %s", got.body)
	}
}

func TestUpsertBatch(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	items := []any{row("a", "Ada", "+48225550101"), row("b", "Bob", "none"), row("a", "Twin", "+48225550102"), row("c", "Cid", "+48225550103")}
	var got batchOut
	w.as(t, "mia", "POST", "/api/v1/lists/web/leads", map[string]any{"items": items}).want(t, 200).into(t, &got)
	var results []string
	for _, r := range got.Results {
		results = append(results, r.ExternalID+" "+r.Result)
	}
	if s := strings.Join(results, ", "); s != "a created, b refused, a refused, c created" {
		t.Fatalf("results = %s", s)
	}
	if p := got.Results[1].Errors[0].Pointer; p != "#/items/1/numbers/0/number" {
		t.Errorf("pointer = %s", p)
	}
	items = nil
	for i := range mostRows + 1 {
		items = append(items, row(fmt.Sprint("n", i), "N", fmt.Sprintf("+4822556%04d", i)))
	}
	w.as(t, "mia", "POST", "/api/v1/lists/web/leads", map[string]any{"items": items}).want(t, 422)
	w.as(t, "mia", "POST", "/api/v1/lists/web/leads", map[string]any{"items": items[:mostRows]}).want(t, 200).into(t, &got)
	for i, r := range got.Results {
		if r.Result != "created" || r.ExternalID != fmt.Sprint("n", i) {
			t.Fatalf("%d: %+v", i, r)
		}
	}
}

// TestS18CSVFormula takes leads out whose names a spreadsheet would run.
func TestS18CSVFormula(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	names := []string{`=HYPERLINK("http://evil.example")`, "+1", "-1", "@SUM(A1)", "\tx", "\rx", ";=1", "＝1"}
	for i, name := range names {
		w.as(t, "mia", "PUT", fmt.Sprint("/api/v1/lists/web/leads/f", i), row("", name, fmt.Sprintf("+4822555%04d", i))).want(t, 200)
	}
	w.as(t, "mia", "GET", "/api/v1/leads/export?list=web&format=csv", nil).want(t, 403)
	got := w.as(t, "ada", "GET", "/api/v1/leads/export?list=web&format=csv", nil).want(t, 200)
	rows, err := spreadsheet.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) != len(names)+2 {
		t.Fatalf("%d rows, %v", len(rows), err)
	}
	for _, cells := range rows {
		for _, cell := range cells {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") || strings.HasPrefix(cell, "＝") {
				t.Errorf("a spreadsheet runs %q", cell)
			}
		}
	}
	log, err := w.store.AuditLog(t.Context(), 2)
	sum := sha256.Sum256([]byte(got.body))
	if err != nil || log[0].Action != "leads.exported" || log[1].Action != "leads.export" ||
		!strings.Contains(log[0].After, `"count":9`) || !strings.Contains(log[0].After, hex.EncodeToString(sum[:])) {
		t.Errorf("audit = %+v, %v", log, err)
	}
}

func TestExportLines(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	c, err := w.store.Campaign(t.Context(), "spring")
	if err != nil {
		t.Fatal(err)
	}
	c.Segments = []campaigns.Segment{{Name: "jan", Filter: `name == "Jan"`}, {Name: "rest"}}
	if _, err := w.store.SaveCampaign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.as(t, "mia", "PUT", "/api/v1/lists/web/leads/x", row("", "Ewa", "+48225550150")).want(t, 200)
	for query, want := range map[string]string{"campaign=spring&segment=jan": "Jan", "campaign=spring&segment=rest": "Ewa"} {
		got := w.as(t, "ada", "GET", "/api/v1/leads/export?"+query, nil).want(t, 200)
		if strings.Count(got.body, "\n") != 1 || !strings.Contains(got.body, want) || strings.Contains(got.body, marker) {
			t.Errorf("%s: %s", query, got.body)
		}
	}
	for _, query := range []string{"", "?list=web&format=xml", "?segment=jan&list=web"} {
		w.as(t, "ada", "GET", "/api/v1/leads/export"+query, nil).want(t, 422)
	}
	w.as(t, "ada", "GET", "/api/v1/leads/export?campaign=none", nil).want(t, 404)
	w.as(t, "ada", "GET", "/api/v1/leads/export?list=none", nil).want(t, 404)
}

// Who has some campaigns takes out what those dial, and no other list under their name.
func TestExportOfAnothersList(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	if err := w.store.SaveList(t.Context(), campaigns.List{ID: "secret"}); err != nil {
		t.Fatal(err)
	}
	_, err := w.store.AddLeads(t.Context(), "secret", []campaigns.Lead{{Name: "Nobody", Numbers: []campaigns.Number{{E164: "+48225550199", Kind: campaigns.Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	eva := campaigns.User{ID: "eva", Role: campaigns.RoleManager, Campaigns: []campaigns.CampaignID{"spring"}, Rights: []campaigns.Right{campaigns.RightExport}}
	if err := w.store.SaveUser(t.Context(), eva); err != nil {
		t.Fatal(err)
	}
	w.tokens["eva"] = w.signIn(t, "eva", time.Hour)
	if got := w.as(t, "eva", "GET", "/api/v1/leads/export?campaign=spring&list=web", nil).want(t, 200); !strings.Contains(got.body, "Jan") {
		t.Errorf("her own list: %s", got.body)
	}
	if got := w.as(t, "eva", "GET", "/api/v1/leads/export?campaign=spring&list=secret", nil).want(t, 404); strings.Contains(got.body, "Nobody") {
		t.Errorf("another's list: %s", got.body)
	}
}
