package api

import (
	"fmt"
	"io"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

const csv = "Name;Phone;City\nAnna;+48 601 100 201;Łódź\nJan;no number;Gdynia\nEwa;601100203;Kraków\n"

// leadsIn are the leads of a list.
func (w *world) leadsIn(t *testing.T, list campaigns.ListID) []campaigns.Lead {
	t.Helper()
	leads, err := w.store.FindLeads(t.Context(), campaigns.LeadQuery{List: list})
	if err != nil {
		t.Fatal(err)
	}
	return leads
}

func TestImport(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/lists/fair/import?region=pl&name=Trade+fair&source=fair&consent=signed&map=City%3Dfield:town"
	var dry, first, second ImportReport
	w.as(t, "mia", "POST", path+"&dry_run=true", csv).want(t, 200).into(t, &dry)
	if lists, err := w.store.Lists(t.Context()); err != nil || len(lists) != 0 || dry.Good != 2 || !dry.DryRun {
		t.Errorf("dry run: %+v, lists %v (%v), want two good rows and nothing written", dry, lists, err)
	}
	w.as(t, "mia", "POST", path, csv).want(t, 200).into(t, &first)
	if first.Rows != 3 || first.Good != 2 || first.BadRows != 1 || first.Store.Added != 2 || first.Delimiter != ";" || first.List != "fair" {
		t.Errorf("report = %+v", first)
	}
	if len(first.Bad) != 1 || first.Bad[0].Line != 3 || first.Bad[0].Column != "Phone" || first.Bad[0].Reason == "" {
		t.Errorf("bad rows = %+v, want line 3, column Phone", first.Bad)
	}
	w.as(t, "mia", "POST", path, csv).want(t, 200).into(t, &second)
	if second.Store != (campaigns.AddResult{Same: 2}) {
		t.Errorf("the second time: %+v, want nothing changed", second.Store)
	}
	leads := w.leadsIn(t, "fair")
	if len(leads) != 2 || leads[1].Numbers[0].E164 != "+48601100203" || leads[0].Fields["town"] != "Łódź" {
		t.Errorf("leads = %+v", leads)
	}
	lists, err := w.store.Lists(t.Context())
	if err != nil || len(lists) != 1 || lists[0].Name != "Trade fair" || lists[0].Source != "fair" || lists[0].ConsentBasis != "signed" {
		t.Errorf("lists = %+v (%v)", lists, err)
	}
	entries := w.audited(t, "leads.import")
	if len(entries) != 2 || entries[1].Object != "fair" || entries[1].By != "mia" || !strings.Contains(entries[1].After, `"added":2`) {
		t.Errorf("audited %+v, want both imports and no dry run", entries)
	}
}

// TestImportKeepsTheList does not touch what is known of a list.
func TestImportKeepsTheList(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.as(t, "mia", "POST", "/api/v1/lists/web/import?name=Other", "number\n+48601100201\n").want(t, 200)
	if lists, err := w.store.Lists(t.Context()); err != nil || len(lists) != 1 || lists[0].Name != "Web" {
		t.Errorf("lists = %+v (%v)", lists, err)
	}
	if entries, err := w.store.Entries(t.Context(), w.leadsIn(t, "web")[1].ID); err != nil || len(entries) != 1 {
		t.Errorf("entries = %v (%v), want the new lead in the campaign's queue", entries, err)
	}
}

// TestImportHidesNumbers leaves bad values out for who may not see numbers.
func TestImportHidesNumbers(t *testing.T) {
	w := newWorld(t)
	file := "number\n+48601100201\n" + marker + "123456789\n"
	if got := w.as(t, "mia", "POST", "/api/v1/lists/web/import", file).want(t, 200); strings.Contains(got.body, marker[1:]) {
		t.Errorf("mia sees %s", got.body)
	}
	if got := w.as(t, "max", "POST", "/api/v1/lists/web/import", file).want(t, 200); !strings.Contains(got.body, marker[1:]) {
		t.Errorf("max does not see the bad value: %s", got.body)
	}
}

func TestBadFiles(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, query, file, want string }{
		{"empty", "", "", "empty"},
		{"no numbers", "", "a,b\nx,y\n", "no column of telephone numbers"},
		{"no good row", "", "number\nnone\n", `"location":"line 2, column number"`},
		{"not a workbook", "", "PK\x03\x04 nonsense", ""},
		{"delimiter", "?delimiter=" + url.QueryEscape("#"), csv, "delimiter"},
		{"encoding", "?encoding=ebcdic", csv, "encoding"},
		{"mapping", "?map=City", csv, "COLUMN=FIELD"},
		{"unknown field", "?map=" + url.QueryEscape("City=town hall"), csv, "town hall"},
	} {
		got := w.as(t, "mia", "POST", "/api/v1/lists/bad/import"+c.query, c.file)
		if got.status != 422 || !strings.Contains(got.body, c.want) {
			t.Errorf("%s: %d %s, want 422 and %q", c.name, got.status, got.body, c.want)
		}
	}
	w.as(t, "mia", "POST", "/api/v1/lists/Bad/import", csv).want(t, 422)
	if lists, err := w.store.Lists(t.Context()); err != nil || len(lists) != 0 {
		t.Errorf("lists = %v (%v), want none: bad files leave nothing", lists, err)
	}
	if got := w.audited(t, "leads.import"); len(got) != 0 {
		t.Errorf("audited %+v, want nothing", got)
	}
}

// endless is a file of one header and empty rows, without end.
type endless struct{ begun bool }

func (e *endless) Read(b []byte) (int, error) {
	if !e.begun {
		e.begun = true
		return copy(b, "number\n"), nil
	}
	for i := range b {
		b[i] = ' '
		if i%1024 == 1023 {
			b[i] = '\n'
		}
	}
	return len(b), nil
}

func TestImportTooLong(t *testing.T) {
	w := newWorld(t)
	got := w.as(t, "mia", "POST", "/api/v1/lists/long/import", io.LimitReader(&endless{}, maxBody+1<<20))
	if got.status != 413 || !strings.Contains(got.body, fmt.Sprint(maxBody>>20, " MiB")) {
		t.Errorf("%d %s, want 413 and the limit", got.status, got.body)
	}
	var people strings.Builder
	people.WriteString("number\n")
	for i := range 5001 {
		fmt.Fprintf(&people, "+4860110%04d\n", i)
	}
	long := io.MultiReader(strings.NewReader(people.String()), io.LimitReader(&endless{begun: true}, maxBody))
	got = w.as(t, "mia", "POST", "/api/v1/lists/long/import", long)
	if got.status != 413 || !strings.Contains(got.body, "5000 leads of it are written") {
		t.Errorf("%d %s, want 413 and how many are written", got.status, got.body)
	}
	// Of one that says before how long it is nothing is written.
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/api/v1/lists/longer/import", strings.NewReader(people.String()))
	r.Header.Set("Authorization", "Bearer "+w.tokens["mia"])
	r.Header.Set("Content-Length", fmt.Sprint(maxBody+1))
	answer := httptest.NewRecorder()
	w.api.Handler().ServeHTTP(answer, r)
	if answer.Code != 413 || !strings.Contains(answer.Body.String(), `"code":"too_large"`) || len(w.leadsIn(t, "longer")) != 0 {
		t.Errorf("%d %s, %d leads, want 413 and none", answer.Code, answer.Body, len(w.leadsIn(t, "longer")))
	}
}

// The cells that a campaign of the list reads as answer scores are looked at.
func TestImportLooksAtScores(t *testing.T) {
	w := newWorld(t)
	c := spring()
	c.ID, c.Version, c.Lists, c.Pacing.AnswerScoreField = "scored", 0, []campaigns.ListID{"fair"}, "chance"
	if _, err := w.store.SaveCampaign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	text := "Name;Phone;chance\nAnna;+48 601 100 201;0,5\nEwa;+48 601 100 203;0.5\n"
	var looked, not ImportReport
	w.as(t, "mia", "POST", "/api/v1/lists/fair/import", text).want(t, 200).into(t, &looked)
	w.as(t, "mia", "POST", "/api/v1/lists/other/import", text).want(t, 200).into(t, &not)
	if looked.Good != 2 || looked.Warnings != 1 || looked.Bad[0].Line != 2 || looked.Bad[0].Column != "chance" {
		t.Errorf("report %+v, want the cell of line 2", looked)
	}
	if not.Warnings != 0 {
		t.Errorf("another list: report %+v", not)
	}
}
