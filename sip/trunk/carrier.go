package trunk

import (
	"net"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/figures"
	"github.com/outpace-dialer/outpace/sip/identity"
)

// carrier is one trunk with what it has in use. Trunks guards it.
type carrier struct {
	cfg      Config
	places   []*place
	targets  []*target // of all places
	limiter  limiter   // of reservations
	leaving  limiter   // of INVITEs, at the same rate
	rate     float64   // of both, calls per second
	throttle throttle
	hour     figures.Hour
	ids      callerIDs
	signer   *identity.Signer // nil: we do not sign
	share    *Share           // nil: the whole
	short    shortage
	usable   usability

	registrar    *place // nil: it wants no registration
	registration registration
	left         chan struct{} // closed when nobody registers any more

	callers int // of channels: calls that came in
	came    uint64
	refused map[string]uint64 // calls that came in and were not let in, by reason

	channels int // reserved, ringing and up
	ringing  int // of these, not answered

	attempts  uint64 // routes reserved and not released
	answers   uint64
	results   map[sip.Result]uint64
	quickByes uint64
	throttled uint64 // reservations that only the CPS bucket refused
}

func newCarrier(cfg Config) *carrier {
	c := &carrier{cfg: cfg, limiter: newLimiter(cfg.MaxCPS), leaving: newLimiter(cfg.MaxCPS), rate: cfg.MaxCPS, throttle: throttle{part: 1}, usable: newUsability(), results: make(map[sip.Result]uint64), refused: make(map[string]uint64)}
	c.ids = newCallerIDs(&c.cfg)
	for _, tc := range cfg.Targets {
		c.places = append(c.places, newPlace(tc))
	}
	if cfg.Register.Enabled {
		c.registration.asks, c.left = cfg.Register.Expires, make(chan struct{})
		c.registrar = c.places[0]
		if cfg.Register.Registrar != "" {
			c.registrar = newPlace(Target{Address: cfg.Register.Registrar, Transport: cfg.Register.Transport, Weight: 1})
		}
	}
	c.collect()
	return c
}

// collect gathers the targets of all places.
func (c *carrier) collect() {
	c.targets = nil
	for _, p := range c.places {
		c.targets = append(c.targets, p.targets...)
	}
}

// everyPlace is where the carrier's messages may come from.
func (c *carrier) everyPlace() []*place {
	if c.registrar == nil || slices.Contains(c.places, c.registrar) {
		return c.places
	}
	return append(slices.Clone(c.places), c.registrar)
}

// credentials are nil where the carrier trusts our address.
func (c *carrier) credentials() *sip.Credentials {
	if c.cfg.Username == "" {
		return nil
	}
	return &sip.Credentials{Username: c.cfg.Username, Password: c.cfg.Password}
}

// registered says whether the carrier takes calls of ours, as far as that hangs
// on a registration.
func (c *carrier) registered(now time.Time) bool {
	return !c.cfg.Register.Enabled || c.registration.bound(now)
}

// bound names what keeps the carrier from taking one more call, "" if nothing
// does. The words are those of sip.Capacity.Bound.
func (c *carrier) bound(now time.Time) string {
	up := func(tg *target) bool { return tg.health.up }
	open := func(tg *target) bool { return tg.health.up && tg.breaker.allows(now) }
	channels, ringing := c.most(now)
	switch {
	case !c.registered(now) || !slices.ContainsFunc(c.targets, up):
		return BoundDown
	case !slices.ContainsFunc(c.targets, open):
		return BoundPaused
	case !c.usable.allows(now):
		return BoundAudio
	case !c.ids.anyLeft(now, c.cfg.CallerIDCap):
		return BoundCallerIDs
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
	match   match
	// callerID is what the call shows there.
	callerID string
}

// choose picks the target of the next call of a group, none of those in but.
func (t *Trunks) choose(w want, but []*target, now time.Time) (candidate, error) {
	candidates, err := t.candidates(w, but, now)
	if err != nil {
		return candidate{}, err
	}
	candidates = bestMatch(candidates, t.leastCost(w.group))
	first := candidates[0].target.rank
	for _, c := range candidates {
		if c.target.rank.before(first) {
			first = c.target.rank
		}
	}
	candidates = slices.DeleteFunc(candidates, func(c candidate) bool { return c.target.rank != first })
	return byWeight(candidates), nil
}

// candidates are the open targets of all carriers of the group that have room
// and may show the caller ID. If there are none, the error says what is
// missing.
func (t *Trunks) candidates(w want, but []*target, now time.Time) ([]candidate, error) {
	var found []candidate
	err := ErrNoGroup
	digits := strings.TrimPrefix(w.number, "+")
	for _, c := range t.carriers {
		if c.cfg.Group != w.group {
			continue
		}
		c.adapt(now)
		fit, takes := c.cfg.matches(digits)
		if !takes {
			err = worse(err, ErrNoRoute)
			continue
		}
		callerID := c.pick(w.number, w.callerIDs, now)
		if callerID == "" {
			if c.known(w.callerIDs) {
				err = worse(err, ErrResting)
			}
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
			if tg.health.up && tg.breaker.allows(now) && !slices.Contains(but, tg) {
				found = append(found, candidate{c, tg, fit, callerID})
			}
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	if len(but) > 0 {
		err = ErrNoCapacity
	}
	return nil, err
}

// worse keeps, of two reasons, the one that is nearest to a call: a trunk that
// is merely full hides one that is down.
func worse(a, b error) error {
	rank := []error{ErrNoGroup, ErrNoRoute, ErrCallerID, ErrResting, ErrDown, ErrNoCapacity}
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
		c.target.share += c.target.weight
		total += c.target.weight
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

	headers         []sip.Header
	credentials     *sip.Credentials
	overloadControl bool
}

// route writes numbers and URIs the way the carrier wants them.
func (c candidate) route(number, callID string) (Route, error) {
	cfg, callerID := &c.carrier.cfg, c.callerID
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
	transport := c.transport(local, remote, remote)
	r := Route{
		Trunk:       cfg.Name,
		CallerID:    callerID,
		Networks:    cfg.MediaNetworks,
		Address:     cfg.ExternalMedia,
		SRTP:        cfg.SRTP,
		Signalling:  c.target.address,
		RingTimeout: cfg.RingTimeout,

		overloadControl: cfg.OverloadControl,
	}
	if cfg.AssertedIdentity {
		r.headers = append(r.headers, sip.Header{Name: "P-Asserted-Identity", Value: displayed(cfg.CallerName, local)})
	}
	if cfg.CallerName != "" {
		local = displayed(cfg.CallerName, local)
	}
	r.Dialog = sip.NewDialog(AgentName, transport, r.Signalling, c.target.requestURI(to, cfg.Domain, transport), local, remote, callID)
	r.credentials = c.carrier.credentials()
	return r, nil
}

// hostOf is the address of host:port.
func hostOf(address string) string {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return address
	}
	return host
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
