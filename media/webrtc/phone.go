package webrtc

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Phone is one user's browser as the Wire of their leg. Its connections come and go
// under it.
type Phone struct {
	exchange *Exchange
	user     string
	byLeg    bool // that of a Dialog: its leg is told by the signalling, and by its audio

	pending *connection                // answered, not up yet; of Exchange.mu
	current atomic.Pointer[connection] // changed under Exchange.mu and hearing

	// hearing is held while a datagram is handed over, so that two connections never
	// speak at once and none after Detach. Nothing slow is done under it.
	hearing sync.Mutex
	end     media.WireEnd
}

var _ media.Wire = (*Phone)(nil)

// reachable says whether there is a connection, or one that may come up. Exchange.mu
// is held.
func (p *Phone) reachable() bool { return p.pending != nil || p.current.Load() != nil }

// State is what there is to say of a phone.
type State struct {
	Session   string // of the connection that is heard, else of the one that is waited for
	Connected bool   // and something comes from it
}

// State of a user's phone; false where there is none.
func (e *Exchange) State(user string) (State, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.phones[user]
	if p == nil || !p.reachable() {
		return State{}, false
	}
	if c := p.current.Load(); c != nil {
		return State{c.session, !c.away}, true
	}
	return State{p.pending.session, false}, true
}

// Attach hands what the browser sends to end, until Detach has returned.
func (p *Phone) Attach(end media.WireEnd) {
	p.hearing.Lock()
	defer p.hearing.Unlock()
	p.end = end
	if c := p.current.Load(); c != nil {
		end.Follow(c.format)
	}
}

// Detach ends that. The browser stays connected.
func (p *Phone) Detach() {
	p.hearing.Lock()
	p.end = nil
	p.hearing.Unlock()
	p.exchange.mu.Lock()
	defer p.exchange.mu.Unlock()
	p.exchange.tidy(p)
}

// WriteRTP sends one packet to the browser.
func (p *Phone) WriteRTP(b []byte) error {
	if c := p.current.Load(); c != nil {
		p.exchange.sent.Add(1)
		return c.writeRTP(b)
	}
	return nil
}

// WriteRTCP sends one compound packet to the browser.
func (p *Phone) WriteRTCP(b []byte) error {
	if c := p.current.Load(); c != nil {
		return c.writeRTCP(b)
	}
	return nil
}

func (p *Phone) hearRTP(c *connection, b []byte, now time.Time) {
	p.hearing.Lock()
	if p.end != nil && p.current.Load() == c {
		p.end.HearRTP(b, now)
	}
	p.hearing.Unlock()
}

func (p *Phone) hearRTCP(c *connection, b []byte, now time.Time) {
	p.hearing.Lock()
	if p.end != nil && p.current.Load() == c {
		p.end.HearRTCP(b, now)
	}
	p.hearing.Unlock()
}

// replace makes c the connection that is heard, nil for none. Exchange.mu is held.
func (p *Phone) replace(c *connection) {
	p.hearing.Lock()
	defer p.hearing.Unlock()
	p.current.Store(c)
	if c != nil && p.end != nil {
		p.end.Follow(c.format)
	}
}

// attached says whether a leg is on the phone.
func (p *Phone) attached() bool {
	p.hearing.Lock()
	defer p.hearing.Unlock()
	return p.end != nil
}

// tidy forgets a phone that nobody has any more. Exchange.mu is held.
func (e *Exchange) tidy(p *Phone) {
	if !p.reachable() && !p.attached() && e.phones[p.user] == p {
		delete(e.phones, p.user)
	}
}
