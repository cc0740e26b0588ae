package hopper

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// shelf holds the claims of one segment.
type shelf struct {
	name   string
	weight int
	credit int                // of the smooth weighted round robin
	claims []*campaigns.Claim // the best last: that is where claims are taken

	// Where the line that is being drawn up stands; see Hopper.lineUp.
	at  int // index of its next claim, -1: none is left
	due int // its credit by then
}

func newShelves(c campaigns.Campaign) []*shelf {
	if len(c.Segments) == 0 {
		return []*shelf{{name: campaigns.AllSegment, weight: 1}}
	}
	var all []*shelf
	for _, s := range c.Segments {
		all = append(all, &shelf{name: s.Name, weight: max(s.Weight, 1)})
	}
	return all
}

// sooner says whether a is dialled before b: the higher priority first, then who
// was due first. Ties are settled as the store does.
func sooner(a, b *campaigns.Claim) bool {
	return cmp.Or(cmp.Compare(b.Priority, a.Priority), a.DueAt.Compare(b.DueAt), cmp.Compare(a.Lead.ID, b.Lead.ID)) < 0
}

func (s *shelf) add(c *campaigns.Claim) {
	at := sort.Search(len(s.claims), func(i int) bool { return !sooner(c, s.claims[i]) })
	s.claims = slices.Insert(s.claims, at, c)
}

func (s *shelf) remove(i int) *campaigns.Claim {
	c := s.claims[i]
	s.claims = slices.Delete(s.claims, i, i+1)
	return c
}

// lineUp lists up to n claims that may be dialled now, in the order in which Next
// would give them. The list is valid until the next call.
func (h *Hopper) lineUp(now time.Time, n int) []place {
	h.line = h.line[:0]
	for _, s := range h.shelves {
		h.putAside(s, now)
		s.at, s.due = len(s.claims)-1, s.credit
	}
	for len(h.line) < n {
		s := h.nextShelf()
		if s == nil {
			break
		}
		h.line = append(h.line, place{s, s.at})
		if s.claims[s.at].Callback == nil { // a promise uses up nobody's turn
			h.settle(s)
		}
		for s.at--; s.at >= 0 && !h.usable(s.claims[s.at], now); s.at-- {
		}
	}
	return h.line
}

// place is where a claim of the line lies.
type place struct {
	shelf *shelf
	index int
}

func (p place) claim() *campaigns.Claim { return p.shelf.claims[p.index] }

// nextShelf finds the shelf whose turn it is; nil where nothing is left.
func (h *Hopper) nextShelf() *shelf {
	var promised, next *shelf
	for _, s := range h.shelves {
		if s.at < 0 {
			continue
		}
		head := s.claims[s.at]
		if head.Callback != nil && (promised == nil || sooner(head, promised.claims[promised.at])) {
			promised = s
		}
		if next == nil || s.due+s.weight > next.due+next.weight {
			next = s
		}
	}
	if promised != nil {
		return promised
	}
	return next
}

// settle settles the credits after the chosen shelf had its turn: each shelf that
// could have been chosen earns its weight, and the chosen one pays for all.
// So the turns of a shelf are spread evenly (smooth weighted round robin).
func (h *Hopper) settle(chosen *shelf) {
	total := 0
	for _, s := range h.shelves {
		if s.at < 0 {
			s.due = 0 // nothing is saved up while there is nothing to give
			continue
		}
		s.due += s.weight
		total += s.weight
	}
	chosen.due -= total
}

// take takes a claim of the line out, for good: its shelf had its turn, whether
// it was next or not. Who takes ahead of the turn pays for it, and has fewer
// claims in the line after; so the mix of the segments stays what it is to be.
func (h *Hopper) take(p place, now time.Time) campaigns.Claim {
	if p.claim().Callback == nil {
		for _, s := range h.shelves {
			s.at, s.due = len(s.claims)-1, s.credit
		}
		h.settle(p.shelf)
		for _, s := range h.shelves {
			s.credit = s.due
		}
	}
	c := p.shelf.remove(p.index)
	delete(h.overtaken, c.Lead.ID)
	h.callIfLow(now)
	return *c
}

// putAside moves claims from the head of a shelf that may not be dialled.
func (h *Hopper) putAside(s *shelf, now time.Time) {
	for last := len(s.claims) - 1; last >= 0 && !h.usable(s.claims[last], now); last-- {
		h.back = append(h.back, *s.remove(last))
		h.look()
	}
}
