package config

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/outpace-dialer/outpace/media/webrtc"
	"github.com/outpace-dialer/outpace/sip/registrar"
)

// Phones is the softphones' side.
type Phones struct {
	Signalling `yaml:",inline"`
	Registrar  registrar.Config `yaml:"registrar"`
	Browser    webrtc.Config    `yaml:"browser"` // operators who take calls in the page
	WebSocket  WebSocket        `yaml:"websocket"`
	// SRTP says which phones' audio is encrypted: auto (default), those registered
	// over TLS, and others that ask for it; required, all; off, none.
	SRTP string `yaml:"srtp"`
}

// WebSocket lets phones register and take calls by SIP over WebSocket (RFC 7118), at
// /sip of the HTTP listener. Their audio is a browser's: phones.browser is needed.
type WebSocket struct {
	Enabled bool `yaml:"enabled"` // default false
	// Origins are the sites besides our own whose pages may connect: "phones.example.com",
	// "*.example.com". What is no browser names no site.
	Origins []string `yaml:"origins"`
}

// The values of Phones.SRTP.
const (
	SRTPAuto     = "auto"
	SRTPRequired = "required"
	SRTPOff      = "off"
)

func (p Phones) validate() error {
	if p.WebSocket.Enabled && !p.Browser.Enabled {
		return errors.New("websocket.enabled: needs browser.enabled: the audio of these phones is a browser's")
	}
	for i, origin := range p.WebSocket.Origins {
		if _, err := path.Match(origin, ""); err != nil || origin == "" || origin == "*" || strings.Contains(origin, "/") {
			return fmt.Errorf("websocket.origins[%d]: %q is no host such as phones.example.com or *.example.com", i, origin)
		}
	}
	switch p.SRTP {
	case SRTPAuto, SRTPRequired, SRTPOff:
		return nil
	}
	return fmt.Errorf("srtp: %q is none of auto, required, off", p.SRTP)
}
