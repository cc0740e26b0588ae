package sip

import (
	"crypto/rand"
	"encoding/hex"
	"time"
)

// Invitation is one outbound call of the agent.
type Invitation struct {
	Dialog      Dialog       // from NewDialog
	Body        []byte       // SDP offer; nil sends an INVITE without one
	Headers     []Header     // extra headers of the INVITE, in this order
	Credentials *Credentials // nil where the far end trusts our address

	// RingTimeout cancels the call that long after alerting: after the first
	// 180 or 183, or 4 s after a 100 that nothing followed. 0 = never.
	RingTimeout time.Duration

	// AnswerTimeout ends the call when nothing at all comes back. 0 = the 32 s
	// of Timer B (RFC 3261 section 17.1.1.2), which is the most there is.
	AnswerTimeout time.Duration

	// OverloadControl offers the next hop to obey it when it asks for fewer calls
	// (RFC 7339): Overload follows then.
	OverloadControl bool

	// HoldAck leaves the answer without its ACK until Agent.Confirm, for a
	// second at most. The far end repeats its 2xx until then (RFC 3261 section
	// 13.3.1.4), so a process that dies before it has made the dialog durable
	// hears of the call again when it comes back, and can end it.
	HoldAck bool
}

// Header is one header line of a message.
type Header struct{ Name, Value string }

// Credentials answer a 401 or 407 (RFC 8760: SHA-256, MD5).
type Credentials struct{ Username, Password string }

// NewDialog makes the dialog of a call that is about to be sent: a fresh
// branch, local tag and CSeq. The URIs are whole ("sip:1@192.0.2.1"),
// destination is host:port. callID "" takes a random one.
func NewDialog(agent, transport, destination, requestURI, localURI, remoteURI, callID string) Dialog {
	if callID == "" {
		callID = randomToken(16)
	}
	return Dialog{
		CallID:      callID,
		Branch:      newBranch(),
		LocalTag:    randomToken(12),
		CSeq:        1,
		LocalURI:    localURI,
		RemoteURI:   remoteURI,
		RequestURI:  requestURI,
		Agent:       agent,
		Transport:   transport,
		Destination: destination,
	}
}

// branchPrefix marks the transactions that our product has made, also those of
// a process that died: a 2xx with another branch is never answered.
const branchPrefix = "z9hG4bKop"

func newBranch() string { return branchPrefix + randomToken(12) }

// randomToken returns 2n hexadecimal digits that nobody can guess: tags are
// what protects a call from a stranger's BYE.
func randomToken(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // crypto/rand.Read never returns an error
	return hex.EncodeToString(b)
}
