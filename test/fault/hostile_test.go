package fault

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/testbed"
)

const (
	// mayGrow is how much memory may come on top under attack.
	mayGrow = 64 << 20
	// moreGoroutines is how many may be left over: clocks, idle connections.
	moreGoroutines = 20
	// forgotten is when the last unanswered response is given up: 32 s (timer H
	// of RFC 3261 section 17.2.1), and some.
	forgotten = 45 * time.Second
)

// TestHostileTraffic has strangers write to every listener while people talk.
// Strangers have other loopback addresses than the carrier and the phones, and
// where the carrier's host is meant, its address and another port.
func TestHostileTraffic(t *testing.T) {
	const operators = 4
	w, leave := talking(t, operators)
	talks := testbed.Talks(w.events(t))
	before := w.figures(t)
	least := before.memory // less than before, once the memory of the sign-ins is given back
	dialled := w.carrier.Stats().Invites

	idle := w.connectIdle(t)
	for _, attack := range []struct {
		name string
		run  func(*testing.T, string)
	}{{"RFC 4475", sendTorture}, {"garbage", sendGarbage}, {"INVITE", sendInvites}} {
		for _, listener := range []string{w.trunk, w.phones} {
			attack.run(t, listener)
		}
		if err := w.healthy(); err != nil {
			t.Fatalf("after %s: %v\n%s", attack.name, err, w.tail())
		}
		now := w.figures(t)
		least = min(least, now.memory)
		t.Logf("after %s: %d KiB, %+d goroutines", attack.name, now.memory>>10, now.goroutines-before.goroutines)
		if now.memory-least > mayGrow {
			t.Errorf("after %s: %d MiB more than before", attack.name, (now.memory-least)>>20)
		}
	}
	attacked := time.Now()
	w.checkHeard(t)
	testbed.Pass(2 * time.Second) // the talks go on
	testbed.Until(t, forgotten, "the goroutines are as few as before", func() bool {
		return w.figures(t).goroutines <= before.goroutines+moreGoroutines
	})
	if grown := w.figures(t).memory - least; grown > mayGrow {
		t.Errorf("%d MiB more than before, for good", grown>>20)
	}
	if n := w.carrier.Stats().Invites; n != dialled {
		t.Errorf("%d INVITEs reached the carrier during the attack", n-dialled)
	}
	for _, c := range idle {
		c.Close()
	}
	leave()
	w.stop(t)
	checkTalks(t, w, talks, attacked)
	store := w.open(t)
	defer store.Close()
	judgeOutcomes(t, allAttempts(t, store), callsOf(t, w.events(t)))
}

// checkHeard: the attack came to the product, and not only to full sockets.
func (w *world) checkHeard(t *testing.T) {
	t.Helper()
	text := w.scrape(t)
	for _, agent := range []string{"trunk", "phones"} {
		invites := int(testbed.Sample(t, text, fmt.Sprintf(`dialer_sip_requests_total{agent=%q,direction="in",method="INVITE"}`, agent)))
		blocked := int(testbed.Sample(t, text, fmt.Sprintf(`dialer_sip_blocked_total{agent=%q}`, agent)))
		broken := int(testbed.Sample(t, text, fmt.Sprintf(`dialer_sip_parse_errors_total{agent=%q}`, agent)))
		t.Logf("%s: %d INVITEs read, %d messages not read for their source, %d no SIP", agent, invites, blocked, broken)
		if invites+blocked+broken < 5000 || broken == 0 {
			t.Errorf("%s: of 6,000 messages the product saw %d", agent, invites+blocked+broken)
		}
	}
}

// checkTalks: the talks went on, with their audio, until after the attack.
func checkTalks(t *testing.T, w *world, talks map[string]bool, attacked time.Time) {
	t.Helper()
	heard := map[string]carrier.Event{}
	for _, e := range w.events(t) {
		switch {
		case e.Event == "bye" && talks[e.Call] && e.T.Before(attacked):
			t.Errorf("talk %s was ended by the %s in the middle of the attack", e.Call, e.By)
		case e.Event == "marks" && e.User != "":
			heard[e.Call] = e
		}
	}
	for id := range talks {
		m := heard[id]
		if m.LastAt.Before(attacked) {
			t.Errorf("talk %s: the last packet reached the operator at %s, the attack ended at %s", id, clock(m.LastAt), clock(attacked))
		}
		t.Logf("talk %s: %d packets reached the operator, %d were lost", id, m.Received, m.Lost)
		if m.Lost*1000 > m.Received {
			t.Errorf("talk %s: %d of %d packets were lost", id, m.Lost, m.Received+m.Lost)
		}
	}
}

// figures are what a flood would let grow.
type figures struct{ memory, goroutines int }

func (w *world) figures(t *testing.T) figures {
	t.Helper()
	text := w.scrape(t)
	return figures{int(testbed.Sample(t, text, "process_resident_memory_bytes")), int(testbed.Sample(t, text, "go_goroutines"))}
}

// connectIdle opens a connection to every TCP listener that says nothing, and
// one that begins to say something.
func (w *world) connectIdle(t *testing.T) []net.Conn {
	t.Helper()
	var all []net.Conn
	for listener, begin := range map[string]string{w.trunk: "INVITE sip:", w.phones: "REGISTER s", w.http: "GET /api", w.admin: "GET /met"} {
		for _, say := range []string{"", begin} {
			c, err := net.Dial("tcp", listener)
			if err != nil {
				t.Fatalf("connect to %s: %v", listener, err)
			}
			if _, err := c.Write([]byte(say)); err != nil {
				t.Fatal(err)
			}
			all = append(all, c)
		}
	}
	return all
}

// stranger opens a UDP socket at a loopback address: the carrier's host, or
// one of as many strangers as there are hosts.
func stranger(t *testing.T, host int) *net.UDPConn {
	t.Helper()
	ip := net.IPv4(127, 0, 0, 1)
	if host > 0 {
		ip = net.IPv4(127, 1, byte(host/250), byte(host%250+1))
	}
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: ip})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func udpAddr(t *testing.T, address string) *net.UDPAddr {
	t.Helper()
	a, err := net.ResolveUDPAddr("udp4", address)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// sendTorture sends the messages of RFC 4475 that come with the parser, each
// by UDP from a stranger and from the carrier's host, and by TCP.
func sendTorture(t *testing.T, listener string) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/emiago/sipgo").Output()
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "sip/testdata/torture/*/*.dat"))
	if err != nil || len(files) < 49 {
		t.Fatalf("%d messages of RFC 4475, %v", len(files), err)
	}
	for _, file := range files {
		message, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for host := range 2 {
			c := stranger(t, host)
			if _, err := c.WriteToUDP(message, udpAddr(t, listener)); err != nil {
				t.Fatal(err)
			}
			c.Close()
		}
		c, err := net.Dial("tcp", listener)
		if err != nil {
			continue // the listener has had enough of this address
		}
		c.Write(message) //nolint:errcheck // it may hang up on us at any byte
		c.Close()
	}
}

// sendGarbage sends a thousand datagrams from as many ports and some hundred
// hosts: noise, and noise that begins like SIP.
func sendGarbage(t *testing.T, listener string) {
	draw := rand.New(rand.NewPCG(4, 4))
	begins := []string{"", "INVITE sip:x SIP/2.0\r\n", "SIP/2.0 200 OK\r\nVia: ", "\r\n\r\n", "REGISTER sip:outpace SIP/2.0\r\nContent-Length: 99999999999\r\n\r\n"}
	to := udpAddr(t, listener)
	for i := range 1000 {
		noise := make([]byte, 1+draw.IntN(1300))
		for j := range noise {
			noise[j] = byte(draw.Uint32())
		}
		c := stranger(t, i%200)
		if _, err := c.WriteToUDP(append([]byte(begins[i%len(begins)]), noise...), to); err != nil {
			t.Fatal(err)
		}
		c.Close()
	}
}

// sendInvites sends five thousand INVITEs without credentials, no faster than
// a socket takes them, each of them a call that would cost money: one half from
// the carrier's host, the other from fifty strangers.
func sendInvites(t *testing.T, listener string) {
	const hosts, each = 100, 50
	to := udpAddr(t, listener)
	for host := range hosts {
		c := stranger(t, host%2*host)
		for i := range each {
			id := fmt.Sprintf("%d-%d-%s", host, i, listener)
			sdp := "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"
			if _, err := fmt.Fprintf(sender{c, to}, "INVITE sip:+9005550%04d@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\n"+
				"From: <sip:op001@outpace>;tag=%s\r\nTo: <sip:+9005550100@outpace>\r\nCall-ID: %s\r\nCSeq: 1 INVITE\r\nContact: <sip:op001@%s>\r\n"+
				"Max-Forwards: 70\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s",
				i, listener, c.LocalAddr(), id, id, id, c.LocalAddr(), len(sdp), sdp); err != nil {
				t.Fatal(err)
			}
		}
		c.Close()
		testbed.Pass(10 * time.Millisecond)
	}
}

// sender writes each message as one datagram.
type sender struct {
	conn *net.UDPConn
	to   *net.UDPAddr
}

func (s sender) Write(p []byte) (int, error) { return s.conn.WriteToUDP(p, s.to) }
