package simulator

import (
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// Book is what a shared store keeps of the budget of a campaign: what all nodes
// counted, and what each may believe to have of the credit. The arithmetic is that
// of the product, which has it in its stores and beside its engine.
type Book struct {
	live, abandoned int
	pages           []page
}

// page is the book's of one node.
type page struct {
	live, abandoned int     // that it counted itself
	told            [2]int  // live, abandoned: of others, as far as it heard
	counts          float64 // of the credit: the most that it may believe to have
	need            float64
}

// idleWeight is the need of a node without operators, in operators.
const idleWeight = 0.05

// NewBook is the book of so many nodes.
func NewBook(nodes int) *Book { return &Book{pages: make([]page, nodes)} }

// Renew counts what a node counted, tells it what others did, and gives it a part of
// the credit in proportion to its operators at work: never more than the others
// leave, whose parts count until they renew them.
func (b *Book) Renew(node int, now time.Time, c pacing.Controller) {
	p := &b.pages[node]
	own := c.Balance(now)
	b.live, b.abandoned = b.live+own.Live-p.live, b.abandoned+own.Abandoned-p.abandoned
	p.live, p.abandoned = own.Live, own.Abandoned

	others := [2]int{b.live - p.live, b.abandoned - p.abandoned}
	c.Observe(now, pacing.Shared{Live: others[0] - p.told[0], Abandoned: others[1] - p.told[1]})
	p.told = others

	asked := c.Balance(now)
	p.need = float64(asked.AtWork) + idleWeight
	needs, taken := 0.0, 0.0
	for i, o := range b.pages {
		needs += o.need
		if i != node {
			taken += max(0, o.counts) // the debt of one is no credit of the others
		}
	}
	share := min(asked.Credit*p.need/needs, asked.Credit-taken)
	p.counts = max(share, asked.Mine)
	c.Observe(now, pacing.Shared{Part: p.need / needs, Credit: share, OwnLive: asked.Live, OwnAbandoned: asked.Abandoned})
}
