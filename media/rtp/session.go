// Package rtp carries the audio of one leg over UDP (RFC 3550): the pool of
// ports, what a leg sends and whose packets it takes, RTCP, telephone-events.
//
// It does not know what is sent or why: bridge decides that, sdp agreed on
// how, and under which keys (SRTP, RFC 3711). Nothing is allocated, locked or
// logged for a packet.
//
//	socket ─► Engine ─► Session ─► latch ─► reception ─► media.Packet ─► who serves it
//	media.Packet ─► Session.Send ─► socket
//
// Two engines move the datagrams: one on Go's own means, for any system, and one on
// epoll, which takes less of everything.
package rtp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// Description is what a session must know of its far end. It does not change:
// a new offer or answer brings a new one.
type Description struct {
	Agreed     sdp.Agreed
	Signalling netip.Addr     // IP of the SIP peer, may be the zero Addr
	Networks   []netip.Prefix // besides the described address
	Strict     bool           // the described address only, no learning
	SSRC       uint32         // of what we send; 0: the session's own
}

// Session is the RTP of one leg. One goroutine receives, one at a time sends;
// Describe, Report and Stats may be called from others.
type Session struct {
	ports Ports
	wire  media.Wire // in place of ports; nil: there is none
	ssrc  uint32
	name  string // CNAME

	description atomic.Pointer[Description]
	target      atomic.Pointer[target] // a learned source, where there is one
	reports     reports
	running     sync.WaitGroup // sockets that are heard

	// Of the receiving goroutine.
	current *Description
	latch   latch
	heard   meter
	opener  protection
	packet  media.Packet
	serves  func(time.Time, *media.Packet)

	// Of the sender.
	sealer protection

	counters
	told told
}

// maxPayload is 120 ms of audio: more than anyone sends.
const maxPayload = 960

// sheet is where a packet is made. Sessions share a few: one of their own would be far
// from the processor each time.
type sheet [headerSize + maxPayload + tagSize]byte

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// target is the source that the latch has taken under one description.
type target struct {
	of      *Description
	address netip.AddrPort
}

type counters struct {
	received, expected, sent, sentBytes atomic.Uint64
	foreign, unwanted                   atomic.Uint64
	heardSSRC, heardTop, sentTimestamp  atomic.Uint32
	jitter                              atomic.Int64 // in samples
	lastHeard                           atomic.Int64 // Unix nanoseconds, 0 before the first packet
}

// NewSession takes over ports.
func NewSession(ports Ports) *Session {
	return &Session{ports: ports, ssrc: rand.Uint32(), name: cname()}
}

// Port is our RTP port.
func (s *Session) Port() int { return s.ports.Port }

// Ports are the sockets, to be released by whoever took them.
func (s *Session) Ports() Ports { return s.ports }

// Describe sets the far end. The learning window opens again.
func (s *Session) Describe(d *Description) {
	s.description.Store(d)
}

// remote is where we send: the learned source, else what is described.
func (s *Session) remote(d *Description) netip.AddrPort {
	if t := s.target.Load(); t != nil && t.of == d {
		return t.address
	}
	return d.Agreed.Remote
}

// source is the SSRC of what we send.
func (s *Session) source(d *Description) uint32 {
	if d.SSRC != 0 {
		return d.SSRC
	}
	return s.ssrc
}

// LastHeard is when the last packet of the far end came; zero before it.
func (s *Session) LastHeard() time.Time {
	if at := s.lastHeard.Load(); at != 0 {
		return time.Unix(0, at)
	}
	return time.Time{}
}

// Serve has each packet of the far end heard, one at a time, and its reports read,
// until the session's ports are released. A packet is valid until hear returns.
func (s *Session) Serve(hear func(time.Time, *media.Packet)) {
	s.serves = hear
	s.running.Add(2)
	s.ports.rtp.serve(s.hearPacket, s.running.Done)
	s.ports.rtcp.serve(func(b []byte, from netip.AddrPort, now time.Time) {
		s.hearReport(b, from.Addr(), now)
	}, s.running.Done)
}

// Wait returns when nothing is heard any more, after the ports were released.
func (s *Session) Wait() { s.running.Wait() }

func (s *Session) hearPacket(b []byte, from netip.AddrPort, now time.Time) {
	if s.take(b, from, now) {
		s.serves(now, &s.packet)
	}
}

// take decides about one datagram and fills s.packet where it is audio or an
// event of the far end.
func (s *Session) take(b []byte, from netip.AddrPort, now time.Time) bool {
	d := s.description.Load()
	if d == nil {
		return false // before the answer nobody is the far end
	}
	if d != s.current {
		s.describe(d)
	}
	if isRTCP(b) {
		s.hearReport(b, from.Addr(), now)
		return false
	}
	b, ok := s.open(d, b, from)
	if !ok {
		return false
	}
	var h header
	payload, ok := h.parse(b)
	if !ok {
		s.unwanted.Add(1)
		return false
	}
	kind := d.Agreed.Receive[h.payloadType]
	before := s.latch.source
	if kind == sdp.Unknown || !s.latch.admit(from, &h, now) {
		s.refuse(from)
		return false
	}
	if s.latch.source != before {
		s.target.Store(&target{d, s.latch.source})
	}
	s.count(&h, kind, len(payload), now)
	if len(payload) == 0 || len(payload) > maxPayload {
		return false
	}
	s.packet = media.Packet{
		Event: kind == sdp.Event, Noise: kind == sdp.Noise, Marker: h.marker,
		Sequence: h.sequence, Timestamp: h.timestamp, Payload: payload,
	}
	if kind == sdp.ALaw {
		s.packet.Law = media.ALaw
	}
	return true
}

// open takes the protection off a datagram, in place. Strangers do not get as far:
// they would cost a check of their tag.
func (s *Session) open(d *Description, b []byte, from netip.AddrPort) ([]byte, bool) {
	if d.Agreed.Secret == (sdp.Secret{}) {
		return b, true
	}
	if !s.latch.plausible(from) {
		s.foreign.Add(1)
		return nil, false
	}
	err := s.opener.follow(d.Agreed.Secret.Suite, d.Agreed.Secret.Their)
	if err == nil {
		b, err = s.opener.openPacket(b)
	}
	if err != nil {
		s.unwanted.Add(1)
	}
	return b, err == nil
}

// describe opens the learning window of a new description. While the far end
// stays where it was, the source that proved itself is kept.
func (s *Session) describe(d *Description) {
	fresh := latch{described: d.Agreed.Remote, allowed: allow(d)}
	if s.current != nil && s.current.Agreed.Remote == d.Agreed.Remote && s.latch.source.IsValid() {
		fresh.source = s.latch.source
		s.target.Store(&target{d, fresh.source})
	}
	s.current, s.latch = d, fresh
}

// refuse counts a packet that is not taken: foreign, or of the far end with a
// payload type that was not agreed.
func (s *Session) refuse(from netip.AddrPort) {
	if from == s.latch.source || from == s.latch.described {
		s.unwanted.Add(1)
		return
	}
	s.foreign.Add(1)
}

// Send writes p to the far end; without a description, or while the far end
// wants no audio, it does nothing.
func (s *Session) Send(p *media.Packet) error {
	d := s.description.Load()
	if d == nil || !d.Agreed.Sending || len(p.Payload) > maxPayload {
		return nil
	}
	h := header{payloadType: d.Agreed.Payload, marker: p.Marker, sequence: p.Sequence, timestamp: p.Timestamp, ssrc: s.source(d)}
	if p.Event {
		if !d.Agreed.Events {
			return nil
		}
		h.payloadType = d.Agreed.EventPayload
	}
	to := sheets.Get().(*sheet)
	h.put(to[:])
	err := s.sendSheet(d, to, headerSize+copy(to[headerSize:], p.Payload), p)
	sheets.Put(to)
	return err
}

// sendSheet protects the n bytes of a packet and sends them.
func (s *Session) sendSheet(d *Description, sheet *sheet, n int, p *media.Packet) error {
	if err := s.sealer.follow(d.Agreed.Secret.Suite, d.Agreed.Secret.Ours); err != nil {
		return err
	}
	packet, err := s.sealer.sealPacket(sheet[:], n)
	if err != nil {
		return fmt.Errorf("rtp: SRTP: %w", err)
	}
	s.sent.Add(1)
	s.sentBytes.Add(uint64(len(p.Payload)))
	s.sentTimestamp.Store(p.Timestamp)
	if s.wire != nil {
		return s.wire.WriteRTP(packet)
	}
	return s.ports.rtp.send(packet, s.remote(d))
}

// Stats are the figures so far.
func (s *Session) Stats() media.LegStats {
	q := s.Quality()
	stats := media.LegStats{
		Received: q.Received, Sent: q.Sent, Lost: q.Lost(),
		Foreign: s.foreign.Load(), Jitter: media.Span(int(s.jitter.Load())), Quality: q,
	}
	s.reports.addTo(&stats)
	return stats
}
