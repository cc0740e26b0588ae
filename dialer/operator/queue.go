package operator

import (
	"slices"
	"time"
)

// Queue holds the operators who are ready, longest ready first, so that waits
// are shared fairly.
type Queue struct {
	entries []queued
}

type queued struct {
	id    string
	since time.Time
}

// Add puts an operator in, by the time since when they are ready.
func (q *Queue) Add(id string, since time.Time) {
	q.Remove(id)
	at, _ := slices.BinarySearchFunc(q.entries, since, func(e queued, t time.Time) int {
		if e.since.After(t) {
			return 1
		}
		return -1 // equal times keep the order of arrival
	})
	q.entries = slices.Insert(q.entries, at, queued{id, since})
}

// Remove takes an operator out, if there.
func (q *Queue) Remove(id string) {
	q.entries = slices.DeleteFunc(q.entries, func(e queued) bool { return e.id == id })
}

// First is the longest-ready operator who fits.
func (q *Queue) First(fits func(id string) bool) (string, bool) {
	for _, e := range q.entries {
		if fits(e.id) {
			return e.id, true
		}
	}
	return "", false
}

// Len is how many operators are ready.
func (q *Queue) Len() int { return len(q.entries) }
