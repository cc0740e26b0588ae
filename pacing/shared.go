package pacing

import (
	"math"
	"time"
)

// Where several nodes dial for a campaign, the law measures them together. Each
// controller books what the others counted, and spends only the part of the credit
// that it was given: what it earns and loses itself changes its part, what others do
// does not, so together they never spend more than there is, whoever dies.

// Shared says what the other nodes of a campaign did, and what this one may spend.
type Shared struct {
	// Live and Abandoned are what the others counted since the last Shared.
	Live, Abandoned int
	// Part is how much of the campaign is this node's, (0, 1]; 0: the part and the
	// credit stay as they are.
	Part float64
	// Credit is how many calls this node might still have abandoned when its own
	// counts (Balance) were OwnLive and OwnAbandoned; below zero in debt.
	Credit                float64
	OwnLive, OwnAbandoned int
}

func (Shared) event() {}

// Balance is the budget of a controller at one moment.
type Balance struct {
	Live, Abandoned int     // counted by this controller, without what was recalled or shared
	Credit          float64 // calls of the whole campaign that may still be abandoned, in the tightest window
	Mine            float64 // of them, those that this controller may spend: all where nothing is shared
	AtWork          int     // operators
}

// own is what a controller counted itself, and its part.
type own struct {
	live, lost int
	shared     bool
	part       float64
	credit     float64 // when the counts were those of at
	at         [2]int  // live, lost
}

// told books a Shared.
func (b *budget) told(now time.Time, ev Shared) {
	if ev.Live != 0 || ev.Abandoned != 0 {
		b.ledger.book(now, float64(ev.Live), float64(ev.Abandoned))
	}
	if ev.Part > 0 {
		b.own.shared, b.own.part = true, min(1, ev.Part)
		b.own.credit, b.own.at = ev.Credit, [2]int{ev.OwnLive, ev.OwnAbandoned}
	}
}

// spendable is what is left of the part by now.
func (o *own) spendable(allowed float64) float64 {
	return o.credit + allowed*float64(o.live-o.at[0]) - float64(o.lost-o.at[1])
}

// of makes the account of this node out of that of a window over all nodes.
func (o *own) of(allowed, live, credit float64) (ownLive, ownCredit float64) {
	if !o.shared {
		return live, credit
	}
	return live * o.part, min(credit, o.spendable(allowed))
}

// Balance implements Controller.
func (c *controller) Balance(now time.Time) Balance {
	b, allowed := &c.budget, c.settings.allowance()
	b.ledger.advance(now)
	credit := math.Inf(1)
	for i := range b.ledger.windows {
		_, left := b.ledger.windows[i].credit(allowed)
		credit = min(credit, left)
	}
	_, mine := b.own.of(allowed, 0, credit)
	return Balance{Live: b.own.live, Abandoned: b.own.lost, Credit: credit, Mine: mine, AtWork: c.floor.staffing(now).atWork}
}
