package phone

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

var errSDP = errors.New("phone: session description without usable audio")

// eventType is the payload type that we offer telephone-event with.
const eventType = 101

// session is what a session description (RFC 8866) says about its audio.
type session struct {
	addr      netip.AddrPort // where the audio is wanted
	laws      []Law          // in the order of preference
	event     uint8          // payload type of telephone-event, 0 without
	direction string         // sendrecv, sendonly, recvonly or inactive
}

func parseSDP(body []byte) (session, error) {
	s := session{direction: "sendrecv"}
	var host string
	var port int
	inAudio, seen := false, false
	for line := range strings.Lines(string(body)) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasPrefix(line, "m="):
			inAudio = !seen && strings.HasPrefix(line, "m=audio ")
			if inAudio {
				seen = true
				port, s.laws = parseAudioLine(line)
			}
		case strings.HasPrefix(line, "c=IN IP4 ") && (inAudio || !seen):
			host = strings.Fields(line)[2]
		case strings.HasPrefix(line, "a=") && (inAudio || !seen):
			s.attribute(line[2:])
		}
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !seen || port == 0 || len(s.laws) == 0 {
		return s, errSDP
	}
	s.addr = netip.AddrPortFrom(ip, uint16(port))
	if ip.IsUnspecified() { // hold of RFC 2543
		s.direction = "inactive"
	}
	return s, nil
}

func parseAudioLine(line string) (port int, laws []Law) {
	f := strings.Fields(line)
	if len(f) < 4 {
		return 0, nil
	}
	port, _ = strconv.Atoi(f[1]) //nolint:errcheck // 0 is refused by the caller
	if port < 0 || port > 65535 {
		port = 0
	}
	for _, pt := range f[3:] {
		if pt == "0" || pt == "8" {
			n, _ := strconv.Atoi(pt) //nolint:errcheck // a digit
			laws = append(laws, Law(n))
		}
	}
	return port, laws
}

func (s *session) attribute(a string) {
	switch {
	case a == "sendrecv" || a == "sendonly" || a == "recvonly" || a == "inactive":
		s.direction = a
	case strings.HasPrefix(a, "rtpmap:") && strings.Contains(strings.ToLower(a), "telephone-event/8000"):
		pt, _, _ := strings.Cut(a[len("rtpmap:"):], " ")
		if n, err := strconv.Atoi(pt); err == nil && n > 0 && n < 128 {
			s.event = uint8(n)
		}
	}
}

// bytes is the description as it goes over the wire.
func (s session) bytes(id, version uint32) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=- %d %d IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP", id, version, s.addr.Addr(), s.addr.Addr(), s.addr.Port())
	for _, l := range s.laws {
		fmt.Fprintf(&b, " %d", l)
	}
	if s.event != 0 {
		fmt.Fprintf(&b, " %d", s.event)
	}
	b.WriteString("\r\n")
	for _, l := range s.laws {
		fmt.Fprintf(&b, "a=rtpmap:%d %s/8000\r\n", l, map[Law]string{PCMU: "PCMU", PCMA: "PCMA"}[l])
	}
	if s.event != 0 {
		fmt.Fprintf(&b, "a=rtpmap:%d telephone-event/8000\r\na=fmtp:%d 0-15\r\n", s.event, s.event)
	}
	fmt.Fprintf(&b, "a=ptime:20\r\na=%s\r\n", s.direction)
	return []byte(b.String())
}

// answerTo is our session as an answer (RFC 3264): the first law of the offer
// that we know, the offer's payload types, the mirrored direction.
func (s session) answerTo(offer session) (session, error) {
	for _, l := range offer.laws {
		if slices.Contains(s.laws, l) {
			s.laws = []Law{l}
			s.event = offer.event
			s.direction = mirror(offer.direction, s.direction)
			return s, nil
		}
	}
	return s, errSDP
}

// mirror is the direction of an answer to an offered direction, as far as we
// want it ourselves.
func mirror(offered, wanted string) string {
	send := (offered == "sendrecv" || offered == "recvonly") && (wanted == "sendrecv" || wanted == "sendonly")
	receive := (offered == "sendrecv" || offered == "sendonly") && (wanted == "sendrecv" || wanted == "recvonly")
	switch {
	case send && receive:
		return "sendrecv"
	case send:
		return "sendonly"
	case receive:
		return "recvonly"
	}
	return "inactive"
}
