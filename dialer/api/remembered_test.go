package api

import (
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func TestRemembered(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	r := newRemembered()
	r.add("long", campaigns.User{ID: "olga"}, time.Time{}, now)
	r.add("short", campaigns.User{ID: "mia"}, now.Add(time.Minute), now)
	r.failed(now)
	for _, c := range []struct {
		hash       string
		after      time.Duration
		known, ask bool
	}{
		{"long", 0, true, false},
		{"long", answersWithin + 1, true, true},
		{"long", rememberFor, true, true},
		{"long", rememberFor + 1, false, true},
		{"short", 59 * time.Second, true, true},
		{"short", time.Minute, false, true},
		{"nobody's", 0, false, true},
	} {
		if _, known, ask := r.find(c.hash, now.Add(c.after)); known != c.known || ask != c.ask {
			t.Errorf("%s after %v: known %v, to be asked %v, want %v and %v", c.hash, c.after, known, ask, c.known, c.ask)
		}
	}
	r.add("short", campaigns.User{ID: "mia"}, time.Time{}, now) // the store is back
	if _, known, ask := r.find("long", now); !known || !ask {
		t.Errorf("once the store is back: known %v, to be asked %v", known, ask)
	}
	r.forget("long")
	if _, known, _ := r.find("long", now); known {
		t.Error("a token that was taken back is known")
	}
}

func TestRememberedIsBounded(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	r := newRemembered()
	for i := range mostRemembered + 10 {
		r.add(fmt.Sprint(i), campaigns.User{}, time.Time{}, now)
	}
	if len(r.callers) != mostRemembered {
		t.Errorf("%d are remembered, want %d at most", len(r.callers), mostRemembered)
	}
	r.add("new", campaigns.User{}, time.Time{}, now.Add(rememberFor+1))
	if len(r.callers) != 1 {
		t.Errorf("%d are remembered, want the new one alone", len(r.callers))
	}
}
