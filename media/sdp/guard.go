package sdp

import (
	"fmt"
	"net/netip"
)

// Guard says where our audio may go. A description is written by the far end:
// without a guard it could point us at our own network.
type Guard struct {
	Networks []netip.Prefix            // allowed besides public addresses
	Own      func(netip.AddrPort) bool // one of our own RTP or RTCP ports; may be nil
}

// AddressError says that a description points to where audio may not go.
type AddressError struct {
	Address netip.AddrPort
	Why     string // "loopback", "private", ...
}

func (e *AddressError) Error() string {
	return fmt.Sprintf("sdp: audio may not go to %s (%s)", e.Address, e.Why)
}

// Check returns nil or an *AddressError for a place that we would send to.
// Our own ports and multicast are refused even inside an allowed network.
func (g Guard) Check(to netip.AddrPort) error {
	address := to.Addr().Unmap()
	switch {
	case !to.IsValid() || to.Port() == 0:
		return &AddressError{to, "no port"}
	case address.IsMulticast() || address == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return &AddressError{to, "multicast"}
	case g.Own != nil && g.Own(to):
		return &AddressError{to, "own port"}
	}
	for _, network := range g.Networks {
		if network.Contains(address) {
			return nil
		}
	}
	if why := reserved(address); why != "" {
		return &AddressError{to, why}
	}
	return nil
}

// More nets that are not public: RFC 6598, RFC 1122, RFC 6890, RFC 1112.
var notPublic = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("64:ff9b::/96"), netip.MustParsePrefix("fec0::/10"),
}

func reserved(a netip.Addr) string {
	switch {
	case a.IsUnspecified():
		return "unspecified"
	case a.IsLoopback():
		return "loopback"
	case a.IsPrivate():
		return "private"
	case a.IsLinkLocalUnicast():
		return "link-local"
	}
	for _, network := range notPublic {
		if network.Contains(a) {
			return "not public"
		}
	}
	return ""
}

// Networks reads prefixes and single addresses.
func Networks(texts []string) ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range texts {
		if a, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("network %q: %w", text, err)
		}
		networks = append(networks, p.Masked())
	}
	return networks, nil
}
