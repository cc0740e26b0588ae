package trunk

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/test/eventually"
)

const (
	deadline = 5 * time.Second
	// unhurried is for what waits for a clock of ours.
	unhurried = 15 * time.Second
)

// wire is the far end of a trunk: a socket and string concatenation. Over TCP
// it serves the first connection.
type wire struct {
	t     *testing.T
	addr  string
	got   chan string // messages without bodies of theirs
	write func(string)
}

func newWire(t *testing.T, transport string) *wire {
	t.Helper()
	w := &wire{t: t, got: make(chan string, 1000)}
	var reading sync.WaitGroup
	if transport == "udp" {
		conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		w.addr = conn.LocalAddr().String()
		var mu sync.Mutex
		var peer net.Addr
		reading.Go(func() {
			buf := make([]byte, 65536)
			for {
				n, from, err := conn.ReadFrom(buf)
				if err != nil {
					return
				}
				mu.Lock()
				peer = from
				mu.Unlock()
				w.got <- string(buf[:n])
			}
		})
		w.write = func(m string) {
			mu.Lock()
			defer mu.Unlock()
			_, _ = conn.WriteTo([]byte(m), peer)
		}
		t.Cleanup(func() { _ = conn.Close(); reading.Wait() })
		return w
	}
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.addr = ln.Addr().String()
	accepted := make(chan net.Conn, 1)
	reading.Go(func() {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		defer func() { _ = conn.Close() }()
		accepted <- conn
		in := bufio.NewReader(conn)
		for {
			var b strings.Builder
			for line := ""; line != "\r\n"; {
				if line, err = in.ReadString('\n'); err != nil {
					return
				}
				b.WriteString(line)
			}
			if _, length, ok := strings.Cut(b.String(), "Content-Length: "); ok {
				var n int64
				_, _ = fmt.Sscan(length, &n)
				_, _ = io.CopyN(io.Discard, in, n)
			}
			w.got <- b.String()
		}
	})
	var conn net.Conn
	w.write = func(m string) {
		if conn == nil {
			conn = eventually.Comes(t, unhurried, "a connection", accepted)
		}
		_, _ = io.WriteString(conn, m)
	}
	t.Cleanup(func() {
		_ = ln.Close()
		select {
		case c := <-accepted:
			_ = c.Close()
		default:
			if conn != nil {
				_ = conn.Close()
			}
		}
		reading.Wait()
	})
	return w
}

// expect returns the next message that begins with method, answering OPTIONS
// on the way.
func (w *wire) expect(method string) string {
	w.t.Helper()
	timeout := time.After(deadline)
	for {
		select {
		case m := <-w.got:
			if strings.HasPrefix(m, method+" ") {
				return m
			}
			if strings.HasPrefix(m, "OPTIONS ") {
				w.answer(m, "405 Method Not Allowed", "")
			}
		case <-timeout:
			w.t.Fatalf("no %s", method)
		}
	}
}

func (w *wire) answer(req, status, extra string) {
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for line := range strings.SplitSeq(req, "\r\n") {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "To":
			fmt.Fprintf(&b, "%s;tag=far\r\n", strings.TrimSuffix(line, ";tag=far"))
		case "Via", "From", "Call-ID", "CSeq":
			fmt.Fprintf(&b, "%s\r\n", line)
		}
	}
	w.write(b.String() + extra + "Content-Length: 0\r\n\r\n")
}

// exchange is Trunks with a real agent.
type exchange struct {
	*Trunks
	agent  *sip.Agent
	events chan sip.Event
}

func newExchange(t *testing.T, cfgs ...Config) *exchange {
	t.Helper()
	return newExchangeWith(t, nil, cfgs...)
}

func newExchangeWith(t *testing.T, names Resolver, cfgs ...Config) *exchange {
	t.Helper()
	return startExchange(t, names, func(*sip.Config) {}, cfgs...)
}

func startExchange(t *testing.T, names Resolver, change func(*sip.Config), cfgs ...Config) *exchange {
	t.Helper()
	x := &exchange{events: make(chan sip.Event, 1000)}
	sc := sip.Config{
		Name:     AgentName,
		Listen:   []sip.Listener{{Transport: "udp", Address: "127.0.0.1:0"}, {Transport: "tcp", Address: "127.0.0.1:0"}},
		Allow:    func(from netip.AddrPort) bool { return x.Allow(from) },
		Classify: Classify,
	}
	change(&sc)
	var err error
	x.agent, err = sip.New(sc, func(ev sip.Event) { x.Handle(ev) }, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	if x.Trunks, err = New(cfgs, Deps{Agent: x.agent, Emit: func(ev sip.Event) { x.events <- ev }, Resolver: names}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = x.agent.Run(ctx) })
	running.Go(func() { _ = x.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		eventually.Ends(t, unhurried, "the agent and the trunks end", running.Wait)
	})
	return x
}

// await waits for the next event of a kind, past the others.
func await[E sip.Event](t *testing.T, x *exchange) E {
	t.Helper()
	timeout := time.After(deadline)
	for {
		select {
		case ev := <-x.events:
			if want, ok := ev.(E); ok {
				return want
			}
		case <-timeout:
			t.Fatalf("no %T", *new(E))
		}
	}
}

func (x *exchange) ended(t *testing.T) sip.Ended {
	t.Helper()
	return await[sip.Ended](t, x)
}

func (x *exchange) call(t *testing.T, leg string) {
	t.Helper()
	r, err := x.Reserve("default", "+48600100200", nil, "id-"+leg)
	if err != nil {
		t.Fatal(err)
	}
	x.Dial(sip.LegID(leg), r, []byte("v=0\r\n"))
}

// Calls over a real agent and real sockets: what the carrier sees, what comes
// back, and that all room is free again.
func TestCallsOnTheWire(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			far := newWire(t, transport)
			cfg := good()
			cfg.Targets = []Target{{Address: far.addr, Transport: transport}}
			cfg.MaxCPS, cfg.AssertedIdentity, cfg.CallerName = 1000, true, "Outpace Ltd"
			x := newExchange(t, cfg)

			x.call(t, "busy")
			invite := far.expect("INVITE")
			for _, want := range []string{
				"INVITE sip:+48600100200@" + far.addr, "Call-ID: id-busy\r\n",
				`P-Asserted-Identity: "Outpace Ltd" <sip:+48221234567@127.0.0.1>` + "\r\n",
				`From: "Outpace Ltd" <sip:+48221234567@127.0.0.1>;tag=`, "To: <sip:+48600100200@127.0.0.1>\r\n",
			} {
				if !strings.Contains(invite, want) {
					t.Errorf("INVITE has no %q:\n%s", want, invite)
				}
			}
			far.answer(invite, "180 Ringing", "")
			far.answer(invite, "503 Service Unavailable", "Reason: Q.850;cause=17;text=\"busy\"\r\n")
			far.expect("ACK")
			if end := x.ended(t); end.Cause.Result != sip.ResultBusy || end.Cause.Code != 503 {
				t.Errorf("end = %+v, want busy: the cause beats the code", end.Cause)
			}

			x.call(t, "up")
			invite = far.expect("INVITE")
			far.answer(invite, "200 OK", "Contact: <sip:far@"+far.addr+";transport="+transport+">\r\n")
			far.expect("ACK")
			await[sip.Answered](t, x)
			if s := x.Stats()[0]; s.Channels != 1 || s.Ringing != 0 || s.Answers != 1 {
				t.Errorf("while up: %+v", s)
			}
			x.Hangup("up", sip.Cause{Q850: 16})
			far.answer(far.expect("BYE"), "200 OK", "")
			if end := x.ended(t); end.Cause.Result != sip.ResultAnswered || !end.WasUp || !end.ByUs {
				t.Errorf("end = %+v", end)
			}

			x.call(t, "cancelled")
			invite = far.expect("INVITE")
			far.answer(invite, "183 Session Progress", "")
			x.Hangup("cancelled", sip.Cause{})
			far.answer(far.expect("CANCEL"), "200 OK", "")
			far.answer(invite, "487 Request Terminated", "")
			if end := x.ended(t); !end.ByUs || end.Cause.Result != sip.ResultNone {
				t.Errorf("end = %+v", end)
			}
			if s := x.Stats()[0]; s.Channels != 0 || s.Ringing != 0 || s.Attempts != 3 {
				t.Errorf("afterwards: %+v", s)
			}
		})
	}
}

// A redirect is told and not followed: the number it names gets no INVITE.
func TestRedirectIsNotFollowed(t *testing.T) {
	far := newWire(t, "udp")
	cfg := good()
	cfg.Targets[0].Address = far.addr
	x := newExchange(t, cfg)
	x.call(t, "a")
	far.answer(far.expect("INVITE"), "302 Moved Temporarily", "Contact: <sip:+882123@"+far.addr+">\r\n")
	far.expect("ACK")
	if end := x.ended(t); end.Cause.Result != sip.ResultRedirected {
		t.Errorf("end = %+v", end.Cause)
	}
	if n := x.Stats()[0].Attempts; n != 1 || x.agent.Stats().Requests[sip.MessageKey{Method: "INVITE", Direction: "out"}] != 1 {
		t.Errorf("%d attempts, stats %+v", n, x.agent.Stats().Requests)
	}
}

// The health check finds a server that answers anything but 503.
func TestOptionsOnTheWire(t *testing.T) {
	far := newWire(t, "udp")
	cfg := good()
	cfg.Targets[0].Address, cfg.OptionsInterval = far.addr, time.Second
	x := newExchange(t, cfg)
	far.answer(far.expect("OPTIONS"), "404 Not Found", "")
	eventually.So(t, unhurried, "a round trip time", func() bool { return x.Stats()[0].OptionsRTT > 0 })
	if !x.Stats()[0].Up {
		t.Error("down although it answered 404")
	}
}

// S-2: nobody calls in by the trunk's socket. Strangers hear nothing, the
// carrier hears no.
func TestS02NobodyCallsIn(t *testing.T) {
	far := newWire(t, "udp")
	cfg := good()
	cfg.Targets[0].Address, cfg.OptionsInterval = far.addr, -1
	x := newExchange(t, cfg)
	invite := func(from string) string {
		return "INVITE sip:+1900123456@outpace SIP/2.0\r\nVia: SIP/2.0/UDP " + from + ";branch=z9hG4bKx;rport\r\nMax-Forwards: 70\r\n" +
			"From: <sip:a@b>;tag=a\r\nTo: <sip:+1900123456@outpace>\r\nCall-ID: " + from + "\r\nCSeq: 1 INVITE\r\n" +
			"Contact: <sip:a@" + from + ">\r\nContent-Length: 0\r\n\r\n"
	}
	send := func(local string) (answer string) {
		conn, err := net.DialUDP("udp4", net.UDPAddrFromAddrPort(netip.MustParseAddrPort(local)), net.UDPAddrFromAddrPort(x.agent.Addr("udp")))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		_, _ = io.WriteString(conn, invite(conn.LocalAddr().String()))
		_ = conn.SetReadDeadline(time.Now().Add(300 * time.Millisecond))
		buf := make([]byte, 4096)
		n, _ := conn.Read(buf)
		return string(buf[:n])
	}
	if got := send("127.0.0.2:0"); got != "" {
		t.Errorf("a stranger got\n%s", got)
	}
	if got := send("127.0.0.1:0"); !strings.HasPrefix(got, "SIP/2.0 403 ") {
		t.Errorf("the carrier got\n%s", got)
	}
	if s := x.agent.Stats(); s.Legs != 0 || s.BlockedDatagrams != 1 || len(x.events) != 0 {
		t.Errorf("stats = %+v, %d events", s, len(x.events))
	}
}
