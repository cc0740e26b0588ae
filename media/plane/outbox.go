package plane

import (
	"context"
	"sync"

	"github.com/outpace-dialer/outpace/media"
)

// outbox holds events until the engine takes them, so that audio never waits
// for it. Events keep their order and are never dropped.
type outbox struct {
	mu     sync.Mutex
	events []media.Event
	wake   chan struct{}
}

func newOutbox() *outbox { return &outbox{wake: make(chan struct{}, 1)} }

func (o *outbox) post(e media.Event) {
	o.mu.Lock()
	o.events = append(o.events, e)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) take() []media.Event {
	o.mu.Lock()
	defer o.mu.Unlock()
	events := o.events
	o.events = nil
	return events
}

// run hands events to emit until ctx ends, then what is left.
func (o *outbox) run(ctx context.Context, emit func(media.Event)) {
	for {
		for _, e := range o.take() {
			emit(e)
		}
		select {
		case <-o.wake:
		case <-ctx.Done():
			for _, e := range o.take() {
				emit(e)
			}
			return
		}
	}
}
