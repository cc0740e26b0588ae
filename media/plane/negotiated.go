package plane

import "github.com/outpace-dialer/outpace/media"

// A leg over a wire that is negotiated is described and answered as one by sockets, but
// by its wire, which alone can read the descriptions. It is up with the answer; audio
// follows when the far end has connected, and as with any SIP phone AudioLost does where
// it does not.

// openNegotiated makes such a leg. p.mu is held.
func (p *Plane) openNegotiated(id media.LegID, spec media.LegSpec) *leg {
	w := p.Negotiate(id)
	l := newWiredLeg(id, spec, w, p.outbox.post)
	l.talks, l.watch.away = w, 0
	l.agreed.Receiving = true
	p.legs[id] = l
	p.wheel.add(l)
	w.Attach(l)
	return l
}

// offerNegotiated is the offer of such a leg. p.mu is held.
func (p *Plane) offerNegotiated(l *leg) ([]byte, error) {
	offer, err := l.talks.Offer()
	if err != nil && !l.up {
		p.discard(l)
	}
	return offer, err
}

// answerNegotiated answers the offer of a browser: the first, which opens the leg, or a
// later one.
func (p *Plane) answerNegotiated(id media.LegID, spec media.LegSpec, offer []byte) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	spec.Encryption, spec.Owner = media.AsBrowsers, ""
	known := p.leg(id)
	if known != nil && known.talks == nil {
		return nil, ErrOtherKind
	}
	l, err := p.prepare(id, spec)
	if err != nil {
		return nil, err
	}
	answer, err := l.talks.Answer(offer)
	if err != nil {
		if known == nil {
			p.discard(l)
		}
		return nil, err
	}
	p.goUp(l)
	return answer, nil
}

// acceptNegotiated takes the answer to offerNegotiated. p.mu is held.
func (p *Plane) acceptNegotiated(l *leg, answer []byte) error {
	if len(answer) == 0 {
		return ErrNoAnswer
	}
	if err := l.talks.Accept(answer); err != nil {
		return err
	}
	p.goUp(l)
	return nil
}
