package sip

import "time"

// state is where a leg is. There is no other flag: what a leg does with an
// input depends on its state and on nothing that a test cannot set.
type state int

const (
	idle       state = iota // no message yet
	calling                 // INVITE sent, nothing back
	proceeding              // 100 Trying came
	early                   // a provisional response above 100 came
	abandoning              // to be cancelled, but no 1xx yet: a CANCEL may not go out (RFC 3261 section 9.1)
	cancelling              // CANCEL sent, waiting for the final response
	deserted                // Ended told after no response at all; a late 1xx is cancelled, a late 2xx ended
	incoming                // INVITE of the far end, not answered
	ringing                 // the same, 180 sent
	accepted                // 200 sent, waiting for its ACK
	closing                 // the same, and a BYE follows the ACK (RFC 3261 section 15)
	up                      // confirmed dialog
	ending                  // BYE sent
	ended                   // Ended told; kept for late messages
	states                  // how many
)

var stateNames = [states]string{
	"idle", "calling", "proceeding", "early", "abandoning", "cancelling", "deserted",
	"incoming", "ringing", "accepted", "closing", "up", "ending", "ended",
}

func (s state) String() string { return stateNames[s] }

// timer names the clocks of a leg. Each runs at most once at a time.
type timer int

const (
	answerTimer  timer = iota // nothing came back
	ringTimer                 // rang long enough
	cancelTimer               // no final response after our CANCEL
	confirmTimer              // our side has not confirmed the answer: ACK now
	repeatTimer               // 2xx without ACK: send it again
	ackTimer                  // 2xx without ACK: give up
	offerTimer                // nobody answered the far end's offer
	refreshTimer              // half the session interval: refresh
	expireTimer               // the session interval is over
	endTimer                  // our BYE has no answer: tell Ended now
	forgetTimer               // nothing late can come any more
	timers                    // how many
)

var timerNames = [timers]string{
	"answer", "ring", "cancel", "confirm", "repeat", "ack", "offer", "refresh", "expire", "end", "forget",
}

func (t timer) String() string { return timerNames[t] }

// timing holds the protocol's clocks (RFC 3261 section 17.1.1.1).
type timing struct {
	t1, t2 time.Duration
}

// lifetime is how long a message of a transaction may still turn up: 64*T1.
func (t timing) lifetime() time.Duration { return 64 * t.t1 }

const (
	alertGrace  = 4 * time.Second // a 100 with nothing after it counts as alerting after this
	offerGrace  = 8 * time.Second // for our side to answer an offer
	endGrace    = 4 * time.Second // for the far end to answer a BYE before Ended is told
	confirmMost = time.Second     // for our side to make an answered dialog durable before its ACK
	maxAttempts = 3               // of one request: challenges and 422
	maxForks    = 64              // remembered per leg; more are ended and not remembered
)

// inputs of a leg beside *request and *response.
type (
	start     struct{ inv Invitation }
	hangup    struct{ why Cause }
	confirm   struct{} // the answered dialog is durable
	ring      struct{}
	accept    struct{ body []byte }
	reply     struct{ body []byte } // nil refuses the offer
	cancelled struct{ reason reason }
	failed    struct { // a client transaction ended without a final response
		method  string
		cseq    uint32
		tag     string
		text    string
		refused bool // by us: it could not be written
	}
	fired struct {
		timer timer
		gen   uint32
	}
	// resume takes over a dialog that a dead process left behind.
	resume struct {
		dialog      Dialog
		credentials *Credentials
		answered    bool // by a 2xx that nobody acknowledged yet
	}
	// invited is the INVITE of the far end that makes the leg.
	invited struct {
		req *request
		in  Incoming
	}
)

type input interface{ input() }

func (start) input()     {}
func (hangup) input()    {}
func (confirm) input()   {}
func (ring) input()      {}
func (accept) input()    {}
func (reply) input()     {}
func (cancelled) input() {}
func (failed) input()    {}
func (fired) input()     {}
func (resume) input()    {}
func (invited) input()   {}
func (*request) input()  {}
func (*response) input() {}

// action is what a leg asks the agent to do, in order.
type action interface{ action() }

type (
	// send sends a request, in a transaction unless it is an ACK.
	send struct {
		method string
		cseq   uint32
		branch string // "" takes a fresh one
		peer   *peer
		body   []byte
		extra  []Header
		// overload offers overload control to the next hop.
		overload bool
	}
	// respond answers a request.
	respond struct {
		to     *request
		code   int
		phrase string
		body   []byte
		extra  []Header
	}
	arm struct {
		timer timer
		after time.Duration // negative: stop it
		gen   uint32
	}
	tell       struct{ event Event }
	learn      struct{ challenges []challenge } // for the next request of this leg
	stopInvite struct{ cseq uint32 }            // no more retransmissions of our INVITE
	tally      struct{ what counter }
	forget     struct{}
)

func (send) action()       {}
func (respond) action()    {}
func (arm) action()        {}
func (tell) action()       {}
func (learn) action()      {}
func (stopInvite) action() {}
func (tally) action()      {}
func (forget) action()     {}

// counter is what only a leg can count.
type counter int

const (
	lateAnswer counter = iota
	forkEnded
	repeated
)

// peer is the far end of one dialog: a fork of our call, or the caller.
type peer struct {
	tag    string
	target string   // Contact, or the Request-URI until one is known
	routes []string // in the order to send
	cseq   uint32   // the last we used in this dialog
	update bool     // it allows UPDATE

	byes       int // BYE requests sent
	challenged int // of them, answers to challenges
}
