package campaigns

import (
	"fmt"
	"reflect"
	"slices"
	"time"
)

// Overlaid is l with what an imported row of its source tells now, its grades only
// where the source changed them. A number proven bad stays bad; progress only rises.
func (l Lead) Overlaid(row Lead, grades bool) Lead {
	bad := map[string]bool{}
	for _, n := range l.Numbers {
		bad[n.E164] = n.Bad
	}
	l.Name, l.Fields, l.Note = row.Name, row.Fields, row.Note
	l.Numbers = nil
	for _, n := range row.Numbers {
		n.Bad = n.Bad || bad[n.E164]
		l.Numbers = append(l.Numbers, n)
	}
	if grades {
		progress := max(l.Grades.Progress, row.Grades.Progress)
		l.Grades = row.Grades
		l.Grades.Progress = progress
	}
	return l
}

// Replacing is c as a store keeps it in the place of old, the zero Campaign where
// there is none: the next version, created now unless it says when. rebuild says that the queues
// are out of date. ErrConflict where somebody else has replaced old.
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
	return c, !reflect.DeepEqual(old.Segments, c.Segments) || !slices.Equal(old.Lists, c.Lists), nil
}
