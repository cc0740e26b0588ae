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
