package webrtc

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"
)

// OfferError says why an offer is not taken. The codes are stable.
type OfferError struct {
	Code   string // one of the Bad constants
	Detail string
}

// The codes of OfferError.
const (
	BadSDP      = "sdp_invalid"        // not a session description, or not of a browser
	NoAudio     = "sdp_no_audio"       // no audio section, or a refused one
	OnlyAudio   = "sdp_only_audio"     // something besides one audio section
	NoG711      = "sdp_no_g711"        // neither PCMU nor PCMA
	NoTLS       = "sdp_no_fingerprint" // no certificate to compare the DTLS handshake with
	NoICE       = "sdp_no_ice"         // no ICE credentials
	OneWayAudio = "sdp_one_way"        // an operator must hear and be heard
)

func (e *OfferError) Error() string { return e.Detail }

func refuse(code, format string, args ...any) error {
	return &OfferError{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// maxOffer bounds an offer, in bytes; browsers' have one to six thousand.
const maxOffer = 64 << 10

// readOffer takes an offer that we can answer: one section of audio in G.711, sent
// and received under DTLS-SRTP. Candidates are left out of it: we never send first,
// so that no offer can point us at anybody.
func readOffer(text string) (string, error) {
	return read(text, func(attribute func(string) string) error {
		if attribute("setup") == "passive" {
			return refuse(BadSDP, "the offer says setup:passive; we wait for the browser's handshake")
		}
		return nil
	})
}

// readAnswer takes an answer to an offer of ours, under the same conditions.
func readAnswer(text string) (string, error) {
	return read(text, func(attribute func(string) string) error {
		if setup := attribute("setup"); setup != "active" {
			return refuse(BadSDP, "the answer says setup:%s; we wait for the far end's handshake", setup)
		}
		return nil
	})
}

// read takes a description, without its candidates, where it is one of a browser.
func read(text string, check func(attribute func(string) string) error) (string, error) {
	if len(text) > maxOffer {
		return "", refuse(BadSDP, "the offer has more than %d bytes", maxOffer)
	}
	var s sdp.SessionDescription
	if err := s.UnmarshalString(text); err != nil {
		return "", refuse(BadSDP, "the offer is not a session description")
	}
	if err := checkSections(s.MediaDescriptions); err != nil {
		return "", err
	}
	audio := s.MediaDescriptions[0]
	attribute := func(key string) string {
		if v, ok := audio.Attribute(key); ok {
			return v
		}
		v, _ := s.Attribute(key)
		return v
	}
	if err := checkAudio(audio, attribute); err != nil {
		return "", err
	}
	if err := check(attribute); err != nil {
		return "", err
	}
	candidate := func(a sdp.Attribute) bool { return a.IsICECandidate() || a.Key == "remote-candidates" }
	s.Attributes = slices.DeleteFunc(s.Attributes, candidate)
	audio.Attributes = slices.DeleteFunc(audio.Attributes, candidate)
	b, err := s.Marshal()
	if err != nil {
		return "", refuse(BadSDP, "the offer cannot be read")
	}
	return string(b), nil
}

func checkSections(sections []*sdp.MediaDescription) error {
	audio := 0
	for _, m := range sections {
		if m.MediaName.Media == "audio" && m.MediaName.Port.Value != 0 {
			audio++
		}
	}
	switch {
	case audio == 0:
		return refuse(NoAudio, "the offer has no audio: ask for the microphone and add its track before the offer is made")
	case audio > 1 || len(sections) > 1:
		return refuse(OnlyAudio, "the offer must have one audio section and nothing else")
	}
	return nil
}

func checkAudio(audio *sdp.MediaDescription, attribute func(string) string) error {
	if protocol := strings.Join(audio.MediaName.Protos, "/"); !strings.HasSuffix(protocol, "RTP/SAVPF") {
		return refuse(NoTLS, "the audio is %s; a browser's is UDP/TLS/RTP/SAVPF", protocol)
	}
	switch {
	case !offersG711(audio):
		return refuse(NoG711, "the offer has neither PCMU nor PCMA, which every browser can (RFC 7874)")
	case attribute("fingerprint") == "":
		return refuse(NoTLS, "the offer has no DTLS fingerprint")
	case attribute("ice-ufrag") == "" || attribute("ice-pwd") == "":
		return refuse(NoICE, "the offer has no ICE credentials")
	}
	for _, direction := range []string{"recvonly", "sendonly", "inactive"} {
		if _, is := audio.Attribute(direction); is {
			return refuse(OneWayAudio, "the offer is %s; an operator hears and is heard", direction)
		}
	}
	return nil
}

// offersG711: payload types 0 and 8 need no rtpmap (RFC 3551).
func offersG711(audio *sdp.MediaDescription) bool {
	if slices.Contains(audio.MediaName.Formats, "0") || slices.Contains(audio.MediaName.Formats, "8") {
		return true
	}
	return slices.ContainsFunc(audio.Attributes, func(a sdp.Attribute) bool {
		_, codec, _ := strings.Cut(strings.ToUpper(a.Value), " ")
		return a.Key == "rtpmap" && (strings.HasPrefix(codec, "PCMU/8000") || strings.HasPrefix(codec, "PCMA/8000"))
	})
}

// tellAddresses puts our addresses into an answer as its only candidates.
func tellAddresses(answer string, addresses []netip.Addr, port uint16) (string, error) {
	var s sdp.SessionDescription
	if err := s.UnmarshalString(answer); err != nil {
		return "", fmt.Errorf("webrtc: our answer: %w", err)
	}
	for _, m := range s.MediaDescriptions {
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			return a.IsICECandidate() || a.Key == sdp.AttrKeyEndOfCandidates
		})
		for i, address := range addresses {
			// RFC 8445 section 5.1.2.1: host candidates, the first preferred.
			priority := 126<<24 + (65535-i)<<8 + 255
			m.Attributes = append(m.Attributes, sdp.Attribute{Key: sdp.AttrKeyCandidate,
				Value: fmt.Sprintf("%d 1 udp %d %s %d typ host", i+1, priority, address, port)})
		}
		m.Attributes = append(m.Attributes, sdp.Attribute{Key: sdp.AttrKeyEndOfCandidates})
	}
	b, err := s.Marshal()
	if err != nil {
		return "", fmt.Errorf("webrtc: our answer: %w", err)
	}
	return string(b), nil
}
