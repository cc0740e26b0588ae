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

// spareForLate is with how many free operators late answers are still unwelcome:
// a younger call is likely to take the last one.
const spareForLate = 1

// giveUp names the ringing calls to cancel: while hardly anybody is free, every one
// that has rung the legal minimum. Its answer would most likely be abandoned, and
// most people who answer at all have answered before. Where the trunk binds,
// cancelling only wastes dials.
func (c *controller) giveUp(now time.Time, v View, free int) []string {
	if !c.settings.Cancel || free > spareForLate {
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
