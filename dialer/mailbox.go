package dialer

import (
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// What the loop receives.
type (
	signal  struct{ event sip.Event }
	sound   struct{ event media.Event }
	command struct {
		do     func(now time.Time) error
		answer chan error
	}
	result struct{ do func(now time.Time) }
)

// mailbox is the loop's inbox. It has no bound: the loop calls rooms that post
// events from inside that call, and a full inbox would stop both for good. What
// arrives is bounded by the calls that the loop itself allows.
type mailbox struct {
	mu      sync.Mutex
	letters []any
	spare   []any // taken before, and read by now
	closed  bool
	more    chan struct{}
}

func newMailbox() *mailbox { return &mailbox{more: make(chan struct{}, 1)} }

// put never blocks. Letters to a closed mailbox are dropped.
func (m *mailbox) put(letter any) {
	m.mu.Lock()
	if !m.closed {
		m.letters = append(m.letters, letter)
	}
	m.mu.Unlock()
	select {
	case m.more <- struct{}{}:
	default:
	}
}

// mostSpare is how many letters there may have been at once for their room to be kept.
const mostSpare = 1024

// take returns all that waits, in order. It is valid until the next take.
func (m *mailbox) take() []any {
	m.mu.Lock()
	defer m.mu.Unlock()
	letters := m.letters
	clear(m.spare)
	m.letters, m.spare = m.spare[:0], letters
	if cap(letters) > mostSpare {
		m.spare = nil
	}
	return letters
}

func (m *mailbox) close() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed, m.letters = true, nil
}

func (m *mailbox) len() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.letters)
}
