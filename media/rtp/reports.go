package rtp

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/rtcp"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// ReportInterval is how often a leg sends RTCP (RFC 3550 section 6.2).
const ReportInterval = 5 * time.Second

// reports is what RTCP told us and what the next report must say. Its lock is
// not on the path of audio packets.
type reports struct {
	mu        sync.Mutex
	opener    protection
	sealer    protection
	heardSR   uint32 // middle 32 bits of the NTP time of their last sender report
	heardSRAt time.Time
	expected  uint64 // at our last report
	received  uint64
	farLost   uint64
	roundTrip time.Duration

	farFraction uint8     // of our packets that the far end lost of late, in 1/256
	farAt       time.Time // when it said so
}

// hearReport reads a compound packet of the far end; of a stranger it is
// counted as foreign.
func (s *Session) hearReport(b []byte, from netip.Addr, now time.Time) {
	d := s.description.Load()
	if d == nil {
		return
	}
	if from != s.remote(d).Addr() && from != d.Agreed.RemoteRTCP.Addr() {
		s.foreign.Add(1)
		return
	}
	s.reports.mu.Lock()
	defer s.reports.mu.Unlock()
	b, err := s.reports.open(&d.Agreed.Secret, b)
	if err != nil {
		s.unwanted.Add(1)
		return
	}
	packets, err := rtcp.Unmarshal(b)
	if err != nil {
		s.unwanted.Add(1)
		return
	}
	for _, packet := range packets {
		switch p := packet.(type) {
		case *rtcp.SenderReport:
			s.reports.heardSR, s.reports.heardSRAt = uint32(p.NTPTime>>16), now
			s.reports.read(p.Reports, s.source(d), now)
		case *rtcp.ReceiverReport:
			s.reports.read(p.Reports, s.source(d), now)
		}
	}
}

// open takes the protection off a report. The caller holds mu.
func (r *reports) open(secret *sdp.Secret, b []byte) ([]byte, error) {
	if err := r.opener.follow(secret.Suite, secret.Their); err != nil {
		return nil, err
	}
	return r.opener.openReport(b)
}

func (r *reports) seal(secret *sdp.Secret, b []byte) ([]byte, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.sealer.follow(secret.Suite, secret.Ours); err != nil {
		return nil, err
	}
	return r.sealer.sealReport(b)
}

// read takes what the far end says of our stream.
func (r *reports) read(blocks []rtcp.ReceptionReport, ours uint32, now time.Time) {
	for _, block := range blocks {
		if block.SSRC != ours {
			continue
		}
		r.farLost, r.farFraction, r.farAt = uint64(block.TotalLost), block.FractionLost, now
		if block.LastSenderReport == 0 {
			continue
		}
		// RFC 3550 section 6.4.1: A - LSR - DLSR, in 1/65536 s.
		trip := int32(uint32(ntp(now)>>16) - block.LastSenderReport - block.Delay)
		if trip >= 0 {
			r.roundTrip = time.Duration(trip) * time.Second / 65536
		}
	}
}

func (r *reports) addTo(stats *media.LegStats) {
	r.mu.Lock()
	defer r.mu.Unlock()
	stats.FarLost, stats.RoundTrip = r.farLost, r.roundTrip
}

// Report sends our RTCP: a sender report where we have sent, else a receiver
// report, and our name.
func (s *Session) Report(now time.Time) error {
	d := s.description.Load()
	if d == nil || s.wire == nil && (!d.Agreed.RemoteRTCP.IsValid() || d.Agreed.RemoteRTCP.Addr().IsUnspecified()) {
		return nil
	}
	b, err := rtcp.Marshal([]rtcp.Packet{s.compose(d, now), &rtcp.SourceDescription{
		Chunks: []rtcp.SourceDescriptionChunk{{
			Source: s.source(d),
			Items:  []rtcp.SourceDescriptionItem{{Type: rtcp.SDESCNAME, Text: s.name}},
		}},
	}})
	if err != nil {
		return fmt.Errorf("rtp: report: %w", err)
	}
	if s.wire != nil {
		return s.wire.WriteRTCP(b)
	}
	if b, err = s.reports.seal(&d.Agreed.Secret, b); err != nil {
		return err
	}
	conn, to := s.ports.rtcp, d.Agreed.RemoteRTCP
	remote := s.remote(d)
	switch {
	case d.Agreed.Mux:
		conn, to = s.ports.rtp, remote
	case remote.Addr() != d.Agreed.Remote.Addr(): // learned: behind a NAT
		to = netip.AddrPortFrom(remote.Addr(), remote.Port()+1)
	}
	return conn.send(b, to)
}

func (s *Session) compose(d *Description, now time.Time) rtcp.Packet {
	blocks := s.blocks(now)
	if s.sent.Load() == 0 {
		return &rtcp.ReceiverReport{SSRC: s.source(d), Reports: blocks}
	}
	return &rtcp.SenderReport{
		SSRC: s.source(d), NTPTime: ntp(now), RTPTime: s.sentTimestamp.Load(),
		PacketCount: uint32(s.sent.Load()), OctetCount: uint32(s.sentBytes.Load()), Reports: blocks,
	}
}

// blocks is our report on the far end's stream, empty before its first packet.
func (s *Session) blocks(now time.Time) []rtcp.ReceptionReport {
	received, expected := s.received.Load(), s.expected.Load()
	if received == 0 {
		return nil
	}
	r := &s.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	block := rtcp.ReceptionReport{
		SSRC: s.heardSSRC.Load(), LastSequenceNumber: s.heardTop.Load(), Jitter: uint32(s.jitter.Load()),
		TotalLost:    uint32(min(max(expected, received)-received, 0x7FFFFF)),
		FractionLost: fraction(expected-r.expected, received-r.received),
	}
	r.expected, r.received = expected, received
	if !r.heardSRAt.IsZero() {
		block.LastSenderReport = r.heardSR
		block.Delay = uint32(now.Sub(r.heardSRAt) * 65536 / time.Second)
	}
	return []rtcp.ReceptionReport{block}
}

// fraction lost of the packets expected since the last report, in 1/256.
func fraction(expected, received uint64) uint8 {
	if expected == 0 || received >= expected {
		return 0
	}
	return uint8(min((expected-received)*256/expected, 255))
}

// ntp is the 64-bit time of RFC 5905: seconds since 1900 and their fraction.
func ntp(t time.Time) uint64 {
	const since1900 = 2_208_988_800
	return uint64(t.Unix()+since1900)<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// cname tells nothing about the host (RFC 7022).
func cname() string { return fmt.Sprintf("%016x", rand.Uint64()) }
