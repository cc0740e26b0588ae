package bridge

import (
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Pair is two legs that hear each other.
type Pair struct {
	ToOperator, ToCustomer Path
}

// Path is one direction of a pair.
type Path struct {
	to    *Output
	first atomic.Int64 // Unix nanoseconds of the first packet that went out
}

// Join splices the two outputs. flowing says for each leg whether packets of
// it are on their way. From now on the legs' receivers call Relay.
func Join(customer, operator *Output, now time.Time, customerFlows, operatorFlows bool) *Pair {
	operator.Splice(now, customerFlows)
	customer.Splice(now, operatorFlows)
	return &Pair{ToOperator: Path{to: operator}, ToCustomer: Path{to: customer}}
}

// Part ends the pair; both legs hear silence. The receivers must have been
// told before.
func (p *Pair) Part() {
	p.ToOperator.to.Unsplice()
	p.ToCustomer.to.Unsplice()
}

// Relay sends a packet on and says whether it went out.
func (p *Path) Relay(now time.Time, packet *media.Packet) bool {
	if !p.to.Relay(now, packet) {
		return false
	}
	if p.first.Load() == 0 {
		p.first.Store(now.UnixNano())
	}
	return true
}

// Hush fills the pause that a comfort noise packet announces.
func (p *Path) Hush(packet *media.Packet) { p.to.Hush(packet) }

// First is when the first packet went out; zero before it.
func (p *Path) First() time.Time {
	if at := p.first.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}
