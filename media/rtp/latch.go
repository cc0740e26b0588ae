package rtp

import (
	"net/netip"
	"slices"
	"time"
)

const (
	// learning is how long after the first packet of a description another
	// source than the described one may still be taken.
	learning = 5 * time.Second
	// probation is how many packets in sequence a new source must send.
	probation = 4
)

// latch decides whose packets are the leg's. What the description names is
// taken at once. A phone behind a NAT sends from elsewhere: its source is
// taken if its IP is allowed and it sends in sequence with one SSRC, while the
// learning window is open. After that only a new description changes anything,
// so that RTP bleed (a stranger who gets the stream by sending first) fails.
type latch struct {
	described netip.AddrPort
	allowed   func(netip.Addr) bool
	source    netip.AddrPort // whose packets are taken; invalid before the first
	until     time.Time      // end of the learning window; zero before the first packet
	candidate candidate
}

type candidate struct {
	source   netip.AddrPort
	ssrc     uint32
	sequence uint16 // of its last packet
	run      int
}

// admit says whether a packet belongs to the leg.
func (l *latch) admit(from netip.AddrPort, h *header, now time.Time) bool {
	if from == l.source {
		return true
	}
	if !l.plausible(from) {
		return false
	}
	if l.until.IsZero() {
		l.until = now.Add(learning)
	}
	if from == l.described && !l.source.IsValid() {
		l.source = from
		return true
	}
	if now.After(l.until) || !l.prove(from, h) {
		return false
	}
	l.source = from
	return true
}

// plausible says whether a source may ever be the leg's.
func (l *latch) plausible(from netip.AddrPort) bool {
	return from == l.source || from == l.described || l.allowed != nil && l.allowed(from.Addr())
}

// prove counts packets in sequence of one source and SSRC.
func (l *latch) prove(from netip.AddrPort, h *header) bool {
	c := &l.candidate
	if c.source != from || c.ssrc != h.ssrc || h.sequence != c.sequence+1 {
		*c = candidate{source: from, ssrc: h.ssrc}
	}
	c.sequence = h.sequence
	c.run++
	return c.run >= probation
}

// allow makes the rule for other sources of a leg: none where strict, else the
// described IP, the signalling IP and the configured networks.
func allow(d *Description) func(netip.Addr) bool {
	if d.Strict {
		return nil
	}
	return func(a netip.Addr) bool {
		return a == d.Agreed.Remote.Addr() || a == d.Signalling ||
			slices.ContainsFunc(d.Networks, func(n netip.Prefix) bool { return n.Contains(a) })
	}
}
