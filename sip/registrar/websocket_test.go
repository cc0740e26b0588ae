package registrar

import (
	"bufio"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/outpace-dialer/outpace/sip"
)

// front serves a switchboard's WebSockets as the product does.
func (s *switchboard) front(t *testing.T, origins ...string) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(s.agent.WebSocket(origins))
	t.Cleanup(server.Close)
	return server
}

// upgrade asks for a WebSocket and returns the status.
func upgrade(t *testing.T, server *httptest.Server, protocol, origin string) (*websocket.Conn, int) {
	t.Helper()
	o := &websocket.DialOptions{HTTPHeader: http.Header{}, HTTPClient: server.Client()}
	if protocol != "" {
		o.Subprotocols = []string{protocol}
	}
	if origin != "" {
		o.HTTPHeader.Set("Origin", origin)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	ws, response, err := websocket.Dial(ctx, server.URL, o)
	if response == nil {
		t.Fatal(err)
	}
	if err != nil {
		_ = response.Body.Close()
	}
	if ws != nil {
		t.Cleanup(func() { _ = ws.CloseNow() })
	}
	return ws, response.StatusCode
}

// wireOver is a phone's WebSocket, a message each time it writes.
func wireOver(t *testing.T, ws *websocket.Conn, kind websocket.MessageType) *wire {
	conn := websocket.NetConn(t.Context(), ws, kind)
	return &wire{t: t, conn: conn, in: bufio.NewReaderSize(conn, 65536)}
}

// webPhone is a phone as browsers have them: at an address that reaches nobody.
func webPhone(user, password string) *phone {
	p := newPhone(user, password)
	p.transport, p.at, p.contact = "WS", "df7jal23ls0d.invalid", "<sip:"+user+"@df7jal23ls0d.invalid;transport=ws>"
	return p
}

// TestS17SIPOverWS: no page of another site connects, and whoever does gets from the
// registrar what any stranger gets, over any transport.
func TestS17SIPOverWS(t *testing.T) {
	s := newSwitchboard(t, Config{}, time.Now)
	server := s.front(t, "phones.example.com")
	own := server.URL
	for _, try := range []struct {
		protocol, origin string
		want             int
	}{
		{"sip", "https://evil.example", http.StatusForbidden},
		{"sip", "null", http.StatusForbidden},
		{"sip", "https://phones.example.com.evil.example", http.StatusForbidden},
		{"sip", "https://phones.example.com", http.StatusSwitchingProtocols},
		{"sip", own, http.StatusSwitchingProtocols},
		{"sip", "", http.StatusSwitchingProtocols},
		{"", own, http.StatusUpgradeRequired},
		{"chat", own, http.StatusUpgradeRequired},
	} {
		if _, got := upgrade(t, server, try.protocol, try.origin); got != try.want {
			t.Errorf("protocol %q from %q: %d, want %d", try.protocol, try.origin, got, try.want)
		}
	}
	if resp, err := server.Client().Get(server.URL); err != nil {
		t.Error(err)
	} else if _ = resp.Body.Close(); resp.StatusCode != http.StatusUpgradeRequired {
		t.Errorf("a plain GET: %s", resp.Status)
	}

	ws, _ := upgrade(t, server, "sip", own)
	w := wireOver(t, ws, websocket.MessageText)
	p := webPhone("anna", "wrong")
	wantCode(t, w.exchange(p.register()), 401)
	first := w.exchange(p.request("INVITE", "sip:+48600100200@outpace", "sip:+48600100200@outpace", ""))
	wantCode(t, first, 401)
	p.challenged(t, first)
	wantCode(t, w.exchange(p.register()), 401)
	if s.Online("anna") || len(s.events) != 0 {
		t.Errorf("a stranger is let in: %d events", len(s.events))
	}
	for range 2 * floodLimit { // of this address, whatever it connects to
		if s.guard.hear(time.Now(), s.agent.Addr("udp").Addr()); s.guard.blocked(time.Now(), s.agent.Addr("udp").Addr()) {
			break
		}
	}
	if _, got := upgrade(t, server, "sip", own); got != http.StatusForbidden {
		t.Errorf("an address that is blocked: %d, want 403", got)
	}
}

// A phone over WebSocket registers, is called at its connection, which is the only way to
// it, and is gone with it. Its messages may be text or binary (RFC 7118 section 4.2).
func TestPhoneOverWebSocket(t *testing.T) {
	for _, kind := range []websocket.MessageType{websocket.MessageText, websocket.MessageBinary} {
		t.Run(kind.String(), func(t *testing.T) {
			s := newSwitchboard(t, Config{}, time.Now)
			ws, _ := upgrade(t, s.front(t), "sip", "")
			w := wireOver(t, ws, kind)
			if kind == websocket.MessageBinary {
				w.conn = reads{w.conn, websocket.NetConn(t.Context(), ws, websocket.MessageText)}
				w.in = bufio.NewReaderSize(w.conn, 65536)
			}
			p := webPhone("anna", "right")
			p.challenged(t, w.exchange(p.register()))
			wantCode(t, w.exchange(p.register()), 200)
			if ev, ok := s.next(t).(sip.PhoneOnline); !ok || ev.User != "anna" {
				t.Fatalf("event = %+v", ev)
			}
			if got := s.Transport("anna"); got != "ws" {
				t.Errorf("transport = %q", got)
			}

			w.send("\r\n\r\n") // RFC 5626 section 3.5.1
			if pong, err := w.in.Peek(2); err != nil || string(pong) != "\r\n" {
				t.Errorf("keep-alive: %q, %v", pong, err)
			}
			_, _ = w.in.Discard(2)
			s.Call("leg", "anna", []byte("v=0\r\n"), "shift-1")
			invite := w.receive(patience)
			for _, want := range []string{"INVITE sip:anna@df7jal23ls0d.invalid;transport=ws SIP/2.0\r\n", "Via: SIP/2.0/WS 127.0.0.1:", ";transport=ws>\r\n", "\r\n\r\nv=0\r\n"} {
				if !strings.Contains(invite, want) {
					t.Errorf("INVITE has no %q:\n%s", want, invite)
				}
			}
			w.reply(invite, "200 OK", "Contact: <sip:anna@df7jal23ls0d.invalid;transport=ws>\r\nContent-Type: application/sdp\r\n", "v=0\r\no=phone\r\n")
			if ack := w.receive(patience); !strings.HasPrefix(ack, "ACK ") {
				t.Errorf("want an ACK, got\n%s", ack)
			}
			if ev, ok := s.next(t).(sip.Answered); !ok || string(ev.Body) != "v=0\r\no=phone\r\n" {
				t.Errorf("event = %+v", ev)
			}

			_ = ws.CloseNow()
			if ev, ok := s.next(t).(sip.PhoneOffline); !ok || ev.User != "anna" {
				t.Errorf("event = %+v", ev)
			}
			s.Hangup("leg", sip.Cause{Q850: 16}) // nobody can be told any more
			if ev, ok := s.next(t).(sip.Ended); !ok || !ev.WasUp {
				t.Errorf("event = %+v", ev)
			}
		})
	}
}

// reads takes what it reads from another connection than it writes to.
type reads struct {
	net.Conn
	from net.Conn
}

func (r reads) Read(b []byte) (int, error)        { return r.from.Read(b) }
func (r reads) SetReadDeadline(t time.Time) error { return r.from.SetReadDeadline(t) }

// What is no SIP costs a stranger the connection, and nobody else anything; pings are
// answered.
func TestGarbageOverWebSocket(t *testing.T) {
	s := newSwitchboard(t, Config{}, time.Now)
	server := s.front(t)
	good, _ := upgrade(t, server, "sip", "")
	w := wireOver(t, good, websocket.MessageText)
	for i, garbage := range []string{"x", "GET / HTTP/1.1\r\n\r\n", "REGISTER sip:outpace SIP/2.0\r\nVia: \x00\r\n\r\n", strings.Repeat("A", 70_000)} {
		bad, _ := upgrade(t, server, "sip", "")
		if err := bad.Write(t.Context(), websocket.MessageText, []byte(garbage)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		if _, _, err := bad.Read(ctx); err == nil || ctx.Err() != nil {
			t.Errorf("garbage %d: still connected: %v", i, err)
		}
		cancel()
	}
	p := webPhone("anna", "right")
	p.challenged(t, w.exchange(p.register()))
	wantCode(t, w.exchange(p.register()), 200)
	reading := good.CloseRead(t.Context())
	ctx, cancel := context.WithTimeout(reading, patience)
	defer cancel()
	if err := good.Ping(ctx); err != nil {
		t.Errorf("ping: %v", err)
	}
}

// TestIdleTCPClientDisturbsNobody: the library's own listener would wait for the
// handshake of one who says nothing while others wait.
func TestIdleTCPClientDisturbsNobody(t *testing.T) {
	s := newSwitchboard(t, Config{}, time.Now)
	server := s.front(t)
	for i := range 20 {
		idle, err := net.Dial("tcp", server.Listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = idle.Close() })
		if i%2 == 0 { // or says half
			if _, err := idle.Write([]byte("GET /sip HTTP/1.1\r\nUpgrade: webs")); err != nil {
				t.Fatal(err)
			}
		}
	}
	silent, _ := upgrade(t, server, "sip", "") // connected, and says nothing either
	ws, status := upgrade(t, server, "sip", "")
	if status != http.StatusSwitchingProtocols {
		t.Fatalf("status %d", status)
	}
	w := wireOver(t, ws, websocket.MessageText)
	p := webPhone("anna", "right")
	p.challenged(t, w.exchange(p.register()))
	wantCode(t, w.exchange(p.register()), 200)
	_ = silent.CloseNow()
}
