package hopper

import (
	"container/heap"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// shelf holds the claims of one segment, best first.
type shelf struct {
	name   string
	weight int
	credit int // of the smooth weighted round robin
	claims claims
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

func (s *shelf) add(c campaigns.Claim) { heap.Push(&s.claims, c) }

// set replaces the claims of a shelf.
func (s *shelf) set(all claims) {
	s.claims = all
	heap.Init(&s.claims)
}

// best finds the shelf that Next takes from; nil where all are empty. Claims
// that may not be dialled any more are put aside on the way.
func (h *Hopper) best(now time.Time) *shelf {
	var promised, next *shelf
	for _, s := range h.shelves {
		h.putAside(s, now)
		if len(s.claims) == 0 {
			continue
		}
		if s.claims[0].Callback != nil && (promised == nil || sooner(s.claims[0], promised.claims[0])) {
			promised = s
		}
		if next == nil || s.credit+s.weight > next.credit+next.weight {
			next = s
		}
	}
	if promised != nil {
		return promised
	}
	return next
}

// turn settles the credits after the chosen shelf had its turn: each shelf that
// could have been chosen earns its weight, and the chosen one pays for all.
// So the turns of a shelf are spread evenly (smooth weighted round robin).
func (h *Hopper) turn(chosen *shelf) {
	if chosen.claims[0].Callback != nil {
		return // a promise uses up nobody's turn
	}
	total := 0
	for _, s := range h.shelves {
		if len(s.claims) == 0 {
			s.credit = 0 // nothing is saved up while there is nothing to give
			continue
		}
		s.credit += s.weight
		total += s.weight
	}
	chosen.credit -= total
}

// putAside moves claims from the head of a shelf that may not be dialled.
func (h *Hopper) putAside(s *shelf, now time.Time) {
	for len(s.claims) > 0 && !h.usable(s.claims[0], now) {
		h.back = append(h.back, heap.Pop(&s.claims).(campaigns.Claim))
		h.look()
	}
}

// claims is a heap: the highest priority first, then who was due first.
type claims []campaigns.Claim

func sooner(a, b campaigns.Claim) bool {
	if a.Priority != b.Priority {
		return a.Priority > b.Priority
	}
	return a.DueAt.Before(b.DueAt)
}

func (c claims) Len() int           { return len(c) }
func (c claims) Less(i, j int) bool { return sooner(c[i], c[j]) }
func (c claims) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }
func (c *claims) Push(x any)        { *c = append(*c, x.(campaigns.Claim)) }

func (c *claims) Pop() any {
	last := len(*c) - 1
	x := (*c)[last]
	*c = (*c)[:last]
	return x
}
