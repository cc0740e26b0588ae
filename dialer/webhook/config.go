package webhook

import (
	"fmt"
	"net/netip"
	"net/url"
)

// Config says whom webhooks may reach, and how much may wait.
type Config struct {
	// Allow are networks that endpoints may be in although they are private, loopback or
	// otherwise not of the public internet: "10.1.0.0/16". Default: none.
	Allow []string `yaml:"allow"`
	// AllowHTTP lets endpoints be told without TLS. Default: https alone.
	AllowHTTP bool `yaml:"allow_http"`
	// MaxBacklog bounds what is kept for endpoints, in bytes: beyond it the oldest is
	// dropped, and said to be. Default 1 GiB in SQLite, 64 MiB in Redis, where it is memory.
	MaxBacklog int64 `yaml:"max_backlog"`
}

// Validate names the key that is wrong.
func (c Config) Validate() error {
	if _, err := c.networks(); err != nil {
		return err
	}
	if c.MaxBacklog < 0 {
		return fmt.Errorf("max_backlog: %d is below zero", c.MaxBacklog)
	}
	return nil
}

func (c Config) networks() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range c.Allow {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("allow: %q is not a network like 10.1.0.0/16", text)
		}
		all = append(all, p.Masked())
	}
	return all, nil
}

// CheckURL says what is wrong with the URL of an endpoint, as far as that can be told
// without looking it up: where its name leads is looked at with each connection.
func (c Config) CheckURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Opaque != "" {
		return fmt.Errorf("url: it is not https://HOST/PATH")
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !c.AllowHTTP) {
		return fmt.Errorf("url: scheme %q is not https", u.Scheme)
	}
	if u.User != nil || u.Fragment != "" {
		return fmt.Errorf("url: it may hold neither a password nor a fragment")
	}
	ip, err := netip.ParseAddr(u.Hostname())
	if err != nil {
		return nil // a name
	}
	allow, err := c.networks()
	if err != nil {
		return err
	}
	return permit(ip, allow)
}
