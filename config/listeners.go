package config

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"

	"github.com/outpace-dialer/outpace/media/webrtc"
)

// clash is two keys that cannot both be as they are.
type clash struct{ key, other, problem string }

func (c *clash) Error() string  { return fmt.Sprintf("%s: %s as %s", c.key, c.problem, c.other) }
func (c *clash) turned() *clash { return &clash{key: c.other, other: c.key, problem: c.problem} }

// checkListen says what is wrong with an address to listen on.
func checkListen(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("listen: %q: port %q is not between 0 and 65535", address, port)
	}
	if _, err := netip.ParseAddr(host); err != nil && looksLikeIPv4(host) {
		return fmt.Errorf("listen: %q: %q is no address", address, host)
	}
	return nil
}

// looksLikeIPv4 says whether a host is meant to be an address, not a name.
func looksLikeIPv4(host string) bool {
	for _, r := range host {
		if (r < '0' || r > '9') && r != '.' {
			return false
		}
	}
	return host != ""
}

// checkExternal says what is wrong with the port of "host:port"; a host alone has none.
func checkExternal(external string) error {
	_, port, err := net.SplitHostPort(external)
	if err != nil {
		return nil //nolint:nilerr // a host alone
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("external: %q: port %q is not between 1 and 65535", external, port)
	}
	return nil
}

// bound is what one key binds: a range of ports of one network.
type bound struct {
	key, network, text string
	host               string
	from, to           int
}

// listens is what an address of a listener binds; false where the system chooses the port,
// or it is no address.
func listens(key, network, address string) (bound, bool) {
	host, port, err := net.SplitHostPort(address)
	n, portErr := strconv.Atoi(port)
	if host == "localhost" {
		host = "127.0.0.1"
	}
	return bound{key, network, address, host, n, n}, err == nil && portErr == nil && n > 0
}

// bounds are all sockets that the configuration has opened, in the order of the file.
func (c Config) bounds() (all []bound) {
	add := func(key, network, address string) {
		if b, ok := listens(key, network, address); ok {
			all = append(all, b)
		}
	}
	add("http.listen", "tcp", c.HTTP.Listen)
	add("admin.listen", "tcp", c.Admin.Listen)
	for _, s := range []struct {
		key    string
		listen []Listener
	}{{"trunk_signalling", c.Trunk.Listen}, {"phones", c.Phones.Listen}} {
		for i, l := range s.listen {
			network := "tcp"
			if l.Transport == "udp" {
				network = "udp"
			}
			add(fmt.Sprintf("%s.listen[%d]", s.key, i), network, l.Address)
		}
	}
	if c.Phones.Browser.Enabled {
		listen := c.Phones.Browser.Listen
		if listen == "" {
			listen = webrtc.DefaultListen
		}
		add("phones.browser.listen", "udp", listen)
	}
	if ports := c.Media.PortRange(); !ports.Any {
		all = append(all, bound{"media.ports", "udp", fmt.Sprintf("%d to %d", ports.From, ports.To), c.Media.Address, ports.From, ports.To})
	}
	return all
}

// listenerClashes are the keys that want the same socket.
func (c Config) listenerClashes() (errs []error) {
	all := c.bounds()
	for i, b := range all {
		for _, earlier := range all[:i] {
			if !b.overlaps(earlier) {
				continue
			}
			if b.key == "media.ports" {
				errs = append(errs, &clash{b.key, earlier.key, fmt.Sprintf("%s %s: one of these ports is the same", b.network, b.text)})
			} else {
				errs = append(errs, &clash{b.key, earlier.key, fmt.Sprintf("%s %s: the same address", b.network, b.text)})
			}
			break
		}
	}
	return errs
}

// overlaps says whether two cannot be open at once.
func (b bound) overlaps(other bound) bool {
	return b.network == other.network && b.from <= other.to && other.from <= b.to && sameHost(b.host, other.host)
}

// sameHost says whether a socket at a port of one host is in the way of one of the other.
func sameHost(a, b string) bool {
	if a == b || a == "" || b == "" {
		return true
	}
	x, errX := netip.ParseAddr(a)
	y, errY := netip.ParseAddr(b)
	if errX != nil || errY != nil {
		return false // names, which nobody has looked up
	}
	x, y = x.Unmap(), y.Unmap()
	switch {
	case x.IsUnspecified() && y.IsUnspecified():
		return true
	case x.IsUnspecified():
		return x.Is6() || y.Is4()
	case y.IsUnspecified():
		return y.Is6() || x.Is4()
	}
	return x == y
}
