package registrar

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	sipgosip "github.com/emiago/sipgo/sip"
)

// maxPath is how many proxies may lie between a phone and us.
const maxPath = 4

// isProxy says whether one of Config.Proxies has this address.
func (r *Registrar) isProxy(a netip.Addr) bool {
	a = a.Unmap().WithZone("")
	return slices.ContainsFunc(r.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// originOf is where the phone is that sent a request: the source of the request
// or, where that is a proxy of ours, what the last such proxy on the way saw, which
// it wrote into the Via beneath its own (RFC 3261 section 18.2.1, RFC 3581). What
// lies further beneath is the word of strangers. proxied says that a proxy of ours
// brought it; of a request of the proxy itself the origin is its source.
func (r *Registrar) originOf(req *sipgosip.Request) (origin netip.AddrPort, proxied bool, err error) {
	origin, err = sourceOf(req)
	if err != nil || !r.isProxy(origin.Addr()) {
		return origin, false, err
	}
	vias := req.GetHeaders("Via")
	for _, h := range vias[min(1, len(vias)):] {
		via, ok := h.(*sipgosip.ViaHeader)
		if !ok {
			return origin, proxied, fmt.Errorf("via %q", h.Value())
		}
		if origin, err = seenBy(via); err != nil {
			return origin, proxied, err
		}
		proxied = true
		if !r.isProxy(origin.Addr()) {
			break
		}
	}
	return origin, proxied, nil
}

// seenBy is where a proxy saw a request come from. It says so where that differs
// from what the sender wrote; a name is no address, so it must say so then. Of several
// such parameters the parser keeps the last, which is what the proxy added.
func seenBy(via *sipgosip.ViaHeader) (netip.AddrPort, error) {
	host := via.Params.GetOr("received", via.Host)
	addr, err := netip.ParseAddr(strings.Trim(host, "[]"))
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("via: %w", err)
	}
	port := via.Port
	if n, err := strconv.ParseUint(via.Params.GetOr("rport", ""), 10, 16); err == nil {
		port = int(n)
	}
	if port <= 0 || port > 65535 {
		port = sipgosip.DefaultPort(strings.ToLower(via.Transport))
	}
	return unmapped(netip.AddrPortFrom(addr, uint16(port))), nil
}

// pathOf reads the Path headers of a REGISTER (RFC 3327): URIs of the proxies that
// requests to the phone go through, the nearest first.
func pathOf(req *sipgosip.Request) ([]string, error) {
	var path []string
	for _, h := range req.GetHeaders("Path") {
		for _, value := range splitList(h.Value()) {
			uri, err := parsePath(value)
			if err != nil {
				return nil, err
			}
			if path = append(path, uri); len(path) > maxPath {
				return nil, fmt.Errorf("more than %d proxies in Path", maxPath)
			}
		}
	}
	return path, nil
}

// parsePath takes a URI as it is written: a proxy knows its own by every character.
func parsePath(value string) (string, error) {
	_, rest, open := strings.Cut(value, "<")
	text, _, closed := strings.Cut(rest, ">")
	var uri sipgosip.Uri
	switch {
	case !open || !closed || strings.IndexFunc(text, notURICharacter) >= 0:
		return "", fmt.Errorf("path %q: no URI", value)
	case sipgosip.ParseUri(text, &uri) != nil || uri.Scheme != "sip" && uri.Scheme != "sips" || uri.Host == "" || len(uri.Headers) > 0:
		return "", fmt.Errorf("path %q: not a sip URI", value)
	}
	if _, loose := uri.UriParams.Get("lr"); !loose {
		return "", fmt.Errorf("path %q: no lr", value) // RFC 3327 section 5.1: a must
	}
	return text, nil
}

func notURICharacter(c rune) bool { return c <= ' ' || c > '~' || strings.ContainsRune("<>\",", c) }

// hopOf is where requests to a phone behind a proxy go: to what the proxy says of
// itself where that is the address of a proxy of ours, as the connection that the
// REGISTER came over may be short-lived; else, and over TLS, the way it came.
func (r *Registrar) hopOf(path []string, transport string, source netip.AddrPort) (string, netip.AddrPort) {
	var uri sipgosip.Uri
	if len(path) == 0 || sipgosip.ParseUri(path[0], &uri) != nil {
		return transport, source
	}
	addr, err := netip.ParseAddr(strings.Trim(uri.Host, "[]"))
	wanted := strings.ToLower(uri.UriParams.GetOr("transport", "udp"))
	if err != nil || !r.isProxy(addr) || uri.Scheme == "sips" || wanted != "udp" && wanted != "tcp" || transport != "udp" && transport != "tcp" {
		return transport, source
	}
	port := uri.Port
	if port <= 0 || port > 65535 {
		port = sipgosip.DefaultPort(wanted)
	}
	return wanted, unmapped(netip.AddrPortFrom(addr, uint16(port)))
}

// requiresPath says whether a proxy insists that we know Path (RFC 3327 section 5.2).
func requiresPath(req *sipgosip.Request) bool {
	for _, h := range req.GetHeaders("Require") {
		for _, tag := range splitList(h.Value()) {
			if strings.EqualFold(tag, "path") {
				return true
			}
		}
	}
	return false
}

// parseProxy reads an address or a network.
func parseProxy(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap().WithZone("")
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	return p.Masked(), err
}

// notReached are the answers by which a proxy says that it has not reached the
// phone: over its own word the phone would never be missed.
var notReached = []int{408, 430, 477, 478, 480, 500, 502, 503, 504}
