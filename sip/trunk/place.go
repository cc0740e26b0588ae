package trunk

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/resolver"
)

// Resolver finds the servers that a name stands for.
type Resolver interface {
	Resolve(ctx context.Context, q resolver.Query) (servers []resolver.Server, until time.Time, err error)
}

// place is one entry of a carrier's configuration with the servers that it stands
// for now: itself where it is an address, what the name system says where it is a
// name.
type place struct {
	Target
	host    string
	port    int       // 0: the name system says it
	fixed   bool      // an address: nothing to look up
	targets []*target // best first; none until the name is resolved
}

// target is one server of a carrier with its health.
type target struct {
	host      string // as it stands in URIs
	port      int    // the same; 0: none
	address   string // "192.0.2.1:5060"
	source    netip.Addr
	transport string
	tcp       bool // a udp target that takes TCP too
	rank      rank
	weight    int
	health    health
	breaker   breaker
	share     int // running score of the weighted round robin
}

// rank orders targets: by the configuration, then by the name system.
type rank struct{ configured, named int }

func (r rank) before(o rank) bool {
	return r.configured < o.configured || r.configured == o.configured && r.named < o.named
}

// wholeWeight is what the servers of a name share, for each unit of weight that
// the configuration gives it.
const wholeWeight = 1000

func newPlace(cfg Target) *place {
	p := &place{Target: cfg}
	p.host, p.port, _ = splitAddress(cfg.Address) // Validate has seen it
	addr, err := netip.ParseAddr(p.host)
	if p.fixed = err == nil; p.fixed {
		if p.Transport == "" {
			p.Transport = "udp"
		}
		port := p.port
		switch {
		case port > 0:
		case p.Transport == "tls":
			port = securePort
		default:
			port = defaultPort
		}
		p.set([]resolver.Server{{Address: netip.AddrPortFrom(addr.Unmap(), uint16(port)), Transport: p.Transport, Weight: 1}}) //nolint:gosec // Validate has seen it
	}
	return p
}

const (
	defaultPort = 5060
	securePort  = 5061
)

// splitAddress reads "host", "host:port", "[v6]:port" or a bare address. Port is 0
// where there is none.
func splitAddress(s string) (host string, port int, ok bool) {
	if addr, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return addr.String(), 0, true
	}
	if !strings.Contains(s, ":") {
		return s, 0, isHost(s)
	}
	host, text, err := net.SplitHostPort(s)
	port, convErr := strconv.Atoi(text)
	return host, port, err == nil && isHost(host) && convErr == nil && port >= 1 && port <= 65535
}

// set takes the servers of the name. Those that stay keep their health.
func (p *place) set(servers []resolver.Server) {
	total := map[int]int{}
	for _, s := range servers {
		total[s.Priority] += s.Weight
	}
	next := make([]*target, 0, len(servers))
	for _, s := range servers {
		tg := p.at(s.Address.String(), s.Transport)
		if tg == nil {
			tg = &target{
				host: p.host, port: p.port, address: s.Address.String(), source: s.Address.Addr(),
				transport: s.Transport, health: health{up: true},
			}
		}
		tg.tcp = p.TCP || slices.ContainsFunc(servers, func(o resolver.Server) bool { return o.Address == s.Address && o.Transport == "tcp" })
		tg.rank = rank{p.Priority, s.Priority}
		tg.weight = max(1, p.Weight*wholeWeight*s.Weight/max(1, total[s.Priority]))
		next = append(next, tg)
	}
	p.targets = next
}

func (p *place) at(address, transport string) *target {
	for _, tg := range p.targets {
		if tg.address == address && tg.transport == transport {
			return tg
		}
	}
	return nil
}

// CredentialsOf finds the credentials of the carrier that a dialog of a dead
// process goes to, by what its configuration and the dialog share: the address,
// or the name in the Request-URI. Nil if there are none.
func CredentialsOf(cfgs []Config, d sip.Dialog) *sip.Credentials {
	_, host, _ := strings.Cut(d.RequestURI, "@")
	host, _, _ = strings.Cut(host, ";")
	name, _, _ := splitAddress(host)
	for _, cfg := range cfgs {
		for _, tc := range cfg.Targets {
			own, _, _ := splitAddress(tc.Address)
			if tc.Address == d.Destination || name != "" && (name == cfg.Domain || cfg.Domain == "" && name == own) {
				return newCarrier(cfg).credentials()
			}
		}
	}
	return nil
}

// requestURI is the Request-URI for a user at the target, or for the target
// itself where user is empty. domain "" is the target's own name.
func (tg *target) requestURI(user, domain, transport string) string {
	host := bracketed(domain)
	if domain == "" {
		host = bracketed(tg.host)
		if tg.port > 0 {
			host = net.JoinHostPort(tg.host, strconv.Itoa(tg.port))
		}
	}
	if user != "" {
		host = user + "@" + host
	}
	if transport != "udp" {
		host += ";transport=" + transport
	}
	return "sip:" + host
}
