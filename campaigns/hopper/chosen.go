package hopper

import (
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TakeLead takes a lead that somebody chose, whoever's turn it is and whether or not its
// window is open: nobody else can have it while it is held here. False: it is not, or its
// lease is nearly over.
func (h *Hopper) TakeLead(now time.Time, id campaigns.LeadID) (campaigns.Claim, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	is := func(c *campaigns.Claim) bool { return c.Lead.ID == id && c.Until.Sub(now) >= h.lease/4 }
	if i := slices.IndexFunc(h.promises, is); i >= 0 {
		c := *h.promises[i]
		h.promises = slices.Delete(h.promises, i, i+1)
		h.look()
		return c, true
	}
	for _, s := range h.shelves {
		if i := slices.IndexFunc(s.claims, is); i >= 0 {
			c := s.remove(i)
			delete(h.overtaken, id)
			h.callIfLow(now)
			return *c, true
		}
	}
	return campaigns.Claim{}, false
}
