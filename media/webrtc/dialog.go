package webrtc

import (
	"errors"
	"fmt"
	"sync"

	"github.com/pion/webrtc/v4"

	"github.com/outpace-dialer/outpace/media"
)

// Dialog is the Wire of one leg by SIP whose far end speaks as browsers do: its session
// descriptions go with the signalling (RFC 7118), and it ends with the leg. It has one
// connection, which later descriptions change. How long that may take is the leg's to
// say, so nothing is told of it.
type Dialog struct {
	*Phone

	describing sync.Mutex // one description at a time
	c          *connection
}

var _ media.Negotiated = (*Dialog)(nil)

// Dialog makes the wire of a leg; Detach ends it.
func (e *Exchange) Dialog(leg string) *Dialog {
	return &Dialog{Phone: &Phone{exchange: e, user: "leg " + leg, byLeg: true}} // no user's name has a space
}

// Offer is ours, candidates included.
func (d *Dialog) Offer() ([]byte, error) {
	d.describing.Lock()
	defer d.describing.Unlock()
	if err := d.connect(); err != nil {
		return nil, err
	}
	offer, err := d.c.pc.CreateOffer(nil)
	if err == nil {
		offer.SDP, err = d.c.describe(offer)
	}
	if err != nil {
		return nil, fmt.Errorf("webrtc: our offer: %w", err)
	}
	return []byte(offer.SDP), nil
}

// Answer answers an offer. The error is an *OfferError, ErrClosed or of the system; what
// was agreed before goes on.
func (d *Dialog) Answer(offer []byte) ([]byte, error) {
	theirs, err := readOffer(string(offer))
	if err != nil {
		return nil, err
	}
	d.describing.Lock()
	defer d.describing.Unlock()
	if err := d.connect(); err != nil {
		return nil, err
	}
	ours, err := d.c.negotiate(theirs)
	return []byte(ours), err
}

// Accept takes the answer to our offer. The errors are those of Answer.
func (d *Dialog) Accept(answer []byte) error {
	theirs, err := readAnswer(string(answer))
	if err != nil {
		return err
	}
	d.describing.Lock()
	defer d.describing.Unlock()
	if d.c == nil {
		return errors.New("webrtc: an answer to no offer")
	}
	if err := d.c.pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: theirs}); err != nil {
		return refuse(BadSDP, "the answer cannot be followed: %v", err)
	}
	return nil
}

// connect makes the connection where there is none yet. d.describing is held.
func (d *Dialog) connect() error {
	if d.c != nil {
		return nil
	}
	e := d.exchange
	c, err := e.newConnection()
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		e.drop(c)
		return ErrClosed
	}
	d.c, d.pending, e.phones[d.user] = c, c, d.Phone
	c.phone.Store(d.Phone)
	return nil
}

// Detach ends the wire and its connection.
func (d *Dialog) Detach() {
	d.Phone.Detach()
	d.exchange.Disconnect(d.user, "")
}
