package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TestPacingLog gives out the lines of the runs that touch the time, in their
// order, and says who asked.
func TestPacingLog(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	day := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	for i, lines := range []string{"{\"seq\":1}\n{\"seq\":2}\n", "{\"seq\":3}\n"} {
		at := day.Add(time.Duration(i) * time.Minute)
		err := w.store.AppendPacingLog(t.Context(), campaigns.PacingChunk{
			Campaign: "spring", Node: "n1", Run: day, Seq: i + 1, From: at, To: at, Lines: 1, Gzip: campaigns.PackLines([]byte(lines)),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	const path = "/api/v1/campaigns/spring/pacing-log"
	for query, want := range map[string]string{
		"":                                  "{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\n",
		"?from=2026-03-02T09:01:00Z":        "{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\n",
		"?to=2026-03-02T09:01:00Z":          "{\"seq\":1}\n{\"seq\":2}\n",
		"?from=2026-03-02T10:30:00%2B01:00": "",
	} {
		got := w.as(t, "mia", "GET", path+query, nil).want(t, 200)
		if got.body != want || got.header.Get("Content-Type") != "application/x-ndjson" {
			t.Errorf("%q: %q, %q, want %q", query, got.body, got.header.Get("Content-Type"), want)
		}
	}
	w.as(t, "mia", "GET", path+"?from=yesterday", nil).want(t, http.StatusUnprocessableEntity)
	w.as(t, "mia", "GET", "/api/v1/campaigns/winter/pacing-log", nil).want(t, 404)
	log, err := w.store.AuditLog(t.Context(), 1)
	if err != nil || len(log) != 1 || log[0].By != "mia" || !strings.HasPrefix(log[0].Action, "campaign.pacing-log") {
		t.Errorf("audit %+v, %v", log, err)
	}
}
