package door

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Proxies are those in front of us whose word is taken for whom they speak.
type Proxies []netip.Prefix

func (p Proxies) trust(ip netip.Addr) bool {
	ip = ip.Unmap().WithZone("")
	return slices.ContainsFunc(p, func(net netip.Prefix) bool { return net.Contains(ip) })
}

// Known gives requests the address of whoever asked a proxy, in place of the proxy's
// own: sign-ins are counted and changes are written down by address.
func (p Proxies) Known(next http.Handler) http.Handler {
	if len(p) == 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil && p.trust(peer.Addr()) {
			if from, ok := p.behind(r.Header.Values("X-Forwarded-For")); ok {
				r.RemoteAddr = netip.AddrPortFrom(from, 0).String()
			}
		}
		next.ServeHTTP(w, r)
	})
}

// behind reads X-Forwarded-For from its end: each proxy adds whom it was asked by, so the
// last that is no proxy of ours is the first that nobody can have made up. False where
// there is none, or a word that is no address comes before it.
func (p Proxies) behind(headers []string) (netip.Addr, bool) {
	hops := strings.Split(strings.Join(headers, ","), ",")
	for _, hop := range slices.Backward(hops) {
		ip, ok := hopAddr(strings.TrimSpace(hop))
		if !ok {
			return netip.Addr{}, false
		}
		if !p.trust(ip) {
			return ip, true
		}
	}
	return netip.Addr{}, false
}

// hopAddr reads an address, with a port or without: some proxies add one.
func hopAddr(text string) (netip.Addr, bool) {
	ip, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		with, err := netip.ParseAddrPort(text)
		return with.Addr().Unmap().WithZone(""), err == nil
	}
	return ip.Unmap().WithZone(""), true
}
