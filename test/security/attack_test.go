package security

import (
	"crypto/tls"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// TestAttacks are S-1, S-2 and S-13. They share a product, as each of them is to leave
// no trace: no INVITE at the carrier, no talk ended, no packet of it lost.
func TestAttacks(t *testing.T) {
	w := newWorld(t, 4)
	talks := testbed.Talks(w.events(t))
	invites := w.carrier.Stats().Invites
	t.Run("S01OpenRelay", w.openRelay)
	t.Run("S02StolenPhone", w.stolenPhone)
	t.Run("S13Bleed", w.bleed)
	if n := w.carrier.Stats().Invites; n != invites {
		t.Errorf("%d INVITEs reached the carrier", n-invites)
	}
	w.checkTalks(t, talks, time.Now())
}

// checkTalks: no talk was ended before a time, and each had its audio until then.
func (w *world) checkTalks(t *testing.T, talks map[string]bool, end time.Time) {
	t.Helper()
	testbed.Pass(500 * time.Millisecond) // the talks go on
	for _, e := range w.events(t) {
		if e.Event == "bye" && talks[e.Call] {
			t.Errorf("talk %s was ended by the %s", e.Call, e.By)
		}
	}
	w.leave()
	heard, lost, received, spread := 0, uint32(0), uint32(0), 0
	for _, e := range w.events(t) {
		if e.Event != "marks" || e.User == "" || !talks[e.Call] {
			continue
		}
		heard++
		lost, received, spread = lost+e.Lost, received+e.Received, max(spread, e.Spread)
		if e.LastAt.Before(end) {
			t.Errorf("talk %s: its last packet came at %s, before the end of the attack", e.Call, e.LastAt)
		}
	}
	t.Logf("%d talks, %d packets, %d lost; in the worst talk the slowest of a hundred packets came %d ms after the fastest", heard, received, lost, spread)
	if heard != len(talks) || lost*1000 > received {
		t.Errorf("of %d talks %d were heard; %d of %d packets lost", len(talks), heard, lost, received+lost)
	}
}

// expensive are numbers that cost money.
var expensive = []string{"+8821", "+9791", "+1900", "00882", "0900", "011979", "+9991", "9011", "+88216", "*72+1900"}

// invite is an INVITE without credentials.
func invite(transport, from string, i int, unique string) string {
	uri := fmt.Sprintf("sip:%s%06d@outpace", expensive[i%len(expensive)], i)
	id := fmt.Sprintf("%s-%d-%s-%s", transport, i, from, unique)
	sdp := "v=0\r\no=- 1 1 IN IP4 127.0.0.9\r\ns=-\r\nc=IN IP4 127.0.0.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
	return fmt.Sprintf("INVITE %s SIP/2.0\r\nVia: SIP/2.0/%s %s;rport;branch=z9hG4bK%s\r\nFrom: <sip:op001@outpace>;tag=%s\r\nTo: <%s>\r\n"+
		"Call-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:op001@%s>\r\nMax-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
		uri, strings.ToUpper(transport), from, id, id, uri, id, from, len(sdp), sdp)
}

// openRelay (S-1): INVITEs to numbers that cost money, by every transport and to both
// agents, from a stranger. Only refusals come back, few of them, and no audio.
func (w *world) openRelay(t *testing.T) {
	each := 200
	if full() {
		each = 1700 // six ways: more than 10,000
	}
	audio, err := net.ListenPacket("udp4", "127.0.0.9:4000") // where the descriptions point to
	testbed.Must(t, err)
	defer audio.Close()
	for i, to := range []struct{ transport, address string }{
		{"udp", w.phones}, {"udp", w.trunk}, {"tcp", w.phones}, {"tcp", w.trunk}, {"tls", w.phonesTLS}, {"tls", w.trunkTLS},
	} {
		// Another address each, so that none is blocked for what another did.
		local := net.IPv4(127, 7, 0, byte(1+i))
		answers := map[string]int{}
		conn, err := connect(to.transport, local, to.address)
		if err != nil {
			continue // the listener takes no strangers at all
		}
		var reading sync.WaitGroup
		reading.Go(func() {
			buf := make([]byte, 65536)
			for {
				n, err := conn.Read(buf)
				if err != nil {
					return
				}
				for part := range strings.SplitSeq(string(buf[:n]), "SIP/2.0 ") {
					if len(part) > 3 && part[3] == ' ' {
						answers[part[:3]]++
					}
				}
			}
		})
		sent := 0
		for i := range each {
			if _, err := conn.Write([]byte(invite(to.transport, conn.LocalAddr().String(), i, ""))); err != nil {
				break // it has had enough of us
			}
			sent++
		}
		_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		reading.Wait()
		_ = conn.Close()
		t.Logf("%s %s: %d sent, answers %v", to.transport, to.address, sent, answers)
		for code := range answers {
			if code != "401" && code != "403" {
				t.Errorf("%s %s: answers %v", to.transport, to.address, answers)
			}
		}
		if answers["401"] > 100 {
			t.Errorf("%s %s: %d challenges", to.transport, to.address, answers["401"])
		}
	}
	_ = audio.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, from, err := audio.ReadFrom(make([]byte, 2048)); err == nil {
		t.Errorf("%d bytes of audio came from %s", n, from)
	}
}

// connect opens a connection from a loopback address.
func connect(transport string, local net.IP, address string) (net.Conn, error) {
	if transport == "udp" {
		return (&net.Dialer{LocalAddr: &net.UDPAddr{IP: local}}).Dial("udp4", address)
	}
	d := &net.Dialer{LocalAddr: &net.TCPAddr{IP: local}, Timeout: 5 * time.Second}
	if transport == "tcp" {
		return d.Dial("tcp4", address)
	}
	return tls.DialWithDialer(d, "tcp4", address, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // an attacker looks at nothing
}

// stolenPhone (S-2): a registered phone, with the right password, dials numbers:
// 403 each.
func (w *world) stolenPhone(t *testing.T) {
	p, err := phone.New(phone.Config{User: w.thief.User, Password: w.thief.SIPPassword, Registrar: w.phones})
	testbed.Must(t, err)
	testbed.RunUntilCleanup(t, "phone", p.Run)
	_, granted, err := p.Register(t.Context(), 2*time.Minute)
	if err != nil || granted == 0 {
		t.Fatalf("not registered: %v", err)
	}
	for _, number := range expensive {
		call, err := p.Call(phone.Dial{To: w.phones, Number: number + "5550100"})
		testbed.Must(t, err)
		select {
		case <-call.Done():
			if end := call.End(); end.Code != 403 || end.WasUp {
				t.Errorf("%s: %+v, want 403", number, end)
			}
		case <-time.After(10 * time.Second):
			t.Errorf("%s: no answer", number)
		}
	}
}

// bleed (S-13): a packet to each port of audio, then a stream at each that is in use:
// nothing comes back.
func (w *world) bleed(t *testing.T) {
	stranger, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 66)})
	testbed.Must(t, err)
	defer stranger.Close()
	packet := make([]byte, 172)
	packet[0] = 0x80
	before := w.sample(t, "dialer_media_rtp_foreign_packets_total")
	var sent atomic.Int64
	spray := func(sequence int) {
		packet[2], packet[3] = byte(sequence>>8), byte(sequence)
		for port := mediaFrom; port <= mediaTo; port++ {
			if _, err := stranger.WriteToUDP(packet, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: port}); err == nil {
				sent.Add(1)
			}
		}
	}
	rounds := 3
	if full() {
		rounds = 20
	}
	for i := range rounds {
		spray(i)
	}
	testbed.Until(t, 10*time.Second, "the packets are seen as foreign", func() bool { return w.sample(t, "dialer_media_rtp_foreign_packets_total") > before })
	_ = stranger.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
	if n, from, err := stranger.ReadFromUDP(make([]byte, 2048)); err == nil {
		t.Errorf("%d bytes came back from %s", n, from)
	}
	t.Logf("%d packets to %d ports; %v counted as foreign", sent.Load(), mediaTo-mediaFrom+1, w.sample(t, "dialer_media_rtp_foreign_packets_total")-before)
}
