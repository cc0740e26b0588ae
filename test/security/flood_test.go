package security

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/testbed"
)

// TestS06Flood (S-6): INVITEs and REGISTERs without end, to both agents, from one
// address and from many, while people talk: no talk ends and no audio is lost, the
// memory stays, and soon after the flood a new phone registers.
func TestS06Flood(t *testing.T) {
	talking, hosts, rate, long := 4, 200, 4000, 2*time.Second
	if full() {
		talking, hosts, rate, long = 20, 10_000, 20_000, time.Minute
	}
	w := newWorld(t, talking)
	talks, invites := w.talks(t), w.carrier.Stats().Invites
	memory := w.sample(t, "process_resident_memory_bytes")
	for _, sources := range []int{1, hosts} {
		began := time.Now()
		sent := w.flood(t, sources, rate, long)
		took := time.Since(began)
		now := w.sample(t, "process_resident_memory_bytes")
		t.Logf("%d sources: %d messages in %s, %.0f a second; memory %+.1f MiB", sources, sent, took.Round(time.Millisecond), float64(sent)/took.Seconds(), (now-memory)/(1<<20))
		if now-memory > 64<<20 {
			t.Errorf("%d sources: the memory grew by %.1f MiB", sources, (now-memory)/(1<<20))
		}
		recovered := time.Now()
		testbed.Until(t, 30*time.Second, "a phone is answered", func() bool { return w.challenges(t) })
		recovery := time.Since(recovered)
		t.Logf("a phone was answered %s after the flood", recovery.Round(time.Millisecond))
		if full() && recovery > 2*time.Second+slack {
			t.Errorf("a phone was answered only %s after the flood", recovery)
		}
	}
	if n := w.carrier.Stats().Invites; n != invites {
		t.Errorf("%d INVITEs reached the carrier", n-invites)
	}
	w.checkTalks(t, talks, time.Now())
}

// slack is for the timeout of an answer that is lost just before the flood's end.
const slack = time.Second

// flood sends so many messages a second from so many loopback addresses, half of them
// to each agent, and returns how many were sent.
func (w *world) flood(t *testing.T, sources, rate int, long time.Duration) (sent int) {
	t.Helper()
	conns := make([]*net.UDPConn, sources)
	for i := range conns {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 66, byte(i/250), byte(1+i%250))})
		testbed.Must(t, err)
		_ = c.SetReadBuffer(2048) // nobody reads: what is answered need not wait for us
		conns[i] = c
	}
	var to [2]*net.UDPAddr
	for i, address := range []string{w.phones, w.trunk} {
		a, err := net.ResolveUDPAddr("udp4", address)
		testbed.Must(t, err)
		to[i] = a
	}
	const burst = 100
	tick := time.NewTicker(burst * time.Second / time.Duration(rate))
	defer tick.Stop()
	end := time.After(long)
	for {
		for range burst {
			c := conns[sent%sources]
			m := invite("udp", c.LocalAddr().String(), sent)
			if sent%3 == 0 {
				m = register(c.LocalAddr().String(), sent)
			}
			if _, err := c.WriteToUDP([]byte(m), to[sent/sources%2]); err == nil {
				sent++
			}
		}
		select {
		case <-tick.C:
		case <-end:
			var closing sync.WaitGroup
			for _, c := range conns {
				closing.Go(func() { c.Close() })
			}
			closing.Wait()
			return sent
		}
	}
}

// register is a REGISTER without credentials.
func register(from string, i int) string {
	id := fmt.Sprintf("reg-%d-%s", i, from)
	return fmt.Sprintf("REGISTER sip:outpace SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\nFrom: <sip:op%03d@outpace>;tag=%s\r\nTo: <sip:op%03d@outpace>\r\n"+
		"Call-ID: %s\r\nCSeq: 1 REGISTER\r\nContact: <sip:op@%s>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", from, id, i%100, id, i%100, id, from)
}

// challenges says whether a phone that nobody knows gets a challenge now.
func (w *world) challenges(t *testing.T) bool {
	t.Helper()
	c, err := connect("udp", net.IPv4(127, 88, 0, 1), w.phones) // no home of any phone
	testbed.Must(t, err)
	defer c.Close()
	_, err = c.Write([]byte(register(c.LocalAddr().String(), int(time.Now().UnixNano()))))
	testbed.Must(t, err)
	_ = c.SetReadDeadline(time.Now().Add(500 * time.Millisecond))
	buf := make([]byte, 2048)
	n, _ := c.Read(buf)
	return n > 12 && string(buf[8:11]) == "401"
}
