package rtp

import (
	"errors"
	"math"
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// TestS13Bleed (S-13): a stranger who sends first, fast and in sequence gets no
// packet back; the far end keeps the stream.
func TestS13Bleed(t *testing.T) {
	s, theirs, _ := session(t)
	stranger, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.ports.Port})
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	const bleeding = 500 // 10 s at 50 packets a second
	received := make(chan media.Packet, bleeding+1)
	s.Serve(func(_ time.Time, p *media.Packet) { received <- *p })
	for i := range bleeding {
		if _, err := stranger.Write(datagram(uint16(i))); err != nil {
			t.Fatal(err)
		}
		for range 5000 { // until it was read: the socket holds only so many
			if s.Stats().Foreign > uint64(i) {
				break
			}
			<-time.After(time.Millisecond)
		}
	}
	if _, err := theirs.WriteToUDPAddrPort(datagram(1), netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(s.ports.Port))); err != nil {
		t.Fatal(err)
	}
	p := await(t, received)
	if stats := s.Stats(); stats.Received != 1 || stats.Foreign != bleeding {
		t.Errorf("received %d, foreign %d; want 1 and %d", stats.Received, stats.Foreign, bleeding)
	}
	for range 20 {
		if err := s.Send(&p); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 2048)
	for range 20 {
		if _, err := theirs.Read(buf); err != nil {
			t.Fatalf("the far end hears nothing: %v", err)
		}
	}
	_ = stranger.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if n, err := stranger.Read(buf); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the stranger got %d bytes, %v", n, err)
	}
}

// TestS14Injection (S-14): the right port, SSRC, sequence and payload type from
// another source are dropped and counted.
func TestS14Injection(t *testing.T) {
	s, theirs, _ := session(t)
	to := &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: s.ports.Port}
	stranger, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 2)}, to)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close()
	const packets = 50
	received := make(chan media.Packet, 2*packets)
	s.Serve(func(_ time.Time, p *media.Packet) { received <- *p })
	for i := range packets {
		// The stranger is one packet ahead of the far end all the time.
		if _, err := stranger.Write(datagram(uint16(2*i + 1))); err != nil {
			t.Fatal(err)
		}
		if _, err := theirs.WriteToUDPAddrPort(datagram(uint16(2*i)), to.AddrPort()); err != nil {
			t.Fatal(err)
		}
		if p := await(t, received); p.Sequence != uint16(2*i) {
			t.Fatalf("packet %d was taken, which is the stranger's", p.Sequence)
		}
	}
	if stats := s.Stats(); stats.Received != packets || stats.Foreign != packets {
		t.Errorf("received %d, foreign %d; want %d of each", stats.Received, stats.Foreign, packets)
	}
}

// TestS15PortGuessing (S-15): a thousand ports come in random order (chi-square over
// ten bins, p > 0.01) and none comes again within its quarantine.
func TestS15PortGuessing(t *testing.T) {
	const (
		from, pairs = 20_000, 1000
		bins        = 10
		critical    = 21.67 // chi-square of 9 degrees of freedom at p = 0.01
	)
	pool := func() *Pool {
		p, err := NewPool(PoolConfig{Address: loopback, From: from, To: from + 2*pairs - 1, Quarantine: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	// One of a hundred good orders fails the test of chance: three in a row do not.
	chance := func() (chi float64, rising int, all []int) {
		p := pool()
		for {
			ports, err := p.Take(begin)
			if errors.Is(err, ErrNoPorts) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, ports.Port)
			p.Release(ports, begin)
		}
		if _, err := p.Take(begin.Add(time.Minute - time.Millisecond)); !errors.Is(err, ErrNoPorts) {
			t.Errorf("a port came again within its quarantine: %v", err)
		}
		var count [bins]float64
		half := len(all) / 2
		for i, port := range all[:half] { // where the first half lies tells nothing
			count[(port-from)*bins/(2*pairs)]++
			if i > 0 && port > all[i-1] {
				rising++
			}
		}
		want := float64(half) / bins
		for _, n := range count {
			chi += (n - want) * (n - want) / want
		}
		return chi, rising, all
	}
	good := false
	for range 3 {
		chi, rising, all := chance()
		seen := map[int]bool{}
		for _, port := range all {
			if seen[port] {
				t.Fatalf("port %d came twice", port)
			}
			seen[port] = true
		}
		if len(all) < pairs*9/10 { // others may have some
			t.Fatalf("%d ports of %d", len(all), pairs)
		}
		n := float64(len(all)/2 - 1)
		t.Logf("%d ports, chi-square %.1f of at most %.2f, %d of %.0f greater than the one before", len(all), chi, critical, rising, n)
		if chi < critical && math.Abs(float64(rising)-n/2) < 4*math.Sqrt(n/12) {
			good = true
			break
		}
	}
	if !good {
		t.Error("the order of ports is not random")
	}
}

// await gives the next packet that a session took.
func await(t *testing.T, received <-chan media.Packet) media.Packet {
	t.Helper()
	select {
	case p := <-received:
		return p
	case <-time.After(10 * time.Second):
		t.Fatal("nothing is received")
		return media.Packet{}
	}
}
