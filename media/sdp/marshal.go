package sdp

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Marshal writes the description with CR LF. Every other m= line is written
// with port 0, which refuses it (RFC 3264 section 6).
func (s Session) Marshal() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- %d %d IN %s\r\ns=-\r\nc=IN %s\r\nt=0 0\r\n",
		s.ID, s.Version, connection(s.Address), connection(s.Address))
	others := s.Others
	for i := 0; i <= len(s.Others); i++ {
		if i == s.Index {
			s.writeAudio(&b)
			continue
		}
		fmt.Fprintf(&b, "m=%s 0 %s %s\r\n", others[0].Media, others[0].Protocol, others[0].Formats)
		others = others[1:]
	}
	return []byte(b.String())
}

func (s Session) writeAudio(b *strings.Builder) {
	fmt.Fprintf(b, "m=audio %d %s", s.Port, s.Protocol)
	for _, f := range s.Formats {
		b.WriteString(" " + strconv.Itoa(int(f.Payload)))
	}
	b.WriteString("\r\n")
	for _, f := range s.Formats {
		fmt.Fprintf(b, "a=rtpmap:%d %s/%d\r\n", f.Payload, spelling(f.Name), f.Clock)
		if f.Parameters != "" {
			fmt.Fprintf(b, "a=fmtp:%d %s\r\n", f.Payload, f.Parameters)
		}
	}
	for _, c := range s.Cryptos {
		fmt.Fprintf(b, "a=crypto:%s\r\n", c)
	}
	if s.PacketTime > 0 {
		fmt.Fprintf(b, "a=ptime:%d\r\n", s.PacketTime/time.Millisecond)
	}
	if s.RTCP.IsValid() {
		fmt.Fprintf(b, "a=rtcp:%d IN %s\r\n", s.RTCP.Port(), connection(s.RTCP.Addr()))
	}
	if s.Mux {
		b.WriteString("a=rtcp-mux\r\n")
	}
	fmt.Fprintf(b, "a=%s\r\n", s.Direction)
}

func connection(a netip.Addr) string {
	if a.Is6() {
		return "IP6 " + a.String()
	}
	return "IP4 " + a.String()
}

// spelling is the usual case: some phones compare names exactly.
func spelling(name string) string {
	if name == event {
		return "telephone-event"
	}
	return name
}
