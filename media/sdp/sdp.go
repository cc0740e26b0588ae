// Package sdp reads and writes session descriptions (RFC 8866) and agrees on
// one audio stream by offer and answer (RFC 3264).
//
// It is not a general SDP library and opens no socket: of a description it
// keeps one audio line, RTP/AVP or RTP/SAVP with keys in it (RFC 4568), and
// remembers the others only to refuse them.
//
//	our offer ─► Session.Marshal ─► far end ─► Parse ─► Accept ─► Agreed
//	their offer ─► Parse ─► Answer ─► Session.Marshal and Agreed
package sdp

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Session is one side's description of one audio stream.
type Session struct {
	ID, Version uint64         // of the o= line
	Address     netip.Addr     // where this side hears; unspecified means hold
	Port        uint16         // of RTP
	RTCP        netip.AddrPort // of a=rtcp; zero means the port above Port
	Mux         bool           // RTCP comes on the RTP port (RFC 5761)
	Direction   Direction      // seen from this side
	Formats     []Format       // in this side's order of preference
	PacketTime  time.Duration  // a=ptime, zero where it is not said
	Protocol    string         // "RTP/AVP", "RTP/SAVP"
	Cryptos     []Crypto       // of RTP/SAVP, in this side's order of preference
	Index       int            // place of the audio among the m= lines
	Others      []Line         // the other m= lines, all refused
}

// Format is one payload type.
type Format struct {
	Payload    uint8  // 0..127
	Name       string // upper case: PCMU, PCMA, TELEPHONE-EVENT, CN, ...
	Clock      int    // samples a second
	Parameters string // a=fmtp
}

// Line is an m= line that is not taken.
type Line struct {
	Media, Protocol string
	Formats         string
}

// Direction is who may send (RFC 8866 section 6.7).
type Direction string

// The four directions, seen from the side that describes itself.
const (
	SendReceive Direction = "sendrecv"
	SendOnly    Direction = "sendonly"
	ReceiveOnly Direction = "recvonly"
	Inactive    Direction = "inactive"
)

// Sends says whether the describing side sends audio.
func (d Direction) Sends() bool { return d == SendReceive || d == SendOnly }

// Receives says whether the describing side wants audio.
func (d Direction) Receives() bool { return d == SendReceive || d == ReceiveOnly }

// direction of the two flags.
func direction(sends, receives bool) Direction {
	switch {
	case sends && receives:
		return SendReceive
	case sends:
		return SendOnly
	case receives:
		return ReceiveOnly
	default:
		return Inactive
	}
}

// The encoding names that we take (RFC 3551, RFC 4733, RFC 3389).
const (
	pcmu  = "PCMU"
	pcma  = "PCMA"
	event = "TELEPHONE-EVENT"
	noise = "CN"
)

// The protocols of an audio line that we take (RFC 3551, RFC 3711).
const (
	avp  = "RTP/AVP"
	savp = "RTP/SAVP"
)

// eventPayload is the payload type that we offer for telephone-event: what
// nearly everyone uses.
const eventPayload = 101

// Offer is our description of a stream: laws in order of preference,
// telephone-event 0-15, 20 ms, both ways.
func Offer(id uint64, at netip.AddrPort, laws []media.Law) Session {
	s := Session{
		ID: id, Version: 1, Address: at.Addr(), Port: at.Port(), Protocol: avp,
		Direction: SendReceive, PacketTime: media.FrameDuration,
	}
	for _, law := range laws {
		payload := uint8(0)
		if law == media.ALaw {
			payload = 8
		}
		s.Formats = append(s.Formats, Format{Payload: payload, Name: law.String(), Clock: media.SampleRate})
	}
	s.Formats = append(s.Formats, Format{eventPayload, event, media.SampleRate, "0-15"})
	return s
}

// Equal says whether both describe the same, version included.
func (s Session) Equal(o Session) bool {
	return s.ID == o.ID && s.Version == o.Version && s.SameStream(o) &&
		s.Index == o.Index && slices.Equal(s.Others, o.Others)
}

// SameStream says whether audio goes to the same place in the same way.
func (s Session) SameStream(o Session) bool {
	return s.Address == o.Address && s.Port == o.Port && s.RTCP == o.RTCP && s.Mux == o.Mux &&
		s.Direction == o.Direction && s.PacketTime == o.PacketTime && slices.Equal(s.Formats, o.Formats) &&
		s.Protocol == o.Protocol && slices.Equal(s.Cryptos, o.Cryptos)
}

// RTPAddress is where this side hears RTP.
func (s Session) RTPAddress() netip.AddrPort { return netip.AddrPortFrom(s.Address, s.Port) }

// rtcpAddress is where this side hears RTCP.
func (s Session) rtcpAddress() netip.AddrPort {
	switch {
	case s.Mux:
		return s.RTPAddress()
	case s.RTCP.IsValid():
		return s.RTCP
	default:
		return netip.AddrPortFrom(s.Address, s.Port+1)
	}
}

// law of a format; false where it is not G.711 at 8 kHz.
func (f Format) law() (media.Law, bool) {
	if f.Clock != media.SampleRate {
		return 0, false
	}
	switch f.Name {
	case pcmu:
		return media.ULaw, true
	case pcma:
		return media.ALaw, true
	default:
		return 0, false
	}
}

func (f Format) isEvent() bool { return f.Name == event && f.Clock == media.SampleRate }

// static are the payload types that need no rtpmap (RFC 3551 section 6).
var static = map[uint8]string{0: pcmu, 3: "GSM", 4: "G723", 8: pcma, 9: "G722", noisePayload: noise, 15: "G728", 18: "G729"}

const noisePayload = 13

// token says whether s is safe as one word of a line that we write.
func token(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r >= 0x7F })
}
