package sip

import "sync"

// envelope is one input on its way to its leg: by id (commands, timers,
// transactions), by our tag (the network), or with a new line.
type envelope struct {
	leg   LegID
	tag   string
	made  *line
	in    input
	stray *Dialog // of a 2xx: enough to end the call if no leg takes it
}

// inbox is the one way into the agent's loop. Putting never blocks: the engine
// commands us from its own loop, which we may be telling something just now.
type inbox struct {
	mu    sync.Mutex
	items []envelope
	spare []envelope // taken before, and read by now
	wake  chan struct{}
}

// maxBehind bounds what the network may queue. Commands are always taken.
const maxBehind = 20_000

func newInbox() *inbox { return &inbox{wake: make(chan struct{}, 1)} }

func (b *inbox) put(e envelope) { b.offer(e, 0) }

// offer is put for the network: false when the loop is limit behind. UDP
// repeats what we drop.
func (b *inbox) offer(e envelope, limit int) bool {
	b.mu.Lock()
	full := limit > 0 && len(b.items) >= limit
	if !full {
		b.items = append(b.items, e)
	}
	b.mu.Unlock()
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return !full
}

// mostSpare is how many items there may have been at once for their room to be kept.
const mostSpare = 1024

// take returns all that waits, in order. It is valid until the next take.
func (b *inbox) take() []envelope {
	b.mu.Lock()
	defer b.mu.Unlock()
	items := b.items
	clear(b.spare)
	b.items, b.spare = b.spare[:0], items
	if cap(items) > mostSpare {
		b.spare = nil
	}
	return items
}

// lanes run writes that may block (TCP, names to resolve) outside the loop,
// one after the other for each destination, so that an ACK never overtakes.
type lanes struct {
	mu    sync.Mutex
	queue map[string][]func()
	wg    sync.WaitGroup
}

func (l *lanes) run(key string, f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting, busy := l.queue[key]
	if busy {
		l.queue[key] = append(waiting, f)
		return
	}
	if l.queue == nil {
		l.queue = map[string][]func(){}
	}
	l.queue[key] = []func(){}
	l.wg.Go(func() { l.drain(key, f) })
}

func (l *lanes) drain(key string, f func()) {
	for f != nil {
		f()
		f = l.next(key)
	}
}

func (l *lanes) next(key string) func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	waiting := l.queue[key]
	if len(waiting) == 0 {
		delete(l.queue, key)
		return nil
	}
	l.queue[key] = waiting[1:]
	return waiting[0]
}
