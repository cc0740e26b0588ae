package e2e

import (
	"math"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
)

// packetTime is the time of one RTP packet.
const packetTime = 20 * time.Millisecond

// story is what the far ends wrote of one call, put together.
type story struct {
	number, kind string
	invites      int
	ringing      time.Time
	cancelled    time.Time
	late         bool // answered after the CANCEL
	answered     bool
	greetingEnd  time.Time
	voice        bool // a voice that is no operator's: a message
	toneHeard    bool // the customer heard the operator
	code         int  // how it ended without an answer
	endedBy      string
	ended        time.Time
	sent         carrier.Event // marks of the customer

	talking          bool // an operator had it
	saidMachine      bool // and said that a machine answered
	verdict, bridged time.Time
	toneAtOperator   bool          // the operator heard the customer
	received         carrier.Event // marks at the operator
}

// isPerson says that somebody is there who listens and answers.
func (s *story) isPerson() bool {
	switch carrier.Kind(s.kind) {
	case carrier.Person, carrier.BusinessLine, carrier.HoldsPerson, carrier.OfferPerson:
		return true
	}
	return false
}

// stories sorts a journal by call. Calls of people who called back are not among them.
func stories(events []carrier.Event) map[string]*story {
	calls, back := map[string]*story{}, map[string]bool{}
	for _, e := range events {
		if e.Event == "callback" {
			back[e.Call] = true
		}
		if e.Call == "" || back[e.Call] {
			continue
		}
		s := calls[e.Call]
		if s == nil {
			s = &story{}
			calls[e.Call] = s
		}
		if e.User == "" {
			s.customer(e)
		} else {
			s.operator(e)
		}
	}
	return calls
}

func (s *story) customer(e carrier.Event) {
	switch e.Event {
	case "invite":
		s.invites++
		s.number, s.kind = e.Number, e.Kind
	case "ringing":
		if s.ringing.IsZero() {
			s.ringing = e.T
		}
	case "answer":
		s.answered = true
	case "greeting_end":
		s.greetingEnd = e.T
	case "first_tone":
		s.toneHeard = true
	case "voice_heard":
		s.voice = true
	case "cancel":
		s.cancelled = e.T
	case "late_answer":
		s.late = true
	case "marks":
		s.sent = e
	case "bye", "final":
		s.code, s.endedBy, s.ended = e.Code, e.By, e.T
	}
}

func (s *story) operator(e carrier.Event) {
	switch e.Event {
	case "operator_state":
		if e.State == "talking" {
			s.talking, s.verdict, s.bridged = true, e.VerdictAt, e.BridgedAt
		}
	case "said_machine":
		s.saidMachine = true
	case "first_tone":
		s.toneAtOperator = true
	case "marks":
		s.received = e
	}
}

// twoWay says that each side heard the other. What is no person (a machine that
// was taken for one) says nothing that an operator could know it by but its
// packets.
func (s *story) twoWay() bool {
	return s.toneHeard && (s.toneAtOperator || !s.isPerson() && s.received.Received > 0)
}

// reached is the number of the first packet at the operator; a beep over the
// first ones hides their marks and not their sound.
func (s *story) reached() int { return int(s.received.First) - int(s.received.Mixed) }

// lost counts the customer's packets that left after an operator was there and
// did not come, and the gaps after the first that came.
func (s *story) lost() int {
	begin := s.sent.LastAt.Add(-time.Duration(s.sent.Last-1) * packetTime) // a sender held up at its start catches up
	if s.sent.FirstAt.Before(begin) {
		begin = s.sent.FirstAt
	}
	missed := 0
	for n := 1; n < s.reached(); n++ {
		if begin.Add(time.Duration(n-1) * packetTime).After(s.bridged) {
			missed++
		}
	}
	return missed + int(s.received.Lost)
}

// delay is from the verdict to the first sound at the operator.
func (s *story) delay() time.Duration {
	return s.received.FirstAt.Add(-time.Duration(s.received.Mixed) * packetTime).Sub(s.verdict)
}

// utilisation is the share of the operators' time, pauses apart, in which they
// talk or wrap up, until a moment.
func utilisation(events []carrier.Event, until time.Time) float64 {
	type now struct {
		state string
		since time.Time
	}
	operators := map[string]now{}
	var busy, all time.Duration
	spend := func(n now, to time.Time) {
		if to.After(until) {
			to = until
		}
		d := max(0, to.Sub(n.since))
		switch n.state {
		case "talking", "wrapping":
			busy, all = busy+d, all+d
		case "ready", "reserved":
			all += d
		}
	}
	for _, e := range events {
		if e.Event == "operator_state" {
			spend(operators[e.User], e.T)
			operators[e.User] = now{e.State, e.T}
		}
	}
	for _, n := range operators {
		spend(n, until)
	}
	return busy.Seconds() / all.Seconds()
}

// ranks are the values between which a percentile of sorted values may lie,
// whichever of the usual definitions is meant.
func ranks(sorted []time.Duration, p float64) (low, high time.Duration) {
	at := p * float64(len(sorted))
	last := len(sorted) - 1
	return sorted[max(0, min(last, int(math.Ceil(at))-1))], sorted[min(last, int(at)+1)]
}

func sortedDelays(calls map[string]*story) []time.Duration {
	var all []time.Duration
	for _, s := range calls {
		if s.talking && s.received.Received > 0 {
			all = append(all, s.delay())
		}
	}
	slices.Sort(all)
	return all
}
