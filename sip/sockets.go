package sip

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

const (
	receiveBuffer  = 4 << 20 // bytes; the default loses calls in bursts of 800 a second
	connsPerHost   = 100     // TCP connections taken from one address, see Config.Connections
	readTimeout    = 15 * time.Minute
	writeTimeout   = 5 * time.Second
	dialTimeout    = 4 * time.Second
	acceptPause    = 50 * time.Millisecond // after an accept error, e.g. no file descriptors
	maxReadRetries = 100                   // consecutive read errors of a socket
)

// socket is one listener: a UDP socket, or a listener of TCP, TLS or WebSockets.
type socket struct {
	transport string
	addr      netip.AddrPort
	udp       *udpSocket
	tcp       *tcpListener
	tls       *tlsListener
	web       *webListener
	ready     chan struct{} // closed when the library reads from it
}

func listen(l Listener, cfg Config, count *counters) (*socket, error) {
	addr, err := netip.ParseAddrPort(l.Address)
	if err != nil {
		return nil, err
	}
	family := "4"
	if addr.Addr().Is6() && !addr.Addr().Is4In6() {
		family = ""
	}
	s := &socket{transport: l.Transport, ready: make(chan struct{})}
	ready := sync.OnceFunc(func() { close(s.ready) })
	if l.Transport != "udp" {
		ln, err := net.Listen("tcp"+family, l.Address)
		if err != nil {
			return nil, err
		}
		s.addr = ln.Addr().(*net.TCPAddr).AddrPort()
		plain := &tcpListener{Listener: ln, allow: cfg.Allow, more: cfg.Connections, count: count, closed: cfg.Disconnected,
			ready: ready, hosts: map[netip.Addr]int{}, done: make(chan struct{})}
		if l.Transport == "tcp" {
			s.tcp = plain
			return s, nil
		}
		plain.ready = func() {}
		if s.tls, err = listenTLS(plain, cfg, ready); err != nil {
			_ = ln.Close()
		}
		return s, err
	}
	conn, err := net.ListenUDP("udp"+family, net.UDPAddrFromAddrPort(addr))
	if err != nil {
		return nil, err
	}
	if err := conn.SetReadBuffer(receiveBuffer); err != nil {
		_ = conn.Close()
		return nil, fmt.Errorf("receive buffer: %w", err)
	}
	if !cfg.Symmetric { // phones: there is no other target to go to
		if err := tellErrors(conn); err != nil {
			_ = conn.Close()
			return nil, fmt.Errorf("ICMP errors: %w", err)
		}
	}
	s.udp = &udpSocket{UDPConn: conn, allow: cfg.Allow, count: count, ready: ready}
	s.addr = conn.LocalAddr().(*net.UDPAddr).AddrPort()
	return s, nil
}

// hush lets nothing more in: what was read can still be answered.
func (s *socket) hush() {
	if s.udp != nil {
		s.udp.hushed.Store(true)
	}
}

func (s *socket) close() {
	switch {
	case s.udp != nil:
		_ = s.udp.Close()
	case s.tls != nil:
		s.tls.stop()
	case s.web != nil:
		_ = s.web.Close()
	default:
		s.tcp.stop()
	}
}

// udpSocket stands between the network and the library. The library remembers
// each source it reads from for as long as the socket lives, so the source
// filter must come before it; and one read error ends its listener.
type udpSocket struct {
	*net.UDPConn
	allow func(netip.AddrPort) bool
	count *counters
	ready func()

	undelivered func(quoted []byte) // told of datagrams that did not arrive
	hushed      atomic.Bool

	// Of the one reader: nearly all that comes, comes from where the last came from.
	last     netip.AddrPort
	lastAddr net.Addr
}

// sourceAddr is where datagrams come from. The library asks for its text with each of them.
type sourceAddr struct {
	net.Addr
	text string
}

func newSourceAddr(from netip.AddrPort) sourceAddr {
	addr := net.UDPAddrFromAddrPort(from)
	return sourceAddr{addr, addr.String()}
}

// String implements net.Addr.
func (s sourceAddr) String() string { return s.text }

// ReadFrom returns the next datagram of an allowed source.
func (s *udpSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	s.ready()
	for errs := 0; ; {
		n, from, err := s.ReadFromUDPAddrPort(b)
		if err != nil {
			if transient(err) { // it comes from what we sent, and tells nothing of the socket
				undelivered(s.UDPConn, s.undelivered)
				continue
			}
			if errs++; errors.Is(err, net.ErrClosed) || errs > maxReadRetries {
				return 0, nil, err
			}
			continue
		}
		errs = 0
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		switch {
		case s.hushed.Load():
		case s.allow != nil && !s.allow(from):
			s.count.blockedDatagrams.Add(1)
		case bareControl(b[:n]):
			s.count.parseErrors.Add(1)
		default:
			if from != s.last {
				s.last, s.lastAddr = from, newSourceAddr(from)
			}
			return n, s.lastAddr, nil
		}
	}
}

// WriteTo refuses what would break the framing of headers.
func (s *udpSocket) WriteTo(b []byte, to net.Addr) (int, error) {
	if bareControl(b) {
		s.count.refused.Add(1)
		return 0, errControl
	}
	n, err := s.UDPConn.WriteTo(b, to)
	for range maxStale {
		if err == nil || !transient(err) {
			break
		}
		n, err = s.UDPConn.WriteTo(b, to)
	}
	return n, err
}

// maxStale is how many errors of earlier datagrams a write may meet.
const maxStale = 4

// tcpListener takes connections from allowed sources only, and not too many
// from one.
type tcpListener struct {
	net.Listener
	allow  func(netip.AddrPort) bool
	more   func(netip.Addr) int
	closed func(netip.AddrPort)
	count  *counters
	ready  func()
	done   chan struct{}

	mu    sync.Mutex
	hosts map[netip.Addr]int
}

// Accept returns the next connection that may stay.
func (l *tcpListener) Accept() (net.Conn, error) {
	l.ready()
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return nil, err
			}
			select { // out of file descriptors: the listener must not die of it
			case <-time.After(acceptPause):
				continue
			case <-l.done:
				return nil, net.ErrClosed
			}
		}
		from := conn.RemoteAddr().(*net.TCPAddr).AddrPort()
		from = netip.AddrPortFrom(from.Addr().Unmap(), from.Port())
		if (l.allow != nil && !l.allow(from)) || !l.admit(from.Addr(), 1) {
			l.count.blockedConns.Add(1)
			_ = conn.Close()
			continue
		}
		return &tcpConn{Conn: conn, from: from, listener: l}, nil
	}
}

// admit counts the connections of a host up or down.
func (l *tcpListener) admit(host netip.Addr, n int) bool {
	most := connsPerHost
	if n > 0 && l.more != nil {
		most += l.more(host)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > 0 && l.hosts[host] >= most {
		return false
	}
	if l.hosts[host] += n; l.hosts[host] <= 0 {
		delete(l.hosts, host)
	}
	return true
}

func (l *tcpListener) stop() {
	close(l.done)
	_ = l.Close()
}

type tcpConn struct {
	net.Conn
	from     netip.AddrPort
	listener *tcpListener
	over     atomic.Bool
}

// Write refuses what would break the framing of headers: the library writes
// one whole message at a time, or a keep-alive.
func (c *tcpConn) Write(b []byte) (int, error) {
	if len(b) > 4 && bareControl(b) {
		c.listener.count.refused.Add(1)
		return 0, errControl
	}
	return c.Conn.Write(b)
}

func (c *tcpConn) Close() error {
	if c.over.CompareAndSwap(false, true) {
		c.listener.admit(c.from.Addr(), -1)
		if c.listener.closed != nil {
			c.listener.closed(c.from)
		}
	}
	return c.Conn.Close()
}

// tcpTransport bounds how long the library waits on a connection, and where it
// connects to: to answer a request whose connection is gone it would dial what
// the Via says, so a stranger could send us anywhere.
func tcpTransport(wanted *dials) *sipgosip.TransportTCP {
	return &sipgosip.TransportTCP{
		ReadTimeout:  readTimeout,
		WriteTimeout: writeTimeout,
		DialerCreate: func(net.Addr) net.Dialer {
			return net.Dialer{Timeout: dialTimeout, Control: func(_, address string, _ syscall.RawConn) error {
				if !wanted.has(address) {
					return errors.New("sip: not a destination of ours")
				}
				return nil
			}}
		},
	}
}

// dials are the addresses that a request of ours is on its way to.
type dials struct {
	mu      sync.Mutex
	waiting map[string]int
}

func (d *dials) add(address string, n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.waiting[address] += n; d.waiting[address] == 0 {
		delete(d.waiting, address)
	}
}

func (d *dials) has(address string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.waiting[address] > 0
}

// noTLS is the library's own side of TLS, which must make no connections: see
// tlsListener.
func noTLS() *sipgosip.TransportTLS {
	tcp := tcpTransport(nil)
	tcp.DialerCreate = func(net.Addr) net.Dialer {
		return net.Dialer{Control: func(string, string, syscall.RawConn) error { return errors.New("sip: no connection over TLS") }}
	}
	return &sipgosip.TransportTLS{TransportTCP: tcp}
}

// noNames is a resolver for the library that knows no name: ours are resolved
// before it sees them, and it must not look up what a stranger's Via says.
func noNames() *net.Resolver {
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("sip: no look-ups here")
	}}
}

// ownAddress is the address that others can reach a wildcard listener at: that
// of the interface which leads outside. No packet is sent for it.
func ownAddress(addr netip.Addr) netip.Addr {
	if !addr.IsUnspecified() {
		return addr
	}
	outside := "192.0.2.1:9" // TEST-NET-1, RFC 5737
	if addr.Is6() {
		outside = "[2001:db8::1]:9"
	}
	conn, err := net.Dial("udp", outside)
	if err != nil {
		return netip.MustParseAddr("127.0.0.1")
	}
	defer func() { _ = conn.Close() }()
	return conn.LocalAddr().(*net.UDPAddr).AddrPort().Addr().Unmap()
}
