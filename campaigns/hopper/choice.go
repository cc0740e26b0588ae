package hopper

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// MostChoices is how far ahead of the order a lead may be taken.
const MostChoices = 16

// overtakeAtMost is how often others may be taken before a lead whose turn it
// was. After that it is offered before all of those behind it.
const overtakeAtMost = 32

// Choices appends up to n leads to into, in the order in which Next would give
// them: the first is next, and any of the others may be taken before it, see
// Take. They are of the same standing: a promised call comes first and alone,
// and no lead goes before one of its segment with a higher priority. The claims
// are the hopper's own, to be read only.
func (h *Hopper) Choices(now time.Time, n int, into []*campaigns.Claim) []*campaigns.Claim {
	h.mu.Lock()
	defer h.mu.Unlock()
	choices := h.choices(now, n)
	if len(choices) == 0 {
		h.starve(now)
	}
	for _, p := range choices {
		into = append(into, p.claim())
	}
	return into
}

// Take takes one of the Choices. False means that it is none any more: a promised
// call came, or its window or lease is over. Then ask for the choices again.
func (h *Hopper) Take(now time.Time, chosen *campaigns.Claim) (campaigns.Claim, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	choices := h.choices(now, MostChoices)
	for i, p := range choices {
		if p.claim() != chosen {
			continue
		}
		for _, before := range choices[:i] {
			h.overtaken[before.claim().Lead.ID]++
		}
		return h.take(p, now), true
	}
	return campaigns.Claim{}, false
}

// choices cuts the line where the standing ends.
func (h *Hopper) choices(now time.Time, n int) []place {
	line := h.lineUp(now, min(n, MostChoices))
	for i, p := range line {
		c := p.claim()
		if i > 0 && (c.Callback != nil || c.Priority != h.firstOf(p.shelf, line).Priority) {
			return line[:i]
		}
		if c.Callback != nil || h.overtaken[c.Lead.ID] >= overtakeAtMost {
			return line[:i+1]
		}
	}
	return line
}

// firstOf is the first claim of a shelf in the line.
func (h *Hopper) firstOf(s *shelf, line []place) *campaigns.Claim {
	for _, p := range line {
		if p.shelf == s {
			return p.claim()
		}
	}
	return nil
}

// forgetOvertaken forgets leads that are not at hand, where there are too many of
// them: other nodes have dialled them, or their windows are closed for long.
func (h *Hopper) forgetOvertaken() {
	if len(h.overtaken) <= 4*h.size {
		return
	}
	held := map[campaigns.LeadID]int{}
	for _, s := range h.shelves {
		for _, c := range s.claims {
			if n := h.overtaken[c.Lead.ID]; n > 0 {
				held[c.Lead.ID] = n
			}
		}
	}
	h.overtaken = held
}
