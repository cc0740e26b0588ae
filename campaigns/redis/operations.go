package redis

import (
	"errors"
	"maps"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// operations counts what the store does.
type operations struct {
	mu     sync.Mutex
	byName map[string]campaigns.OperationStats
}

func newOperations() *operations {
	return &operations{byName: map[string]campaigns.OperationStats{}}
}

// add counts one operation. A stale fence, a refusal and a missing record are
// answers, not errors.
func (o *operations) add(name string, took time.Duration, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.byName[name]
	s.Count++
	s.Seconds += took.Seconds()
	if err != nil && !isAnswer(err) {
		s.Errors++
	}
	o.byName[name] = s
}

func isAnswer(err error) bool {
	return errors.Is(err, campaigns.ErrStale) || errors.Is(err, campaigns.ErrNotFound) || errors.Is(err, campaigns.ErrConflict)
}

func (o *operations) snapshot() map[string]campaigns.OperationStats {
	o.mu.Lock()
	defer o.mu.Unlock()
	return maps.Clone(o.byName)
}
