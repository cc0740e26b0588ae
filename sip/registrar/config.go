package registrar

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Config is the registrar. Useful zero values.
type Config struct {
	Realm   string        `yaml:"realm"`   // digest realm and host of our SIP URIs; default "outpace". Changing it voids all stored secrets
	Expires time.Duration `yaml:"expires"` // longest registration granted; default 120s, 60s to 3600s
	SHA256  *bool         `yaml:"sha256"`  // offer SHA-256; default true. False for phones that give up where they see it (baresip 1.0)
	MD5     *bool         `yaml:"md5"`     // offer MD5 after SHA-256, for old phones; default true

	BlockAfter int           `yaml:"block_after"` // failed passwords until an address is blocked; default 5
	BlockFor   time.Duration `yaml:"block_for"`   // for how long; default 10m

	// Offices are addresses (1.2.3.4, 1.2.3.0/24) where many phones are: they may
	// all register at once before we have seen any of them. We learn addresses by
	// ourselves, so only the first day of a large office needs this.
	Offices []string `yaml:"offices"`

	// Proxies are addresses or networks of SIP proxies (Kamailio, OpenSIPS) that
	// phones register through. Only they may put themselves on the way to a phone
	// (Path, RFC 3327), and who guesses or floods behind one is told by what its Via
	// says. Name none that does not check where its requests come from.
	Proxies []string `yaml:"proxies"`

	KeepAlive   time.Duration `yaml:"keep_alive"`   // between two OPTIONS to a phone, which keep its NAT open; default 25s
	RingTimeout time.Duration `yaml:"ring_timeout"` // of a call to a phone, which should answer by itself; default 30s
}

const (
	minExpires     = 60 * time.Second // RFC 3261 section 10.3: shorter ones get 423
	maxExpires     = 3600 * time.Second
	defaultExpires = 120 * time.Second

	defaultRealm       = "outpace"
	defaultBlockAfter  = 5
	defaultBlockFor    = 10 * time.Minute
	defaultKeepAlive   = 25 * time.Second
	defaultRingTimeout = 30 * time.Second
)

func (c Config) withDefaults() Config {
	c.Realm = cmp.Or(c.Realm, defaultRealm)
	c.Expires = cmp.Or(c.Expires, defaultExpires)
	c.BlockAfter = cmp.Or(c.BlockAfter, defaultBlockAfter)
	c.BlockFor = cmp.Or(c.BlockFor, defaultBlockFor)
	c.KeepAlive = cmp.Or(c.KeepAlive, defaultKeepAlive)
	c.RingTimeout = cmp.Or(c.RingTimeout, defaultRingTimeout)
	if c.SHA256 == nil {
		c.SHA256 = new(true)
	}
	if c.MD5 == nil {
		c.MD5 = new(true)
	}
	return c
}

// Validate names the YAML keys that are wrong.
func (c Config) Validate() error {
	c = c.withDefaults()
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if strings.IndexFunc(c.Realm, notHostCharacter) >= 0 || len(c.Realm) > 253 {
		refuse("realm: %q: letters, digits, dots, - and _", c.Realm)
	}
	if !*c.SHA256 && !*c.MD5 {
		refuse("sha256: one of sha256 and md5 is needed")
	}
	if c.Expires < minExpires || c.Expires > maxExpires {
		refuse("expires: %s is not between %s and %s", c.Expires, minExpires, maxExpires)
	}
	if c.BlockAfter < 1 {
		refuse("block_after: %d is below 1", c.BlockAfter)
	}
	if c.BlockFor < time.Second {
		refuse("block_for: %s is below 1s", c.BlockFor)
	}
	for _, text := range c.Offices {
		if _, err := parseOffice(text); err != nil {
			refuse("offices: %q is neither an address nor a network", text)
		}
	}
	for _, text := range c.Proxies {
		if _, err := parseProxy(text); err != nil {
			refuse("proxies: %q is neither an address nor a network", text)
		}
	}
	if c.KeepAlive < time.Second || c.KeepAlive > 5*time.Minute {
		refuse("keep_alive: %s is not between 1s and 5m", c.KeepAlive)
	}
	if c.RingTimeout < time.Second {
		refuse("ring_timeout: %s is below 1s", c.RingTimeout)
	}
	return errors.Join(errs...)
}

// offices are the networks of Offices; Validate has seen them.
func (c Config) offices() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range c.Offices {
		if p, err := parseOffice(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// proxies are the networks of Proxies; Validate has seen them.
func (c Config) proxies() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range c.Proxies {
		if p, err := parseProxy(text); err == nil {
			all = append(all, p)
		}
	}
	return all
}

func parseOffice(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = network(a)
		if a.Is6() {
			return a.Prefix(64)
		}
		return a.Prefix(32)
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

func notHostCharacter(r rune) bool {
	return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.')
}
