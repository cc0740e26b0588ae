package rtp

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/rtcp"
	pion "github.com/pion/rtp"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// Our reader takes what pion's takes, and reads the same in it.
func FuzzHeader(f *testing.F) {
	for _, p := range []pion.Packet{
		{Header: pion.Header{Version: 2, SequenceNumber: 7, Timestamp: 9, SSRC: 11, Marker: true}, Payload: []byte{1, 2}},
		{Header: pion.Header{Version: 2, CSRC: []uint32{1, 2}, PayloadType: 101}, Payload: []byte{1}},
		{Header: pion.Header{Version: 2, Extension: true, ExtensionProfile: 9, Padding: true, PaddingSize: 4}, Payload: []byte{1}},
	} {
		b, err := p.Marshal()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var h header
		payload, ok := h.parse(b)
		var want pion.Packet
		if want.Unmarshal(b) != nil || want.Version != 2 || !ok {
			return // pion is stricter on extensions, looser on versions
		}
		if h.sequence != want.SequenceNumber || h.timestamp != want.Timestamp || h.ssrc != want.SSRC ||
			h.marker != want.Marker || h.payloadType != want.PayloadType || !bytes.Equal(payload, want.Payload) {
			t.Errorf("% x: %+v % x, want %v", b, h, payload, want)
		}
		again := make([]byte, headerSize)
		h.put(again)
		var second header
		if _, ok := second.parse(again); !ok || second != h {
			t.Errorf("%+v became %+v", h, second)
		}
	})
}

func TestReception(t *testing.T) {
	tests := []struct {
		name      string
		sequences []uint16
		expected  uint64
	}{
		{"in order", []uint16{10, 11, 12}, 3},
		{"two lost", []uint16{10, 13}, 4},
		{"disorder", []uint16{10, 12, 11, 13}, 4},
		{"over the end", []uint16{65534, 65535, 0, 2}, 5},
		{"started anew", []uint16{10, 11, 40000, 40001}, 4},
	}
	for _, tt := range tests {
		var r meter
		for i, s := range tt.sequences {
			r.hear(&header{sequence: s, timestamp: uint32(s) * 160}, sdp.ULaw, 160, begin.Add(time.Duration(i)*20*time.Millisecond))
		}
		if r.expected() != tt.expected {
			t.Errorf("%s: expected %d, want %d", tt.name, r.expected(), tt.expected)
		}
	}
}

// Packets that come 10 ms early and late in turn have a jitter that nears the
// 20 ms between one transit and the next.
func TestJitter(t *testing.T) {
	var r meter
	for i := range 200 {
		at := begin.Add(time.Duration(i) * 20 * time.Millisecond)
		if i%2 == 0 {
			at = at.Add(20 * time.Millisecond)
		}
		r.hear(&header{sequence: uint16(i), timestamp: uint32(i) * 160}, sdp.ULaw, 160, at)
	}
	if got := media.Span(int(r.jitter >> 4)); got < 18*time.Millisecond || got > 20*time.Millisecond {
		t.Errorf("jitter = %v, want about 20 ms", got)
	}
}

func TestDigits(t *testing.T) {
	type packet struct {
		key       rune
		sequence  uint16
		timestamp uint32
		end       bool
		marker    bool
	}
	press := func(key rune, sequence uint16, timestamp uint32) []packet {
		return []packet{{key, sequence, timestamp, false, true}, {key, sequence + 1, timestamp, false, false},
			{key, sequence + 2, timestamp, true, false}, {key, sequence + 3, timestamp, true, false}, {key, sequence + 4, timestamp, true, false}}
	}
	tests := []struct {
		name    string
		packets []packet
		want    string
	}{
		{"one press is told once", press('5', 1, 100), "5"},
		{"the same key twice", append(press('5', 1, 100), press('5', 6, 2000)...), "55"},
		{"only an end came", press('#', 1, 100)[4:], "#"},
		{"a late packet of the press before", append(append(press('1', 1, 100), press('2', 10, 2000)...), packet{'1', 5, 100, true, false}), "12"},
		{"a timestamp that moves with each packet", []packet{{'7', 1, 100, false, true}, {'7', 2, 260, false, false}, {'7', 3, 420, true, false}}, "7"},
		{"and a second press of it", []packet{{'7', 1, 100, false, true}, {'7', 2, 260, true, false}, {'7', 3, 2000, false, true}}, "77"},
		{"across the ends of the counters", append(press('A', 65533, 1<<32-100), press('A', 5, 900)...), "AA"},
	}
	for _, tt := range tests {
		var d Digits
		var got string
		for _, p := range tt.packets {
			var b [media.EventSize]byte
			media.PutEvent(b[:], p.key, 160, p.end)
			if digit, ok := d.Hear(b[:], p.sequence, p.timestamp, p.marker); ok {
				got += string(digit)
			}
		}
		if got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	var d Digits
	for _, b := range [][]byte{nil, {1, 2, 3}, {16, 0, 0, 160}, {255, 0, 0, 160}} {
		if digit, ok := d.Hear(b, 1, 1, true); ok {
			t.Errorf("% x is heard as %c", b, digit)
		}
	}
}

var loopback = netip.MustParseAddr("127.0.0.1")

func TestPoolRestsPorts(t *testing.T) {
	pool := newPool(t, PoolConfig{Address: loopback, From: 0, To: 0, Quarantine: time.Minute, Spare: 2})
	first, err := pool.Take(begin)
	if err != nil {
		t.Fatal(err)
	}
	pool.Release(first, begin)

	// A range of two pairs around a port that is free now.
	pool = newPool(t, PoolConfig{Address: loopback, From: first.Port, To: first.Port + 1, Quarantine: 30 * time.Second})
	ports, err := pool.Take(begin)
	if err != nil {
		t.Fatal(err)
	}
	if got := ports.rtcp.port(); ports.Port%2 != 0 || got != ports.Port+1 || !pool.Owns(got) || !pool.Owns(ports.Port) {
		t.Errorf("RTP on %d, RTCP on %d", ports.Port, got)
	}
	if _, err := pool.Take(begin); !errors.Is(err, ErrNoPorts) {
		t.Errorf("Take of an empty range: %v, want ErrNoPorts", err)
	}
	pool.Release(ports, begin)
	if _, err := pool.Take(begin.Add(29 * time.Second)); !errors.Is(err, ErrNoPorts) || pool.Owns(ports.Port) {
		t.Errorf("Take in quarantine: %v, want ErrNoPorts", err)
	}
	ports, err = pool.Take(begin.Add(30 * time.Second))
	if err != nil {
		t.Fatalf("Take after quarantine: %v", err)
	}
	pool.Release(ports, begin)
}

func TestPoolSkipsWhatOthersHave(t *testing.T) {
	other, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	port := other.LocalAddr().(*net.UDPAddr).Port &^ 1
	pool := newPool(t, PoolConfig{Address: loopback, From: port, To: port + 1})
	if _, err := pool.Take(begin); !errors.Is(err, ErrNoPorts) {
		t.Errorf("Take = %v, want ErrNoPorts", err)
	}
	for _, cfg := range []PoolConfig{{}, {Address: loopback, From: 9, To: 5}, {Address: loopback, From: 5001, To: 5002}, {Address: loopback, To: 70000}} {
		if _, err := NewPool(cfg); err == nil {
			t.Errorf("NewPool(%+v) is fine, want an error", cfg)
		}
	}
}

// session on loopback, with a far end that is a plain socket pair.
func session(t *testing.T) (*Session, *net.UDPConn, *net.UDPConn) {
	t.Helper()
	ours := take(t, newPool(t, PoolConfig{Address: loopback}))
	rtp, rtcp := farEnd(t)
	s := NewSession(ours)
	agreed := sdp.Agreed{
		Law: media.ULaw, Events: true, EventPayload: 96, Sending: true, Receiving: true,
		Remote:     netip.AddrPortFrom(loopback, uint16(portOf(rtp))),
		RemoteRTCP: netip.AddrPortFrom(loopback, uint16(portOf(rtp)+1)),
	}
	agreed.Receive[0] = sdp.ULaw
	s.Describe(&Description{Agreed: agreed})
	return s, rtp, rtcp
}

// farEnd is a pair of sockets, one port above the other.
func farEnd(t *testing.T) (rtp, rtcp *net.UDPConn) {
	t.Helper()
	for range 1000 {
		rtp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			t.Fatal(err)
		}
		rtcp, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: portOf(rtp) + 1})
		if err != nil {
			rtp.Close()
			continue
		}
		for _, conn := range []*net.UDPConn{rtp, rtcp} {
			conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			t.Cleanup(func() { conn.Close() })
		}
		return rtp, rtcp
	}
	t.Fatal("no two ports side by side")
	return nil, nil
}

func portOf(conn *net.UDPConn) int { return conn.LocalAddr().(*net.UDPAddr).Port }

func datagram(sequence uint16) []byte {
	b := make([]byte, headerSize+160)
	h := header{sequence: sequence, timestamp: 160 * uint32(sequence), ssrc: 77}
	h.put(b)
	return b
}

func TestSessionDropsWhatIsNotAgreed(t *testing.T) {
	s, _, _ := session(t)
	from := s.description.Load().Agreed.Remote
	good := datagram(1)
	for name, tt := range map[string]struct {
		b    []byte
		from netip.AddrPort
		want bool
	}{
		"audio":         {good, from, true},
		"short":         {good[:11], from, false},
		"version 1":     {append([]byte{1 << 6}, good[1:]...), from, false},
		"payload type":  {append([]byte{0x80, 18}, good[2:]...), from, false},
		"another IP":    {good, netip.MustParseAddrPort("192.0.2.66:4000"), false},
		"no payload":    {good[:headerSize], from, false},
		"giant payload": {append(good[:headerSize:headerSize], make([]byte, maxPayload+1)...), from, false},
	} {
		if got := s.take(tt.b, tt.from, begin); got != tt.want {
			t.Errorf("%s: taken = %v, want %v", name, got, tt.want)
		}
	}
	if got := s.Stats().Foreign; got != 1 {
		t.Errorf("foreign = %d, want 1", got)
	}
}

// A new description that keeps the address keeps the source that was learned.
func TestHoldKeepsTheLearnedSource(t *testing.T) {
	s, _, _ := session(t)
	learned := netip.AddrPortFrom(loopback, 1)
	for i := range uint16(4) {
		s.take(datagram(i), learned, begin)
	}
	d := *s.description.Load()
	d.Agreed.Sending = false
	s.Describe(&d)
	if !s.take(datagram(4), learned, begin) || s.remote(&d) != learned {
		t.Error("the learned source was forgotten")
	}
	moved := *s.description.Load()
	moved.Agreed.Remote = netip.AddrPortFrom(loopback, 3)
	s.Describe(&moved)
	if s.take(datagram(5), learned, begin) || s.remote(&moved) != moved.Agreed.Remote {
		t.Error("the learned source survived another address")
	}
}

func TestReports(t *testing.T) {
	s, rtp, control := session(t)
	from := s.description.Load().Agreed.Remote
	for _, sequence := range []uint16{1, 2, 4, 5} {
		s.take(datagram(sequence), from, begin)
	}
	if err := s.Send(&media.Packet{Sequence: 9, Timestamp: 900, Payload: make([]byte, 160)}); err != nil {
		t.Fatal(err)
	}
	var b [1500]byte
	if n, err := rtp.Read(b[:]); err != nil || n != headerSize+160 {
		t.Fatalf("RTP: %d bytes, %v", n, err)
	}
	now := time.Now()
	their, err := rtcp.Marshal([]rtcp.Packet{&rtcp.SenderReport{SSRC: 77, NTPTime: ntp(now)}})
	if err != nil {
		t.Fatal(err)
	}
	s.hearReport(their, loopback, now)
	if err := s.Report(now.Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	n, err := control.Read(b[:])
	if err != nil {
		t.Fatal(err)
	}
	packets, err := rtcp.Unmarshal(b[:n])
	if err != nil {
		t.Fatal(err)
	}
	sr, ok := packets[0].(*rtcp.SenderReport)
	if !ok || sr.PacketCount != 1 || sr.OctetCount != 160 || sr.RTPTime != 900 || len(sr.Reports) != 1 {
		t.Fatalf("report = %+v", packets[0])
	}
	if r := sr.Reports[0]; r.SSRC != 77 || r.TotalLost != 1 || r.FractionLost != 51 || r.LastSequenceNumber != 5 ||
		r.LastSenderReport != uint32(ntp(now)>>16) || r.Delay != 65536 {
		t.Errorf("block = %+v", r)
	}

	back, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 77, Reports: []rtcp.ReceptionReport{{
		SSRC: sr.SSRC, TotalLost: 3, LastSenderReport: uint32(sr.NTPTime >> 16), Delay: 65536 / 2,
	}}}})
	if err != nil {
		t.Fatal(err)
	}
	s.hearReport(back, loopback, now.Add(time.Second+600*time.Millisecond))
	s.hearReport(back, netip.MustParseAddr("192.0.2.66"), now)
	s.hearReport([]byte{0x81, 200, 0, 99, 1, 2, 3, 4}, loopback, now)
	stats := s.Stats()
	if stats.FarLost != 3 || stats.Foreign != 1 || stats.RoundTrip < 99*time.Millisecond || stats.RoundTrip > 101*time.Millisecond {
		t.Errorf("stats = %+v, want 3 lost there, 1 foreign, 100 ms", stats)
	}
}

func TestNoAllocationPerPacket(t *testing.T) {
	s, far, _ := session(t)
	to := netip.AddrPortFrom(loopback, uint16(s.Port()))
	b, echo := datagram(0), make([]byte, 2048)
	s.Serve(func(_ time.Time, p *media.Packet) { s.Send(p) })
	if n := testing.AllocsPerRun(500, func() {
		far.WriteToUDPAddrPort(b, to)
		if _, err := far.Read(echo); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("allocations per packet received and sent = %v, want 0", n)
	}
}
