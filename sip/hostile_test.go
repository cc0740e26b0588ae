package sip

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/test/eventually"
)

// alive proves that n still answers f.
func (n *near) alive(f *farEnd) {
	n.t.Helper()
	f.peer = n.netAddr()
	f.send(f.peer, fmt.Sprintf("OPTIONS sip:a@near SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\n"+
		"From: <sip:ann@far>;tag=F\r\nTo: <sip:ann@near>\r\nCall-ID: alive%s\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		f.addr(), randomToken(6), randomToken(6)))
	for {
		if m := f.next("answer to OPTIONS"); strings.Contains(m, "Call-ID: alive") {
			return
		}
	}
}

const evil = "\r\nX-Evil: 1"

func TestInjection(t *testing.T) {
	for name, inject := range map[string]func(*Invitation, string){
		"request URI user": func(i *Invitation, s string) { i.Dialog.RequestURI = "sip:1" + s + "@127.0.0.1" },
		"local URI user":   func(i *Invitation, s string) { i.Dialog.LocalURI = "sip:1" + s + "@127.0.0.1" },
		"remote URI host":  func(i *Invitation, s string) { i.Dialog.RemoteURI = "sip:1@h" + s },
		"display name":     func(i *Invitation, s string) { i.Dialog.LocalURI = `"Joe` + s + `" <sip:1@127.0.0.1>` },
		"header value":     func(i *Invitation, s string) { i.Headers = []Header{{"X-Lead", "a" + s}} },
		"header name":      func(i *Invitation, s string) { i.Headers = []Header{{"X-Lead" + s, "a"}} },
		"Call-ID":          func(i *Invitation, s string) { i.Dialog.CallID += s },
		"branch":           func(i *Invitation, s string) { i.Dialog.Branch += s },
		"tag":              func(i *Invitation, s string) { i.Dialog.LocalTag += s },
		"route":            func(i *Invitation, s string) { i.Dialog.Routes = []string{"sip:p;lr" + s} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, f := newNear(t), newFarEnd(t)
			for i, s := range []string{evil, "\r", "\n", "\x00", "\x1b", "\x7f", "\nX-Evil: 1"} {
				inv := Invitation{Dialog: dialogTo(f)}
				inject(&inv, s)
				n.Invite(LegID(strconv.Itoa(i)), inv)
				if e := event[Ended](n); e.Cause.Result != ResultProtocolFailure || e.Cause.Code != 0 || hasControl(e.Cause.Text) {
					t.Errorf("%q: ended = %+v", s, e)
				}
			}
			f.silent(50 * time.Millisecond)
		})
	}
}

func TestReasonTextIsClean(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	n.connect(f, "")
	n.Hangup("leg", Cause{Q850: 16, Text: `say "hi"` + evil + `\`})
	if got, want := header(f.expect("BYE"), "Reason"), `Q.850;cause=16;text="say \"hi\"X-Evil: 1\\"`; got != want {
		t.Errorf("Reason = %s, want %s", got, want)
	}
}

func TestBareControl(t *testing.T) {
	for raw, want := range map[string]bool{
		"OPTIONS sip:a SIP/2.0\r\nA: b\r\n\r\nbody\nwith\x00anything": false,
		"A: b\r\n\tfolded\r\n\r\n":                                    false,
		"A: b\nB: c\r\n\r\n":                                          true,
		"A: b\rB: c\r\n\r\n":                                          true,
		"A: \x00\r\n\r\n":                                             true,
		"\r\n\r\n":                                                    false,
		"":                                                            false,
	} {
		if got := bareControl([]byte(raw)); got != want {
			t.Errorf("bareControl(%q) = %v", raw, got)
		}
	}
}

func TestFloodOfStrangers(t *testing.T) {
	f := newFarEnd(t)
	n := newNear(t, func(c *Config) { c.Allow = allowOnly(f.addr()) })
	n.alive(f)
	pool, routines := n.ua.TransportLayer().Pool("udp").Size(), runtime.NumGoroutine()
	const strangers = 2000
	for i := range strangers {
		conn, err := net.Dial("udp", n.Addr("udp").String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Write([]byte("garbage " + strconv.Itoa(i))); err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
	eventually.So(t, patience, "all are counted", func() bool { return n.Stats().BlockedDatagrams >= strangers*99/100 })
	n.alive(f)
	if got := n.ua.TransportLayer().Pool("udp").Size(); got != pool {
		t.Errorf("pool = %d, was %d", got, pool)
	}
	eventually.So(t, patience, "goroutines as before", func() bool { return runtime.NumGoroutine() <= routines+5 })
	n.quiet()
}

// INVITEs of an address that we must listen to leave nothing behind.
func TestFloodOfInvites(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	const calls = 2000
	for i := range calls {
		f.call(n, "flood"+strconv.Itoa(i), "", "v=0\r\n")
		f.expect("SIP/2.0 403")
	}
	n.alive(f)
	n.quiet()
	if s := n.Stats(); s.Legs != 0 || s.Responses[MessageKey{"INVITE", "out", 4}] != calls {
		t.Errorf("stats = %+v", s)
	}
	f.silent(100 * time.Millisecond) // no refusal is repeated
}

// tcpFar reads whole messages from a connection.
type tcpFar struct {
	t    *testing.T
	conn net.Conn
	r    *bufio.Reader
}

func (f *tcpFar) expect(what string) string {
	f.t.Helper()
	_ = f.conn.SetReadDeadline(time.Now().Add(patience))
	var head strings.Builder
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := f.r.ReadString('\n')
		if err != nil {
			f.t.Fatalf("no %s: %v", what, err)
		}
		head.WriteString(line)
	}
	n, _ := strconv.Atoi(header(head.String(), "Content-Length"))
	body := make([]byte, n)
	if _, err := io.ReadFull(f.r, body); err != nil {
		f.t.Fatal(err)
	}
	m := head.String() + string(body)
	if !strings.HasPrefix(m, what) {
		f.t.Fatalf("got %q, want %s", firstLine(m), what)
	}
	return m
}

func (f *tcpFar) write(m string) {
	f.t.Helper()
	if _, err := f.conn.Write([]byte(m)); err != nil {
		f.t.Fatal(err)
	}
}

func TestCallOverTCP(t *testing.T) {
	gone := make(chan netip.AddrPort, 4)
	n := newNear(t, func(c *Config) {
		c.Listen = []Listener{{"tcp", "127.0.0.1:0"}}
		c.Disconnected = func(a netip.AddrPort) { gone <- a }
	})
	idle, err := net.Dial("tcp", n.Addr("tcp").String()) // says nothing, and is in nobody's way
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ln.Close() }()
	addr := ln.Addr().String()
	n.Invite("leg", Invitation{
		Dialog: NewDialog("trunk", "tcp", addr, "sip:1@"+addr+";transport=tcp", "sip:2@127.0.0.1", "sip:1@"+addr, ""),
		Body:   []byte("v=0\r\n"),
	})
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	f := &tcpFar{t, conn, bufio.NewReader(conn)}
	inv := f.expect("INVITE")
	if !strings.HasPrefix(header(inv, "Via"), "SIP/2.0/TCP "+n.Addr("tcp").String()) || !strings.Contains(header(inv, "Contact"), ";transport=tcp") {
		t.Errorf("INVITE:\n%s", inv)
	}
	contact := "Contact: <sip:far@" + addr + ";transport=tcp>\r\n"
	f.write(responseTo(inv, "200 OK", "T1", contact, "v=0 answer\r\n"))
	f.expect("ACK")
	event[Answered](n)
	n.Hangup("leg", Cause{})
	f.write(responseTo(f.expect("BYE"), "200 OK", "", "", ""))
	event[Ended](n)

	_ = idle.Close()
	select {
	case a := <-gone:
		if a.String() != idle.LocalAddr().String() {
			t.Errorf("gone = %s", a)
		}
	case <-time.After(patience):
		t.Error("a closed connection is not told")
	}
}

func TestNobodyListensOnTCP(t *testing.T) {
	n := newNear(t, func(c *Config) { c.Listen = []Listener{{"tcp", "127.0.0.1:0"}} })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	_ = ln.Close()
	n.Invite("leg", Invitation{Dialog: NewDialog("trunk", "tcp", addr, "sip:1@"+addr, "sip:2@127.0.0.1", "sip:1@"+addr, "")})
	if e := event[Ended](n); e.Cause.Result != ResultTrunkDown {
		t.Errorf("ended = %+v", e)
	}
}

func TestConnectionsAreFiltered(t *testing.T) {
	n := newNear(t, func(c *Config) {
		c.Listen = []Listener{{"tcp", "127.0.0.1:0"}}
		c.Allow = func(netip.AddrPort) bool { return false }
	})
	conn, err := net.Dial("tcp", n.Addr("tcp").String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	if _, err := conn.Read(make([]byte, 1)); err == nil || os.IsTimeout(err) {
		t.Errorf("read: %v, want the connection closed", err)
	}
	if s := n.Stats(); s.BlockedConns != 1 {
		t.Errorf("blocked = %d", s.BlockedConns)
	}
}

func TestLargeInvite(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	identity := strings.Repeat("x", 4000)
	inv := n.invite(f, func(i *Invitation) { i.Headers = []Header{{"Identity", identity}} })
	if header(inv, "Identity") != identity {
		t.Error("the header was cut")
	}
}

func TestSymmetric(t *testing.T) {
	n, f := newNear(t, func(c *Config) { c.Symmetric = true }), newFarEnd(t)
	admitAll(n)
	f.peer = n.netAddr()
	behindNAT := strings.ReplaceAll(
		"INVITE sip:x@near SIP/2.0\r\nVia: SIP/2.0/UDP 10.9.9.9:5060;rport;branch=z9hG4bKnat\r\nFrom: <sip:a@far>;tag=F1\r\nTo: <sip:x@near>\r\n"+
			"Call-ID: nat\r\nCSeq: 1 INVITE\r\nContact: <sip:a@10.9.9.9>\r\nContent-Length: 0\r\n\r\n", "near", n.Addr("udp").String())
	f.send(f.peer, behindNAT)
	in := event[Incoming](n)
	f.expect("SIP/2.0 100")
	n.Accept(in.Leg, []byte("v=0\r\n"))
	f.within(f.expect("SIP/2.0 200"), "ACK", 1, "v=0\r\n")
	event[Answered](n)
	n.Hangup(in.Leg, Cause{})
	f.expect("BYE sip:a@10.9.9.9 ") // the name of the phone, at the place where it is
}

func FuzzParsers(f *testing.F) {
	f.Add("Q.850;cause=16;text=\"x\\\"y\", SIP;cause=200", "1800;refresher=uas", "application/dtmf-relay", []byte("Signal=5\r\nDuration=1"))
	f.Add("", "", "multipart/mixed;boundary=b", []byte("--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n--b--"))
	f.Fuzz(func(t *testing.T, reasonText, expires, contentType string, body []byte) {
		if r := parseReason([]string{reasonText}); r.q850 < 0 || r.q850 > 127 || hasControl(r.text) {
			t.Errorf("reason = %+v", r)
		}
		s := parseSessionExpires(expires)
		if s.interval < 0 || s.interval > maxSession || (s.interval == 0 && s.refresher != "") {
			t.Errorf("session = %+v", s)
		}
		if d, ok := parseDTMF(mediaType(contentType), body); ok != strings.ContainsRune("0123456789*#ABCD", d) && d != 0 {
			t.Errorf("digit %q, %v", d, ok)
		}
		if sdp := sessionBody(contentType, body); sdp != nil && !bytes.Contains(body, sdp) {
			t.Errorf("body %q is not in %q", sdp, body)
		}
		if c := parseChallenge(reasonText); c != nil && strength[c.Algorithm] == 0 {
			t.Errorf("challenge %+v", c)
		}
	})
}

// FuzzMessage gives whole messages to what reads them.
func FuzzMessage(f *testing.F) {
	f.Add([]byte("BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: i\r\nCSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"))
	f.Add([]byte("SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKopx\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: i\r\nCSeq: 1 INVITE\r\nContact: <sip:x@y>\r\nContent-Length: 0\r\n\r\n"))
	parser := sipgosip.NewParser()
	f.Fuzz(func(t *testing.T, raw []byte) {
		_ = parser.NewSIPStream().ParseSIPStream(raw, func(sipgosip.Message) {}) // TCP: must not panic
		msg, err := parser.ParseSIP(raw)
		if err != nil || !wellFormed(msg) || checkMessage(msg) != nil {
			return
		}
		switch m := msg.(type) {
		case *sipgosip.Request:
			r := readRequest(m)
			if hasControl(r.contact + r.uri + r.callID + r.remoteTag) {
				t.Errorf("control characters let through: %+v", r)
			}
			unsupported(m)
		case *sipgosip.Response:
			r := readResponse(m)
			if hasControl(r.contact + r.tag + r.phrase) {
				t.Errorf("control characters let through: %+v", r)
			}
		}
	})
}

// Many calls leave nothing behind but what waits for late messages.
func TestNothingIsKept(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	f.peer = n.netAddr()
	const calls = 300
	for i := range calls {
		n.Invite(LegID("leg"+strconv.Itoa(i)), Invitation{Dialog: dialogTo(f), Body: []byte("v=0\r\n")})
		inv := f.expect("INVITE")
		f.answer(inv, "180 Ringing", "T", f.contact(), "")
		event[Progress](n)
		if i%2 == 0 {
			f.answer(inv, "486 Busy Here", "T", "", "")
			f.expect("ACK")
		} else {
			f.answer(inv, "200 OK", "T", f.contact(), "v=0\r\n")
			f.expect("ACK")
			event[Answered](n)
			f.send(f.peer, f.inDialog(inv, "T", "BYE", 1, "", ""))
			f.expect("SIP/2.0 200")
		}
		event[Ended](n)
	}
	eventually.So(t, patience, "no transaction is open", func() bool { return n.Stats().Transactions == 0 })
	if s := n.Stats(); s.Legs != 0 {
		t.Errorf("legs = %d", s.Legs)
	}
	eventually.So(t, patience, "every leg is forgotten", func() bool { return n.Stats().Lingering == 0 })
}
