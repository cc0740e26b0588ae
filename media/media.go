// Package media is the audio room: the vocabulary of frames, legs, verdicts
// and events. Its rooms do the work: codec, sdp, rtp, webrtc, tone, detect,
// wav, bridge, and plane, which puts the audio of every live leg together.
//
// It is not signalling: session descriptions come and go as bytes, and the
// engine carries them between here and sip.
package media

import "time"

// LegID names the audio of one leg. The engine uses the id of the SIP leg.
type LegID string

// SampleRate is the only rate inside: G.711, 8,000 samples a second.
const SampleRate = 8000

// FrameDuration is the packet time; SamplesPerFrame its samples.
const (
	FrameDuration   = 20 * time.Millisecond
	SamplesPerFrame = 160
)

// Frame is 20 ms of 16-bit mono audio at 8 kHz. Whoever passes one on keeps
// the buffer: it is valid until the next call.
type Frame = []int16

// LegKind says whose audio a leg is.
type LegKind uint8

// Customers are relayed and recorded, operators are nailed up.
const (
	Customer LegKind = iota
	Operator
)

// Presence is who hears a manager who listens in on a call.
type Presence string

// The ways to listen in: heard by nobody, by the operators alone, by everybody.
const (
	Listen  Presence = "listen"
	Whisper Presence = "whisper"
	Barge   Presence = "barge"
)

// VerdictKind is who or what answered.
type VerdictKind string

// The classes of answer detection.
const (
	Person       VerdictKind = "person"
	Machine      VerdictKind = "machine"
	Screening    VerdictKind = "screening"    // an assistant asks who is calling
	Fax          VerdictKind = "fax"          // CNG, CED, ANSam
	Announcement VerdictKind = "announcement" // the network speaks: SIT or recorded message
	Ringback     VerdictKind = "ringback"     // still ringing after the answer
	BusyTone     VerdictKind = "busy_tone"
	Silence      VerdictKind = "silence" // nobody spoke until the deadline
)

// Event is what the plane tells the engine. The set is closed: Verdict,
// Beep, Recording, Digit, Played, AudioAway, AudioLost, AudioBack, OneWay, OneWayOver,
// Bridged, Recorded, Closed. Events are never dropped.
type Event interface{ event() }

// Verdict is what the detector holds a leg to be. A later verdict of the same
// leg may revise an earlier one (Revised).
type Verdict struct {
	Leg         LegID
	Kind        VerdictKind
	Early       bool      // heard before the answer
	SIT         string    // tri-tone code (IC, VC, RO, NC, ...) with Announcement
	Probability float64   // of Kind, in [0, 1]
	GreetingEnd time.Time // end of the greeting, where a person or machine greeted; zero otherwise
	Revised     bool
	Provisional bool      // a machine that may yet be taken back, or a person on trial; told again without it when they no longer may
	Features    []float32 // what the odds were made of, as detect.FeatureNames; nil before anybody spoke
	At          time.Time
}

// Beep is the end of a machine's greeting.
type Beep struct {
	Leg LegID
	At  time.Time
}

// Recording is the end of the beep: a machine records what it hears from now on.
type Recording struct {
	Leg LegID
	At  time.Time
}

// Digit is a DTMF digit by telephone-event (RFC 4733), once per key press.
type Digit struct {
	Leg   LegID
	Digit rune
	At    time.Time
}

// Played says that a prompt came to its end, or was cut short.
type Played struct {
	Leg    LegID
	Prompt string
	Cut    bool
	At     time.Time
}

// AudioLost says that no RTP came from a leg for longer than its limit.
type AudioLost struct {
	Leg LegID
	For time.Duration
	At  time.Time
}

// AudioAway says that nothing comes from an operator's browser, which may be back in a
// moment: its page is loaded again, or its network changes. Leg and bridge stay;
// AudioBack or AudioLost follows.
type AudioAway struct {
	Leg LegID
	At  time.Time
}

// AudioBack says that RTP comes again after AudioAway or AudioLost.
type AudioBack struct {
	Leg LegID
	At  time.Time
}

// Bridged says that the first packet of each side passed a new bridge. Where a
// side sends nothing it comes a second after the bridge was made.
type Bridged struct {
	Customer, Operator LegID
	FirstToOperator    time.Time // when the first customer packet was sent on; zero if none was
	At                 time.Time
}

// Recorded says that a recording is complete and its header is right.
type Recorded struct {
	Leg      LegID
	Path     string
	Duration time.Duration
	Err      error // what stopped it early, nil otherwise
}

// Closed is the last event of a leg, with what it sent and received.
type Closed struct {
	Leg   LegID
	Stats LegStats
}

// LegStats are the RTP figures of one leg.
type LegStats struct {
	Received, Sent   uint64        // RTP packets
	Lost             uint64        // by sequence numbers
	Foreign          uint64        // packets of a source that is not the leg's, dropped
	Jitter           time.Duration // RFC 3550 section 6.4.1
	RelayedLost      uint64        // received while bridged, not relayed
	RelayedFromThere uint64        // received while bridged and relayed
	FarLost          uint64        // packets of ours that the far end says it lost (RTCP)
	RoundTrip        time.Duration // by RTCP, zero before the far end reported

	Quality Quality // of its audio
	Browser bool    // it came over a Wire
}

func (Verdict) event()   {}
func (Beep) event()      {}
func (Recording) event() {}
func (Digit) event()     {}
func (Played) event()    {}
func (AudioAway) event() {}
func (AudioLost) event() {}
func (AudioBack) event() {}
func (Bridged) event()   {}
func (Recorded) event()  {}
func (Closed) event()    {}

// Encryption is whether the audio of a leg is SRTP, and where its keys are: in the
// session description (RFC 4568), where whoever reads the signalling can read them, or
// agreed on by DTLS on the way of the audio itself.
type Encryption string

// The ways to encrypt. Plain neither offers nor takes SRTP, AsOffered takes what the
// far end offers and offers plain RTP itself, Encrypted is SRTP or nothing. AsBrowsers
// is how browsers do it (RFC 8835): DTLS-SRTP over ICE; where they offer it, it is taken
// of operators' phones whatever is said here.
const (
	Plain      Encryption = ""
	AsOffered  Encryption = "as_offered"
	Encrypted  Encryption = "srtp"
	AsBrowsers Encryption = "dtls"
)

// LegSpec says how the audio of a leg is to be.
type LegSpec struct {
	Kind LegKind
	// Owner is the operator whose leg it is. Where their browser is connected, the leg
	// goes over that, and the rest does not matter. Empty: a leg by SIP.
	Owner string
	// Networks are the prefixes (CIDR) that an answer may point to besides
	// public addresses; loopback and private nets are refused otherwise.
	Networks []string
	// Address is the IP that we put into the session description; empty means
	// the plane's default.
	Address string
	// Signalling is the IP of the SIP peer: the only other source that audio
	// may be latched to.
	Signalling string
	// Encryption says whether the audio is encrypted (SRTP).
	Encryption Encryption
	// Strict takes audio from the address in the session description only: no
	// latching, for trunks that are not behind NAT.
	Strict bool
}

// Prompt names of the messages that come with the product.
const (
	PromptBeep       = "beep"        // 200 ms, to the operator at the bridge
	PromptSafeHarbor = "safe-harbor" // for a person whom no operator can take
	PromptGoodbye    = "goodbye"
	PromptRecorded   = "recorded" // this call is recorded
	PromptReady      = "ready"    // spoken to an operator by phone alone
	PromptPaused     = "paused"
	PromptWrap       = "wrap" // enter the disposition
	PromptWrongPIN   = "wrong-pin"
	PromptHoldMusic  = "hold-music" // looped, to a customer on hold
	PromptWait       = "wait"       // to somebody who called and waits for an operator
	PromptCallBack   = "call-back"  // to a caller who waited too long: we call back
	PromptSorry      = "sorry"      // the same, without a promise
	PromptRingback   = "ringback"   // looped, to an operator while a third party is called
)
