package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
	"time"

	pion "github.com/pion/sdp/v3"
)

// Limits on what is read.
const (
	maxBytes   = 64 << 10
	maxLines   = 32  // m= lines
	maxFormats = 128 // in one m= line
)

var (
	// ErrTooBig means a description beyond the limits: 64 kB, 32 m= lines.
	ErrTooBig = errors.New("sdp: too big")
	// ErrNoAudio means no RTP/AVP or RTP/SAVP audio line that is in use (port not 0).
	ErrNoAudio = errors.New("sdp: no audio")
	// ErrNoAddress means an audio line without an IP address. Host names are
	// not resolved: audio may not wait for DNS, nor be steered by it.
	ErrNoAddress = errors.New("sdp: no address")
)

// Parse reads a description. Of several audio lines it takes the first that
// is RTP/AVP or RTP/SAVP and has a port.
func Parse(b []byte) (Session, error) {
	if len(b) > maxBytes {
		return Session{}, ErrTooBig
	}
	var d pion.SessionDescription
	if err := d.Unmarshal(b); err != nil {
		return Session{}, errors.New("sdp: " + unnumbered(err.Error()))
	}
	if len(d.MediaDescriptions) > maxLines {
		return Session{}, ErrTooBig
	}
	s := Session{ID: d.Origin.SessionID, Version: d.Origin.SessionVersion, Index: -1}
	for i, m := range d.MediaDescriptions {
		line := lineOf(m)
		if !token(line.Media) || !token(line.Protocol) || len(m.MediaName.Formats) > maxFormats {
			return Session{}, fmt.Errorf("sdp: m= line %d: %w", i+1, ErrTooBig)
		}
		known := line.Protocol == avp || line.Protocol == savp
		if s.Index < 0 && line.Media == "audio" && known && m.MediaName.Port.Value > 0 {
			s.Index, s.Protocol = i, line.Protocol
			if err := s.readAudio(&d, m); err != nil {
				return Session{}, err
			}
			continue
		}
		s.Others = append(s.Others, line)
	}
	if s.Index < 0 {
		return Session{}, ErrNoAudio
	}
	return s, nil
}

// longDigits are more than a port or a part of an address has: somebody's number may be.
var longDigits = regexp.MustCompile(`[0-9]{6,}`)

// unnumbered is what was wrong in a description, for errors: they are logged, and carriers
// write numbers of people where names and addresses belong.
func unnumbered(text string) string { return longDigits.ReplaceAllString(text, "***") }

func lineOf(m *pion.MediaDescription) Line {
	return Line{
		Media:    m.MediaName.Media,
		Protocol: strings.Join(m.MediaName.Protos, "/"),
		Formats:  strings.Join(m.MediaName.Formats, " "),
	}
}

func (s *Session) readAudio(d *pion.SessionDescription, m *pion.MediaDescription) error {
	if m.MediaName.Port.Value > 65535 {
		return fmt.Errorf("sdp: port %d: %w", m.MediaName.Port.Value, ErrNoAddress)
	}
	s.Port = uint16(m.MediaName.Port.Value)
	connection := m.ConnectionInformation
	if connection == nil {
		connection = d.ConnectionInformation
	}
	if connection == nil || connection.Address == nil {
		return ErrNoAddress
	}
	address, err := parseAddress(connection.Address.Address)
	if err != nil {
		return err
	}
	s.Address = address
	s.Direction = directionOf(d, m)
	s.readFormats(m)
	s.readRest(m)
	if s.Protocol == savp {
		s.readCryptos(m)
	}
	return nil
}

// parseAddress takes "192.0.2.1" and "224.2.1.1/127" (RFC 8866 section 5.7).
func parseAddress(text string) (netip.Addr, error) {
	text, _, _ = strings.Cut(text, "/")
	address, err := netip.ParseAddr(text)
	if err != nil || address.Zone() != "" {
		return netip.Addr{}, fmt.Errorf("%w: %q", ErrNoAddress, unnumbered(text))
	}
	return address.Unmap(), nil
}

// directionOf reads the direction of the line, else of the session.
func directionOf(d *pion.SessionDescription, m *pion.MediaDescription) Direction {
	for _, attributes := range [][]pion.Attribute{m.Attributes, d.Attributes} {
		for _, a := range attributes {
			switch way := Direction(a.Key); way {
			case SendReceive, SendOnly, ReceiveOnly, Inactive:
				return way
			}
		}
	}
	return SendReceive
}

func (s *Session) readFormats(m *pion.MediaDescription) {
	maps, parameters := map[uint8]string{}, map[uint8]string{}
	for _, a := range m.Attributes {
		payload, value, ok := strings.Cut(a.Value, " ")
		number, err := strconv.ParseUint(payload, 10, 7)
		if !ok || err != nil {
			continue
		}
		switch a.Key {
		case "rtpmap":
			maps[uint8(number)] = strings.TrimSpace(value)
		case "fmtp":
			parameters[uint8(number)] = strings.TrimSpace(value)
		}
	}
	for _, word := range m.MediaName.Formats {
		number, err := strconv.ParseUint(word, 10, 7)
		if err != nil {
			continue
		}
		payload := uint8(number)
		if f := format(payload, maps[payload]); token(f.Name) {
			f.Parameters = parameters[payload]
			s.Formats = append(s.Formats, f)
		}
	}
}

// format of a payload type and its rtpmap ("PCMU/8000/1", may be empty).
func format(payload uint8, rtpmap string) Format {
	if rtpmap == "" {
		return Format{Payload: payload, Name: static[payload], Clock: 8000}
	}
	name, rest, _ := strings.Cut(rtpmap, "/")
	clock, channels, _ := strings.Cut(rest, "/")
	rate, err := strconv.Atoi(strings.TrimSpace(clock))
	if err != nil || rate <= 0 || (channels != "" && strings.TrimSpace(channels) != "1") {
		return Format{}
	}
	return Format{Payload: payload, Name: strings.ToUpper(strings.TrimSpace(name)), Clock: rate}
}

func (s *Session) readRest(m *pion.MediaDescription) {
	for _, a := range m.Attributes {
		switch a.Key {
		case "ptime":
			// Some write 20.0; RFC 8866 wants an integer.
			if ms, err := strconv.ParseFloat(a.Value, 64); err == nil && ms >= 1 && ms <= 200 {
				s.PacketTime = time.Duration(ms) * time.Millisecond
			}
		case "rtcp-mux":
			s.Mux = true
		case "rtcp":
			s.readRTCP(a.Value)
		}
	}
}

// readRTCP reads "53020" and "53020 IN IP4 192.0.2.1" (RFC 3605).
func (s *Session) readRTCP(value string) {
	words := strings.Fields(value)
	if len(words) == 0 {
		return
	}
	port, err := strconv.ParseUint(words[0], 10, 16)
	if err != nil || port == 0 {
		return
	}
	address := s.Address
	if len(words) == 4 {
		if address, err = parseAddress(words[3]); err != nil {
			return
		}
	}
	s.RTCP = netip.AddrPortFrom(address, uint16(port))
}
