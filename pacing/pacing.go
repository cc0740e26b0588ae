// Package pacing decides how many calls to place now, and which ringing calls
// to give up. It is pure: no clock, no I/O, no goroutine; the same events and
// questions always give the same answers, so that a recorded day can be
// replayed against other settings.
//
// It does not know leads, trunks or operators by name: only what happened
// (Event), how much room there is (View), and what the manager wants (Settings).
//
//	Event ─► Controller.Observe ─► estimates
//	View  ─► Controller.Decide  ─► Decision: dial n, cancel these, and why
package pacing

import "time"

// Controller paces one campaign. It is not safe for concurrent use: the engine
// loop owns it.
type Controller interface {
	// Observe tells what happened. Events of one moment come operators first.
	Observe(now time.Time, ev Event)
	// Decide says what to do now. The engine asks after every event and at least
	// every 500 ms. After a Decision with Dial > 0 the engine places the calls,
	// observes Dialed for each, and asks again until Dial is 0.
	Decide(now time.Time, v View) Decision
	// Adjust changes the settings while running; what was learnt stays.
	Adjust(now time.Time, s Settings)
	// Recall makes a start warm. It is called at most once, before any event.
	Recall(now time.Time, p Past)
	// Learnt is what Recall wants to see after a restart, as opaque bytes.
	Learnt(now time.Time) []byte
	// Picture is what is known and believed now, for forecasts.
	Picture(now time.Time) Picture
	// Balance is the budget now, for those who share it out; see Shared.
	Balance(now time.Time) Balance
}

// Mode is how the number of calls is found.
type Mode string

// The modes. Preview never dials by itself.
const (
	Preview     Mode = "preview"
	Progressive Mode = "progressive"
	Ratio       Mode = "ratio"
	Predictive  Mode = "predictive"
)

// Clock says when the law's time to connect begins.
type Clock string

// The clock origins.
const (
	FromVerdict Clock = "detect" // the end of the greeting, as detected
	FromAnswer  Clock = "answer" // the pick-up
)

// Settings are the manager's controls and the law's limits.
type Settings struct {
	Mode              Mode
	Ratio             float64       // calls per ready operator in mode ratio, >= 1
	MinRatio          float64       // floor of the predictive ratio, 0 = none
	MaxRatio          float64       // ceiling of lines per operator at work, 0 = 10
	Limit             float64       // share of live answers that may be abandoned, (0, 0.05]
	ConnectWithin     time.Duration // the law's time to connect; 2 s
	Clock             Clock
	DetectorLoss      float64       // share of live people lost to the detector; counts against Limit
	TargetUtilisation float64       // 0 = as high as Limit allows
	RingTimeout       time.Duration // after which a ringing call is given up; 25 s
	RingMin           time.Duration // legal minimum of ringing before a cancel; 15 s
	Cancel            bool          // may cancel ringing calls past RingMin
	WindowEnd         time.Time     // end of the legal window, zero if unknown
	// Windows are the spans over which Limit holds, all at once: 24 h and 30 days
	// count back from now; 0 is the whole campaign. None means the whole campaign.
	// Each is in force from the first call.
	Windows []time.Duration
	Fatigue Fatigue
}

// Fatigue protects operators. Whoever hands out calls asks Rest (fatigue.go)
// when an operator becomes ready, and tells the controller until when they rest.
type Fatigue struct {
	MaxOccupancy float64       // share of an operator's time in calls and wrap-up, (0, 1]; 0 = no bound
	MinBreath    time.Duration // between the end of the work on one call and the next call
}

// Event is what happened. The set is closed: Operator, Dialed, Ringing,
// Answered, Human, Machine, Ended, Connected, Abandoned, Shared.
type Event interface{ event() }

// OperatorState is what pacing needs to know of an operator.
type OperatorState string

// The states of an operator. Reserved counts as talking.
const (
	Ready    OperatorState = "ready"
	Talking  OperatorState = "talking"
	Wrapping OperatorState = "wrapping"
	Away     OperatorState = "paused"
	Off      OperatorState = "off"
)

// Operator says that an operator changed state.
type Operator struct {
	ID             string
	State          OperatorState
	PauseRequested bool // will pause, or sign out, when the talk or wrap ends
	// Stage names how far the talk or wrap is, as the desktop knows it: a stage of
	// the script, or "form" while the disposition form is open. What follows a
	// stage is learnt, so any name will do. Empty: nothing is known.
	Stage string
	// RestUntil is when a Ready operator takes the next call, zero: at once.
	RestUntil time.Time
}

// Record is what is known of a number to dial. The zero value knows nothing.
type Record struct {
	Segment  string
	Score    float64 // chance of a live answer by somebody else's model, (0, 1]; 0 = none
	Attempts int     // earlier attempts on the lead in this campaign
	Last     string  // outcome of the last of them, empty: none
	Hour     int     // local hour at the customer's, 1..24 (1 is the first of the day); 0 = unknown
}

// Dialed says that a call was placed.
type Dialed struct {
	Call  string
	Trunk string // post-dial delay is learnt by trunk
	Record
}

// Ringing says since when a call rings (first 180 or 183).
type Ringing struct {
	Call  string
	Since time.Time
}

// Answered is a pick-up, not yet a verdict.
type Answered struct {
	Call  string
	Since time.Time
}

// Human is the verdict that a person is there and waits.
type Human struct{ Call string }

// Machine is the verdict that no person is there. Talked: after an operator was
// connected; Late: after the law's time, so that it was counted as abandoned.
type Machine struct {
	Call         string
	Talked, Late bool
}

// Cause is why a call ended without a connection.
type Cause string

// The causes of an end.
const (
	CauseBusy      Cause = "busy"
	CauseInvalid   Cause = "invalid"
	CauseFailed    Cause = "failed"
	CauseNoAnswer  Cause = "no_answer"
	CauseCancelled Cause = "cancelled"
)

// Ended says that a call ended before it was connected or abandoned.
type Ended struct {
	Call  string
	Cause Cause
}

// Connected says that an operator has the call. Late counts as abandoned: the
// law's time was over.
type Connected struct {
	Call     string
	Operator string
	Late     bool
}

// Abandoned says that a live person was lost for want of an operator.
type Abandoned struct{ Call string }

func (Operator) event()  {}
func (Dialed) event()    {}
func (Ringing) event()   {}
func (Answered) event()  {}
func (Human) event()     {}
func (Machine) event()   {}
func (Ended) event()     {}
func (Connected) event() {}
func (Abandoned) event() {}

// View is how much room there is at the moment of a decision.
type View struct {
	Room  int   // calls that may be placed now (channels, ringing, CPS, leads); -1 = no cap
	Bound Bound // what limits Room
	// Records are those that may be dialled next: the first in order, and others
	// that may be taken before it. Read during Decide only. Empty: one of which
	// nothing is known.
	Records []Record
	Waiting int // people in a queue for these operators whom this dialer did not call (inbound)
}

// Bound is what limits the number of calls.
type Bound string

// What binds a decision.
const (
	BoundFree        Bound = "free"        // enough calls for the operators who are or come free
	BoundAbandonment Bound = "abandonment" // the budget
	BoundRatio       Bound = "max_ratio"
	BoundChannels    Bound = "channels"
	BoundCPS         Bound = "cps"
	BoundLeads       Bound = "leads"
	BoundWindow      Bound = "window"
	BoundOperators   Bound = "operators" // nobody is signed in and at work
	BoundFatigue     Bound = "fatigue"   // operators rest, or are as busy as they may be
)
