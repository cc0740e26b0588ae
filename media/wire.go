package media

import "time"

// Wire carries the datagrams of one leg over a connection that is there before the
// leg: an operator's browser. What it carries is plain RTP and RTCP; encryption and
// addresses are its own. The connection under it may change while the leg goes on.
type Wire interface {
	// Attach hands what comes to end, one call at a time, until Detach has returned.
	Attach(end WireEnd)
	Detach()
	// WriteRTP and WriteRTCP send one datagram; without a connection they do
	// nothing. They do not keep b and do not block for longer than one system call.
	WriteRTP(b []byte) error
	WriteRTCP(b []byte) error
}

// Negotiated is a Wire that comes to be by session descriptions which the signalling
// carries: that of a phone that is called, or calls, by SIP and whose audio is a
// browser's. It belongs to one leg: Detach ends it.
type Negotiated interface {
	Wire
	Offer() ([]byte, error)              // ours; Accept takes what comes back
	Answer(offer []byte) ([]byte, error) // theirs, the first or a later one
	Accept(answer []byte) error
}

// WireEnd is the leg's end of a Wire. Its methods must not call the Wire's Attach
// and Detach.
type WireEnd interface {
	// Follow says what a connection agreed on, before its first datagram.
	Follow(f WireFormat)
	// HearRTP and HearRTCP take one datagram, which is valid until they return.
	HearRTP(b []byte, now time.Time)
	HearRTCP(b []byte, now time.Time)
}

// NoPayload stands for a payload type that is not agreed.
const NoPayload = -1

// WireFormat is what the two ends of a connection agreed on. Payload types are 0..127
// or NoPayload.
type WireFormat struct {
	SSRC  uint32 // of what we send
	Law   Law    // in which we send
	ULaw  int    // payload type of PCMU
	ALaw  int    // of PCMA
	Event int    // of telephone-event
}
