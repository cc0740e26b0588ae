package hopper

import (
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A lead that somebody chose is had whoever's turn it is, once, and the others stay as they are.
func TestTakeLead(t *testing.T) {
	start := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	h := New(Config{Campaign: campaigns.Campaign{ID: "c", Segments: []campaigns.Segment{{Name: "a"}, {Name: "b"}}}, Lease: time.Minute}, newFake(),
		hours{"closed": {from: start.Add(time.Hour)}})
	anns := lead(5, "a", "w", campaigns.CallbackPriority, start)
	anns.Callback = &campaigns.Callback{At: start, User: "ann"}
	for _, c := range []campaigns.Claim{
		lead(1, "a", "w", 3, start), lead(2, "a", "w", 2, start), lead(3, "b", "w", 1, start), lead(4, "a", "closed", 1, start),
	} {
		c.Until = start.Add(time.Minute)
		h.shelve([]campaigns.Claim{c})
	}
	anns.Until = start.Add(time.Minute)
	h.keepPromises([]campaigns.Claim{anns}, start)
	for _, id := range []campaigns.LeadID{2, 3, 4, 5} {
		if c, ok := h.TakeLead(start, id); !ok || c.Lead.ID != id {
			t.Errorf("took lead %d, %v, want %d", c.Lead.ID, ok, id)
		}
		if _, ok := h.TakeLead(start, id); ok {
			t.Errorf("lead %d was taken twice", id)
		}
	}
	if _, ok := h.TakeLead(start, 9); ok {
		t.Error("took a lead that is not here")
	}
	if got := ids(h, start); !slices.Equal(got, []campaigns.LeadID{1}) {
		t.Errorf("left: %v, want lead 1", got)
	}
	if _, ok := h.TakeLead(start.Add(50*time.Second), 1); ok {
		t.Error("took a lead whose lease is nearly over")
	}
}
