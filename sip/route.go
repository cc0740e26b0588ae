package sip

import (
	"errors"
	"time"
)

// ErrNoRoute means that no trunk takes calls to a number, now or later.
var ErrNoRoute = errors.New("sip: no trunk takes calls to this number")

// Route is a reserved way out: a trunk, one of its channels, one CPS token and
// the beginning of a dialog. It is either dialled or given back.
type Route struct {
	Trunk    string
	CallerID string // E.164
	Dialog   Dialog // to be made durable before the INVITE
	// RingTimeout counts from the first 180 or 183.
	RingTimeout time.Duration
	// What media needs to know of the trunk.
	MediaNetworks []string // CIDRs that an answer may point to besides public addresses
	MediaAddress  string   // what to put into the session description; empty: the default
	Signalling    string   // IP of the peer
	SRTP          bool     // the trunk's audio is encrypted, or there is none
	// Own is what only the trunk needs; it comes back unchanged.
	Own any
}
