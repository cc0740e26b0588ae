package api

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// itemsOf are the records of a page.
func itemsOf[T any](t *testing.T, r reply) []T {
	t.Helper()
	var p page[T]
	r.want(t, 200).into(t, &p)
	if p.Items == nil {
		t.Errorf("no items, where there should be none or some: %s", r.body)
	}
	return p.Items
}

// leaf goes through a list two records at a time and gives those of each page, as far as
// their JSON tells them apart. between is done after the first page.
func (w *world) leaf(t *testing.T, user, path string, between func()) (all []any) {
	t.Helper()
	cursor := ""
	for n := range 100 {
		asked, rest, _ := strings.Cut(path, "?")
		query, err := url.ParseQuery(rest)
		if err != nil {
			t.Fatal(err)
		}
		query.Set("limit", "2")
		if cursor != "" {
			query.Set("cursor", cursor)
		}
		var p page[map[string]any]
		w.as(t, user, "GET", asked+"?"+query.Encode(), nil).want(t, 200).into(t, &p)
		if len(p.Items) > 2 || len(p.Items) < 2 && p.NextCursor != "" {
			t.Fatalf("%s: a page of %d, with a next one: %t", path, len(p.Items), p.NextCursor != "")
		}
		for _, item := range p.Items {
			all = append(all, item)
		}
		if cursor = p.NextCursor; cursor == "" {
			return all
		}
		if n == 0 {
			between()
		}
	}
	t.Fatalf("%s does not end", path)
	return nil
}

// keep puts five more of everything that is listed into the store, named by a letter.
func (w *world) keep(t *testing.T, letter string) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for n := range 5 {
		name, number := fmt.Sprintf("%s-%d", letter, n), fmt.Sprintf("+4822555%d%d00", letter[0]-'a'+10, n)
		c := spring()
		c.ID, c.Lists = campaigns.CampaignID(name), nil
		_, err := w.store.SaveCampaign(ctx, c)
		must(err)
		must(w.store.SaveList(ctx, campaigns.List{ID: campaigns.ListID(name), Name: name}))
		_, err = w.store.AddLeads(ctx, "web", []campaigns.Lead{{Name: name, Numbers: []campaigns.Number{{E164: number, Kind: campaigns.Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}}}})
		must(err)
		must(w.store.SaveUser(ctx, campaigns.User{ID: campaigns.UserID(name), Role: campaigns.RoleOperator}))
		must(w.store.Suppress(ctx, campaigns.Suppression{E164: number, Source: "api", At: time.Now()}))
		must(w.store.Audit(ctx, campaigns.AuditEntry{At: time.Now(), By: "ada", Action: "test." + letter, Object: name}))
		_, err = w.store.SaveEndpoint(ctx, campaigns.Endpoint{ID: campaigns.EndpointID("hook-" + name), URL: "https://crm.example/", Disabled: true})
		must(err)
		must(w.store.Publish(ctx, "crm", campaigns.NewEvent(name, campaigns.CallBridged, time.Now(), name, nil)))
		_, hash := NewToken()
		must(w.store.SaveToken(ctx, campaigns.Token{Hash: hash, User: "ada", Name: name, CreatedAt: time.Now()}))
	}
}

// TestPages goes through every list page by page while more comes in: each record that was
// there is met once, and in the order of the list.
func TestPages(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.keep(t, "m")
	letters := []string{"a", "z"} // before and behind what is there
	for path, key := range map[string]string{
		"/campaigns": "id", "/lists": "id", "/leads?list=web": "id", "/users": "id", "/do-not-call": "e164", "/audit?action=test.m": "id",
		"/webhooks": "id", "/webhooks/crm/deliveries": "seq", "/tokens": "id",
	} {
		before := itemsOf[map[string]any](t, w.as(t, "ada", "GET", "/api/v1"+path, nil))
		all := w.leaf(t, "ada", "/api/v1"+path, func() {
			for _, letter := range letters {
				w.keep(t, letter)
			}
			letters = nil
		})
		var met []string
		for _, item := range all {
			met = append(met, fmt.Sprint(item.(map[string]any)[key]))
		}
		if once := slices.Compact(slices.Sorted(slices.Values(met))); len(met) != len(once) {
			t.Errorf("%s: some are met twice: %q", path, met)
		}
		at := -1
		for _, item := range before {
			next := slices.Index(met, fmt.Sprint(item[key]))
			if next <= at {
				t.Errorf("%s: %v is missing, or out of its order: %q", path, item[key], met)
			}
			at = max(at, next)
		}
	}
}

// A cursor is for who got it with the list and the filters that it came with, on every
// node, and tells nothing.
func TestCursors(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.keep(t, "m")
	next := func(user, path string) string {
		t.Helper()
		var p page[any]
		w.as(t, user, "GET", "/api/v1"+path, nil).want(t, 200).into(t, &p)
		if p.NextCursor == "" {
			t.Fatalf("%s: no next page", path)
		}
		return p.NextCursor
	}
	leads := next("mia", "/leads?list=web&limit=2")
	for name, path := range map[string]string{
		"another list": "/lists?limit=2&cursor=" + leads, "another filter": "/leads?text=m&limit=2&cursor=" + leads, "no filter": "/leads?cursor=" + leads,
		"not sealed": "/leads?cursor=bTAw", "no base64": "/leads?cursor=%2B%2B", "changed": "/leads?list=web&cursor=" + leads[:len(leads)-4] + "AAAA",
	} {
		got := w.as(t, "mia", "GET", "/api/v1"+path, nil).want(t, 422)
		if got.code(t, "bad_cursor"); !strings.Contains(got.body, `"pointer":"#/cursor"`) {
			t.Errorf("%s: no pointer: %s", name, got.body)
		}
	}
	w.as(t, "mia", "GET", "/api/v1/leads?limit=1001", nil).want(t, 422)
	w.as(t, "mia", "GET", "/api/v1/leads?limit=5&list=web&cursor="+leads, nil).want(t, 200) // the limit may differ

	// Who does not see numbers gets none in a cursor, and pages all the same.
	numbers := next("mia", "/do-not-call?limit=2")
	if strings.Contains(numbers, "NDgyMjU1") || len(w.leaf(t, "mia", "/api/v1/do-not-call", func() {})) != 6 {
		t.Errorf("of the do-not-call list: cursor %s", numbers)
	}
	other := &Server{records: w.store} // another node
	in := Page{Cursor: numbers, of: digest("/api/v1/do-not-call", "")}
	if place, err := other.position(t.Context(), in); err != nil || !strings.HasPrefix(place, "+4822555") {
		t.Errorf("at another node: %q, %v", place, err)
	}
}
