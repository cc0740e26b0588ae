package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// PublicHTTP is the listener of the API and the pages.
type PublicHTTP struct {
	HTTP `yaml:",inline"`
	// NodeURL is where the other nodes on the same store reach this listener,
	// "http://10.0.0.5:8080": they fetch recordings from it and pass calls by hand on to it.
	// Empty: they cannot. Where it is https and the certificate our own, they learn from the
	// store which one that is.
	NodeURL string `yaml:"node_url"`
	// NodeAuthorities is a PEM file of who may vouch for the certificates of other nodes;
	// empty: those of the system.
	NodeAuthorities string `yaml:"node_authorities"`

	TLS HTTPTLS `yaml:"tls"`
	// ConnectionsPerAddress is how many connections one address may have open, a /64 of
	// IPv6 being one; default 1000. Proxies that are trusted have no such bound.
	ConnectionsPerAddress int `yaml:"connections_per_address"`
	// TrustedProxies are those in front, as addresses or networks ("10.0.0.0/8"), whose
	// X-Forwarded-For says who asks. Nobody else's does.
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// Proxies are TrustedProxies as networks.
func (h PublicHTTP) Proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for i, text := range h.TrustedProxies {
		ip, err := netip.ParseAddr(text)
		if err == nil && ip.Zone() == "" {
			all = append(all, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies[%d]: %q is no address and no network such as 10.0.0.0/8", i, text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

func (h PublicHTTP) validate() error {
	if h.ConnectionsPerAddress < 0 {
		return fmt.Errorf("connections_per_address: %d is below 0", h.ConnectionsPerAddress)
	}
	if _, err := h.Proxies(); err != nil {
		return err
	}
	if err := h.TLS.validate(); err != nil {
		return err
	}
	if err := h.HTTP.validate(); err != nil || h.NodeURL == "" {
		return err
	}
	u, err := url.Parse(h.NodeURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || u.Port() != "" && checkExternal(u.Host) != nil {
		return fmt.Errorf("node_url: %q is not http://HOST:PORT", h.NodeURL)
	}
	return nil
}

// HTTP is one HTTP listener.
type HTTP struct {
	Listen string `yaml:"listen"` // host:port; empty host means every address
}

func (h HTTP) validate() error {
	return checkListen(h.Listen)
}

// HTTPTLS is how the HTTP listener shows who it is: by files, by a certificate of its
// own, or by one that an authority gives. At most one of the three; none is plain HTTP.
type HTTPTLS struct {
	Certificate string `yaml:"certificate"` // PEM, read again when it changes
	Key         string `yaml:"key"`
	// SelfSigned makes a certificate in data_dir/tls at the first start. Browsers warn of
	// it; its fingerprint is logged at each start, to compare with theirs.
	SelfSigned bool `yaml:"self_signed"`
	// ACME fetches certificates and renews them (RFC 8555, by tls-alpn-01): port 443 of
	// each host must lead to http.listen. Until there is one, a certificate of our own is
	// shown, as with SelfSigned; one that was got stays while the authority is away.
	ACME *ACME `yaml:"acme"`
}

// ACME is an authority that gives certificates. Whoever sets it accepts its terms.
type ACME struct {
	Hosts     []string `yaml:"hosts"`     // required; for no other name is one asked for
	Email     string   `yaml:"email"`     // where the authority writes to; may be empty
	Cache     string   `yaml:"cache"`     // folder of keys and certificates; default data_dir/tls/acme
	Directory string   `yaml:"directory"` // URL; default that of Let's Encrypt
	// Authorities is a PEM file of who may vouch for the directory's own certificate, where
	// that is one of your network; empty: those of the system.
	Authorities string `yaml:"authorities"`
}

// On says whether the listener is one of HTTPS.
func (t HTTPTLS) On() bool {
	return t.Certificate != "" || t.Key != "" || t.SelfSigned || t.ACME != nil
}

func (t HTTPTLS) validate() error {
	files := t.Certificate != "" || t.Key != ""
	switch {
	case files && (t.Certificate == "" || t.Key == ""):
		return errors.New("tls: certificate and key go together")
	case files && t.SelfSigned || files && t.ACME != nil || t.SelfSigned && t.ACME != nil:
		return errors.New("tls: one of certificate, self_signed and acme")
	case files:
		return checkPair(t.Certificate, t.Key)
	case t.ACME == nil:
		return nil
	case len(t.ACME.Hosts) == 0:
		return errors.New("tls.acme.hosts: required: certificates are asked for these names alone")
	}
	for i, host := range t.ACME.Hosts {
		if net.ParseIP(host) != nil || !strings.Contains(host, ".") || strings.ContainsAny(host, "*/: ") {
			return fmt.Errorf("tls.acme.hosts[%d]: %q is no name such as dialer.example.com", i, host)
		}
	}
	if u, err := url.Parse(t.ACME.Directory); err != nil || t.ACME.Directory != "" && (u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("tls.acme.directory: %q is not https://HOST/...", t.ACME.Directory)
	}
	return nil
}
