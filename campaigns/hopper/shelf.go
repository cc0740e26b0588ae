package hopper

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// segment is what shares the turns by weight: the shelves of one segment.
type segment struct {
	name string
	turns
}

// shelf holds the claims of one segment; where every nth lead is to be one that
// was never tried, those are on a shelf of their own.
type shelf struct {
	segment *segment
	fresh   bool               // leads never tried
	turns                      // among the shelves of the segment
	claims  []*campaigns.Claim // the best last: that is where claims are taken
	more    bool               // the store has more than were asked for, at the last look
	at      int                // where the line that is being drawn up stands: index of its next claim, -1: none is left; see Hopper.lineUp
}

// turns are those of one in a smooth weighted round robin.
type turns struct {
	weight int
	credit int
	due    int // credit by where the line stands that is being drawn up
}

// shares says whether a shelf has turns: it has leads, or is about to. What is
// asked for has its turns later, or the mix would depend on how soon it comes.
func (s *shelf) shares() bool { return s.at >= 0 || s.more }

func newShelves(c campaigns.Campaign) ([]*segment, []*shelf) {
	declared := c.Segments
	if len(declared) == 0 {
		declared = []campaigns.Segment{{Name: campaigns.AllSegment}}
	}
	var segments []*segment
	var shelves []*shelf
	for _, d := range declared {
		s := &segment{name: d.Name, turns: turns{weight: max(d.Weight, 1)}}
		segments = append(segments, s)
		if c.NthNew == 0 {
			shelves = append(shelves, &shelf{segment: s, turns: turns{weight: 1}})
			continue
		}
		shelves = append(shelves, &shelf{segment: s, turns: turns{weight: c.NthNew - 1}}, &shelf{segment: s, fresh: true, turns: turns{weight: 1}})
	}
	return segments, shelves
}

// shelfFor is where a claim of a queue lies; nil where its segment is not (any
// more) one of the campaign.
func (h *Hopper) shelfFor(q campaigns.QueueID) *shelf {
	var of *shelf
	for _, s := range h.shelves {
		if s.segment.name == q.Segment && (of == nil || s.fresh == q.New) {
			of = s
		}
	}
	return of
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
	look := h.glance(now)
	for _, s := range h.shelves {
		look.putAside(s)
	}
	h.startLine()
	for len(h.line) < n {
		s := h.nextShelf()
		if s == nil {
			break
		}
		h.line = append(h.line, place{s, s.at})
		if s.claims[s.at].Callback == nil { // a promise uses up nobody's turn
			h.settle(s)
		}
		for s.at--; s.at >= 0 && !look.usable(s.claims[s.at]); s.at-- {
		}
	}
	return h.line
}

func (h *Hopper) startLine() {
	for _, g := range h.segments {
		g.due = g.credit
	}
	for _, s := range h.shelves {
		s.at, s.due = len(s.claims)-1, s.credit
	}
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
		if next == nil || s.before(next) {
			next = s
		}
	}
	if promised != nil {
		return promised
	}
	return next
}

// before says whether it is sooner the turn of s than of another: of its segment
// first, then its own in that.
func (s *shelf) before(other *shelf) bool {
	if s.segment == other.segment {
		return s.due+s.weight > other.due+other.weight
	}
	return s.segment.due+s.segment.weight > other.segment.due+other.segment.weight
}

// settle settles the credits after the chosen shelf had its turn: each that could
// have been chosen earns its weight, and the chosen one pays for all. So turns are
// spread evenly (smooth weighted round robin), those of segments and, in the chosen
// segment, those of its shelves.
func (h *Hopper) settle(chosen *shelf) {
	total := 0
	for _, g := range h.segments {
		if !h.segmentShares(g) {
			g.due = 0 // nothing is saved up while there is nothing to give
			continue
		}
		g.due += g.weight
		total += g.weight
	}
	chosen.segment.due -= total
	total = 0
	for _, s := range h.shelves {
		if s.segment != chosen.segment {
			continue
		}
		if !s.shares() {
			s.due = 0
			continue
		}
		s.due += s.weight
		total += s.weight
	}
	chosen.due -= total
}

func (h *Hopper) segmentShares(g *segment) bool {
	for _, s := range h.shelves {
		if s.segment == g && s.shares() {
			return true
		}
	}
	return false
}

// take takes a claim of the line out, for good: its shelf had its turn, whether
// it was next or not. Who takes ahead of the turn pays for it, and has fewer
// claims in the line after; so the mix of the segments stays what it is to be.
func (h *Hopper) take(p place, now time.Time) campaigns.Claim {
	if p.claim().Callback == nil {
		h.startLine()
		h.settle(p.shelf)
		for _, g := range h.segments {
			g.credit = g.due
		}
		for _, s := range h.shelves {
			s.credit = s.due
		}
	}
	c := p.shelf.remove(p.index)
	delete(h.overtaken, c.Lead.ID)
	h.callIfLow(now)
	if len(p.shelf.claims) == 0 && p.shelf.more {
		h.look()
	}
	return *c
}

// putAside moves claims from the head of a shelf that may not be dialled.
func (g *glance) putAside(s *shelf) {
	for last := len(s.claims) - 1; last >= 0 && !g.usable(s.claims[last]); last-- {
		g.back = append(g.back, *s.remove(last))
		g.look()
	}
}
