package api

import (
	spreadsheet "encoding/csv"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func TestExportAttempts(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	const path = "/api/v1/attempts/export"
	w.as(t, "mia", "GET", path, nil).want(t, 403)
	var a campaigns.Attempt
	if err := json.Unmarshal([]byte(w.as(t, "ada", "GET", path+"?campaign=spring", nil).want(t, 200).body), &a); err != nil {
		t.Fatal(err)
	}
	if a.ID != "a1" || a.Number != campaigns.MaskNumber(marker) || a.Operator != "olga" {
		t.Errorf("line: %+v", a)
	}
	got := w.as(t, "ada", "GET", path+"?format=csv", nil).want(t, 200)
	rows, err := spreadsheet.NewReader(strings.NewReader(got.body)).ReadAll()
	if err != nil || len(rows) != 2 || rows[1][0] != "a1" || rows[0][6] != "number" || rows[1][6] != "'"+campaigns.MaskNumber(marker) {
		t.Errorf("rows %q, %v", rows, err)
	}
	for query, lines := range map[string]int{
		"?operator=nobody": 0, "?outcome=busy": 0, "?outcome=connected&operator=olga": 1,
		"?since=" + time.Now().Add(time.Hour).UTC().Format("2006-01-02T15:04:05Z"): 0,
	} {
		if got := w.as(t, "ada", "GET", path+query, nil).want(t, 200); strings.Count(got.body, "\n") != lines {
			t.Errorf("%s: %q, want %d lines", query, got.body, lines)
		}
	}
	for _, query := range []string{"?format=xml", "?since=yesterday"} {
		w.as(t, "ada", "GET", path+query, nil).want(t, 422)
	}
	if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "ada", Role: campaigns.RoleAdmin, Campaigns: []campaigns.CampaignID{"other"}, SeesNumbers: true}); err != nil {
		t.Fatal(err)
	}
	w.as(t, "ada", "GET", path+"?campaign=spring", nil).want(t, 404)
	if got := w.as(t, "ada", "GET", path, nil).want(t, 200); got.body != "" {
		t.Errorf("of campaigns that are not theirs: %s", got.body)
	}
	log, err := w.store.AuditLog(t.Context(), 2)
	if err != nil || log[0].Action != "attempts.exported" || log[1].Action != "attempts.export" || !strings.Contains(log[0].After, `"count":0`) {
		t.Errorf("audit = %+v, %v", log, err)
	}
}

// More than a page comes whole, each once.
func TestExportGoesThroughPages(t *testing.T) {
	var store called
	for n := 2*exportPage + 7; n > 0; n-- {
		store.all = append(store.all, campaigns.Attempt{ID: campaigns.AttemptID(fmt.Sprintf("%05d", n)), Campaign: "spring"})
	}
	s := &Server{records: store}
	next := 2*exportPage + 7
	for a, err := range s.everyAttempt(t.Context(), caller{User: campaigns.User{Campaigns: []campaigns.CampaignID{"spring", "summer"}}}, attemptFilter{}) {
		if err != nil || string(a.ID) != fmt.Sprintf("%05d", next) {
			t.Fatalf("%s, %v; want %05d", a.ID, err, next)
		}
		next--
	}
	if next != 0 {
		t.Errorf("%d are missing", next)
	}
}
