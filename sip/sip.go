// Package sip is the signalling room: a user agent whose legs (one INVITE
// dialog each) take commands and give events.
//
// It is not media (bodies are opaque bytes), not routing (sip/trunk) and not
// registration (sip/registrar). It uses the parser, the transports and the
// transactions of sipgo and none of its dialogs: those lose answered calls
// (see Leg).
//
//	command ─► Agent ─► Leg (pure) ─► actions ─► transactions ─► network
//	event   ◄─ Agent ◄─ Leg        ◄─ messages ◄─ transactions ◄─ network
package sip

import "time"

// LegID names one leg. Who starts the leg chooses it; it is unique for the
// life of the process. For a customer's leg it is the attempt id.
type LegID string

// Event is what happened on a leg, told to the engine. The set is closed:
// Progress, Answered, Offered, Replied, Incoming, Digit, Overload, Diverted, Ended,
// PhoneOnline, PhoneOffline. Events of one leg come in order and are never
// dropped; Ended is the last but for Overload, and comes exactly once for every
// leg.
type Event interface{ event() }

// Progress is a provisional response (1xx) of one fork of an outbound leg.
type Progress struct {
	Leg  LegID
	Code int    // 100..199
	Fork string // the To tag of the early dialog; empty with 100 Trying
	Body []byte // SDP of early media, nil where the response had none
	At   time.Time
}

// Answered says that an outbound leg has a 2xx that is already acknowledged
// (or waits for Agent.Confirm, where the Invitation asks for that), or that an inbound leg which we accepted has its ACK.
type Answered struct {
	Leg    LegID
	Fork   string // which fork answered
	Body   []byte // SDP; nil where the answer had none
	Dialog Dialog // to be made durable, so that the call can be ended after a crash
	At     time.Time
}

// Offered is a session offer of the far end inside a dialog (re-INVITE or
// UPDATE, RFC 3261 section 14, RFC 3311). It waits for Agent.Reply. A nil
// Body asks us to make the offer (RFC 3264 section 4: INVITE without SDP); the
// far end's answer then comes in its ACK, as Replied.
type Offered struct {
	Leg  LegID
	Body []byte
	At   time.Time
}

// Replied is the far end's answer to the offer we made in reply to an INVITE
// without one.
type Replied struct {
	Leg  LegID
	Body []byte
}

// Incoming is an INVITE that was let in and waits for Accept or Hangup. Either the
// registrar did: an authenticated phone calls its own operator leg or a feature code.
// Or a trunk did: a carrier brings a call to a number of ours, and Route says which.
type Incoming struct {
	Leg    LegID
	User   string // the authenticated user; empty from a trunk
	Dialed string // user part of the Request-URI: "outpace", "*71", ...; from a trunk our number, E.164
	Caller string // from a trunk: who calls, E.164, as the carrier says; empty where it is withheld
	Route  Route  // from a trunk: the way it came, with the dialog as it is when we accept; there is nothing to release
	Body   []byte // SDP offer; nil where there was none
	At     time.Time
}

// Digit is a DTMF digit sent by SIP INFO (application/dtmf-relay or
// application/dtmf). Digits in RTP come from media.
type Digit struct {
	Leg   LegID
	Digit rune // 0-9, *, #, A-D
}

// Diverted says that the INVITE of an outbound leg surely rang nobody, and that
// another way out is reserved for it: to be made durable and dialled as the same
// leg, or released.
type Diverted struct {
	Leg   LegID
	Route Route
	From  string // the trunk that failed
	Cause Cause  // how
	At    time.Time
}

// Ended is the last event of a leg.
type Ended struct {
	Leg        LegID
	Cause      Cause
	ByUs       bool // we hung up, cancelled or timed it out
	WasUp      bool // the leg had been answered before
	LateAnswer bool // a 2xx came after our CANCEL: acknowledged and ended by BYE; a person may have been there
	RingingAt  time.Time
	AnsweredAt time.Time // zero if never answered
	At         time.Time
}

// PhoneOnline says that a user has a registered phone that we can call.
type PhoneOnline struct {
	User string
	At   time.Time
}

// PhoneOffline says that the last binding of a user went away.
type PhoneOffline struct {
	User string
	At   time.Time
}

func (Progress) event()     {}
func (Answered) event()     {}
func (Offered) event()      {}
func (Replied) event()      {}
func (Incoming) event()     {}
func (Digit) event()        {}
func (Ended) event()        {}
func (Diverted) event()     {}
func (PhoneOnline) event()  {}
func (PhoneOffline) event() {}

// Cause is why a leg ended.
type Cause struct {
	Code   int    // SIP status 300..699; 0 where no final response came
	Q850   int    // ITU-T Q.850 cause from a Reason header (RFC 3326), 0 if none
	Text   string // reason phrase or Reason text, control characters removed
	Result Result // what it means, from the table in sip/trunk

	// RetryAfter is what a 503 asked for in its Retry-After header (RFC 3261
	// section 20.33), or what we ask for when we refuse a call; 0 if nothing.
	RetryAfter time.Duration
}

// Result is the meaning of a leg's end in the words of the engine. The values
// are those of campaigns.Outcome where both exist.
type Result string

// What an outbound leg can come to.
const (
	ResultNone            Result = ""                 // ended by us before any result
	ResultAnswered        Result = "answered"         // was up, then ended normally
	ResultBusy            Result = "busy"             // 486, 600, Q.850 17
	ResultNoAnswer        Result = "no_answer"        // 480, 408, 487, Q.850 18 and 19
	ResultAbsent          Result = "absent"           // Q.850 20
	ResultInvalidNumber   Result = "invalid_number"   // 404, 604, 485, Q.850 1
	ResultNumberChanged   Result = "number_changed"   // 410, Q.850 22
	ResultBadFormat       Result = "bad_format"       // 484, 416, Q.850 28
	ResultOutOfOrder      Result = "out_of_order"     // 502, Q.850 27
	ResultDeclined        Result = "declined"         // 603, Q.850 21
	ResultBlocked         Result = "blocked"          // 608, 603+
	ResultUnwanted        Result = "unwanted"         // 607
	ResultTrunkRejected   Result = "trunk_rejected"   // 403, 401/407 exhausted
	ResultIdentity        Result = "identity_error"   // 428, 436, 437, 438
	ResultCongestion      Result = "congestion"       // 500, 503, 504, Q.850 34..44
	ResultMediaMismatch   Result = "media_mismatch"   // 488, 606
	ResultRedirected      Result = "redirected"       // 3xx
	ResultTrunkDown       Result = "trunk_down"       // no response at all, transport error
	ResultLateAnswer      Result = "late_answer"      // 2xx after our CANCEL
	ResultFalseAnswer     Result = "false_answer"     // BYE under 1 s after the answer without audio
	ResultProtocolFailure Result = "protocol_failure" // anything the table does not know
)

// Dialog is what must survive a crash so that a call can still be ended after
// it. It holds enough for a CANCEL while the call is early (same branch) and
// for a BYE once it is up. It marshals to JSON.
type Dialog struct {
	CallID       string   `json:"call_id"`
	Branch       string   `json:"branch"` // of the INVITE that is in flight
	LocalTag     string   `json:"local_tag"`
	RemoteTag    string   `json:"remote_tag,omitempty"`
	CSeq         uint32   `json:"cseq"` // the last we used
	LocalURI     string   `json:"local_uri"`
	RemoteURI    string   `json:"remote_uri"`
	RequestURI   string   `json:"request_uri"`             // of the INVITE
	RemoteTarget string   `json:"remote_target,omitempty"` // Contact of the answer
	Routes       []string `json:"routes,omitempty"`        // route set, in the order to send
	Agent        string   `json:"agent"`                   // which of our agents: "trunk" or "phones"
	Transport    string   `json:"transport"`               // "udp", "tcp", "tls" or "ws"
	Destination  string   `json:"destination"`             // "192.0.2.1:5060"
	Up           bool     `json:"up"`                      // answered
}

// Capacity is how much a trunk group can take now.
type Capacity struct {
	Up       bool // at least one trunk of the group is healthy
	Channels int  // calls that may still be added
	Ringing  int  // calls that may still ring
	Calls    int  // INVITEs that the CPS bucket allows at this moment
	Bound    string
	Share    string // where what binds is our share of a limit: how large that is, in words
	Why      string // where what binds is no limit: what it is, in words
	// NextToken is when the CPS bucket has its next token; zero if it has one now.
	NextToken time.Time
}
