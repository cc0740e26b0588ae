package api

import (
	"context"
	"fmt"
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
