package webhook

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"time"
)

// closed are networks that are not of the public internet, or whose addresses stand for
// others (RFC 6890 and its successors): whoever names an endpoint must not reach what
// only this machine can.
var closed = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
	"203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)

// open6 is the part of IPv6 that is given out for the public internet.
var open6 = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	var all []netip.Prefix
	for _, t := range texts {
		all = append(all, netip.MustParsePrefix(t))
	}
	return all
}

// AddressError means that an endpoint is where webhooks may not go.
type AddressError struct{ Address netip.Addr }

func (e *AddressError) Error() string {
	return fmt.Sprintf("webhook: %s is not on the public internet and not in webhooks.allow", e.Address)
}

// permit says whether an address may be reached.
func permit(ip netip.Addr, allow []netip.Prefix) error {
	ip = ip.Unmap().WithZone("")
	in := func(p netip.Prefix) bool { return p.Contains(ip) }
	if slices.ContainsFunc(allow, in) {
		return nil
	}
	if !ip.IsValid() || slices.ContainsFunc(closed, in) || ip.Is6() && !open6.Contains(ip) {
		return &AddressError{ip}
	}
	return nil
}

// transport connects to permitted addresses alone. The address is looked at when the
// socket is about to connect, so it does not matter what a name led to before. There is
// no proxy: it would look names up by itself.
func transport(allow []netip.Prefix, resolver *net.Resolver) *http.Transport {
	dialer := &net.Dialer{Timeout: connectWithin, Resolver: resolver, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("webhook: %q is no address: %w", address, err)
		}
		return permit(to.Addr(), allow)
	}}
	return &http.Transport{
		DialContext: dialer.DialContext, ForceAttemptHTTP2: true, TLSHandshakeTimeout: connectWithin,
		MaxIdleConnsPerHost: parallel, IdleConnTimeout: time.Minute, MaxResponseHeaderBytes: 64 << 10,
	}
}

const connectWithin = 10 * time.Second
