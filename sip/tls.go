package sip

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// TLS is how an agent shows who it is, and whom it believes. The files are read
// again when they change: a new certificate needs no restart.
type TLS struct {
	Certificate, Key string // PEM files: ours, to phones, and to carriers that ask for one
	Authorities      string // PEM file: who may vouch for carriers; empty: those of the system

	// NameOf is the name that the certificate of the far end at an address must bear
	// (RFC 5922 section 7.1); nil or "": the address itself.
	NameOf func(netip.AddrPort) string
}

// handshakeTimeout is how long a far end may take to agree on keys.
const handshakeTimeout = 5 * time.Second

// errNoFlow means that a phone's connection is gone: only the phone can make one.
var errNoFlow = errors.New("sip: the connection of the phone is gone")

// tlsListener takes connections over TLS, and makes those to carriers. The library
// would make them without the name that the certificate must bear; but it looks for
// an open connection first, so it is given ours as if they had come in.
type tlsListener struct {
	*tcpListener
	files *tlsFiles
	cfg   Config
	ready func()
	dials singleflight.Group

	ctx      context.Context // ends with the listener
	cancel   context.CancelFunc
	work     sync.WaitGroup
	arrivals chan arrival
	last     chan struct{} // of the arrival that Accept returned last
}

// arrival is a connection for the library; taken is closed when it has it.
type arrival struct {
	conn  *tcpConn
	taken chan struct{}
}

func listenTLS(plain *tcpListener, cfg Config, ready func()) (*tlsListener, error) {
	files, err := readTLSFiles(cfg.TLS)
	if err != nil {
		return nil, err
	}
	l := &tlsListener{tcpListener: plain, files: files, cfg: cfg, ready: ready, arrivals: make(chan arrival)}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.work.Go(l.take)
	return l, nil
}

// Accept returns the next connection that keys were agreed on for, of either side.
func (l *tlsListener) Accept() (net.Conn, error) {
	l.ready()
	if l.last != nil {
		close(l.last) // the library has put it where it looks for connections
		l.last = nil
	}
	select {
	case a := <-l.arrivals:
		l.last = a.taken
		return a.conn, nil
	case <-l.ctx.Done():
		return nil, net.ErrClosed
	}
}

// take agrees on keys with whoever connects, each apart: one who does not must hold
// up nobody.
func (l *tlsListener) take() {
	server := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
		return l.files.certificate()
	}}
	for {
		conn, err := l.tcpListener.Accept()
		if err != nil {
			return // it is closed
		}
		l.work.Go(func() {
			ctx, cancel := context.WithTimeout(l.ctx, handshakeTimeout)
			defer cancel()
			c := conn.(*tcpConn)
			if err := l.agree(ctx, c, tls.Server(c.Conn, server)); err != nil {
				l.count.failedHandshakes.Add(1)
			}
		})
	}
}

// agree finishes a handshake and gives the connection to the library. After an error
// it is closed.
func (l *tlsListener) agree(ctx context.Context, c *tcpConn, secure *tls.Conn) error {
	if err := secure.HandshakeContext(ctx); err != nil {
		return errors.Join(err, c.Close())
	}
	c.Conn = secure
	a := arrival{c, make(chan struct{})}
	select {
	case l.arrivals <- a:
	case <-l.ctx.Done():
		return errors.Join(net.ErrClosed, c.Close())
	}
	select {
	case <-a.taken:
	case <-l.ctx.Done():
	}
	return nil
}

// connect makes a connection to a far end where there is none.
func (l *tlsListener) connect(ctx context.Context, address string, open func() bool) error {
	if open() {
		return nil
	}
	if l.cfg.Symmetric {
		return errNoFlow
	}
	_, err, _ := l.dials.Do(address, func() (any, error) {
		if open() {
			return nil, nil
		}
		return nil, l.dial(ctx, address)
	})
	return err
}

func (l *tlsListener) dial(ctx context.Context, address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	name := to.Addr().String()
	if l.cfg.TLS.NameOf != nil {
		if n := l.cfg.TLS.NameOf(to); n != "" {
			name = n
		}
	}
	roots, err := l.files.roots()
	if err != nil {
		return err
	}
	if !l.admit(to.Addr(), 1) {
		return fmt.Errorf("sip: %d connections to %s already", connsPerHost, to.Addr())
	}
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		l.admit(to.Addr(), -1)
		return err
	}
	err = l.agree(ctx, &tcpConn{Conn: raw, from: to, listener: l.tcpListener}, tls.Client(raw, &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: name, RootCAs: roots,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return l.files.certificate() },
	}))
	if err != nil {
		l.count.failedHandshakes.Add(1)
		return fmt.Errorf("TLS with %s (%s): %w", address, name, err)
	}
	return nil
}

func (l *tlsListener) stop() {
	l.cancel()
	l.tcpListener.stop()
	l.work.Wait()
}
