package trunk

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/sip/identity"
)

// Config is one carrier.
type Config struct {
	Name  string `yaml:"name"`  // required, unique; a metrics label. Trunks of one name on several nodes are one carrier: they share its limits
	Group string `yaml:"group"` // campaigns name a group; default "default"

	Targets []Target `yaml:"targets"` // at least one

	Username string `yaml:"username"` // digest; empty = the carrier trusts our address
	Password string `yaml:"password"`
	Domain   string `yaml:"domain"` // host of our SIP URIs; default the target's

	CallerIDs        []string      `yaml:"caller_ids"`          // E.164, verified as ours with this carrier; at least one
	LocalPresence    bool          `yaml:"local_presence"`      // show a caller ID of the called number's region where there is one
	CallerIDCap      int           `yaml:"caller_id_daily_cap"` // calls that one caller ID may show on one day (UTC), on each node; 0 = no cap
	CallerIDRest     time.Duration `yaml:"caller_id_rest"`      // for which one is not shown after the network blocked it (608, 603+); default 24h, negative = not at all
	CallerName       string        `yaml:"caller_name"`         // display name; empty = none
	AssertedIdentity bool          `yaml:"asserted_identity"`   // send P-Asserted-Identity (RFC 3325); only to a carrier that trusts us
	NumberFormat     string        `yaml:"number_format"`       // "e164" (default), "digits", "national"
	National         National      `yaml:"national"`            // for number_format national

	Prefixes []Prefix `yaml:"prefixes"` // the numbers that it takes calls to, by their beginning; none: all
	Cost     float64  `yaml:"cost"`     // of a minute, where there are no prefixes
	Routing  string   `yaml:"routing"`  // of its group: "weighted" (default) or "least_cost"

	MaxCPS      float64 `yaml:"max_cps"`      // new calls per second; required
	MaxChannels int     `yaml:"max_channels"` // calls at once; required
	MaxRinging  int     `yaml:"max_ringing"`  // of these, not answered yet; default max_channels

	Identity identity.Config `yaml:"identity"` // we sign our calls (STIR/SHAKEN); else the carrier does

	Register Register `yaml:"register"` // for a carrier that takes calls only from who has registered

	FixedCPS        bool `yaml:"fixed_cps"`        // do not place fewer calls when the carrier answers many with 503
	OverloadControl bool `yaml:"overload_control"` // the carrier may ask for fewer calls (RFC 7339)

	RingTimeout     time.Duration `yaml:"ring_timeout"`     // from alerting; default 25s, at least 15s
	OptionsInterval time.Duration `yaml:"options_interval"` // health check; default 30s, negative = off
	FailoverAfter   time.Duration `yaml:"failover_after"`   // without any response, to another target; default 4s, negative = never
	SessionExpires  time.Duration `yaml:"session_expires"`  // RFC 4028; default 120s, at least 90s

	MediaNetworks []string `yaml:"media_networks"` // prefixes that its SDP may name besides public addresses, and from which audio may come besides its SDP
	ExternalMedia string   `yaml:"external_media"` // our address in SDP; empty = the local one
	SRTP          bool     `yaml:"srtp"`           // audio is encrypted (RFC 4568) or the call fails; every target over tls

	Inbound Inbound `yaml:"inbound"` // calls that the carrier brings us; none without it
}

// Target is one place of a carrier that takes calls.
type Target struct {
	// Address is ip:port, host:port, or host alone: then the name system says
	// which servers there are (RFC 3263: NAPTR, SRV, A), on which port.
	Address   string `yaml:"address"`
	Transport string `yaml:"transport"` // "udp", "tcp" or "tls"; default udp, or what the name system says of a host alone
	Priority  int    `yaml:"priority"`  // lowest first
	Weight    int    `yaml:"weight"`    // share among targets of one priority; default 1
	TCP       bool   `yaml:"tcp"`       // a udp target that takes TCP on its port too: INVITEs over 1,300 bytes go there
}

// Register is our registration at a carrier.
type Register struct {
	Enabled   bool          `yaml:"enabled"`
	Expires   time.Duration `yaml:"expires"`   // to ask for; default 10m, 1m to 24h
	Registrar string        `yaml:"registrar"` // host or host:port; default: the first target
	Transport string        `yaml:"transport"` // of the registrar, as of a target
	User      string        `yaml:"user"`      // of the address that is registered; default: username
}

// user is that of our address of record.
func (r Register) user(username string) string { return cmp.Or(r.User, username) }

// Limits of a configuration.
const (
	DefaultGroup = "default"

	// ringFloor is the shortest ring timeout: 15 s or four rings, the least
	// that 16 CFR 310.4(b)(4)(ii) allows before an unanswered call is dropped.
	ringFloor      = 15 * time.Second
	defaultRing    = 25 * time.Second
	defaultOptions = 30 * time.Second
	optionsFloor   = time.Second
	defaultSession = 120 * time.Second
	sessionFloor   = 90 * time.Second // RFC 4028 section 4
	defaultAbroad  = "00"

	defaultFailover = 4 * time.Second
	failoverFloor   = 2 * time.Second // three INVITEs over UDP: one of them lost is no failure

	defaultRegister = 10 * time.Minute
	registerFloor   = time.Minute
	registerMost    = 24 * time.Hour
)

// withDefaults fills what the file left out. It changes nothing of c.
func (c Config) withDefaults() Config {
	c.Group = cmp.Or(c.Group, DefaultGroup)
	c.NumberFormat = cmp.Or(c.NumberFormat, FormatE164)
	c.National.International = cmp.Or(c.National.International, defaultAbroad)
	c.MaxRinging = cmp.Or(c.MaxRinging, c.MaxChannels)
	c.RingTimeout = cmp.Or(c.RingTimeout, defaultRing)
	c.OptionsInterval = cmp.Or(c.OptionsInterval, defaultOptions)
	c.FailoverAfter = cmp.Or(c.FailoverAfter, defaultFailover)
	c.CallerIDRest = cmp.Or(c.CallerIDRest, day)
	c.SessionExpires = cmp.Or(c.SessionExpires, defaultSession)
	c.Register.Expires = cmp.Or(c.Register.Expires, defaultRegister)
	c.Inbound.MaxCalls = cmp.Or(c.Inbound.MaxCalls, c.MaxChannels)
	c.Targets = slices.Clone(c.Targets)
	for i := range c.Targets {
		if _, port, _ := splitAddress(c.Targets[i].Address); port > 0 {
			c.Targets[i].Transport = cmp.Or(c.Targets[i].Transport, "udp")
		}
		c.Targets[i].Weight = cmp.Or(c.Targets[i].Weight, 1)
	}
	return c
}

// Validate checks one carrier and names the YAML key that is wrong. All
// mistakes are told at once.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	refuse := func(key, format string, args ...any) {
		errs = append(errs, fmt.Errorf(key+": "+format, args...))
	}
	if !isLabel(c.Name) {
		refuse("name", "required: letters, digits, - and _")
	}
	if !isLabel(c.Group) {
		refuse("group", "%q: letters, digits, - and _", c.Group)
	}
	c.checkTargets(refuse)
	c.checkIdentity(refuse)
	if err := c.Identity.Validate(); err != nil {
		refuse("identity", "%v", err)
	}
	c.checkRegister(refuse)
	c.checkRouting(refuse)
	c.checkLimits(refuse)
	c.checkMedia(refuse)
	c.checkInbound(refuse)
	return errors.Join(errs...)
}

// SessionExpires is the session interval (RFC 4028) for the agent that serves
// these carriers: the shortest that any of them is to have. A crash of ours
// leaves no call up for longer.
func SessionExpires(cfgs []Config) time.Duration {
	shortest := time.Duration(0)
	for _, cfg := range cfgs {
		if d := cfg.withDefaults().SessionExpires; shortest == 0 || d < shortest {
			shortest = d
		}
	}
	return cmp.Or(shortest, defaultSession)
}

type refusal func(key, format string, args ...any)

func (c *Config) checkTargets(refuse refusal) {
	if len(c.Targets) == 0 {
		refuse("targets", "at least one is required")
	}
	for i, t := range c.Targets {
		key := fmt.Sprintf("targets[%d].", i)
		if _, _, ok := splitAddress(t.Address); !ok {
			refuse(key+"address", "%q is not host:port, or host alone", t.Address)
		}
		if !isTransport(t.Transport) {
			refuse(key+"transport", "%q is not udp, tcp or tls", t.Transport)
		}
		if c.SRTP && t.Transport != "tls" {
			refuse(key+"transport", "srtp needs tls: the keys of the audio are in the signalling")
		}
		if t.Priority < 0 {
			refuse(key+"priority", "%d is below 0", t.Priority)
		}
		if t.Weight < 1 {
			refuse(key+"weight", "%d is below 1", t.Weight)
		}
	}
}

func isTransport(s string) bool { return s == "" || slices.Contains([]string{"udp", "tcp", "tls"}, s) }

func (c *Config) checkRegister(refuse refusal) {
	r := c.Register
	if !r.Enabled {
		if r.Registrar != "" || r.User != "" {
			refuse("register.enabled", "the registration is described but not enabled")
		}
		return
	}
	if r.Expires < registerFloor || r.Expires > registerMost {
		refuse("register.expires", "%s is not between %s and %s", r.Expires, registerFloor, registerMost)
	}
	if _, _, ok := splitAddress(r.Registrar); r.Registrar != "" && !ok {
		refuse("register.registrar", "%q is not host:port, or host alone", r.Registrar)
	}
	if !isTransport(r.Transport) {
		refuse("register.transport", "%q is not udp, tcp or tls", r.Transport)
	}
	if user := r.user(c.Username); user == "" || strings.IndexFunc(user, notInUser) >= 0 {
		refuse("register.user", "required, here or as username: letters, digits and -_.!~*'()&=+$,;?/")
	}
}

// notInUser says whether a character must not stand in the user part of a SIP URI
// as it is (RFC 3261 section 25.1).
func notInUser(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.!~*'()&=+$,;?/", r))
}

func (c *Config) checkIdentity(refuse refusal) {
	if c.Password != "" && c.Username == "" {
		refuse("username", "required when there is a password")
	}
	if hasControl(c.Username) || hasControl(c.Password) {
		refuse("username", "control characters in username or password")
	}
	if c.Domain != "" && !isHost(c.Domain) {
		refuse("domain", "%q is not a host name", c.Domain)
	}
	if hasControl(c.CallerName) || strings.ContainsAny(c.CallerName, `"\`) {
		refuse("caller_name", "quotes, backslashes and control characters are not allowed")
	}
	if len(c.CallerIDs) == 0 {
		refuse("caller_ids", "at least one is required")
	}
	for i, id := range c.CallerIDs {
		if _, err := digitsOf(id); err != nil || id[0] != '+' {
			refuse(fmt.Sprintf("caller_ids[%d]", i), "%q is not E.164 (+48221234567)", id)
		}
	}
	if c.CallerIDCap < 0 {
		refuse("caller_id_daily_cap", "%d is below 0", c.CallerIDCap)
	}
	switch c.NumberFormat {
	case FormatE164, FormatDigits:
	case FormatNational:
		if n := c.National; n.Strip == "" || !onlyDigits(n.Strip+n.Prepend+n.International) {
			refuse("national", "strip (required), prepend and international are digits")
		}
	default:
		refuse("number_format", "%q is not e164, digits or national", c.NumberFormat)
	}
}

func (c *Config) checkLimits(refuse refusal) {
	if !(c.MaxCPS >= 0.1 && c.MaxCPS <= 10_000) { // NaN too
		refuse("max_cps", "required: 0.1 to 10000 new calls per second")
	}
	if c.MaxChannels < 1 {
		refuse("max_channels", "required: how many calls the carrier lets us have at once")
	}
	if c.MaxRinging < 0 || c.MaxRinging > max(c.MaxChannels, 0) {
		refuse("max_ringing", "%d is not between 1 and max_channels", c.MaxRinging)
	}
	if c.RingTimeout < ringFloor || c.RingTimeout > 3*time.Minute {
		refuse("ring_timeout", "%s is not between %s and 3m", c.RingTimeout, ringFloor)
	}
	if c.OptionsInterval > 0 && c.OptionsInterval < optionsFloor {
		refuse("options_interval", "%s is below %s", c.OptionsInterval, optionsFloor)
	}
	if c.FailoverAfter > 0 && (c.FailoverAfter < failoverFloor || c.FailoverAfter > 32*time.Second) {
		refuse("failover_after", "%s is not between %s and 32s", c.FailoverAfter, failoverFloor)
	}
	if c.SessionExpires < sessionFloor {
		refuse("session_expires", "%s is below %s (RFC 4028)", c.SessionExpires, sessionFloor)
	}
}

func (c *Config) checkMedia(refuse refusal) {
	for i, network := range c.MediaNetworks {
		if _, err := netip.ParsePrefix(network); err != nil {
			refuse(fmt.Sprintf("media_networks[%d]", i), "%q is not a prefix like 192.0.2.0/24", network)
		}
	}
	if _, err := netip.ParseAddr(c.ExternalMedia); c.ExternalMedia != "" && err != nil {
		refuse("external_media", "%q is not an address", c.ExternalMedia)
	}
}

// isLabel says whether s can name a trunk in a metric, a log and a URL.
func isLabel(s string) bool {
	return s != "" && len(s) <= 64 && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_')
	}) < 0
}

// isHost says whether s is an address or looks like a host name, so that it
// may stand in a SIP URI.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return s != "" && len(s) <= 253 && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
	}) < 0
}

func hasControl(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) >= 0
}
