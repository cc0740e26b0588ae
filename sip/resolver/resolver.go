// Package resolver finds the servers of a SIP domain by the name system
// (RFC 3263): NAPTR for the transport, SRV for servers with their priorities and
// weights, A and AAAA for their addresses.
//
// It keeps what it learnt for as long as the records say, and beyond that while
// no name server answers (RFC 8767): a name server that is away is not a carrier
// that is away. It chooses no server; that is sip/trunk's.
//
//	Query ─► NAPTR ─► SRV ─► A, AAAA ─► Servers, and when to ask again
//	          │ port or transport given: begins further right
package resolver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Query is what to look for.
type Query struct {
	Host      string // a name
	Port      int    // 0: SRV says it
	Transport string // "udp", "tcp" or "tls"; empty: NAPTR says it
}

// Server is one address that takes requests for a domain.
type Server struct {
	Address   netip.AddrPort
	Transport string // "udp", "tcp" or "tls"
	Priority  int    // lowest first
	Weight    int    // share among servers of one priority, at least 1
}

// Config is where names are looked up.
type Config struct {
	Servers []string      `yaml:"servers"` // name servers, ip or ip:port; default those of the system
	Timeout time.Duration `yaml:"timeout"` // of one question to one of them; default 2s
}

// Validate names the YAML key that is wrong.
func (c Config) Validate() error {
	for i, s := range c.Servers {
		if _, err := serverAddress(s); err != nil {
			return fmt.Errorf("servers[%d]: %q is not ip or ip:port", i, s)
		}
	}
	if c.Timeout < 0 || c.Timeout > time.Minute {
		return fmt.Errorf("timeout: %s is not between 0 and 1m", c.Timeout)
	}
	return nil
}

// ErrNotFound means that the name system knows no server of the name.
var ErrNotFound = errors.New("no server of that name")

const (
	defaultTimeout = 2 * time.Second
	defaultPort    = 5060
	securePort     = 5061
	systemFile     = "/etc/resolv.conf"
)

// Resolver looks servers up. It is safe for concurrent use.
type Resolver struct {
	servers []string
	timeout time.Duration
	cache   *cache
	system  func(ctx context.Context, host string) ([]netip.Addr, error)
}

// New makes a resolver of a valid configuration.
func New(cfg Config) *Resolver {
	r := &Resolver{timeout: cmp.Or(cfg.Timeout, defaultTimeout), cache: newCache(time.Now)}
	for _, s := range cfg.Servers {
		address, _ := serverAddress(s) // Validate has seen it
		r.servers = append(r.servers, address)
	}
	if len(r.servers) > 0 {
		return r
	}
	// Names of the machine's own files and search domains are the system's.
	r.system = func(ctx context.Context, host string) ([]netip.Addr, error) {
		return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	}
	if file, err := dns.ClientConfigFromFile(systemFile); err == nil {
		for _, s := range file.Servers {
			r.servers = append(r.servers, net.JoinHostPort(s, file.Port))
		}
	}
	return r
}

func serverAddress(s string) (string, error) {
	if addr, err := netip.ParseAddr(s); err == nil {
		return netip.AddrPortFrom(addr, 53).String(), nil
	}
	addr, err := netip.ParseAddrPort(s)
	return addr.String(), err
}

// Resolve finds the servers for q, best first, and the time from which it is
// worth asking again.
func (r *Resolver) Resolve(ctx context.Context, q Query) ([]Server, time.Time, error) {
	l := lookup{Resolver: r, ctx: ctx}
	servers := l.servers(q)
	slices.SortStableFunc(servers, func(a, b Server) int {
		return cmp.Or(a.Priority-b.Priority, strings.Compare(a.Transport, b.Transport), a.Address.Compare(b.Address))
	})
	servers = slices.CompactFunc(servers, func(a, b Server) bool { return a.Address == b.Address && a.Transport == b.Transport })
	if len(servers) == 0 {
		return nil, l.until, fmt.Errorf("resolve %s: %w", q.Host, cmp.Or(l.failed, ErrNotFound))
	}
	return servers, l.until, nil
}

// lookup is one walk from a name to addresses.
type lookup struct {
	*Resolver
	ctx    context.Context //nolint:containedctx // of this one walk
	until  time.Time       // when the first of the records used runs out
	failed error
}

func (l *lookup) servers(q Query) []Server {
	switch {
	case q.Port > 0:
		return l.addresses(q.Host, q.Port, cmp.Or(q.Transport, "udp"), 0, 1)
	case q.Transport != "":
		if servers := l.srv(service(q.Transport)+q.Host, q.Transport, 0); len(servers) > 0 {
			return servers
		}
		if q.Transport == "tls" {
			return l.addresses(q.Host, securePort, q.Transport, 0, 1)
		}
		return l.addresses(q.Host, defaultPort, q.Transport, 0, 1)
	}
	if servers := l.naptr(q.Host); len(servers) > 0 {
		return servers
	}
	for rank, transport := range []string{"udp", "tcp"} {
		if servers := l.srv(service(transport)+q.Host, transport, rank); len(servers) > 0 {
			return servers
		}
	}
	return l.addresses(q.Host, defaultPort, "udp", 0, 1)
}

// services are the NAPTR services that we speak (RFC 3263 section 4.1).
var services = map[string]string{"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}

// service is the beginning of the name under which SRV records of a transport are.
func service(transport string) string {
	if transport == "tls" {
		return "_sips._tcp."
	}
	return "_sip._" + transport + "."
}

// naptr follows the records in their order; each gives a rank of its own, so
// that a worse transport is used only where the better one has no server left.
func (l *lookup) naptr(host string) []Server {
	var records []*dns.NAPTR
	for _, rr := range l.records(host, dns.TypeNAPTR) {
		if record, ok := rr.(*dns.NAPTR); ok && services[strings.ToUpper(record.Service)] != "" && strings.EqualFold(record.Flags, "s") {
			records = append(records, record)
		}
	}
	slices.SortStableFunc(records, func(a, b *dns.NAPTR) int {
		return cmp.Or(cmp.Compare(a.Order, b.Order), cmp.Compare(a.Preference, b.Preference))
	})
	var servers []Server
	for rank, record := range records {
		servers = append(servers, l.srv(record.Replacement, services[strings.ToUpper(record.Service)], rank)...)
	}
	return servers
}

func (l *lookup) srv(name, transport string, rank int) []Server {
	var servers []Server
	for _, rr := range l.records(name, dns.TypeSRV) {
		record, ok := rr.(*dns.SRV)
		if !ok || record.Target == "." { // "." says that there is no such service
			continue
		}
		priority := rank<<16 + int(record.Priority)
		servers = append(servers, l.addresses(record.Target, int(record.Port), transport, priority, int(record.Weight))...)
	}
	return servers
}

// addresses share the weight of their name.
func (l *lookup) addresses(host string, port int, transport string, priority, weight int) []Server {
	found := l.hosts(host)
	var servers []Server
	for _, a := range found {
		servers = append(servers, Server{
			Address: netip.AddrPortFrom(a, uint16(port)), Transport: transport, //nolint:gosec // a port
			Priority: priority, Weight: max(1, weight/len(found)),
		})
	}
	return servers
}

// hosts are the addresses of a name: those of IPv4, and where it has none, those
// of IPv6. Few carriers speak SIP over IPv6.
func (l *lookup) hosts(host string) []netip.Addr {
	var found []netip.Addr
	for _, kind := range []uint16{dns.TypeA, dns.TypeAAAA} {
		for _, rr := range l.records(host, kind) {
			switch rr := rr.(type) {
			case *dns.A:
				found = appendAddr(found, rr.A)
			case *dns.AAAA:
				found = appendAddr(found, rr.AAAA)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	if l.system == nil {
		return nil
	}
	return l.ofSystem(host)
}

func appendAddr(all []netip.Addr, ip net.IP) []netip.Addr {
	if a, ok := netip.AddrFromSlice(ip); ok {
		return append(all, a.Unmap())
	}
	return all
}

// ofSystem asks as any program does; it tells no time to live.
func (l *lookup) ofSystem(host string) []netip.Addr {
	found, err := l.system(l.ctx, strings.TrimSuffix(host, "."))
	if err != nil {
		l.failed = err
		return nil
	}
	l.holds(l.cache.now().Add(systemTTL))
	var four, six []netip.Addr
	for _, a := range found {
		if a = a.Unmap(); a.Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	if len(four) > 0 {
		return four
	}
	return six
}

// holds notes that a part of what is found holds until a time.
func (l *lookup) holds(until time.Time) {
	if l.until.IsZero() || until.Before(l.until) {
		l.until = until
	}
}

// records are those of one name and type, from the cache while they hold. No
// record is an answer too.
func (l *lookup) records(name string, kind uint16) []dns.RR {
	q := question{strings.ToLower(dns.Fqdn(name)), kind}
	known, fresh := l.cache.get(q)
	if fresh {
		l.holds(known.until)
		return known.records
	}
	records, ttl, err := l.exchange(q)
	if err != nil {
		l.failed = err
		l.holds(l.cache.now().Add(retryAfter))
		return known.records // as they were, if they ever were
	}
	l.holds(l.cache.put(q, records, ttl))
	return records
}

// exchange asks the name servers in their order.
func (l *lookup) exchange(q question) ([]dns.RR, time.Duration, error) {
	m := new(dns.Msg)
	m.SetQuestion(q.name, q.kind)
	m.SetEdns0(1232, false)
	err := errors.New("no name server is known")
	for _, server := range l.Resolver.servers {
		var answer *dns.Msg
		if answer, err = l.ofServer(m, server); err == nil {
			records, ttl := read(answer, q)
			return records, ttl, nil
		}
	}
	return nil, 0, err
}

func (l *lookup) ofServer(m *dns.Msg, server string) (*dns.Msg, error) {
	for _, network := range []string{"udp", "tcp"} {
		c := dns.Client{Net: network, Timeout: l.timeout}
		answer, _, err := c.ExchangeContext(l.ctx, m.Copy(), server)
		switch {
		case err != nil:
			return nil, fmt.Errorf("name server %s: %w", server, err)
		case answer.Truncated && network == "udp":
			continue
		case answer.Rcode != dns.RcodeSuccess && answer.Rcode != dns.RcodeNameError:
			return nil, fmt.Errorf("name server %s: %s", server, cmp.Or(dns.RcodeToString[answer.Rcode], strconv.Itoa(answer.Rcode)))
		}
		return answer, nil
	}
	return nil, fmt.Errorf("name server %s: answers are cut short", server)
}
