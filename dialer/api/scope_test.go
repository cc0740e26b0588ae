package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

// called are records of attempts alone, newest first.
type called struct {
	campaigns.Records
	all []campaigns.Attempt
}

func (c called) Attempts(_ context.Context, q campaigns.AttemptQuery) (page []campaigns.Attempt, err error) {
	for _, a := range c.all {
		if (q.Campaign == "" || a.Campaign == q.Campaign) && (q.Before == "" || a.ID < q.Before) && len(page) < q.Limit {
			page = append(page, a)
		}
	}
	return page, nil
}

// Whose campaigns are few leafs through their attempts page by page, all of them and in
// order, however many others are between.
func TestAttemptsOfSomeCampaignsFillTheirPages(t *testing.T) {
	var store called
	for n := 99; n >= 0; n-- {
		a := campaigns.Attempt{ID: campaigns.AttemptID(fmt.Sprintf("%02d", n)), Campaign: "other"}
		switch n % 10 {
		case 3:
			a.Campaign = "spring"
		case 7:
			a.Campaign = "summer"
		}
		store.all = append(store.all, a)
	}
	s := &Server{records: store}
	by := caller{User: campaigns.User{Campaigns: []campaigns.CampaignID{"spring", "summer"}}}
	q := campaigns.AttemptQuery{Limit: 8}
	var got []campaigns.AttemptID
	for _, size := range []int{8, 8, 4, 0} {
		page, err := s.attemptsSeen(t.Context(), by, q)
		if err != nil || len(page) != size {
			t.Fatalf("a page of %d, %v; want %d", len(page), err, size)
		}
		for _, a := range page {
			got = append(got, a.ID)
			q.Before = a.ID
		}
	}
	for i, id := range got {
		want := campaigns.AttemptID(fmt.Sprintf("%02d", 97-10*(i/2)-4*(i%2)))
		if id != want {
			t.Errorf("attempt %d is %s, want %s", i, id, want)
		}
	}
	if page, err := s.attemptsSeen(t.Context(), by, campaigns.AttemptQuery{Campaign: "other", Limit: 8}); err != nil || len(page) != 0 {
		t.Errorf("of a campaign that is not theirs: %v, %v", page, err)
	}
}

// Who has some campaigns puts into them what those dial and what they made: not every
// list, whose leads they would see and call then.
func TestListsOfSomeCampaigns(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	for _, l := range []campaigns.ListID{"theirs", "nobodys"} {
		if err := w.store.SaveList(t.Context(), campaigns.List{ID: l, Name: string(l)}); err != nil {
			t.Fatal(err)
		}
	}
	other, second := spring(), spring()
	other.ID, other.Lists = "other", []campaigns.ListID{"theirs"}
	second.ID, second.Lists = "second", nil
	for _, c := range []campaigns.Campaign{other, second} {
		if _, err := w.store.SaveCampaign(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "max", Role: campaigns.RoleManager, Campaigns: []campaigns.CampaignID{"spring", "second"}}); err != nil {
		t.Fatal(err)
	}
	for user, list := range map[string]string{"max": "fair", "mia": "expo"} {
		w.as(t, user, "POST", "/api/v1/lists/"+list+"/import", "number\n+48601100201\n").want(t, 200)
	}
	w.as(t, "max", "POST", "/api/v1/lists/nobodys/import", "number\n+48601100202\n").want(t, 200) // filled, not made
	put := func(user string, lists ...campaigns.ListID) reply {
		second.Lists, second.Version = lists, 0
		return w.send(t, w.tokens[user], "PUT", "/api/v1/campaigns/second", second, http.Header{"If-Match": {"*"}})
	}
	for _, wrong := range []campaigns.ListID{"theirs", "nobodys", "expo", "none"} {
		if got := put("max", "web", wrong).want(t, 422); !strings.Contains(got.body, `"pointer":"#/lists/1"`) {
			t.Errorf("%s: no pointer to it: %s", wrong, got.body)
		}
	}
	put("max", "web", "fair").want(t, 200)
	put("mia", "web", "theirs").want(t, 200) // who sees all campaigns
	put("max", "theirs").want(t, 200)        // stays, where it is there already
	var ids []string
	for _, l := range itemsOf[campaigns.List](t, w.as(t, "max", "GET", "/api/v1/lists", nil)) {
		ids = append(ids, string(l.ID))
	}
	if want := []string{"fair", "theirs", "web"}; !slices.Equal(ids, want) {
		t.Errorf("sees %q, want %q: what is dialled and what is made", ids, want)
	}
}
