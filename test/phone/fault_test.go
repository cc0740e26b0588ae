package phone

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"
)

// rawPeer is a dialer that does only what the test makes it do.
type rawPeer struct {
	t    *testing.T
	conn *net.UDPConn
	far  *net.UDPAddr
}

func newRawPeer(t *testing.T, far *Phone) *rawPeer {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() }) //nolint:errcheck // only a test's end
	return &rawPeer{t, conn, far.udp.LocalAddr().(*net.UDPAddr)}
}

func (r *rawPeer) send(method, branch, toTag, extra string, cseq int) {
	sdp := session{addr: r.conn.LocalAddr().(*net.UDPAddr).AddrPort(), laws: []Law{PCMU}, direction: "sendrecv"}.bytes(1, 1)
	if method != "INVITE" {
		sdp = nil
	}
	fmt.Fprintf(writerTo{r}, "%s sip:+15550001@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=%s\r\nMax-Forwards: 70\r\nFrom: <sip:a@x>;tag=from\r\n"+
		"To: <sip:b@x>%s\r\nCall-ID: raw\r\nCSeq: %d %s\r\nContact: <sip:a@%s>\r\nContent-Type: application/sdp\r\n%sContent-Length: %d\r\n\r\n%s",
		method, r.far, r.conn.LocalAddr(), branch, toTag, cseq, method, r.conn.LocalAddr(), extra, len(sdp), sdp)
}

type writerTo struct{ r *rawPeer }

func (w writerTo) Write(b []byte) (int, error) { return w.r.conn.WriteToUDP(b, w.r.far) }

// read waits for a message that begins with prefix.
func (r *rawPeer) read(prefix string) *Message {
	r.t.Helper()
	r.conn.SetReadDeadline(time.Now().Add(within)) //nolint:errcheck // a bad one fails the read
	buffer := make([]byte, 65536)
	for {
		n, _, err := r.conn.ReadFromUDP(buffer)
		if err != nil {
			r.t.Fatalf("no %q: %v", prefix, err)
		}
		if strings.HasPrefix(string(buffer[:n]), prefix) {
			m, err := Parse(append([]byte(nil), buffer[:n]...))
			if err != nil {
				r.t.Fatal(err)
			}
			return m
		}
	}
}

func answering(t *testing.T, t1 time.Duration) (*Phone, func() []Fault, <-chan *Call) {
	calls := make(chan *Call, 4)
	p, faults := run(t, Config{T1: t1, OnCall: func(c *Call) {
		c.Answer() //nolint:errcheck // seen by the peer
		calls <- c
		<-c.Done()
	}})
	return p, faults, calls
}

func whats(faults []Fault) string {
	var out []string
	for _, f := range faults {
		out = append(out, f.What)
	}
	return strings.Join(out, " ")
}

func TestMissingACKIsAFaultAndEndsTheCall(t *testing.T) {
	p, faults, calls := answering(t, 20*time.Millisecond)
	peer := newRawPeer(t, p)
	peer.send("INVITE", "z9hG4bK1", "", "", 1)
	first := peer.read("SIP/2.0 200")
	if again := peer.read("SIP/2.0 200"); again.Get("To") != first.Get("To") {
		t.Errorf("the 200 is repeated as %q, was %q", again.Get("To"), first.Get("To"))
	}
	peer.read("BYE ")
	c := wait(t, calls, "call")
	wait(t, c.Done(), "end")
	if got := whats(faults()); !strings.HasPrefix(got, "ack_missing") {
		t.Errorf("faults = %q", got)
	}
}

func TestChangedCSeqIsAFault(t *testing.T) {
	p, faults, _ := answering(t, 0)
	peer := newRawPeer(t, p)
	peer.send("INVITE", "z9hG4bK1", "", "", 1)
	ok := peer.read("SIP/2.0 200")
	peer.send("INVITE", "z9hG4bK1", "", "", 2)
	peer.read("SIP/2.0 200")
	peer.send("ACK", "z9hG4bK2", ";tag="+param(ok.Get("To"), "tag"), "", 1)
	peer.send("BYE", "z9hG4bK3", ";tag=wrong", "", 2)
	peer.read("SIP/2.0 481")
	peer.send("BYE", "z9hG4bK4", ";tag="+param(ok.Get("To"), "tag"), "", 2)
	peer.read("SIP/2.0 200")
	if got := whats(faults()); got != "cseq_changed" {
		t.Errorf("faults = %q", got)
	}
}

func TestSessionWithoutRefreshIsEnded(t *testing.T) {
	p, faults, calls := answering(t, 0)
	peer := newRawPeer(t, p)
	peer.send("INVITE", "z9hG4bK1", "", "Supported: timer\r\nSession-Expires: 1;refresher=uac\r\n", 1)
	ok := peer.read("SIP/2.0 200")
	if got := ok.Get("Session-Expires"); got != "1;refresher=uac" {
		t.Errorf("Session-Expires = %q", got)
	}
	peer.send("ACK", "z9hG4bK2", ";tag="+param(ok.Get("To"), "tag"), "", 1)
	bye := peer.read("BYE ")
	fmt.Fprintf(writerTo{peer}, "%s", bye.response(200, "OK", "").Bytes())
	wait(t, wait(t, calls, "call").Done(), "end")
	if got := whats(faults()); got != "session_expired" {
		t.Errorf("faults = %q", got)
	}
}

func TestAudioAfterTheEndIsAFault(t *testing.T) {
	found := make(chan Fault, 8)
	calls := make(chan *Call, 1)
	p, err := New(Config{OnFault: func(f Fault) { found <- f }, OnCall: func(c *Call) {
		c.Answer() //nolint:errcheck // seen by the peer
		calls <- c
		<-c.Done()
	}})
	if err != nil {
		t.Fatal(err)
	}
	runPhone(t, p)
	peer := newRawPeer(t, p)
	peer.send("INVITE", "z9hG4bK1", "", "", 1)
	ok := peer.read("SIP/2.0 200")
	c := wait(t, calls, "call")
	peer.send("BYE", "z9hG4bK2", ";tag="+param(ok.Get("To"), "tag"), "", 2)
	wait(t, c.Done(), "end")
	packet := make([]byte, 172)
	packet[0] = 0x80
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(within)
	for {
		select {
		case f := <-found:
			if f.What != "rtp_after_end" {
				t.Errorf("fault = %+v", f)
			}
			return
		case <-tick.C:
			peer.conn.WriteToUDP(packet, &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: c.Audio.Port()}) //nolint:errcheck // the port may be closed
		case <-deadline:
			t.Fatal("no fault")
		}
	}
}
