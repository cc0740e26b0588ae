package webrtc

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Config is how browsers reach us.
type Config struct {
	Enabled bool `yaml:"enabled"` // default false: a browser needs HTTPS and an open UDP port first
	// Listen is the one UDP port that all browsers' audio goes through, ip:port; port
	// 0 lets the system choose. Default 127.0.0.1:3478.
	Listen string `yaml:"listen"`
	// Addresses are the IPs at which browsers reach Listen: behind NAT those of the
	// outside, one to one, the port unchanged. Default: that of Listen.
	Addresses []string `yaml:"addresses"`

	// Laws are how audio is sent, in order of preference; default PCMU, PCMA.
	Laws []media.Law `yaml:"-"`

	patience patience // of tests; the zero value is the product's
}

// patience is how long a connection is waited for.
type patience struct {
	connect time.Duration // from our answer to its first audio
	away    time.Duration // without a sign of life, until it counts as away
	over    time.Duration // and until it is given up
}

// Connections take some 100 ms to come up, over a bad network seconds. RFC 7675 gives
// consent for 30 s; ours is shorter because an operator is waited for.
var usual = patience{connect: 10 * time.Second, away: 3 * time.Second, over: 12 * time.Second}

// DefaultListen is where browsers are heard where the configuration does not say.
const DefaultListen = "127.0.0.1:3478"

// settings is a Config that has been read.
type settings struct {
	listen    netip.AddrPort
	addresses []netip.Addr
	laws      []media.Law
	patience
}

// Validate says what is wrong, by YAML key.
func (c Config) Validate() error {
	_, err := c.settings()
	return err
}

func (c Config) settings() (settings, error) {
	s := settings{laws: c.Laws, patience: c.patience}
	if s.patience == (patience{}) {
		s.patience = usual
	}
	if len(s.laws) == 0 {
		s.laws = []media.Law{media.ULaw, media.ALaw}
	}
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return s, fmt.Errorf("listen: %w", err)
	}
	if host == "" {
		host = "0.0.0.0"
	}
	if s.listen, err = netip.ParseAddrPort(net.JoinHostPort(host, port)); err != nil {
		return s, fmt.Errorf("listen: %w", err)
	}
	var errs []error
	for i, text := range c.Addresses {
		a, err := netip.ParseAddr(text)
		if err != nil || a.IsUnspecified() || a.IsMulticast() {
			errs = append(errs, fmt.Errorf("addresses[%d]: %q is not an address that a browser can send to", i, text))
		}
		s.addresses = append(s.addresses, a.Unmap())
	}
	if len(c.Addresses) == 0 {
		if s.listen.Addr().IsUnspecified() {
			errs = append(errs, errors.New("addresses: required where listen is on every address: browsers are told where to send"))
		}
		s.addresses = []netip.Addr{s.listen.Addr().Unmap()}
	}
	return s, errors.Join(errs...)
}
