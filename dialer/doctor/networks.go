package doctor

import (
	"errors"
	"net/netip"

	"github.com/outpace-dialer/outpace/media/sdp"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

// checkNetworks warns where a server of a carrier is at an address to which no audio may
// go: the carrier's audio is often there too, or near it, and then every answer is refused.
func (e *examination) checkNetworks(t trunk.Config, s trunk.Server, subject string) {
	at, err := netip.ParseAddrPort(s.Address)
	if err != nil {
		return
	}
	networks, err := sdp.Networks(t.MediaNetworks)
	if err != nil {
		return // told with the configuration
	}
	if refused, is := errors.AsType[*sdp.AddressError](sdp.Guard{Networks: networks}.Check(at)); is {
		e.warn(CheckTrunk, subject, allowNetwork(t, at.Addr()), "the server is at %s (%s), and audio may not go there: where the carrier's audio is there too, whoever answers is hung up on", at.Addr(), refused.Why)
	}
}

// checkAnswer says why there can be no audio after an answer, and what to set.
func (e *examination) checkAnswer(t trunk.Config, subject string, err error) {
	refused, is := errors.AsType[*sdp.AddressError](err)
	switch {
	case is && allowable(refused.Address):
		e.fail(CheckCall, subject, allowNetwork(t, refused.Address.Addr()), "answered, but the carrier's audio is at %s (%s), and audio may not go there: whoever answers is hung up on", refused.Address, refused.Why)
	case is:
		e.fail(CheckCall, subject, "tell the carrier: no setting of ours allows that", "answered, but the carrier names %s (%s) for its audio, and audio may not go there: whoever answers is hung up on", refused.Address, refused.Why)
	default:
		e.fail(CheckCall, subject, "see that srtp of the trunk and media.codecs are what the carrier has", "answered, but there can be no audio: %v", err)
	}
}

// allowable says whether media_networks could allow an address.
func allowable(at netip.AddrPort) bool {
	a := at.Addr().Unmap()
	return !a.IsUnspecified() && sdp.Guard{Networks: []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}}.Check(at) == nil
}

// allowNetwork is what to do about an address that may have audio.
func allowNetwork(t trunk.Config, a netip.Addr) string {
	a = a.Unmap()
	return "add " + netip.PrefixFrom(a, a.BitLen()).String() + ", or the whole network that the carrier's audio is in, to media_networks of trunk " + t.Name
}
