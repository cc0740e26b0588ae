package sdp

import (
	"errors"
	"net/netip"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// ErrNoCodec means that the two sides have no law of G.711 in common (SIP: 488).
var ErrNoCodec = errors.New("sdp: no codec in common")

// Kind is what a payload type carries.
type Kind uint8

// The kinds. Unknown is everything that was not agreed.
const (
	Unknown Kind = iota
	ULaw
	ALaw
	Event // telephone-event, RFC 4733
	Noise // comfort noise, RFC 3389: a pause
)

// Agreed is what offer and answer come to, from our side.
type Agreed struct {
	Law          media.Law // in which we send
	Payload      uint8     // of the audio we send
	EventPayload uint8     // of the telephone-events we send
	Events       bool      // the far end takes telephone-events
	Receive      [128]Kind // by payload type
	Remote       netip.AddrPort
	RemoteRTCP   netip.AddrPort
	Mux          bool          // RTCP goes to Remote
	Sending      bool          // the far end wants our audio: false while it holds us
	Receiving    bool          // the far end sends
	PacketTime   time.Duration // what the far end likes to get; zero where it is not said
	Secret       Secret        // of SRTP
}

// Answer makes our answer to offer: the formats that we have too, in the
// offerer's order and with its payload types (RFC 3264 section 6.1). ours is
// our side as Offer makes it, with the version that the answer is to have. An offer
// of SRTP is answered so where ours has keys; ErrNotSecure where only one side has
// it, ErrNoSuite where they have none in common.
func Answer(offer, ours Session) (Session, Agreed, error) {
	answer := ours
	answer.Formats, answer.Others, answer.Index = common(offer, ours), offer.Others, offer.Index
	answer.Mux = offer.Mux
	if offer.Secure() && ours.Secure() {
		var err error
		if answer.Cryptos, err = chooseCrypto(offer, ours); err != nil {
			return Session{}, Agreed{}, err
		}
	}
	held := offer.Address.IsUnspecified()
	answer.Direction = direction(ours.Direction.Sends() && offer.Direction.Receives() && !held,
		ours.Direction.Receives() && offer.Direction.Sends())
	agreed, err := agree(answer, offer)
	return answer, agreed, err
}

// Accept is what our offer and the far end's answer come to.
func Accept(offer, answer Session) (Agreed, error) {
	return agree(offer, answer)
}

// common are the formats of offer that ours has by name, one for each name.
func common(offer, ours Session) []Format {
	var formats []Format
	taken := map[string]bool{}
	for _, theirs := range offer.Formats {
		for _, f := range ours.Formats {
			if f.Name == theirs.Name && f.Clock == theirs.Clock && !taken[f.Name] {
				taken[f.Name] = true
				formats = append(formats, Format{theirs.Payload, f.Name, f.Clock, f.Parameters})
			}
		}
	}
	return formats
}

// agree puts the two descriptions together. The far end's list says what we
// send; ours and theirs both say what may come, since some far ends use the
// payload types of their own list towards us.
func agree(ours, theirs Session) (Agreed, error) {
	a := Agreed{
		Remote: theirs.RTPAddress(), RemoteRTCP: theirs.rtcpAddress(), Mux: theirs.Mux && ours.Mux,
		Sending:    ours.Direction.Sends() && theirs.Direction.Receives() && !theirs.Address.IsUnspecified(),
		Receiving:  ours.Direction.Receives() && theirs.Direction.Sends(),
		PacketTime: theirs.PacketTime,
	}
	if theirs.Mux && !a.Mux {
		a.RemoteRTCP = netip.AddrPortFrom(theirs.Address, theirs.Port+1)
	}
	var err error
	if a.Secret, err = secret(ours, theirs); err != nil {
		return Agreed{}, err
	}
	audio := false
	for _, f := range theirs.Formats {
		law, isLaw := f.law()
		switch {
		case isLaw && !audio && ours.has(f.Name):
			audio, a.Law, a.Payload = true, law, f.Payload
		case f.isEvent() && !a.Events && ours.has(f.Name):
			a.Events, a.EventPayload = true, f.Payload
		}
	}
	if !audio {
		return Agreed{}, ErrNoCodec
	}
	a.expect(theirs, ours)
	a.expect(ours, ours)
	a.Receive[noisePayload] = Noise // many send it without saying so
	return a, nil
}

// expect notes the payload types of list that ours has by name.
func (a *Agreed) expect(list, ours Session) {
	for _, f := range list.Formats {
		law, isLaw := f.law()
		switch {
		case !ours.has(f.Name):
		case isLaw && law == media.ALaw:
			a.Receive[f.Payload] = ALaw
		case isLaw:
			a.Receive[f.Payload] = ULaw
		case f.isEvent():
			a.Receive[f.Payload] = Event
		}
	}
}

func (s Session) has(name string) bool {
	for _, f := range s.Formats {
		if f.Name == name {
			return true
		}
	}
	return false
}
