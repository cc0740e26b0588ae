// Package call is the life of one call as a pure state machine: events and the
// time go in, actions come out. It does no I/O, starts no goroutine, reads no
// clock, so that a test can walk every path without a carrier.
//
// It does not choose leads, trunks or operators; it says when one is needed.
//
// State table (printed by TestStateTable):
//
//	beginning  begun → dialling; refused → over; cancel → aborting
//	aborting   begun, refused → over
//	dialling   not_allowed, ended → over; rings → ringing; answered → detecting | queued; early verdict, cancel → leaving
//	ringing    not_allowed, ended → over; answered → detecting | queued; early verdict, cancel → leaving
//	arriving   begun → accepting; refused → over; hang_up, ended → aborting
//	accepting  answered → waiting; hang_up, timer → leaving; ended → over
//	waiting    operator_found → bridged; hang_up → leaving; timer → put_off; ended → over
//	put_off    hang_up, played, timer → leaving; ended → over
//	detecting  person, first speech, timer → queued; no person, no person, quiet → doubted | leaving; maybe none → doubted; hang_up → leaving; ended → over
//	doubted    person → queued; no person, beep, hang_up, timer → leaving; no person, quiet → dropping | leaving; recording → dropping; ended → over
//	dropping   beep → doubted; hang_up, played, timer → leaving; ended → over
//	queued     no person, no person, quiet, beep → doubted | leaving; operator_found → bridged; hang_up → leaving; timer → message | leaving; ended → over
//	bridged    no person, no person, quiet, beep, said_machine → doubted | leaving; operator_lost → stranded; hold → held; consult → asking; consult away → handing; hang_up → leaving; ended → over
//	held       operator_lost → stranded; resume → bridged; consult → asking; consult away → handing; hang_up → leaving; ended → over
//	asking     operator_lost → stranded; third_up, third_up outside → consulting; third_gone, timer → held; transfer → handing; return → bridged; hang_up → leaving; ended → over
//	consulting operator_lost → bridged | stranded; third_gone → held; confer → conferring; transfer → bridged | handed; return → bridged; hang_up → leaving; ended → over
//	conferring operator_lost, transfer → bridged | handed; third_gone, return → bridged; hang_up → leaving; ended → over
//	handing    third_up → bridged; third_up outside → handed; third_gone, timer → stranded; hang_up → leaving; ended → over
//	handed     third_gone, hang_up → leaving; ended → over
//	stranded   operator_found → bridged; hang_up, timer → leaving; ended → over
//	message    hang_up, played, opt_out, timer → leaving; ended → over
//	leaving    timer, ended → over
package call

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// State is where a call stands.
type State string

// The states of a call.
const (
	Beginning State = "beginning" // waiting for the attempt to be durable
	Aborting  State = "aborting"  // cancelled before it was durable
	Dialling  State = "dialling"  // INVITE sent
	Ringing   State = "ringing"
	// A call that came in; see inbound.go.
	Arriving  State = "arriving"  // waiting for the attempt to be durable
	Accepting State = "accepting" // answered by us, not acknowledged yet
	Waiting   State = "waiting"   // in the queue for an operator
	PutOff    State = "put_off"   // waited too long, and is told so

	Detecting State = "detecting" // answered; who is it?
	Doubted   State = "doubted"   // held to be a machine, but may be a person with a long greeting
	Dropping  State = "dropping"  // a message is left on a machine
	Queued    State = "queued"    // a person waits for an operator
	Bridged   State = "bridged"
	// What an operator does with a talk; Third is who else is in it.
	Held       State = "held"       // the customer is on hold
	Asking     State = "asking"     // the customer is on hold while a third party is called
	Consulting State = "consulting" // the customer is on hold while operator and third party talk
	Conferring State = "conferring" // all three talk
	Handing    State = "handing"    // the customer was given to a third party who is not there yet
	Handed     State = "handed"     // the customer talks with a third party outside

	Stranded State = "stranded" // the operator's leg went away in the talk
	Message  State = "message"  // the safe-harbour message plays
	Leaving  State = "leaving"  // we hung up; the far end has not confirmed
	Over     State = "over"
)

// States are all states, in the order of a call.
var States = []State{Beginning, Aborting, Dialling, Ringing, Arriving, Accepting, Waiting, PutOff, Detecting, Doubted, Dropping, Queued, Bridged, Held, Asking, Consulting, Conferring, Handing, Handed, Stranded, Message, Leaving, Over}

// Limits of a call that no campaign changes.
const (
	// DetectAtMost is when a person is assumed where the detector says nothing:
	// it fails open, because a person lost is an abandoned call.
	DetectAtMost = 8 * time.Second
	// DoubtAtMost is when a machine is one where the detector says no more.
	DoubtAtMost = 15 * time.Second
	// BeepAtMost is how long a greeting may be for a message to be left after it.
	BeepAtMost = time.Minute
	// WaitedAtLeast is the quiet without a beep after which a message is left.
	WaitedAtLeast = 3 * time.Second
	// TrialAtMost is how long a person who was connected at their first speech may
	// yet turn out to be a machine; so may any where messages are left, by a beep.
	TrialAtMost = 15 * time.Second
	// StrandedAtMost is how long a customer whose operator's leg broke waits
	// for another operator.
	StrandedAtMost = 10 * time.Second
	// MessageAtMost cuts a message that does not end.
	MessageAtMost = 30 * time.Second
	// LeaveAtMost is how long a hang-up may take. The signalling room ends every
	// leg by itself within 64*T1; this is the belt to those braces.
	LeaveAtMost = 40 * time.Second
)

// Spec is what a call is made with.
type Spec struct {
	ID            campaigns.AttemptID
	ConnectWithin time.Duration // the law's time from the greeting's end to an operator; 2 s
	Message       bool          // a safe-harbour message is there to be played
	Drop          bool          // a message is there to be left on machines
	Detect        bool          // false: whoever answers is taken for a person
	FromAnswer    bool          // the law's clock begins at the answer, not at the greeting's end
	Inbound       bool          // it came in: nobody was called
	MaxWait       time.Duration // of one that came in, for an operator; 0 is WaitAtMost
}

// Call is one attempt while it lives.
type Call struct {
	spec     Spec
	state    State
	since    time.Time
	outcome  campaigns.Outcome // what it will come to, once known
	operator string
	third    string // the operator who is the third party; empty: somebody outside, or nobody
	trial    bool   // a person at the first speech, or where messages are left, who may yet turn out to be none
	said     bool   // the operator said that a machine answered

	ringingAt, answeredAt, verdictAt, greetingEnd, bridgedAt time.Time
}

// New returns a call that waits for its attempt to be durable.
func New(spec Spec, now time.Time) *Call {
	if spec.Inbound {
		return &Call{spec: spec, state: Arriving, since: now}
	}
	return &Call{spec: spec, state: Beginning, since: now}
}

// ID is the attempt's id.
func (c *Call) ID() campaigns.AttemptID { return c.spec.ID }

// State is where the call stands; Since is when that began.
func (c *Call) State() State     { return c.state }
func (c *Call) Since() time.Time { return c.since }

// Inbound says that the call came in.
func (c *Call) Inbound() bool { return c.spec.Inbound }

// OnTrial says that a person was told at the first speech, and the detector has not
// made up its mind.
func (c *Call) OnTrial() bool { return c.trial }

// Operator is who talks, or talked; empty if nobody.
func (c *Call) Operator() string { return c.operator }

// RingingAt and the others are when it happened; zero if it did not.
func (c *Call) RingingAt() time.Time   { return c.ringingAt }
func (c *Call) AnsweredAt() time.Time  { return c.answeredAt }
func (c *Call) VerdictAt() time.Time   { return c.verdictAt }
func (c *Call) GreetingEnd() time.Time { return c.greetingEnd }
func (c *Call) BridgedAt() time.Time   { return c.bridgedAt }

// ConnectBy is the law's latest moment for an operator to be on the line; zero
// before a person was heard.
func (c *Call) ConnectBy() time.Time {
	switch {
	case c.verdictAt.IsZero():
		return time.Time{}
	case c.spec.FromAnswer:
		return c.answeredAt.Add(c.spec.ConnectWithin)
	case c.greetingEnd.IsZero(): // no greeting was heard: the clock began at the answer
		return c.answeredAt.Add(c.spec.ConnectWithin)
	default:
		return c.greetingEnd.Add(c.spec.ConnectWithin)
	}
}

// Step applies ev and returns what the engine must do. An event that does not
// fit the state is ignored: carriers send late and repeated messages, and a
// timer names the state it was armed in.
func (c *Call) Step(now time.Time, ev Event) []Action {
	if t, ok := ev.(TimerFired); ok && (t.In != c.state || !t.Since.Equal(c.since)) {
		return nil // armed for a state that is over
	}
	switch c.state {
	case Beginning, Aborting:
		return c.beginning(now, ev)
	case Dialling, Ringing:
		return c.ringing(now, ev)
	case Arriving:
		return c.arriving(now, ev)
	case Accepting:
		return c.accepting(now, ev)
	case Waiting:
		return c.waiting(now, ev)
	case PutOff:
		return c.putOff(now, ev)
	case Detecting:
		return c.detecting(now, ev)
	case Doubted:
		return c.doubted(now, ev)
	case Dropping:
		return c.dropping(now, ev)
	case Queued:
		return c.queued(now, ev)
	case Bridged:
		return c.bridged(now, ev)
	case Held:
		return c.held(now, ev)
	case Asking:
		return c.asking(now, ev)
	case Consulting:
		return c.consulting(now, ev)
	case Conferring:
		return c.conferring(now, ev)
	case Handing:
		return c.handing(now, ev)
	case Handed:
		return c.handed(now, ev)
	case Stranded:
		return c.stranded(now, ev)
	case Message:
		return c.message(now, ev)
	case Leaving:
		return c.leaving(now, ev)
	}
	return nil
}

func (c *Call) beginning(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Begun:
		if c.state == Aborting && c.spec.Inbound {
			return c.end(now, c.outcome, Ended{})
		}
		if c.state == Aborting {
			return append([]Action{GiveBackRoute{}}, c.end(now, campaigns.NotPlaced, Ended{})...)
		}
		return c.enter(now, Dialling, Place{})
	case Refused:
		if c.spec.Inbound {
			return c.enter(now, Over, Forget{Reason: ev.Reason})
		}
		return c.enter(now, Over, GiveBackRoute{}, Forget{Reason: ev.Reason})
	case Cancel:
		if c.state == Beginning {
			return c.enter(now, Aborting)
		}
	}
	return nil
}

func (c *Call) ringing(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case NotAllowed:
		return append([]Action{GiveBackRoute{}}, c.end(now, campaigns.NotPlaced, Ended{Reason: ev.Reason})...)
	case Rings:
		if c.state == Ringing {
			return nil // repeated 18x
		}
		c.ringingAt = ev.Since
		return c.enter(now, Ringing)
	case Verdict:
		if !ev.Early || ev.Outcome == "" {
			return nil
		}
		return c.leave(now, ev.Outcome)
	case Answered:
		c.answeredAt = ev.At
		if !c.spec.Detect || ev.Connect {
			c.verdictAt = now
			return c.enter(now, Queued, KeepDialog{}, FindOperator{}, c.abandonTimer(now))
		}
		return c.enter(now, Detecting, KeepDialog{}, c.timer(Detecting, DetectAtMost))
	case Cancel:
		return c.leave(now, campaigns.Cancelled)
	case Ended:
		if ev.LateAnswer { // a person may have been there: count it
			return append([]Action{Lost{}}, c.end(now, campaigns.Abandoned, ev)...)
		}
		return c.end(now, ev.Outcome, ev)
	}
	return nil
}

func (c *Call) person(now, greetingEnd time.Time) []Action {
	c.verdictAt, c.greetingEnd = now, greetingEnd
	return c.enter(now, Queued, FindOperator{}, c.abandonTimer(now))
}

func (c *Call) queued(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case OperatorFound:
		c.operator, c.bridgedAt = ev.Operator, now
		connect := []Action{Connect{Operator: ev.Operator, Late: now.After(c.ConnectBy())}}
		if c.trial {
			connect = append(connect, c.timer(Bridged, TrialAtMost))
		}
		return c.enter(now, Bridged, connect...)
	case Verdict, Beep:
		if o := c.mistaken(ev); o != "" {
			return c.takeBack(now, o)
		}
	case TimerFired:
		c.outcome = campaigns.Abandoned
		if !c.spec.Message {
			return append([]Action{Lost{}}, c.leave(now, campaigns.Abandoned)...)
		}
		return c.enter(now, Message, Lost{}, PlayMessage{}, c.timer(Message, MessageAtMost))
	case HangUp:
		return append([]Action{Lost{}}, c.leave(now, campaigns.Abandoned)...)
	case Ended: // leaving before the law's time is the person's own choice
		if now.Before(c.ConnectBy()) {
			return c.end(now, campaigns.HungUpEarly, ev)
		}
		return append([]Action{Lost{}}, c.end(now, campaigns.Abandoned, ev)...)
	}
	return nil
}

func (c *Call) stranded(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case OperatorFound:
		c.operator = ev.Operator
		return c.enter(now, Bridged, Connect{Operator: ev.Operator, Again: true})
	case TimerFired, HangUp:
		return c.leave(now, c.talked())
	case Ended:
		return c.end(now, c.talked(), ev)
	}
	return nil
}

func (c *Call) message(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Played, TimerFired, HangUp:
		return c.leave(now, campaigns.Abandoned)
	case OptOut:
		return append([]Action{Suppress{}}, c.leave(now, campaigns.Abandoned)...)
	case Ended:
		return c.end(now, campaigns.Abandoned, ev)
	}
	return nil
}

func (c *Call) leaving(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Answered: // it was on its way when we cancelled; signalling ends it
		c.answeredAt = ev.At
		return []Action{HangUpLeg{}}
	case Ended:
		return c.left(now, ev)
	case TimerFired:
		return c.left(now, Ended{Reason: "no answer to our hang-up"})
	}
	return nil
}

// left settles a call that we hung up on. One that we gave up while it rang may
// have been answered all the same: that person is lost.
func (c *Call) left(now time.Time, ev Ended) []Action {
	if c.outcome != campaigns.Cancelled {
		return c.end(now, c.outcome, ev)
	}
	switch {
	case ev.LateAnswer || !c.answeredAt.IsZero():
		return append([]Action{Lost{}}, c.end(now, campaigns.Abandoned, ev)...)
	case ev.Outcome != "" && ev.Outcome != campaigns.NoAnswer: // busy crossed our CANCEL
		return c.end(now, ev.Outcome, ev)
	}
	return c.end(now, c.outcome, ev)
}

// leave hangs up; the outcome is settled unless the far end was faster.
func (c *Call) leave(now time.Time, o campaigns.Outcome) []Action {
	c.outcome = o
	return c.enter(now, Leaving, HangUpLeg{}, c.timer(Leaving, LeaveAtMost))
}

func (c *Call) end(now time.Time, o campaigns.Outcome, why Ended) []Action {
	if o == "" {
		o = campaigns.Failed
	}
	c.outcome = o
	return c.enter(now, Over, EndAttempt{Outcome: o, Code: why.Code, Q850: why.Q850, Reason: why.Reason})
}

func (c *Call) enter(now time.Time, s State, actions ...Action) []Action {
	c.state, c.since = s, now
	return actions
}

func (c *Call) timer(in State, after time.Duration) Action { return ArmTimer{In: in, After: after} }

func (c *Call) abandonTimer(now time.Time) Action {
	return ArmTimer{In: Queued, After: max(0, c.ConnectBy().Sub(now))}
}
