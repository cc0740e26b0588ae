package trunk

import (
	"hash/fnv"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// carrier is one trunk with what it has in use. Trunks guards it.
type carrier struct {
	cfg      Config
	targets  []*target
	limiter  limiter // of reservations
	leaving  limiter // of INVITEs, at the same rate
	share    *Share  // nil: the whole
	short    shortage
	channels int // reserved, ringing and up
	ringing  int // of these, not answered

	attempts  uint64 // routes reserved and not released
	answers   uint64
	results   map[sip.Result]uint64
	quickByes uint64
	throttled uint64 // reservations that only the CPS bucket refused
}

// target is one address of a carrier with its health.
type target struct {
	Target
	host, port string
	addrs      []netip.Addr // of host; none until a name is resolved
	health     health
	breaker    breaker
	share      int // running score of the weighted round robin
}

func newCarrier(cfg Config) *carrier {
	c := &carrier{cfg: cfg, limiter: newLimiter(cfg.MaxCPS), leaving: newLimiter(cfg.MaxCPS), results: make(map[sip.Result]uint64)}
	for _, tc := range cfg.Targets {
		tg := &target{Target: tc, health: health{up: true}}
		tg.host, tg.port, _ = net.SplitHostPort(tc.Address) // Validate has seen it
		if addr, err := netip.ParseAddr(tg.host); err == nil {
			tg.addrs = []netip.Addr{addr.Unmap()}
		}
		c.targets = append(c.targets, tg)
	}
	return c
}

// up says whether the target answers and has an address.
func (tg *target) up() bool { return tg.health.up && len(tg.addrs) > 0 }

// destination is where messages go: "192.0.2.1:5060".
func (tg *target) destination() string { return net.JoinHostPort(tg.addrs[0].String(), tg.port) }

// bound names what keeps the carrier from taking one more call, "" if nothing
// does. The words are those of sip.Capacity.Bound.
func (c *carrier) bound(now time.Time) string {
	up := func(tg *target) bool { return tg.up() }
	open := func(tg *target) bool { return tg.up() && tg.breaker.allows(now) }
	channels, ringing := c.most(now)
	switch {
	case !slices.ContainsFunc(c.targets, up):
		return BoundDown
	case !slices.ContainsFunc(c.targets, open):
		return BoundPaused
	case c.channels >= channels:
		return BoundChannels
	case c.ringing >= ringing:
		return BoundRinging
	case c.limiter.tokens(now) == 0:
		return BoundCPS
	}
	return ""
}

// candidate is a target that could take the call.
type candidate struct {
	carrier *carrier
	target  *target
}

// choose picks the target of the next call of a group.
func (t *Trunks) choose(group, callerID string, now time.Time) (candidate, error) {
	candidates, err := t.candidates(group, callerID, now)
	if err != nil {
		return candidate{}, err
	}
	first := slices.MinFunc(candidates, func(a, b candidate) int { return a.target.Priority - b.target.Priority })
	candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return c.target.Priority != first.target.Priority })
	return byWeight(candidates), nil
}

// candidates are the open targets of all carriers of the group that have room
// and may show the caller ID. If there are none, the error says what is
// missing.
func (t *Trunks) candidates(group, callerID string, now time.Time) ([]candidate, error) {
	var found []candidate
	err := ErrNoGroup
	for _, c := range t.carriers {
		if c.cfg.Group != group {
			continue
		}
		if callerID != "" && !slices.Contains(c.cfg.CallerIDs, callerID) {
			err = worse(err, ErrCallerID)
			continue
		}
		switch c.bound(now) {
		case BoundDown:
			err = worse(err, ErrDown)
			continue
		case "":
		case BoundCPS:
			c.throttled++
			fallthrough
		default:
			err = worse(err, ErrNoCapacity)
			continue
		}
		for _, tg := range c.targets {
			if tg.up() && tg.breaker.allows(now) {
				found = append(found, candidate{c, tg})
			}
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, err
}

// worse keeps, of two reasons, the one that is nearest to a call: a trunk that
// is merely full hides one that is down.
func worse(a, b error) error {
	rank := []error{ErrNoGroup, ErrCallerID, ErrDown, ErrNoCapacity}
	if slices.Index(rank, b) > slices.Index(rank, a) {
		return b
	}
	return a
}

// byWeight is the smooth weighted round robin: shares are exact over any run
// of calls and never come in bunches. Of equal scores the carrier with the
// smallest part of its channels in use wins.
func byWeight(candidates []candidate) candidate {
	total := 0
	for _, c := range candidates {
		c.target.share += c.target.Weight
		total += c.target.Weight
	}
	best := slices.MinFunc(candidates, func(a, b candidate) int {
		if d := b.target.share - a.target.share; d != 0 {
			return d
		}
		return a.carrier.channels*b.carrier.cfg.MaxChannels - b.carrier.channels*a.carrier.cfg.MaxChannels
	})
	best.target.share -= total
	return best
}

// Route is a reserved way to the called number.
type Route struct {
	Trunk       string
	CallerID    string        // E.164, as shown to the called person
	Dialog      sip.Dialog    // to be made durable before Dial
	Networks    []string      // prefixes from which audio may come besides the SDP's address
	Address     string        // our address for the SDP; empty = the local one
	Signalling  string        // host:port of the carrier's signalling
	SRTP        bool          // the audio is to be encrypted
	RingTimeout time.Duration // from alerting; the agent cancels the call then

	headers     []sip.Header
	credentials *sip.Credentials
}

// route writes numbers and URIs the way the carrier wants them.
func (c candidate) route(number, callerID, callID string) (Route, error) {
	cfg := &c.carrier.cfg
	if callerID == "" {
		callerID = sticky(cfg.CallerIDs, number)
	}
	to, err := cfg.write(number)
	if err != nil {
		return Route{}, err
	}
	from, err := cfg.write(callerID)
	if err != nil {
		return Route{}, err
	}
	domain := bracketed(c.target.host)
	if cfg.Domain != "" {
		domain = bracketed(cfg.Domain)
	}
	local, remote := "sip:"+from+"@"+domain, "sip:"+to+"@"+domain
	r := Route{
		Trunk:       cfg.Name,
		CallerID:    callerID,
		Networks:    cfg.MediaNetworks,
		Address:     cfg.ExternalMedia,
		SRTP:        cfg.SRTP,
		Signalling:  c.target.destination(),
		RingTimeout: cfg.RingTimeout,
	}
	if cfg.AssertedIdentity {
		r.headers = append(r.headers, sip.Header{Name: "P-Asserted-Identity", Value: displayed(cfg.CallerName, local)})
	}
	if cfg.CallerName != "" {
		local = displayed(cfg.CallerName, local)
	}
	r.Dialog = sip.NewDialog(AgentName, c.target.Transport, r.Signalling, c.requestURI(to), local, remote, callID)
	if cfg.Username != "" {
		r.credentials = &sip.Credentials{Username: cfg.Username, Password: cfg.Password}
	}
	return r, nil
}

// requestURI is the Request-URI for a user at the target, or for the target
// itself where user is empty.
func (c candidate) requestURI(user string) string {
	host := net.JoinHostPort(c.target.host, c.target.port)
	if c.carrier.cfg.Domain != "" {
		host = bracketed(c.carrier.cfg.Domain)
	}
	if user != "" {
		host = user + "@" + host
	}
	if c.target.Transport != "udp" {
		host += ";transport=" + c.target.Transport
	}
	return "sip:" + host
}

// sticky picks the caller ID that a number always gets: people who call back
// or block a caller ID shall not meet another one.
func sticky(callerIDs []string, number string) string {
	h := fnv.New32a()
	_, _ = h.Write([]byte(number))
	return callerIDs[int(h.Sum32()%uint32(len(callerIDs)))]
}

// displayed is a name-addr (RFC 3261 section 20.10). Validate has refused
// quotes and control characters in the name.
func displayed(name, uri string) string {
	if name == "" {
		return "<" + uri + ">"
	}
	return `"` + name + `" <` + uri + ">"
}

// bracketed is a host as it stands in a URI.
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}
