package operator

import "time"

// Event is what happens to an operator. The set is closed: OnDuty, OffDuty,
// LegUp, LegAway, LegDown, SetReady, Pause, Reserve, Bridged, Stage, CallOver, Disposed,
// WrapTimeout.
type Event interface{ event() }

type (
	// OnDuty begins a shift.
	OnDuty struct{}
	// OffDuty ends it, after the call and its wrap-up if there is one.
	OffDuty struct{}
	// LegUp says that the phone's leg is up, or heard again.
	LegUp struct{}
	// LegAway says that nothing comes from the leg. LegUp or LegDown follows.
	LegAway struct{}
	// LegDown says that it is gone.
	LegDown struct{}
	// SetReady asks for calls.
	SetReady struct{}
	// Pause asks for none; during a call it takes effect after the wrap-up.
	Pause struct{ Reason string }
	// Reserve gives the operator a call. Own is one that they asked for themselves, also
	// from a pause, to which they come back.
	Reserve struct {
		Call string
		Own  bool
	}
	// Bridged says that the customer is on the leg, for the first time or again.
	Bridged struct{}
	// Stage says how far the talk or wrap-up is. It holds until that is over;
	// empty: nothing is known any more.
	Stage struct{ Name string }
	// CallOver says that the customer is gone. WrapUp is how long wrapping up
	// may take; 0 means none is needed.
	CallOver struct{ WrapUp time.Duration }
	// Disposed says that the disposition of the last call is written.
	Disposed struct{}
	// WrapTimeout is the timer of the wrap-up that began at Since.
	WrapTimeout struct{ Since time.Time }
)

func (OnDuty) event()      {}
func (OffDuty) event()     {}
func (LegUp) event()       {}
func (LegAway) event()     {}
func (LegDown) event()     {}
func (SetReady) event()    {}
func (Pause) event()       {}
func (Reserve) event()     {}
func (Bridged) event()     {}
func (Stage) event()       {}
func (CallOver) event()    {}
func (Disposed) event()    {}
func (WrapTimeout) event() {}

// Action is what the engine must do. The set is closed: RaiseLeg, DropLeg,
// ArmWrap, DefaultDisposition, Changed.
type Action interface{ action() }

type (
	// RaiseLeg calls the operator's phone.
	RaiseLeg struct{}
	// DropLeg ends the leg.
	DropLeg struct{}
	// ArmWrap starts the wrap timer.
	ArmWrap struct {
		For   time.Duration
		Since time.Time
	}
	// DefaultDisposition writes the campaign's default: the wrap-up ran out.
	DefaultDisposition struct{ Call string }
	// Changed says that the state, its reason or stage, or what is wanted after
	// the call is another one.
	Changed struct{}
)

func (RaiseLeg) action()           {}
func (DropLeg) action()            {}
func (ArmWrap) action()            {}
func (DefaultDisposition) action() {}
func (Changed) action()            {}
