package plane

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/rtp"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// ErrNoAnswer means that a leg was accepted without a description, and none
// had come with early media either.
var ErrNoAnswer = errors.New("plane: no session description")

// Offer opens a leg and returns the session description to offer. Nothing is
// waited for: the ports are open already. For a leg that exists (the next
// trunk is tried) it is the same offer under the new spec. Nil means that the leg is
// up already: its owner has a wire.
func (p *Plane) Offer(id media.LegID, spec media.LegSpec) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, err := p.prepare(id, spec)
	if err != nil {
		return nil, err
	}
	switch {
	case l.talks != nil:
		return p.offerNegotiated(l)
	case l.wire != nil:
		return nil, nil
	}
	p.redescribe(l, p.ours(l, false))
	return l.local.Marshal(), nil
}

// Answer answers the far end's offer: the first, which opens the leg, or a
// later one (hold, resume, another address), which opens the learning window
// of its source again. The error is an *sdp.AddressError, sdp.ErrNoCodec,
// sdp.ErrNoAudio, sdp.ErrNotSecure, sdp.ErrNoSuite or of the system; an existing leg goes on as it was.
func (p *Plane) Answer(id media.LegID, spec media.LegSpec, offer []byte) ([]byte, error) {
	if spec.Kind == media.Operator && p.Negotiate != nil && sdp.OfBrowser(offer) {
		return p.answerNegotiated(id, spec, offer)
	}
	theirs, err := sdp.Parse(offer)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.leg(id) != nil
	l, err := p.prepare(id, spec)
	if err != nil {
		return nil, err
	}
	if l.wire != nil {
		return nil, ErrOtherKind
	}
	answer, agreed, err := sdp.Answer(theirs, p.ours(l, theirs.Secure()))
	if err == nil {
		err = p.connect(l, agreed, true)
	}
	if err != nil {
		if !known {
			p.discard(l)
		}
		return nil, err
	}
	p.redescribe(l, answer)
	return l.local.Marshal(), nil
}

// Reoffer returns our session as an offer, for an INVITE that came without
// one. The far end's answer goes to Accept.
func (p *Plane) Reoffer(id media.LegID) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.leg(id)
	if l == nil {
		return nil, ErrNoLeg
	}
	if l.talks != nil {
		return p.offerNegotiated(l)
	}
	p.redescribe(l, p.ours(l, l.local.Secure()))
	return l.local.Marshal(), nil
}

// Early takes the description of a fork's early media: the detector hears it,
// nobody else does, and nothing is sent. Of several forks the latest counts.
func (p *Plane) Early(id media.LegID, fork string, description []byte) error {
	theirs, err := sdp.Parse(description)
	if err != nil {
		return fmt.Errorf("fork %q: %w", fork, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.leg(id)
	if l == nil {
		return ErrNoLeg
	}
	if l.up {
		return nil // a fork that is late: another has answered
	}
	agreed, err := sdp.Accept(l.local, theirs)
	if err == nil {
		err = p.connect(l, agreed, false)
	}
	if err != nil {
		return fmt.Errorf("fork %q: %w", fork, err)
	}
	l.early = theirs
	return nil
}

// Accept takes the answer to our offer: the leg is up. Without a description
// that of the early media holds. The errors are those of Answer, and
// ErrNoAnswer.
func (p *Plane) Accept(id media.LegID, answer []byte) error {
	var theirs sdp.Session
	if len(answer) > 0 && !sdp.OfBrowser(answer) {
		var err error
		if theirs, err = sdp.Parse(answer); err != nil {
			return err
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.leg(id)
	if l == nil {
		return ErrNoLeg
	}
	if l.talks != nil {
		return p.acceptNegotiated(l, answer)
	}
	if len(answer) == 0 {
		theirs = l.early
	}
	if theirs.Port == 0 {
		return ErrNoAnswer
	}
	agreed, err := sdp.Accept(l.local, theirs)
	if err != nil {
		return err
	}
	return p.connect(l, agreed, true)
}

// prepare finds or opens the leg and reads its spec.
func (p *Plane) prepare(id media.LegID, spec media.LegSpec) (*leg, error) {
	networks, err := sdp.Networks(spec.Networks)
	if err != nil {
		return nil, err
	}
	if spec.Address != "" {
		if _, err := netip.ParseAddr(spec.Address); err != nil {
			return nil, fmt.Errorf("address: %w", err)
		}
	}
	l := p.leg(id)
	if l == nil {
		if l, err = p.open(id, spec); err != nil {
			return nil, err
		}
		l.local.ID = uint64(rand.Uint32())
	}
	l.spec, l.networks = spec, networks
	return l, nil
}

// discard takes back a leg that never came to be: it has no events.
func (p *Plane) discard(l *leg) {
	delete(p.legs, l.id)
	p.wheel.remove(l)
	p.release(l, time.Now())
	p.work.Go(l.running.Wait)
}

// ours is everything we can do on a leg, as the next version of what we said. asked
// says that the far end wants SRTP, or has it.
func (p *Plane) ours(l *leg, asked bool) sdp.Session {
	address := p.external
	if l.spec.Address != "" {
		address = netip.MustParseAddr(l.spec.Address)
	}
	s := sdp.Offer(l.local.ID, netip.AddrPortFrom(address, uint16(l.session.Port())), p.laws)
	s.Version = l.local.Version + 1
	if l.spec.Encryption == media.Encrypted || l.spec.Encryption == media.AsOffered && asked {
		if l.cryptos == nil {
			l.cryptos = sdp.NewCryptos() // for as long as the leg lives: new keys are a new stream
		}
		s.RequireSRTP(l.cryptos)
	}
	return s
}

// redescribe notes what we say of a leg. The version moves only with the
// stream (RFC 3264 section 8).
func (p *Plane) redescribe(l *leg, s sdp.Session) {
	if l.local.Version > 0 && l.local.SameStream(s) {
		s.Version = l.local.Version
	}
	l.local = s
}

// connect puts what was agreed into effect. A repeated description changes
// nothing, so that it opens no learning window.
func (p *Plane) connect(l *leg, agreed sdp.Agreed, up bool) error {
	if !up {
		agreed.Sending = false
	}
	guard := sdp.Guard{Networks: l.networks, Own: p.isOurs}
	if err := guard.Check(agreed.Remote); err != nil && !agreed.Remote.Addr().IsUnspecified() {
		return err
	}
	if guard.Check(agreed.RemoteRTCP) != nil {
		agreed.RemoteRTCP = netip.AddrPort{} // audio is worth more than its reports
	}
	if agreed != l.agreed {
		l.agreed = agreed
		l.session.Describe(&rtp.Description{
			Agreed: agreed, Signalling: signalling(l.spec.Signalling), Networks: l.networks, Strict: l.spec.Strict,
		})
	}
	if up {
		p.goUp(l)
	}
	return nil
}

func (p *Plane) goUp(l *leg) {
	now := time.Now()
	l.up = true
	l.ear.answer()
	switch {
	case l.wire != nil: // open since there is a connection
	case l.agreed.Sending:
		l.output.Open(l.agreed.Law, now)
	default:
		l.output.Hold()
	}
	initial, later := p.CustomerInitial, p.CustomerLost
	if l.spec.Kind == media.Operator {
		initial, later = p.OperatorLost, p.OperatorLost
	}
	l.watch.expect(now, l.agreed.Receiving, initial, later)
}

// isOurs says whether an address is one of our own sockets.
func (p *Plane) isOurs(to netip.AddrPort) bool {
	address := to.Addr().Unmap()
	own := address == p.bind || address == p.external || (p.bind.IsUnspecified() && address.IsLoopback())
	return own && p.pool.Owns(int(to.Port()))
}

// signalling reads the IP of the SIP peer, with or without a port.
func signalling(text string) netip.Addr {
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a.Addr().Unmap()
	}
	a, _ := netip.ParseAddr(text)
	return a.Unmap()
}
