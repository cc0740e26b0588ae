package campaigns

import (
	"fmt"
	"reflect"
	"slices"
	"time"
)

// Replacing is c as a store keeps it in the place of old, the zero Campaign where
// there is none: the next version, created now unless either says when. rebuild says
// that the queues are out of date. ErrConflict where somebody else has replaced old.
func (c Campaign) Replacing(old Campaign, now time.Time) (next Campaign, rebuild bool, err error) {
	if old.Version != c.Version { // 0 where there is none
		return c, false, fmt.Errorf("campaign %s is at version %d, not %d: %w", c.ID, old.Version, c.Version, ErrConflict)
	}
	if c.CreatedAt.IsZero() {
		c.CreatedAt = old.CreatedAt
	}
	if c.CreatedAt.IsZero() {
		c.CreatedAt = now
	}
	if c.State == "" {
		c.State = Stopped
	}
	c.CreatedAt = c.CreatedAt.UTC()
	c.Version++
	return c, !c.SamePlaces(old), nil
}

// SamePlaces says whether leads have the same places in the queues of both: which
// queue, and where in it.
func (c Campaign) SamePlaces(other Campaign) bool {
	return reflect.DeepEqual(filters(c.Segments), filters(other.Segments)) && slices.Equal(c.Lists, other.Lists) && c.Priority == other.Priority && (c.NthNew > 0) == (other.NthNew > 0)
}

// filters are segments without what says nothing of places.
func filters(all []Segment) []Segment {
	all = slices.Clone(all)
	for i := range all {
		all[i].Objections = ""
	}
	return all
}
