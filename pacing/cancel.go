package pacing

import (
	"slices"
	"time"
)

// retryCancel is after how long a call that we asked to cancel, and that still
// has not ended, counts again as one that may be answered.
const retryCancel = 2 * time.Second

func (k *call) beingCancelled(now time.Time) bool {
	return !k.givenUp.IsZero() && now.Sub(k.givenUp) < retryCancel
}

// While one operator is free, late answers are welcome unless calls in flight crowd:
// one more would be abandoned at a chance of so many thresholds. Then a younger call,
// which may not be given up yet, is likely to take that operator.
const (
	spareForLate = 1
	crowd        = 3.0
)

// makeRoom puts who is here and what is in flight into the look-ahead, after it gave
// up what is too much, and names those calls. While nobody is free, each that has
// rung the legal minimum is: its answer would most likely be abandoned, and most
// people who answer at all have answered before.
func (c *controller) makeRoom(now time.Time, v View, next, free int, a account) []string {
	if free < spareForLate {
		cancel := c.giveUp(now, v)
		c.prepare(now, next, free)
		return cancel
	}
	c.prepare(now, next, free)
	if free > spareForLate || c.look.abandonChance() <= crowd*c.threshold(a) {
		return nil
	}
	cancel := c.giveUp(now, v)
	if len(cancel) > 0 {
		c.prepare(now, next, free)
	}
	return cancel
}

// giveUp names the ringing calls that have rung the legal minimum, to be cancelled.
// Where the trunk binds, cancelling only wastes dials.
func (c *controller) giveUp(now time.Time, v View) []string {
	if !c.settings.Cancel {
		return nil
	}
	if v.Room == 0 && (v.Bound == BoundChannels || v.Bound == BoundCPS) {
		return nil
	}
	calls := c.surplus[:0]
	for _, k := range c.floor.inFlight {
		if k.ringing.IsZero() || !k.answered.IsZero() || k.beingCancelled(now) {
			continue
		}
		if now.Sub(k.ringing) >= c.settings.RingMin {
			calls = append(calls, k)
		}
	}
	c.surplus = calls
	if len(calls) == 0 {
		return nil
	}
	slices.SortStableFunc(calls, func(a, b *call) int { return a.dialled.Compare(b.dialled) })
	c.cancelled = c.cancelled[:0]
	for _, k := range calls {
		k.givenUp = now
		c.cancelled = append(c.cancelled, k.id)
	}
	return c.cancelled
}
