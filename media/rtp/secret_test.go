package rtp

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/pion/rtcp"
	pion "github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// secretOf makes a session SRTP and returns the far end's two contexts: what it
// sends, what it hears.
func secretOf(t testing.TB, s *Session, suite sdp.Suite) (sends, hears *srtp.Context) {
	t.Helper()
	size := 30
	if suite == sdp.GCM128 {
		size = 28
	}
	d := *s.description.Load()
	d.Agreed.Secret = sdp.Secret{Suite: suite, Ours: strings.Repeat("o", size), Their: strings.Repeat("t", size)}
	s.Describe(&d)
	far := func(key string) *srtp.Context {
		profile := map[sdp.Suite]srtp.ProtectionProfile{
			sdp.GCM128: srtp.ProtectionProfileAeadAes128Gcm, sdp.CM128SHA: srtp.ProtectionProfileAes128CmHmacSha1_80,
		}[suite]
		ctx, err := srtp.CreateContext([]byte(key[:16]), []byte(key[16:]), profile)
		if err != nil {
			t.Fatal(err)
		}
		return ctx
	}
	return far(d.Agreed.Secret.Their), far(d.Agreed.Secret.Ours)
}

func TestSRTP(t *testing.T) {
	for _, suite := range []sdp.Suite{sdp.GCM128, sdp.CM128SHA} {
		t.Run(string(suite), func(t *testing.T) {
			s, far, reports := session(t)
			sends, hears := secretOf(t, s, suite)
			from, now := s.description.Load().Agreed.Remote, time.Now()
			seal := func(sequence uint16) []byte {
				b, err := sends.EncryptRTP(nil, datagram(sequence), nil)
				if err != nil {
					t.Fatal(err)
				}
				return b
			}
			// What comes in: over the end of the counter, and each only once.
			for i := range uint16(10) {
				b := seal(65530 + i)
				if !s.take(bytes.Clone(b), from, now) || len(s.packet.Payload) != 160 || s.packet.Sequence != 65530+i {
					t.Fatalf("packet %d is not taken", i)
				}
				if s.take(b, from, now) {
					t.Errorf("packet %d is taken twice", i)
				}
			}
			forged := seal(20)
			forged[20] ^= 1
			for name, b := range map[string][]byte{"plain": datagram(11), "forged": forged, "short": seal(21)[:headerSize+3], "empty": {}} {
				if s.take(b, from, now) {
					t.Errorf("a %s packet is taken", name)
				}
			}
			stranger := netip.MustParseAddrPort("192.0.2.7:4000")
			if before := s.Stats().Foreign; s.take(seal(22), stranger, now) || s.Stats().Foreign != before+1 {
				t.Error("a packet of a stranger is not counted as foreign")
			}
			// What goes out.
			for i := range 5 {
				if err := s.Send(&media.Packet{Sequence: uint16(65533 + i), Payload: bytes.Repeat([]byte{byte(i)}, 160)}); err != nil {
					t.Fatal(err)
				}
				b := read(t, far)
				if bytes.Contains(b, bytes.Repeat([]byte{byte(i)}, 16)) {
					t.Error("audio went out as it is")
				}
				plain, err := hears.DecryptRTP(nil, b, nil)
				var p pion.Packet
				if err != nil || p.Unmarshal(plain) != nil || !bytes.Equal(p.Payload, bytes.Repeat([]byte{byte(i)}, 160)) {
					t.Fatalf("packet %d: %v", i, err)
				}
			}
			// Reports, both ways.
			if err := s.Report(now); err != nil {
				t.Fatal(err)
			}
			plain, err := hears.DecryptRTCP(nil, read(t, reports), nil)
			if err != nil {
				t.Fatal(err)
			}
			if packets, err := rtcp.Unmarshal(plain); err != nil || len(packets) != 2 {
				t.Fatalf("report = %v, %v", packets, err)
			}
			report, err := (&rtcp.ReceiverReport{SSRC: 77, Reports: []rtcp.ReceptionReport{{SSRC: s.ssrc, TotalLost: 3}}}).Marshal()
			if err != nil {
				t.Fatal(err)
			}
			s.hearReport(report, from.Addr(), now)
			if lost := s.Stats().FarLost; lost != 0 {
				t.Errorf("a plain report is believed: %d lost", lost)
			}
			if report, err = sends.EncryptRTCP(nil, report, nil); err != nil {
				t.Fatal(err)
			}
			s.hearReport(report, from.Addr(), now)
			if lost := s.Stats().FarLost; lost != 3 {
				t.Errorf("the far end lost %d, want 3", lost)
			}
		})
	}
}

// A new description with the same keys goes on counting; one with others begins anew.
func TestNewKeys(t *testing.T) {
	s, far, _ := session(t)
	_, hears := secretOf(t, s, sdp.GCM128)
	send := func(sequence uint16) []byte {
		t.Helper()
		if err := s.Send(&media.Packet{Sequence: sequence, Payload: make([]byte, 160)}); err != nil {
			t.Fatal(err)
		}
		return read(t, far)
	}
	send(65535)
	again := *s.description.Load()
	again.Agreed.PacketTime = 30 * time.Millisecond
	s.Describe(&again)
	hears.SetROC(s.ssrc, 1)
	if _, err := hears.DecryptRTP(nil, send(0), nil); err != nil {
		t.Errorf("under the same keys the count of rounds went back: %v", err)
	}
	other := again
	other.Agreed.Secret.Ours = strings.Repeat("n", 28)
	s.Describe(&other)
	if _, err := hears.DecryptRTP(nil, send(1), nil); err == nil {
		t.Error("the old key still opens what a new description protects")
	}
	other.Agreed.Secret.Suite = "NULL"
	s.Describe(&other)
	if err := s.Send(&media.Packet{Payload: make([]byte, 160)}); err == nil {
		t.Error("a suite that is unknown lets packets pass")
	}
}

func read(t *testing.T, conn *net.UDPConn) []byte {
	t.Helper()
	b := make([]byte, 2048)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return b[:n]
}

func TestNoAllocationPerSecretPacket(t *testing.T) {
	s, far, _ := session(t)
	sends, _ := secretOf(t, s, sdp.GCM128)
	to := netip.AddrPortFrom(loopback, uint16(s.Port()))
	var packets [][]byte
	for i := range 600 {
		b, err := sends.EncryptRTP(nil, datagram(uint16(i)), nil)
		if err != nil {
			t.Fatal(err)
		}
		packets = append(packets, b)
	}
	next, echo := 0, make([]byte, 2048)
	s.Serve(func(_ time.Time, p *media.Packet) { s.Send(p) })
	if n := testing.AllocsPerRun(500, func() {
		far.WriteToUDPAddrPort(packets[next], to)
		next++
		if _, err := far.Read(echo); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("allocations per packet received and sent = %v, want 0", n)
	}
}

// BenchmarkSRTP is what protecting and opening one packet of 20 ms costs; plain RTP
// beside it is BenchmarkReceiveAndSend, with its two system calls.
func BenchmarkSRTP(b *testing.B) {
	for suite, size := range map[sdp.Suite]int{sdp.GCM128: 28, sdp.CM128SHA: 30} {
		b.Run(string(suite), func(b *testing.B) {
			var out, in protection
			if err := out.follow(suite, strings.Repeat("k", size)); err != nil {
				b.Fatal(err)
			}
			if err := in.follow(suite, strings.Repeat("k", size)); err != nil {
				b.Fatal(err)
			}
			buffer := make([]byte, headerSize+maxPayload+tagSize)
			h := header{ssrc: 7}
			b.ReportAllocs()
			for b.Loop() {
				h.sequence++
				h.put(buffer)
				sealed, err := out.sealPacket(buffer, headerSize+160)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := in.openPacket(sealed); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
