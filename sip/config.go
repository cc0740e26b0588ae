package sip

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Config is one user agent: its sockets, its public address and its session
// timers. The zero value of each field is useful, except Listen.
type Config struct {
	Name           string        // "trunk" or "phones"; goes into Dialog.Agent
	Listen         []Listener    // at least one
	External       string        // host or host:port for Via and Contact; empty = the listener's
	UserAgent      string        // User-Agent and Server header; default "outpace"
	SessionExpires time.Duration // RFC 4028 session interval we ask for; default 120 s
	MinSE          time.Duration // shortest session interval we take; default 90 s

	// Symmetric sends requests inside a dialog to the address that the far
	// end's messages come from, not to its Contact: phones behind NAT. Trunks
	// leave it off and follow Contact and Route set.
	Symmetric bool

	// Allow is the source filter. It is asked for each datagram and each
	// accepted connection before anything of it is parsed or remembered; it
	// must be fast and safe for concurrent use. Nil allows all.
	Allow func(netip.AddrPort) bool

	// Connections is how many connections more than the usual hundred an address
	// may have at a listener: an office of many phones. Nil = none. It must be fast
	// and safe for concurrent use.
	Connections func(netip.Addr) int

	// Disconnected is told when a TCP connection that we accepted is gone; the
	// phone behind it can no longer be reached. It must not block. Nil = nobody.
	Disconnected func(netip.AddrPort)

	// Secrets gives Finish the credentials of a dialog whose BYE is challenged.
	// Nil = none.
	Secrets func(Dialog) *Credentials

	// WebSocket lets Agent.WebSocket take phones; they are reached over the connections
	// that they make.
	WebSocket bool

	// TLS is for listeners of tls; nil where there is none.
	TLS *TLS

	// Classify fills Cause.Result of ends by the far side: the SIP status
	// (200 for the BYE of an answered call), the Q.850 cause (0 if none) and the
	// reason text: the phrase, then ": " and the text of the Reason header. Nil gives ResultProtocolFailure for every non-2xx end.
	Classify func(code, q850 int, text string) Result
}

// Listener is one socket of an agent.
type Listener struct {
	Transport string // "udp", "tcp" or "tls"
	Address   string // "127.0.0.1:5060"; port 0 takes a free one
}

// Validate names the first key that cannot work.
func (c Config) Validate() error {
	if len(c.Listen) == 0 {
		return errors.New("listen: at least one listener is required")
	}
	for _, l := range c.Listen {
		switch l.Transport {
		case "udp", "tcp":
		case "tls":
			if _, err := readTLSFiles(c.TLS); err != nil {
				return err
			}
		default:
			return fmt.Errorf("listen: transport %q is none of udp, tcp, tls", l.Transport)
		}
		if _, err := netip.ParseAddrPort(l.Address); err != nil {
			return fmt.Errorf("listen: address %q: %w", l.Address, err)
		}
	}
	if hasControl(c.Name) || hasControl(c.External) || hasControl(c.UserAgent) {
		return errors.New("name, external, user_agent: control characters are not allowed")
	}
	if strings.ContainsAny(c.External, " <>@;\"") {
		return fmt.Errorf("external: %q is not a host or host:port", c.External)
	}
	if c.SessionExpires != 0 && c.MinSE != 0 && c.SessionExpires < c.MinSE {
		return errors.New("session_expires: shorter than min_se")
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.UserAgent == "" {
		c.UserAgent = "outpace"
	}
	if c.MinSE == 0 {
		c.MinSE = 90 * time.Second
		if c.SessionExpires > 0 {
			c.MinSE = min(c.MinSE, c.SessionExpires)
		}
	}
	if c.SessionExpires == 0 {
		c.SessionExpires = max(120*time.Second, c.MinSE)
	}
	if c.Classify == nil {
		c.Classify = func(code, _ int, _ string) Result {
			if code >= 200 && code < 300 {
				return ResultAnswered
			}
			return ResultProtocolFailure
		}
	}
	return c
}
