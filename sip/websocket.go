package sip

import (
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	sipgosip "github.com/emiago/sipgo/sip"
	"github.com/gobwas/ws"
)

// SIP over WebSocket (RFC 7118) comes through the HTTP front of the product: it agrees
// on keys, bounds how long a header may take and says which sites' pages may connect.
// Here a connection that has become a WebSocket is given to the library as if it had
// come to a listener of the library's own. That one would make the handshake while
// nobody else is let in, answer no ping and take no message in several frames or in
// binary, so it sees neither the far end's handshake nor its frames: see webConn.

const (
	subprotocol   = "sip"      // RFC 7118 section 4.1
	maxWebMessage = 64<<10 - 1 // bytes; what the library takes
	// maxWebConns bounds what is open at once: of one address as with TCP.
	maxWebConns = 5000
)

// webListener gives WebSockets to the library.
type webListener struct {
	*tcpListener // counts hosts, and tells who has gone
	addr         net.Addr
	arrivals     chan *webConn
	ending       sync.Once

	flows sync.Map // of what is open: is it over TLS? By host:port of the far end
	open  atomic.Int64
}

// listenWeb makes the socket of WebSockets, which says of itself that it is at addr.
func listenWeb(addr netip.AddrPort, cfg Config, count *counters) *socket {
	s := &socket{transport: "ws", addr: addr, ready: make(chan struct{})}
	s.web = &webListener{
		tcpListener: &tcpListener{allow: cfg.Allow, count: count, closed: cfg.Disconnected,
			ready: sync.OnceFunc(func() { close(s.ready) }), hosts: map[netip.Addr]int{}, done: make(chan struct{})},
		addr: net.TCPAddrFromAddrPort(addr), arrivals: make(chan *webConn),
	}
	return s
}

// Accept returns the next WebSocket.
func (l *webListener) Accept() (net.Conn, error) {
	l.ready()
	select {
	case c := <-l.arrivals:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close and Addr make it a net.Listener.
func (l *webListener) Close() error   { l.ending.Do(func() { close(l.done) }); return nil }
func (l *webListener) Addr() net.Addr { return l.addr }

// WebSocket takes SIP over WebSocket. origins are the sites besides our own whose pages
// may connect, as in websocket.AcceptOptions.OriginPatterns; who names no Origin is no
// browser. It answers 403 to other sites and to addresses that Allow does not let in,
// 426 to what is no handshake for SIP, and 503 where too many are connected.
func (a *Agent) WebSocket(origins []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		l, from := a.web(), source(r)
		switch {
		case l == nil:
			http.NotFound(w, r)
			return
		case !offersSIP(r):
			w.Header().Set("Upgrade", "websocket")
			http.Error(w, "a WebSocket of the subprotocol sip (RFC 7118)", http.StatusUpgradeRequired)
			return
		case l.allow != nil && !l.allow(from):
			l.count.blockedConns.Add(1)
			http.Error(w, "not from here", http.StatusForbidden)
			return
		}
		if l.open.Add(1) > maxWebConns || !l.admit(from.Addr(), 1) {
			l.open.Add(-1)
			l.count.blockedConns.Add(1)
			w.Header().Set("Retry-After", "10")
			http.Error(w, "too many connections", http.StatusServiceUnavailable)
			return
		}
		flow := from.String()
		l.flows.Store(flow, r.TLS != nil)
		leave := func() { l.flows.Delete(flow); l.open.Add(-1); l.admit(from.Addr(), -1) }
		// Accept answers a page of another site itself: 403.
		socket, err := websocket.Accept(w, r, &websocket.AcceptOptions{
			Subprotocols: []string{subprotocol}, OriginPatterns: origins, CompressionMode: websocket.CompressionDisabled,
		})
		if err != nil {
			l.count.blockedConns.Add(1)
			leave()
			return
		}
		socket.SetReadLimit(maxWebMessage)
		select {
		case l.arrivals <- newWebConn(socket, l, from, leave):
		case <-l.done:
			_ = socket.CloseNow()
			leave()
		}
	})
}

// web is the listener of WebSockets, nil where there is none.
func (a *Agent) web() *webListener {
	i := slices.IndexFunc(a.sockets, func(s *socket) bool { return s.web != nil })
	if i < 0 {
		return nil
	}
	return a.sockets[i].web
}

// viaTransport is what the Via of a request over a transport to a destination says: RFC
// 7118 section 5.3 has two names where the library has one.
func (a *Agent) viaTransport(transport, destination string) string {
	if transport == "ws" {
		if secure, _ := a.web().flows.Load(destination); secure == true {
			return "WSS"
		}
	}
	return strings.ToUpper(transport)
}

// source is where a request came from; invalid where that cannot be said.
func source(r *http.Request) netip.AddrPort {
	from, _ := netip.ParseAddrPort(r.RemoteAddr)
	return netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
}

// offersSIP says whether a request is a handshake for SIP.
func offersSIP(r *http.Request) bool {
	lists := func(header, want string) bool {
		for _, line := range r.Header.Values(header) {
			for token := range strings.SplitSeq(line, ",") {
				if strings.EqualFold(strings.TrimSpace(token), want) {
					return true
				}
			}
		}
		return false
	}
	return lists("Upgrade", "websocket") && lists("Sec-WebSocket-Protocol", subprotocol)
}

// webConn is a WebSocket as the library wants one: a handshake first, then each message
// in one masked frame of text. What it writes is taken out of its frames again.
type webConn struct {
	socket   *websocket.Conn
	listener *webListener
	from     netip.AddrPort
	leave    func()
	over     atomic.Bool
	ctx      context.Context // ends with the connection
	cancel   context.CancelFunc

	in    []byte // what the library has not read yet; of its one reader
	out   []byte // what is no whole frame yet; the library writes one at a time
	begun bool   // its answer to the handshake has been seen
}

// handshake is what the library answers as if a browser had said it.
const handshake = "GET / HTTP/1.1\r\nHost: outpace.invalid\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

func newWebConn(socket *websocket.Conn, l *webListener, from netip.AddrPort, leave func()) *webConn {
	c := &webConn{socket: socket, listener: l, from: from, leave: leave, in: []byte(handshake)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	return c
}

// Read returns parts of the next message. One that is not SIP ends the connection, as a
// broken stream of TCP does.
func (c *webConn) Read(b []byte) (int, error) {
	for len(c.in) == 0 {
		ctx, cancel := context.WithTimeout(c.ctx, readTimeout)
		_, message, err := c.socket.Read(ctx)
		cancel()
		if err != nil {
			return 0, io.EOF // the library logs any other
		}
		switch {
		case len(message) == 0:
		case !isKeepAlive(message) && !parses(message):
			c.listener.count.parseErrors.Add(1)
			return 0, io.EOF
		default:
			c.in = frame(message)
		}
	}
	n := copy(b, c.in)
	c.in = c.in[n:]
	return n, nil
}

func isKeepAlive(message []byte) bool {
	return len(message) <= 4 && len(bytes.Trim(message, "\r\n")) == 0 // RFC 5626 section 3.5.1
}

// parses says whether a message can be given to the library, whose parser would run
// where its panic ends the process.
func parses(message []byte) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	if bareControl(message) {
		return false
	}
	_, err := sipgosip.ParseMessage(message)
	return err == nil
}

// frame is a message as a client sends it (RFC 6455 section 5.2), masked with zeros.
func frame(message []byte) []byte {
	const finText, masked = 0x81, 0x80
	b := []byte{finText, masked | byte(len(message))}
	if len(message) > 125 {
		b = binary.BigEndian.AppendUint16([]byte{finText, masked | 126}, uint16(len(message)))
	}
	return append(append(b, 0, 0, 0, 0), message...)
}

// Write takes what the library writes: its answer to the handshake, then frames.
func (c *webConn) Write(b []byte) (int, error) {
	c.out = append(c.out, b...)
	if !c.begun {
		_, rest, whole := bytes.Cut(c.out, []byte("\r\n\r\n"))
		if !whole {
			return len(b), nil
		}
		c.begun, c.out = true, rest
	}
	for {
		if len(c.out) > 4+maxWebMessage {
			c.listener.count.refused.Add(1)
			return 0, sipgosip.ErrMessageTooLarge
		}
		message, rest, whole := unframe(c.out)
		if !whole {
			return len(b), nil
		}
		c.out = append(c.out[:0], rest...)
		if err := c.send(message); err != nil {
			return 0, err
		}
	}
}

// send sends one message, or a keep-alive; it refuses what would break the framing of
// headers.
func (c *webConn) send(message []byte) error {
	if len(message) > 4 && bareControl(message) {
		c.listener.count.refused.Add(1)
		return errControl
	}
	ctx, cancel := context.WithTimeout(c.ctx, writeTimeout)
	defer cancel()
	return c.socket.Write(ctx, websocket.MessageText, message)
}

// unframe takes the first frame of b, which a server has written: unmasked, whole.
func unframe(b []byte) (message, rest []byte, whole bool) {
	if len(b) < 2 {
		return nil, b, false
	}
	size, begin := int(b[1]), 2
	if size == 126 && len(b) >= 4 {
		size, begin = int(binary.BigEndian.Uint16(b[2:])), 4
	}
	if len(b) < begin+size {
		return nil, b, false
	}
	return bytes.Clone(b[begin : begin+size]), b[begin+size:], true
}

// Close ends the connection; the phone behind it can no longer be reached.
func (c *webConn) Close() error {
	if c.over.CompareAndSwap(false, true) {
		c.cancel()
		c.leave()
		if c.listener.closed != nil {
			c.listener.closed(c.from)
		}
	}
	return c.socket.CloseNow()
}

// The rest makes it a net.Conn; it has deadlines of its own.
func (c *webConn) LocalAddr() net.Addr              { return c.listener.addr }
func (c *webConn) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(c.from) }
func (c *webConn) SetDeadline(time.Time) error      { return nil }
func (c *webConn) SetReadDeadline(time.Time) error  { return nil }
func (c *webConn) SetWriteDeadline(time.Time) error { return nil }

// webTransport is the library's side of WebSockets, which must connect to none: only the
// far end can.
func webTransport() *sipgosip.TransportWS {
	return &sipgosip.TransportWS{DialerCreate: func(net.Addr) ws.Dialer {
		return ws.Dialer{NetDial: func(context.Context, string, string) (net.Conn, error) { return nil, errNoFlow }}
	}}
}
