package config

import (
	"crypto/tls"
	"fmt"
	"time"
)

// belowZero are the keys that are below 0 and would be taken for what is not set.
func (c Config) belowZero() (errs []error) {
	for _, k := range []struct {
		key   string
		value time.Duration
	}{
		{"engine.tick", c.Engine.Tick},
		{"engine.lease", c.Engine.Lease},
		{"engine.ring_min", c.Engine.RingMin},
		{"api.session_for", c.API.SessionFor},
		{"api.idle_for", c.API.IdleFor},
		{"media.quarantine", c.Media.Quarantine},
		{"media.operator_lost", c.Media.OperatorLost},
		{"media.customer_lost", c.Media.CustomerLost},
		{"media.customer_initial", c.Media.CustomerInitial},
	} {
		if k.value < 0 {
			errs = append(errs, fmt.Errorf("%s: %v is below 0", k.key, k.value))
		}
	}
	for _, k := range []struct {
		key   string
		value int
	}{
		{"engine.hopper_size", c.Engine.HopperSize},
		{"api.logins_per_minute", c.API.LoginsPerMinute},
		{"api.requests_per_second", c.API.RequestsPerSecond},
	} {
		if k.value < 0 {
			errs = append(errs, fmt.Errorf("%s: %d is below 0", k.key, k.value))
		}
	}
	return errs
}

// tooFewPorts says of a range of ports that has no room for the calls of a carrier: each
// takes a pair of them.
func (c Config) tooFewPorts() (errs []error) {
	ports := c.Media.PortRange()
	if ports.Any || ports.To-ports.From < 3 { // which Validate of media tells
		return nil
	}
	pairs := (ports.To + 1 - (ports.From + ports.From%2)) / 2
	for i, t := range c.Trunks {
		if t.MaxChannels > pairs {
			errs = append(errs, fmt.Errorf("trunks[%d].max_channels: %d calls want a pair of ports each, and media.ports, %d to %d, has %d", i, t.MaxChannels, ports.From, ports.To, pairs))
		}
	}
	return errs
}

// checkPair says what is wrong with the files of a certificate and its key.
func checkPair(certificate, key string) error {
	if _, err := tls.LoadX509KeyPair(certificate, key); err != nil {
		return fmt.Errorf("tls.key: certificate %s and key %s: %w", certificate, key, err)
	}
	return nil
}
