// Package door is where strangers come in over TCP: who may have how many connections, and
// whose word is taken for whom they speak. What they ask is the API's.
//
//	listener ─► Crowd ─► http.Server ─► Proxies.Known ─► the API
package door

import (
	"cmp"
	"container/list"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"go.uber.org/zap"
)

const (
	// connectionsPerAddress is how many connections one address may have open, where the
	// settings do not say.
	connectionsPerAddress = 1000
	// mostQuiet is how many connections may have no request under way. Each costs some
	// 20 kB: make security (TestS36IdleSockets) gave 183 MB for 10,000 without this bound.
	mostQuiet = 2500
)

// Crowd is a listener that keeps some from taking all there is.
//
// Whoever has as many connections as one address may have is hung up on. An address is
// one of IPv4, and a /64 of IPv6: a house has as many of those as it likes. Proxies of
// ours are let in always: behind them are many.
//
// Where there are too many connections that say nothing, from wherever, one goes of the
// address that has the most of them, which has said nothing for the longest: whoever has
// few is not the worse for it, and the next request of a browser opens another.
type Crowd struct {
	*net.TCPListener
	most int
	ours Proxies
	log  *zap.Logger

	mu     sync.Mutex
	open   map[netip.Prefix]*house
	quiet  int // connections, of all
	warned time.Time
}

// house is what one address has.
type house struct {
	open  int
	quiet list.List // of *guest, the longest first
}

// NewCrowd watches over a TCP listener. most is how many connections one address may have
// open, 0 for 1,000; ours are let in always.
func NewCrowd(l net.Listener, most int, ours Proxies, log *zap.Logger) *Crowd {
	return &Crowd{TCPListener: l.(*net.TCPListener), most: cmp.Or(most, connectionsPerAddress), ours: ours, log: log, open: map[netip.Prefix]*house{}}
}

// Accept gives the next connection of an address that may have one more.
func (c *Crowd) Accept() (net.Conn, error) {
	for {
		conn, err := c.AcceptTCP()
		if err != nil {
			return nil, err
		}
		ip := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr()
		from := neighbourhood(ip)
		if c.enter(from, c.ours.trust(ip), time.Now()) {
			return &guest{TCPConn: conn, crowd: c, from: from}, nil
		}
		_ = conn.Close() // nobody waits for it
	}
}

// neighbourhood is what counts as one address.
func neighbourhood(ip netip.Addr) netip.Prefix {
	ip = ip.Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits) // there are as many
	return p
}

// enter counts one more; false where there are too many, which is logged once a minute.
func (c *Crowd) enter(from netip.Prefix, trusted bool, now time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	h := c.open[from]
	if h == nil {
		h = &house{}
		c.open[from] = h
	}
	if h.open < c.most || trusted {
		h.open++
		return true
	}
	if now.Sub(c.warned) >= time.Minute {
		c.warned = now
		c.log.Warn("an address has as many connections as one may have: more are refused (http.connections_per_address)",
			zap.Stringer("from", from), zap.Int("open", c.most))
	}
	return false
}

// Follow is told by the server what becomes of a connection.
func (c *Crowd) Follow(conn net.Conn, now http.ConnState) {
	if secure, is := conn.(*tls.Conn); is {
		conn = secure.NetConn()
	}
	g, is := conn.(*guest)
	if !is {
		return
	}
	if longest := c.hush(g, now == http.StateNew || now == http.StateIdle); longest != nil {
		_ = longest.Close() // they have had their time
	}
}

// hush notes whether a connection is quiet, and gives the one that must go for it.
func (c *Crowd) hush(g *guest, quiet bool) *guest {
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.gone {
		return nil
	}
	h := c.open[g.from]
	if g.quiet != nil {
		h.quiet.Remove(g.quiet)
		g.quiet = nil
		c.quiet--
	}
	if !quiet {
		return nil
	}
	g.quiet = h.quiet.PushBack(g)
	if c.quiet++; c.quiet <= mostQuiet {
		return nil
	}
	for _, other := range c.open {
		if other.quiet.Len() > h.quiet.Len() {
			h = other
		}
	}
	return h.quiet.Front().Value.(*guest)
}

func (c *Crowd) leave(g *guest) {
	c.hush(g, false)
	c.mu.Lock()
	defer c.mu.Unlock()
	if g.gone {
		return
	}
	g.gone = true
	h := c.open[g.from]
	if h.open--; h.open == 0 {
		delete(c.open, g.from)
	}
}

// guest is a connection that is counted until it is closed. It stays one of TCP, which
// sends files as the kernel can.
type guest struct {
	*net.TCPConn
	crowd *Crowd
	from  netip.Prefix

	// Guarded by crowd.mu.
	quiet *list.Element // nil: it has a request under way
	gone  bool
}

func (g *guest) Close() error {
	defer g.crowd.leave(g)
	return g.TCPConn.Close()
}
