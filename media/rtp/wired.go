package rtp

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// NewWiredSession makes the session of a leg whose datagrams a wire carries. They come
// by Hear and HearReport, one at a time; Serve is for sockets.
func NewWiredSession(w media.Wire) *Session {
	return &Session{wire: w, ssrc: rand.Uint32(), name: cname()}
}

// Wired says whether a wire carries the session.
func (s *Session) Wired() bool { return s.wire != nil }

// nobody is the address of a wire's far end: it has none, and the wire lets nobody else
// in. It is what a latch that has taken no source takes at once.
var nobody netip.AddrPort

// Hear takes one RTP datagram of the wire; nil where it is neither audio, noise nor an event.
// The packet is valid until the next call.
func (s *Session) Hear(b []byte, now time.Time) *media.Packet {
	if !s.take(b, nobody, now) {
		return nil
	}
	return &s.packet
}

// HearReport takes one RTCP datagram of the wire.
func (s *Session) HearReport(b []byte, now time.Time) { s.hearReport(b, nobody.Addr(), now) }

// Follow is the description of what the wire's connection agreed on.
func Follow(f media.WireFormat) *Description {
	d := &Description{SSRC: f.SSRC, Agreed: sdp.Agreed{Law: f.Law, Sending: true, Receiving: true, Mux: true}}
	expect := func(payload int, kind sdp.Kind) {
		if payload >= 0 && payload < len(d.Agreed.Receive) {
			d.Agreed.Receive[payload] = kind
		}
	}
	expect(f.ULaw, sdp.ULaw)
	expect(f.ALaw, sdp.ALaw)
	expect(f.Event, sdp.Event)
	d.Agreed.Payload = uint8(f.ULaw)
	if f.Law == media.ALaw {
		d.Agreed.Payload = uint8(f.ALaw)
	}
	if f.Event >= 0 {
		d.Agreed.Events, d.Agreed.EventPayload = true, uint8(f.Event)
	}
	return d
}
