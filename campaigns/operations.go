package campaigns

import (
	"errors"
	"maps"
	"sync"
	"time"
)

// Operations counts what a store does; its methods may be called at the same time.
// The zero value is ready.
type Operations struct {
	mu     sync.Mutex
	byName map[string]OperationStats
}

// Add counts one operation and how long it took; an answer (IsAnswer) is no error.
func (o *Operations) Add(name string, took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.byName == nil {
		o.byName = map[string]OperationStats{}
	}
	s := o.byName[name]
	s.Count++
	s.Seconds += took.Seconds()
	if err != nil && !IsAnswer(err) {
		s.Errors++
	}
	o.byName[name] = s
}

// IsAnswer says whether an error of a store is an answer: a stale fence, a missing
// record, a list that was deleted, a version that somebody else replaced.
func IsAnswer(err error) bool {
	return errors.Is(err, ErrStale) || errors.Is(err, ErrDeleted) || errors.Is(err, ErrNotFound) || errors.Is(err, ErrConflict)
}

// Snapshot is what was counted so far, by name of the operation.
func (o *Operations) Snapshot() map[string]OperationStats {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.byName)
}
