package webrtc

import (
	"context"
	"sync"
)

// What became of a user's phone.
type What string

// The kinds of Event.
const (
	Connected What = "connected"  // a connection came up, or back
	Away      What = "away"       // nothing comes from it
	TakenOver What = "taken_over" // Session is over: another has its place
	HungUp    What = "hung_up"    // it was ended by Disconnect, and there is no other
	Gone      What = "gone"       // it is over, or never came up, and there is no other
)

// Event says what became of a user's phone.
type Event struct {
	User, Session string
	What          What
}

// outbox keeps events in order until Run passes them on: whoever makes one may hold
// locks.
type outbox struct {
	mu     sync.Mutex
	events []Event
	wake   chan struct{}
}

func newOutbox() outbox { return outbox{wake: make(chan struct{}, 1)} }

func (e *Exchange) tell(p *Phone, session string, what What) {
	if p.byLeg {
		return
	}
	ev, o := Event{p.user, session, what}, &e.events
	o.mu.Lock()
	o.events = append(o.events, ev)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

func (o *outbox) run(ctx context.Context, emit func(Event)) {
	for {
		o.mu.Lock()
		events := o.events
		o.events = nil
		o.mu.Unlock()
		for _, ev := range events {
			emit(ev)
		}
		select {
		case <-o.wake:
		case <-ctx.Done():
			return
		}
	}
}
