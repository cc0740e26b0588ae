package api

import (
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A list is deleted by who may, as it was read, and only where nothing needs it any more.
func TestDeleteList(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	var told atomic.Int64
	w.api.listDeleted = func() { told.Add(1) }
	drop := func(user, id, etag string) reply {
		t.Helper()
		header := http.Header{}
		if etag != "" {
			header.Set("If-Match", etag)
		}
		return w.send(t, w.tokens[user], "DELETE", "/api/v1/lists/"+id, nil, header)
	}
	refused := func(r reply, status int, code string) {
		t.Helper()
		if r.want(t, status); !strings.Contains(r.body, `"code":"`+code+`"`) {
			t.Errorf("%s, want the code %s", r.body, code)
		}
	}
	etag := w.as(t, "mia", "GET", "/api/v1/lists/web", nil).want(t, 200).header.Get("ETag")
	refused(drop("mia", "web", ""), http.StatusPreconditionRequired, "needs_if_match")
	refused(drop("mia", "web", `"another"`), http.StatusPreconditionFailed, "changed")
	refused(drop("mia", "none", "*"), http.StatusNotFound, "not_found")
	refused(drop("quin", "web", etag), http.StatusForbidden, "forbidden")
	in := drop("mia", "web", etag)
	refused(in, http.StatusConflict, "list_in_use")
	if !strings.Contains(in.body, "spring") {
		t.Errorf("%s does not name the campaign", in.body)
	}

	if _, err := w.store.AddLeads(t.Context(), "web", []campaigns.Lead{{Name: "Ewa", Numbers: []campaigns.Number{{E164: "+48601100200", Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}}}}); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	queues, err := w.store.Queues(t.Context(), "spring", now)
	if err != nil {
		t.Fatal(err)
	}
	var ids []campaigns.QueueID
	for _, q := range queues {
		ids = append(ids, q.QueueID)
	}
	claims, err := w.store.Claim(t.Context(), campaigns.ClaimRequest{Queues: ids, Limit: 1, Node: "node-1", Lease: time.Minute, Now: now})
	if err != nil || len(claims) != 1 {
		t.Fatalf("claims %v, %v", claims, err)
	}
	if err := w.store.Begin(t.Context(), campaigns.Intent{Attempt: "open", Claim: claims[0], At: now}); err != nil {
		t.Fatal(err)
	}
	c, err := w.store.Campaign(t.Context(), "spring")
	if err != nil {
		t.Fatal(err)
	}
	c.Lists = nil
	if _, err := w.store.SaveCampaign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	refused(drop("mia", "web", etag), http.StatusConflict, "calls_under_way")
	if err := w.store.End(t.Context(), campaigns.Ending{Attempt: "open", Outcome: campaigns.Busy, Next: campaigns.Next{Done: true}, At: now}); err != nil {
		t.Fatal(err)
	}
	if n := told.Load(); n != 0 {
		t.Errorf("told %d times before anything was deleted", n)
	}

	drop("mia", "web", etag).want(t, noContent)
	if n := told.Load(); n != 1 {
		t.Errorf("told %d times that a list was deleted, want once", n)
	}
	refused(drop("mia", "web", "*"), http.StatusNotFound, "not_found")
	for _, l := range itemsOf[campaigns.List](t, w.as(t, "mia", "GET", "/api/v1/lists", nil)) {
		if l.ID == "web" {
			t.Error("a list that was deleted is shown")
		}
	}
	refused(w.as(t, "mia", "POST", "/api/v1/lists/web/import", "number\n+48601100201\n"), http.StatusConflict, "list_deleted")
	if all := w.audited(t, "list.delete"); len(all) != 1 || all[0].By != "mia" || all[0].Object != "web" || !strings.Contains(all[0].Before, `"Web"`) {
		t.Errorf("audited = %+v", all)
	}
	if _, listed, err := w.store.Suppressed(t.Context(), marker); err != nil || !listed {
		t.Errorf("do-not-call: %v, %v; want it kept", listed, err)
	}
}

// Who has some campaigns deletes what they made and nobody else dials.
func TestDeleteListOfSomeCampaigns(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "max", Role: campaigns.RoleManager, Campaigns: []campaigns.CampaignID{"spring"}}); err != nil {
		t.Fatal(err)
	}
	for user, list := range map[string]string{"max": "fair", "mia": "expo"} {
		w.as(t, user, "POST", "/api/v1/lists/"+list+"/import", "number\n+48601100201\n").want(t, 200)
	}
	for list, want := range map[string]int{"expo": 404, "fair": noContent, "web": 409} {
		w.send(t, w.tokens["max"], "DELETE", "/api/v1/lists/"+list, nil, http.Header{"If-Match": {"*"}}).want(t, want)
	}
	var left []string
	for _, l := range itemsOf[campaigns.List](t, w.as(t, "mia", "GET", "/api/v1/lists", nil)) {
		left = append(left, string(l.ID))
	}
	if want := []string{"expo", "web"}; !slices.Equal(left, want) {
		t.Errorf("lists are %q, want %q", left, want)
	}
}
