package sip

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/test/eventually"
)

// TestMain shortens the protocol's clocks: 64*T1 is 2.56 s.
func TestMain(m *testing.M) {
	sipgosip.SetTimers(40*time.Millisecond, 160*time.Millisecond, 200*time.Millisecond)
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() == "" {
		_ = flag.Set("test.parallel", "16") // they wait, they do not work
	}
	if code := m.Run(); code != 0 {
		os.Exit(code)
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const patience = 5 * time.Second

// farEnd is a SIP end made of a socket and string concatenation: it shares
// nothing with what it tests.
type farEnd struct {
	t    *testing.T
	conn *net.UDPConn
	got  chan string
	peer net.Addr
	seen map[string]bool
}

func newFarEnd(t *testing.T) *farEnd {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	return newFarEndOn(t, conn)
}

func newFarEndOn(t *testing.T, conn *net.UDPConn) *farEnd {
	f := &farEnd{t: t, conn: conn, got: make(chan string, 4096), seen: map[string]bool{}}
	done := make(chan struct{})
	go func() {
		defer close(done)
		buf := make([]byte, 65536)
		for {
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			f.got <- string(buf[:n])
		}
	}()
	t.Cleanup(func() { _ = conn.Close(); <-done })
	return f
}

func (f *farEnd) addr() string { return f.conn.LocalAddr().String() }

func (f *farEnd) contact() string { return "Contact: <sip:far@" + f.addr() + ">\r\n" }

// next returns the next message that is not a retransmission.
func (f *farEnd) next(what string) string {
	f.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case m := <-f.got:
			if !f.seen[m] {
				f.seen[m] = true
				return m
			}
		case <-timeout:
			f.t.Fatalf("no %s", what)
		}
	}
}

// expect returns the next message, which must start with what: a method or
// "SIP/2.0 200".
func (f *farEnd) expect(what string) string {
	f.t.Helper()
	m := f.next(what)
	for what != "SIP/2.0 100" && strings.HasPrefix(m, "SIP/2.0 100") {
		m = f.next(what) // a slow machine: 200 ms without an answer to an INVITE
	}
	if !strings.HasPrefix(m, what) {
		f.t.Fatalf("got %q, want %s", firstLine(m), what)
	}
	return m
}

// expectAll collects one message of each kind, in any order.
func (f *farEnd) expectAll(kinds ...string) map[string]string {
	f.t.Helper()
	all := map[string]string{}
	for len(all) < len(kinds) {
		m := f.next(strings.Join(kinds, " and "))
		i := slices.IndexFunc(kinds, func(k string) bool { return strings.HasPrefix(m, k) && all[k] == "" })
		if i < 0 {
			f.t.Fatalf("got %q, want one of %q", firstLine(m), kinds)
		}
		all[kinds[i]] = m
	}
	return all
}

// silent fails if a new message comes within d.
func (f *farEnd) silent(d time.Duration) {
	f.t.Helper()
	timeout := time.After(d)
	for {
		select {
		case m := <-f.got:
			if !f.seen[m] {
				f.t.Fatalf("unexpected %q", firstLine(m))
			}
		case <-timeout:
			return
		}
	}
}

func (f *farEnd) send(to net.Addr, m string) {
	f.t.Helper()
	if _, err := f.conn.WriteTo([]byte(m), to); err != nil {
		f.t.Fatal(err)
	}
}

// answer responds to req: "180 Ringing", a To tag, more headers and a body.
func (f *farEnd) answer(req, status, tag, extra, body string) {
	f.t.Helper()
	f.send(f.peer, responseTo(req, status, tag, extra, body))
}

func responseTo(req, status, tag, extra, body string) string {
	b := "SIP/2.0 " + status + "\r\n"
	for line := range strings.SplitSeq(req, "\r\n") {
		if strings.HasPrefix(line, "Via:") {
			b += line + "\r\n"
		}
	}
	to := header(req, "To")
	if tag != "" && !strings.Contains(to, "tag=") {
		to += ";tag=" + tag
	}
	if body != "" {
		extra += "Content-Type: application/sdp\r\n"
	}
	return b + "From: " + header(req, "From") + "\r\nTo: " + to + "\r\nCall-ID: " + header(req, "Call-ID") +
		"\r\nCSeq: " + header(req, "CSeq") + "\r\n" + extra + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(body), body)
}

// inDialog makes a request of the far end in the dialog of invite (an INVITE
// that we sent), answered with tag.
func (f *farEnd) inDialog(invite, tag, method string, cseq int, extra, body string) string {
	to := header(invite, "To")
	if tag != "" {
		to += ";tag=" + tag
	}
	if body != "" && !strings.Contains(extra, "Content-Type") {
		extra += "Content-Type: application/sdp\r\n"
	}
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bKfar%s%d%s\r\nMax-Forwards: 70\r\n"+
		"From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%sContent-Length: %d\r\n\r\n%s",
		method, between(header(invite, "Contact"), "<", ">"), f.addr(), method, cseq, randomToken(4),
		to, header(invite, "From"), header(invite, "Call-ID"), cseq, method, extra, len(body), body)
}

func header(m, name string) string {
	head, _, _ := strings.Cut(m, "\r\n\r\n")
	for line := range strings.SplitSeq(head, "\r\n") {
		if n, v, ok := strings.Cut(line, ":"); ok && strings.EqualFold(n, name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

func bodyOf(m string) string {
	_, body, _ := strings.Cut(m, "\r\n\r\n")
	return body
}

func between(s, from, to string) string {
	_, s, _ = strings.Cut(s, from)
	s, _, _ = strings.Cut(s, to)
	return s
}

func firstLine(m string) string {
	line, _, _ := strings.Cut(m, "\r\n")
	return line
}

// near is an agent under test and what it told.
type near struct {
	t *testing.T
	*Agent
	events chan Event
}

func newNear(t *testing.T, change ...func(*Config)) *near {
	t.Helper()
	n := startNear(t, change...)
	n.run()
	return n
}

// startNear binds an agent that does not run yet.
func startNear(t *testing.T, change ...func(*Config)) *near {
	t.Helper()
	cfg := Config{Name: "trunk", Listen: []Listener{{"udp", "127.0.0.1:0"}}}
	for _, c := range change {
		c(&cfg)
	}
	n := &near{t: t, events: make(chan Event, 4096)}
	a, err := New(cfg, func(e Event) { n.events <- e }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	n.Agent = a
	return n
}

func (n *near) run() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	n.t.Cleanup(func() {
		cancel()
		if err := eventually.Comes(n.t, patience, "Run ends", done); err != nil {
			n.t.Errorf("Run: %v", err)
		}
	})
}

func (n *near) netAddr() net.Addr { return net.UDPAddrFromAddrPort(n.Addr("udp")) }

// invite places a call to f and returns the INVITE that f got.
func (n *near) invite(f *farEnd, change ...func(*Invitation)) string {
	n.t.Helper()
	f.peer = n.netAddr()
	inv := Invitation{Dialog: dialogTo(f), Body: []byte("v=0 our offer\r\n")}
	for _, c := range change {
		c(&inv)
	}
	n.Invite("leg", inv)
	return f.expect("INVITE")
}

func dialogTo(f *farEnd) Dialog {
	return NewDialog("trunk", "udp", f.addr(), "sip:+4205@"+f.addr(), "sip:+4201@127.0.0.1", "sip:+4205@"+f.addr(), "")
}

// event returns the next event, which must be an E.
func event[E Event](n *near) E {
	n.t.Helper()
	select {
	case ev := <-n.events:
		e, ok := ev.(E)
		if !ok {
			n.t.Fatalf("event %T %+v, want %T", ev, ev, *new(E))
		}
		return e
	case <-time.After(patience):
		n.t.Fatalf("no %T", *new(E))
	}
	panic("unreachable")
}

func (n *near) quiet() {
	n.t.Helper()
	select {
	case ev := <-n.events:
		n.t.Fatalf("unexpected event %T %+v", ev, ev)
	default:
	}
}

// connect brings a call up: f answers with tag "T1".
func (n *near) connect(f *farEnd, extra string, change ...func(*Invitation)) (invite string, up Answered) {
	n.t.Helper()
	invite = n.invite(f, change...)
	f.answer(invite, "200 OK", "T1", f.contact()+extra, "v=0 their answer\r\n")
	f.expect("ACK")
	return invite, event[Answered](n)
}

func allowOnly(a string) func(netip.AddrPort) bool {
	return func(from netip.AddrPort) bool { return from.String() == a }
}
