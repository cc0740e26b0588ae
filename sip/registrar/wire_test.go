package registrar

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/test/eventually"
)

const patience = 5 * time.Second

// switchboard is a registrar with a real agent on loopback.
type switchboard struct {
	*Registrar
	agent  *sip.Agent
	events chan sip.Event
}

func newSwitchboard(t *testing.T, cfg Config, now func() time.Time) *switchboard {
	t.Helper()
	s := &switchboard{events: make(chan sip.Event, 1000)}
	emit := func(ev sip.Event) { s.events <- ev }
	var err error
	s.agent, err = sip.New(sip.Config{
		Name:         AgentName,
		Listen:       []sip.Listener{{Transport: "udp", Address: "127.0.0.1:0"}, {Transport: "tcp", Address: "127.0.0.1:0"}},
		Symmetric:    true,
		WebSocket:    true,
		Allow:        func(from netip.AddrPort) bool { return s.Allow(from) },
		Connections:  func(from netip.Addr) int { return s.Connections(from) },
		Disconnected: func(from netip.AddrPort) { s.Disconnected(from) },
	}, emit, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	s.Registrar = New(cfg, s.agent, someUsers(), emit, now)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = s.agent.Run(ctx) })
	running.Go(func() { _ = s.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		eventually.Ends(t, 3*patience, "the agent and the registrar end", running.Wait)
	})
	return s
}

func (s *switchboard) next(t *testing.T) sip.Event {
	t.Helper()
	select {
	case ev := <-s.events:
		return ev
	case <-time.After(patience):
		t.Fatal("no event")
		return nil
	}
}

// wire is a phone's connection: a socket and nothing else.
type wire struct {
	t    *testing.T
	conn net.Conn
	in   *bufio.Reader
}

func (s *switchboard) dial(t *testing.T, transport string) *wire {
	t.Helper()
	conn, err := net.Dial(transport, s.agent.Addr(transport).String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return &wire{t: t, conn: conn, in: bufio.NewReaderSize(conn, 65536)}
}

func (w *wire) send(raw string) {
	w.t.Helper()
	if _, err := io.WriteString(w.conn, raw); err != nil {
		w.t.Fatal(err)
	}
}

// receive reads one message; empty if none comes within d.
func (w *wire) receive(d time.Duration) string {
	w.t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(d))
	var b strings.Builder
	length := 0
	for {
		line, err := w.in.ReadString('\n')
		if err != nil {
			return ""
		}
		b.WriteString(line)
		if n, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(n))
		}
		if line == "\r\n" {
			break
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(w.in, body); err != nil {
		return ""
	}
	return b.String() + string(body)
}

func (w *wire) exchange(raw string) string {
	w.t.Helper()
	w.send(raw)
	return w.receive(patience)
}

// reply answers a request that we received.
func (w *wire) reply(req, status, extra, body string) {
	w.t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "SIP/2.0 %s\r\n", status)
	for line := range strings.SplitSeq(req, "\r\n") {
		switch name, _, _ := strings.Cut(line, ":"); name {
		case "To":
			fmt.Fprintf(&b, "%s;tag=phone\r\n", line)
		case "Via", "From", "Call-ID", "CSeq":
			fmt.Fprintf(&b, "%s\r\n", line)
		}
	}
	fmt.Fprintf(&b, "%sContent-Length: %d\r\n\r\n%s", extra, len(body), body)
	w.send(b.String())
}

// A phone registers, is called at its flow and not at its Contact, answers,
// and is gone when it says so or its connection closes.
func TestPhoneOnTheWire(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			s := newSwitchboard(t, Config{}, time.Now)
			w := s.dial(t, transport)
			p := newPhone("anna", "right") // its Contact, 10.0.0.9, reaches nobody
			p.transport = strings.ToUpper(transport)
			p.challenged(t, w.exchange(p.register()))
			wantCode(t, w.exchange(p.register()), 200)
			if ev, ok := s.next(t).(sip.PhoneOnline); !ok || ev.User != "anna" {
				t.Fatalf("event = %+v", ev)
			}

			s.Call("leg", "anna", []byte("v=0\r\n"), "shift-1")
			invite := w.receive(patience)
			for _, want := range []string{
				"INVITE sip:anna@10.0.0.9:5060 SIP/2.0\r\n", "Answer-Mode: Auto\r\n", ";answer-after=0\r\n",
				";info=alert-autoanswer;delay=0\r\n", "Call-ID: shift-1\r\n", "\r\n\r\nv=0\r\n",
			} {
				if !strings.Contains(invite, want) {
					t.Errorf("INVITE has no %q:\n%s", want, invite)
				}
			}
			w.reply(invite, "200 OK", "Contact: <sip:anna@10.0.0.9:5060>\r\nContent-Type: application/sdp\r\n", "v=0\r\no=phone\r\n")
			if ack := w.receive(patience); !strings.HasPrefix(ack, "ACK ") {
				t.Errorf("want an ACK, got\n%s", ack)
			}
			if ev, ok := s.next(t).(sip.Answered); !ok || string(ev.Body) != "v=0\r\no=phone\r\n" {
				t.Errorf("event = %+v", ev)
			}
			s.Hangup("leg", sip.Cause{Q850: 16})
			bye := w.receive(patience)
			if !strings.HasPrefix(bye, "BYE ") {
				t.Errorf("want a BYE, got\n%s", bye)
			}
			w.reply(bye, "200 OK", "", "")
			if ev, ok := s.next(t).(sip.Ended); !ok || !ev.WasUp {
				t.Errorf("event = %+v", ev)
			}

			if transport == "tcp" {
				_ = w.conn.Close()
			} else {
				p.contact += ";expires=0"
				wantCode(t, w.exchange(p.register()), 200)
			}
			if ev, ok := s.next(t).(sip.PhoneOffline); !ok || ev.User != "anna" {
				t.Errorf("event = %+v", ev)
			}
		})
	}
}

// A phone dials its own leg.
func TestPhoneDialsIn(t *testing.T) {
	s := newSwitchboard(t, Config{}, time.Now)
	w := s.dial(t, "udp")
	p := newPhone("ben", "also right")
	uri := "sip:*711234@outpace"
	first := w.exchange(p.request("INVITE", uri, uri, ""))
	wantCode(t, first, 401)
	p.challenged(t, first)
	w.send(p.request("INVITE", uri, uri, p.digest("INVITE", uri)))
	in, ok := s.next(t).(sip.Incoming)
	if !ok || in.User != "ben" || in.Dialed != "*711234" {
		t.Fatalf("event = %+v", in)
	}
	wantCode(t, w.receive(patience), 100)
	s.Hangup(in.Leg, sip.Cause{Code: 486, Text: "Busy Here"})
	for response := w.receive(patience); ; response = w.receive(patience) {
		if strings.HasPrefix(response, "SIP/2.0 401") || strings.HasPrefix(response, "SIP/2.0 100") {
			continue // repeated, as we never acknowledged it
		}
		wantCode(t, response, 486)
		break
	}
}

// S-1 and S-7: INVITEs to expensive numbers from a stranger. Some challenges,
// then silence; no leg, and memory stays flat.
func TestS01OpenRelay(t *testing.T) {
	s := newSwitchboard(t, Config{}, time.Now)
	w := s.dial(t, "udp")
	p := newPhone("anna", "x")
	prefixes := []string{"+882", "+979", "+1900", "00"}
	invite := func(i int) string {
		uri := fmt.Sprintf("sip:%s%d@outpace", prefixes[i%4], 1000000+i)
		return p.request("INVITE", uri, uri, "")
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	routines := runtime.NumGoroutine()
	for i := range 10_000 {
		w.send(invite(i))
	}
	eventually.So(t, patience, "the flood to be read", func() bool { return s.agent.Stats().BlockedDatagrams >= 9_000 }) // the kernel may lose some
	for range floodLimit {
		if w.receive(50*time.Millisecond) == "" {
			break
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if n := s.agent.Stats().Legs; n != 0 || len(s.events) != 0 {
		t.Errorf("%d legs and %d events", n, len(s.events))
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("the heap grew by %d KB", grown>>10)
	}
	if grown := runtime.NumGoroutine() - routines; grown > 2*floodLimit+50 {
		t.Errorf("%d goroutines more than before", grown)
	}
	if st := s.Stats(); st.Challenges > floodLimit || st.Digests != 0 || st.Flooders != 1 {
		t.Errorf("stats = %+v", st)
	}
	st := s.agent.Stats()
	t.Logf("%d datagrams refused, heap %+d KB, goroutines %+d", st.BlockedDatagrams,
		(int64(after.HeapAlloc)-int64(before.HeapAlloc))>>10, runtime.NumGoroutine()-routines)
}

// S-1 over a connection, where the source filter sees only the connection.
func TestS01OpenRelayOverTCP(t *testing.T) {
	s := newSwitchboard(t, Config{}, time.Now)
	w := s.dial(t, "tcp")
	p := newPhone("anna", "x")
	p.transport = "TCP"
	codes := map[string]int{}
	for i := range 300 {
		uri := fmt.Sprintf("sip:+1900%d@outpace", 1000000+i)
		codes[w.exchange(p.request("INVITE", uri, uri, ""))[:11]]++
	}
	// One of the messages that the source may send was the connection itself.
	if codes["SIP/2.0 401"] != floodLimit-1 || codes["SIP/2.0 403"] != 300-floodLimit+1 || s.agent.Stats().Legs != 0 {
		t.Errorf("answers %v, %d legs", codes, s.agent.Stats().Legs)
	}
}

// S-3: strangers who ask with OPTIONS hear nothing; extensions that exist and
// that do not give the same answer.
func TestS03Scan(t *testing.T) {
	s := newSwitchboard(t, Config{}, time.Now)
	w := s.dial(t, "udp")
	p := newPhone("scanner", "x")
	for range 20 {
		w.send(p.request("OPTIONS", "sip:100@outpace", "sip:100@outpace", ""))
	}
	if got := w.receive(200 * time.Millisecond); got != "" {
		t.Errorf("a scanner got\n%s", got)
	}
	answers := map[string]bool{}
	for _, user := range []string{"anna", "nope", "100", "ben"} {
		p := newPhone(user, "guess")
		p.callID, p.at = "same", "10.0.0.9:"+strconv.Itoa(5000+len(answers))
		first := w.exchange(p.register())
		p.challenged(t, first)
		second := w.exchange(p.register())
		mask := strings.NewReplacer(user, "USER", p.at, "AT")
		answers[mask.Replace(changes.ReplaceAllString(first+second, "X"))] = true
	}
	if len(answers) != 1 {
		t.Errorf("%d kinds of answers", len(answers))
		for a := range answers {
			t.Log(a)
		}
	}
}

// S-4 on the wire: 10,000 guesses from one address, at most 10 digests.
func TestS04GuesserOnTheWire(t *testing.T) {
	s := newSwitchboard(t, Config{}, time.Now)
	w := s.dial(t, "udp")
	p := newPhone("anna", "wrong")
	p.challenged(t, w.exchange(p.register()))
	const guesses = 10_000
	answered := 0
	for range guesses {
		w.send(p.register())
		if answered < 5 && w.receive(patience) != "" {
			answered++
		}
	}
	if got := w.receive(200 * time.Millisecond); got != "" {
		t.Errorf("after 5 wrong passwords we still got\n%s", got)
	}
	if st := s.Stats(); st.Digests != 5 || st.Guessers != 1 {
		t.Errorf("stats = %+v", st)
	}
}

// S-5 on the wire: a captured REGISTER, sent again after 1 s and 31 s.
func TestS05ReplayOnTheWire(t *testing.T) {
	var skew atomic.Int64
	s := newSwitchboard(t, Config{}, func() time.Time { return time.Now().Add(time.Duration(skew.Load())) })
	w := s.dial(t, "udp")
	p := newPhone("anna", "right")
	p.challenged(t, w.exchange(p.register()))
	auth := p.digest("REGISTER", registerURI)
	again := func() string { return p.request("REGISTER", registerURI, "sip:anna@outpace", auth) }
	wantCode(t, w.exchange(again()), 200)
	for _, after := range []time.Duration{time.Second, 31 * time.Second} {
		skew.Store(int64(after))
		wantCode(t, w.exchange(again()), 401)
	}
	if st := s.Stats(); st.Registers != 1 {
		t.Errorf("stats = %+v", st)
	}
}
