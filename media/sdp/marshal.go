package sdp

import (
	"fmt"
	"net/netip"
	"strconv"
	"time"
)

// Marshal writes the description with CR LF. Every other m= line is written
// with port 0, which refuses it (RFC 3264 section 6).
func (s Session) Marshal() []byte {
	b := append(make([]byte, 0, usualBytes), "v=0\r\no=- "...)
	b = append(strconv.AppendUint(b, s.ID, 10), ' ')
	b = append(strconv.AppendUint(b, s.Version, 10), " IN "...)
	b = append(appendConnection(b, s.Address), "\r\ns=-\r\nc=IN "...)
	b = append(appendConnection(b, s.Address), "\r\nt=0 0\r\n"...)
	others := s.Others
	for i := 0; i <= len(s.Others); i++ {
		if i == s.Index {
			b = s.appendAudio(b)
			continue
		}
		b = fmt.Appendf(b, "m=%s 0 %s %s\r\n", others[0].Media, others[0].Protocol, others[0].Formats)
		others = others[1:]
	}
	return b
}

// usualBytes is more than the description of one stream without keys has.
const usualBytes = 384

func (s Session) appendAudio(b []byte) []byte {
	b = append(strconv.AppendUint(append(b, "m=audio "...), uint64(s.Port), 10), ' ')
	b = append(b, s.Protocol...)
	for _, f := range s.Formats {
		b = strconv.AppendUint(append(b, ' '), uint64(f.Payload), 10)
	}
	b = append(b, "\r\n"...)
	for _, f := range s.Formats {
		b = f.appendTo(b)
	}
	for _, c := range s.Cryptos {
		b = fmt.Appendf(b, "a=crypto:%s\r\n", c)
	}
	if s.PacketTime > 0 {
		b = strconv.AppendInt(append(b, "a=ptime:"...), int64(s.PacketTime/time.Millisecond), 10)
		b = append(b, "\r\n"...)
	}
	if s.RTCP.IsValid() {
		b = append(strconv.AppendUint(append(b, "a=rtcp:"...), uint64(s.RTCP.Port()), 10), " IN "...)
		b = append(appendConnection(b, s.RTCP.Addr()), "\r\n"...)
	}
	if s.Mux {
		b = append(b, "a=rtcp-mux\r\n"...)
	}
	b = append(append(b, "a="...), s.Direction...)
	return append(b, "\r\n"...)
}

// appendTo writes the lines that say what a payload type is.
func (f Format) appendTo(b []byte) []byte {
	b = append(strconv.AppendUint(append(b, "a=rtpmap:"...), uint64(f.Payload), 10), ' ')
	b = append(append(b, spelling(f.Name)...), '/')
	b = append(strconv.AppendInt(b, int64(f.Clock), 10), "\r\n"...)
	if f.Parameters == "" {
		return b
	}
	b = append(strconv.AppendUint(append(b, "a=fmtp:"...), uint64(f.Payload), 10), ' ')
	return append(append(b, f.Parameters...), "\r\n"...)
}

func appendConnection(b []byte, a netip.Addr) []byte {
	family := "IP4 "
	if a.Is6() {
		family = "IP6 "
	}
	return a.AppendTo(append(b, family...))
}

// spelling is the usual case: some phones compare names exactly.
func spelling(name string) string {
	if name == event {
		return "telephone-event"
	}
	return name
}
