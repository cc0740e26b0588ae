package media

import "time"

// Law is how G.711 packs a sample into a byte (ITU-T G.711).
type Law uint8

// The two laws. ULaw is PCMU, ALaw is PCMA (RFC 3551).
const (
	ULaw Law = iota
	ALaw
)

// String is the encoding name of RFC 3551.
func (l Law) String() string {
	if l == ALaw {
		return "PCMA"
	}
	return "PCMU"
}

// Silence is the byte of a zero sample.
func (l Law) Silence() byte {
	if l == ALaw {
		return 0xD5
	}
	return 0xFF
}

// Packet is what one RTP packet carries, apart from what belongs to the wire
// (SSRC and payload type are each port's own).
type Packet struct {
	Law       Law    // of an audio payload
	Event     bool   // Payload is a telephone-event (RFC 4733), not audio
	Noise     bool   // Payload is comfort noise (RFC 3389): a pause of that loudness begins
	Marker    bool   // first packet after a pause or a splice
	Sequence  uint16 // RFC 3550 section 5.1
	Timestamp uint32 // in samples
	Payload   []byte // valid until the next call of whoever passes it on
}

// Port is the way out to one far end. One goroutine at a time may call Send.
type Port interface {
	// Send writes p with the port's own SSRC and payload type. It does not
	// keep p and does not block for longer than one system call.
	Send(p *Packet) error
}

// Samples is how much time d is in samples.
func Samples(d time.Duration) int {
	return int(d * SampleRate / time.Second)
}

// Span is how long n samples last.
func Span(n int) time.Duration {
	return time.Duration(n) * time.Second / SampleRate
}
