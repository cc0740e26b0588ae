package call

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Event is what happens to a call. The set is closed.
type Event interface{ event() }

type (
	// Begun says that the attempt is durable.
	Begun struct{}
	// Refused says that the store did not let the attempt begin.
	Refused struct{ Reason string }
	// NotAllowed says that the last check before the INVITE failed: the calling
	// window closed, or the product drains.
	NotAllowed struct{ Reason string }
	// Rings says since when the far end rings.
	Rings struct{ Since time.Time }
	// Answered is a 2xx. Connect: an operator shall have it whatever is heard.
	Answered struct {
		At      time.Time
		Connect bool
	}
	// Verdict is what was heard. Outcome is empty for a person.
	Verdict struct {
		Outcome     campaigns.Outcome
		Provisional bool      // a later verdict may take it back
		Early       bool      // before the answer
		GreetingEnd time.Time // zero if no greeting was heard
	}
	// Beep says that a machine's greeting is over: it records.
	Beep struct{}
	// Recording says that the machine records what it hears from now on.
	Recording struct{}
	// OperatorFound says that an operator is reserved for the call.
	OperatorFound struct{ Operator string }
	// OperatorLost says that the operator's leg went away.
	OperatorLost struct{}
	// Hold puts the customer on hold, Resume takes them back.
	Hold   struct{}
	Resume struct{}
	// SaidMachine is the operator's word that a machine answered.
	SaidMachine struct{}
	// Consult has a third party called; Away: the customer is given to them.
	Consult struct{ Away bool }
	// ThirdUp says that the third party is there: an operator or, where that is
	// empty, somebody outside. ThirdGone says that they are not, or not any more.
	ThirdUp   struct{ Operator string }
	ThirdGone struct{}
	// Confer joins all three, Transfer leaves the customer with the third party,
	// Return has the operator go back to the customer alone.
	Confer   struct{}
	Transfer struct{}
	Return   struct{}
	// HangUp asks to end the call: the operator, a manager, or the drain.
	HangUp struct{}
	// Cancel asks to give the call up while nobody has answered.
	Cancel struct{}
	// Played says that the message is over.
	Played struct{}
	// OptOut is the person's key press in the message: do not call again.
	OptOut struct{}
	// TimerFired is a timer, with the state that it was armed in and when that
	// state had begun: a call may be stranded twice.
	TimerFired struct {
		In    State
		Since time.Time
	}
	// Ended says that the leg is gone.
	Ended struct {
		Outcome    campaigns.Outcome // what the network's answer means; empty after a normal BYE
		LateAnswer bool              // a 2xx came after our CANCEL
		Code, Q850 int
		Reason     string
	}
)

func (Begun) event()         {}
func (Refused) event()       {}
func (NotAllowed) event()    {}
func (Rings) event()         {}
func (Answered) event()      {}
func (Verdict) event()       {}
func (Beep) event()          {}
func (Recording) event()     {}
func (OperatorFound) event() {}
func (OperatorLost) event()  {}
func (Hold) event()          {}
func (Resume) event()        {}
func (SaidMachine) event()   {}
func (Consult) event()       {}
func (ThirdUp) event()       {}
func (ThirdGone) event()     {}
func (Confer) event()        {}
func (Transfer) event()      {}
func (Return) event()        {}
func (HangUp) event()        {}
func (Cancel) event()        {}
func (Played) event()        {}
func (OptOut) event()        {}
func (TimerFired) event()    {}
func (Ended) event()         {}

// Action is what the engine must do. The set is closed.
type Action interface{ action() }

type (
	// Place asks the last check and, if it passes, sends the INVITE.
	Place struct{}
	// GiveBackRoute frees the channel that was reserved.
	GiveBackRoute struct{}
	// Accept answers who called us.
	Accept struct{}
	// Announce plays the announcement to a caller who waits; Music what follows it.
	Announce struct{}
	Music    struct{}
	// PlayPutOff tells a caller that nobody is free for them now.
	PlayPutOff struct{}
	// KeepDialog makes the dialog durable, so that a restart can end it.
	KeepDialog struct{}
	// FindOperator asks for the longest-ready operator who fits, now or as soon
	// as one is ready.
	FindOperator struct{}
	// Connect bridges the customer to the operator's open leg.
	Connect struct {
		Operator string
		Late     bool // after the law's time: counts as abandoned
		Again    bool // after the first operator's leg broke
	}
	// Arrange lets everybody in the talk hear whom they are to hear in this state.
	Arrange struct{}
	// SeekThird has the third party called, DropThird lets them go.
	SeekThird struct{}
	DropThird struct{}
	// HandOver says that the customer is the third party's from now on: of the
	// operator To or, where that is empty, of somebody outside.
	HandOver struct{ From, To string }
	// FreeOperator takes the operator out of the call, into the wrap-up. TakenBack is what
	// the person turned out to be, and there is nothing to wrap up; empty: they talked.
	// Said: the operator said so.
	FreeOperator struct {
		Operator  string
		TakenBack campaigns.Outcome
		Said      bool
	}
	// ListenForBeep listens, again if need be, for when a machine that an operator heard
	// records.
	ListenForBeep struct{}
	// StopListening ends the trial of a person: they are one.
	StopListening struct{}
	// Lost says that a live person was lost for want of an operator.
	Lost struct{}
	// PlayMessage plays the safe-harbour message.
	PlayMessage struct{}
	// LeaveMessage plays the campaign's message to a machine; CutMessage stops it.
	LeaveMessage struct{}
	CutMessage   struct{}
	// Suppress puts the number on the do-not-call list.
	Suppress struct{}
	// HangUpLeg ends the customer's leg: CANCEL or BYE, as it fits.
	HangUpLeg struct{}
	// ArmTimer asks for TimerFired{In, Since} after a while; Since is Call.Since.
	ArmTimer struct {
		In    State
		After time.Duration
	}
	// EndAttempt writes the one outcome.
	EndAttempt struct {
		Outcome    campaigns.Outcome
		Code, Q850 int
		Reason     string
	}
	// Forget drops a call that never became an attempt.
	Forget struct{ Reason string }
)

func (Place) action()         {}
func (GiveBackRoute) action() {}
func (Accept) action()        {}
func (Announce) action()      {}
func (Music) action()         {}
func (PlayPutOff) action()    {}
func (KeepDialog) action()    {}
func (FindOperator) action()  {}
func (Connect) action()       {}
func (Arrange) action()       {}
func (SeekThird) action()     {}
func (DropThird) action()     {}
func (HandOver) action()      {}
func (FreeOperator) action()  {}
func (ListenForBeep) action() {}
func (StopListening) action() {}
func (Lost) action()          {}
func (PlayMessage) action()   {}
func (LeaveMessage) action()  {}
func (CutMessage) action()    {}
func (Suppress) action()      {}
func (HangUpLeg) action()     {}
func (ArmTimer) action()      {}
func (EndAttempt) action()    {}
func (Forget) action()        {}
