package rtp

import (
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/outpace-dialer/outpace/media/sdp"
)

// Any datagram on the RTCP port, plain or under SRTCP, of the far end.
func FuzzReports(f *testing.F) {
	for _, p := range []rtcp.Packet{
		&rtcp.SenderReport{SSRC: 1, NTPTime: 1 << 40, Reports: []rtcp.ReceptionReport{{SSRC: 2, FractionLost: 9, Jitter: 1 << 31}}},
		&rtcp.ReceiverReport{SSRC: 1, Reports: []rtcp.ReceptionReport{{SSRC: 7, TotalLost: 1 << 23, LastSenderReport: 1, Delay: 1 << 31}}},
		&rtcp.Goodbye{Sources: []uint32{1}},
	} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b, false)
		f.Add(b, true)
	}
	far := netip.MustParseAddrPort("192.0.2.1:4001")
	f.Fuzz(func(t *testing.T, b []byte, secure bool) {
		d := &Description{Agreed: sdp.Agreed{Remote: far, RemoteRTCP: far}, SSRC: 7}
		if secure {
			d.Agreed.Secret = sdp.Secret{Suite: sdp.CM128SHA, Ours: strings.Repeat("o", 30), Their: strings.Repeat("t", 30)}
		}
		s := &Session{ssrc: 7}
		s.Describe(d)
		s.hearReport(b, far.Addr(), time.Unix(1_800_000_000, 0))
		if stats := s.Stats(); stats.RoundTrip < 0 || stats.RoundTrip > time.Hour*24 {
			t.Errorf("% x: round trip %s", b, stats.RoundTrip)
		}
	})
}

// Any datagram on the RTP port of the far end: what is taken is audio or an event
// that was agreed, and a telephone-event gives a key or none.
func FuzzTake(f *testing.F) {
	f.Add(datagram(1), false)
	f.Add(datagram(1), true)
	f.Add([]byte{0x80, 96, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 5, 0x80, 0, 160}, false)
	far := netip.MustParseAddrPort("192.0.2.1:4000")
	f.Fuzz(func(t *testing.T, b []byte, secure bool) {
		d := &Description{Agreed: sdp.Agreed{Remote: far, RemoteRTCP: far}}
		d.Agreed.Receive[0], d.Agreed.Receive[96] = sdp.ULaw, sdp.Event
		if secure {
			d.Agreed.Secret = sdp.Secret{Suite: sdp.CM128SHA, Ours: strings.Repeat("o", 30), Their: strings.Repeat("t", 30)}
		}
		s := &Session{}
		s.Describe(d)
		var digits Digits
		for i := range 3 {
			if !s.take(append([]byte(nil), b...), far, time.Unix(1_800_000_000, int64(i)*20e6)) {
				continue
			}
			p := s.packet
			if len(p.Payload) == 0 || len(p.Payload) > maxPayload || secure {
				t.Errorf("% x gives a payload of %d bytes, secure %v", b, len(p.Payload), secure)
			}
			if key, ok := digits.Hear(p.Payload, p.Sequence, p.Timestamp, p.Marker); p.Event && ok && !strings.ContainsRune("0123456789*#ABCD", key) {
				t.Errorf("% x gives the key %q", b, key)
			}
		}
	})
}
