// Package operator is the state machine of one operator and the queue of those
// who are ready. It is pure: events and the time go in, actions come out.
//
// It knows no audio and no calls, only that there is a leg to keep up, a call
// at most, and rules about when an operator may be given one.
//
// A leg that is away is still there: the far end, a browser, may be back in a moment.
// Who is ready then is lost until leg_up, and ready again; all others stay what they
// are, and are lost instead of ready.
//
// State table (printed by TestStateTable):
//
//	offline    on_duty → connecting; leg_up → paused
//	connecting leg_up → paused | ready; leg_down, off_duty → offline
//	paused     leg_down → lost; ready → ready | lost; reserve own → reserved; off_duty → offline
//	ready      leg_away, leg_down → lost; pause → paused; reserve, reserve own → reserved; off_duty → offline
//	reserved   leg_down → lost; bridged → talking; call_over, call_over disposed → offline | paused | ready | lost
//	talking    leg_down → lost; call_over → wrapping; call_over disposed → offline | paused | ready | lost
//	wrapping   leg_down → lost; disposed, wrap_timeout → offline | paused | ready | lost
//	lost       leg_up → paused | ready | wrapping; bridged → talking; wrap_timeout, off_duty → offline
package operator

import "time"

// State is what an operator does now.
type State string

// The states of an operator.
const (
	Offline    State = "offline"
	Connecting State = "connecting" // the phone is being called, or calls us
	Paused     State = "paused"
	Ready      State = "ready"
	Reserved   State = "reserved" // a call is being bridged, or previewed
	Talking    State = "talking"
	Wrapping   State = "wrapping"
	Lost       State = "lost" // the leg went away while on duty
)

// States are all states, in the order of a shift.
var States = []State{Offline, Connecting, Paused, Ready, Reserved, Talking, Wrapping, Lost}

// PauseOnDuty is the reason of the pause that a shift begins with.
const PauseOnDuty = "on_duty"

// StageForm is the stage of a talk or wrap-up in which the disposition form is
// open; the other stages are those of the campaign's script.
const StageForm = "form"

// Operator is one person on duty or off. The zero value is not ready for use;
// see New.
type Operator struct {
	id       string
	state    State
	since    time.Time
	reason   string // of the pause, now or after the wrap-up
	call     string // reserved, talking or wrapping
	stage    string // of the talk or wrap-up
	away     bool   // the leg is up and nothing comes from it
	disposed string // the call whose disposition was given during the talk
	wants    State  // after connecting or wrapping: Ready, Paused or Offline
}

// New returns an operator who is offline.
func New(id string, now time.Time) *Operator {
	return &Operator{id: id, state: Offline, since: now, wants: Paused}
}

// ID is the user id.
func (o *Operator) ID() string { return o.id }

// State is what the operator does.
func (o *Operator) State() State { return o.state }

// Since is when the state began.
func (o *Operator) Since() time.Time { return o.since }

// Reason is why the operator is paused, or will be.
func (o *Operator) Reason() string { return o.reason }

// Call is the call that the operator is reserved for, talks in or wraps up;
// empty if none.
func (o *Operator) Call() string { return o.call }

// Stage is how far the talk or wrap-up is; empty where nothing is known.
func (o *Operator) Stage() string { return o.stage }

// Away says whether nothing comes from the leg, though it is up.
func (o *Operator) Away() bool { return o.away }

// PauseRequested says whether the operator goes to pause or off duty after
// the present call.
func (o *Operator) PauseRequested() bool { return o.call != "" && o.wants != Ready }

// Step applies ev and returns what the engine must do. An event that does not
// fit the state is ignored: phones and people send late and repeated ones.
func (o *Operator) Step(now time.Time, ev Event) []Action {
	switch ev.(type) {
	case LegAway:
		return o.goAway(now)
	case LegUp:
		if o.away {
			return o.comeBack(now)
		}
	case LegDown:
		o.away = false
	}
	switch o.state {
	case Offline:
		return o.offline(now, ev)
	case Connecting:
		return o.connecting(now, ev)
	case Paused, Ready:
		return o.idle(now, ev)
	case Reserved:
		return o.reserved(now, ev)
	case Talking:
		return o.talking(now, ev)
	case Wrapping:
		return o.wrapping(now, ev)
	case Lost:
		return o.lost(now, ev)
	}
	return nil
}

func (o *Operator) goAway(now time.Time) []Action {
	switch o.state {
	case Offline, Connecting, Lost:
		return nil
	}
	o.away = true
	if o.state == Ready {
		return o.enter(now, Ready)
	}
	return []Action{Changed{}}
}

func (o *Operator) comeBack(now time.Time) []Action {
	o.away = false
	if o.state == Lost {
		return o.rest(now)
	}
	return []Action{Changed{}}
}

func (o *Operator) offline(now time.Time, ev Event) []Action {
	switch ev.(type) {
	case OnDuty:
		o.wants, o.reason = Paused, PauseOnDuty
		return append(o.enter(now, Connecting), RaiseLeg{})
	case LegUp: // the operator dialled in
		o.reason = PauseOnDuty
		return o.enter(now, Paused)
	}
	return nil
}

func (o *Operator) connecting(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case LegUp:
		return o.rest(now)
	case LegDown:
		return o.enter(now, Offline)
	case OffDuty:
		return append(o.enter(now, Offline), DropLeg{})
	case SetReady:
		o.wants, o.reason = Ready, ""
	case Pause:
		o.wants, o.reason = Paused, ev.Reason
	}
	return nil
}

func (o *Operator) idle(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case SetReady:
		if o.state == Ready {
			return nil
		}
		o.wants, o.reason = Ready, ""
		return o.enter(now, Ready)
	case Pause:
		o.wants, o.reason = Paused, ev.Reason
		return o.enter(now, Paused)
	case Reserve:
		if o.state != Ready && !ev.Own {
			return nil
		}
		o.call = ev.Call
		return o.enter(now, Reserved)
	case OffDuty:
		return append(o.enter(now, Offline), DropLeg{})
	case LegDown:
		return o.enter(now, Lost)
	}
	return nil
}

func (o *Operator) reserved(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Bridged:
		return o.enter(now, Talking)
	case CallOver:
		o.call = ""
		return o.rest(now)
	case LegDown:
		o.call = ""
		return o.enter(now, Lost)
	default:
		return o.later(ev)
	}
}

func (o *Operator) talking(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Stage:
		return o.reach(ev.Name)
	case Disposed: // said during the talk: nothing will be left to write
		o.disposed = o.call
	case CallOver:
		if ev.WrapUp <= 0 || o.disposed == o.call {
			o.call = ""
			return o.rest(now)
		}
		return append(o.enter(now, Wrapping), ArmWrap{For: ev.WrapUp, Since: now})
	case LegDown:
		if o.disposed == o.call {
			o.call = ""
			return o.enter(now, Lost)
		}
		return append(o.enter(now, Lost), ArmWrap{For: lostWrap, Since: now})
	default:
		return o.later(ev)
	}
	return nil
}

// lostWrap is how long an operator whose phone went away in a call has to come
// back before the call gets the default disposition.
const lostWrap = 2 * time.Minute

func (o *Operator) wrapping(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Stage:
		return o.reach(ev.Name)
	case Disposed:
		o.call = ""
		return o.rest(now)
	case WrapTimeout:
		if !ev.Since.Equal(o.since) {
			return nil // armed for a wrap-up that is over
		}
		call := o.call
		o.call = ""
		return append([]Action{DefaultDisposition{Call: call}}, o.rest(now)...)
	case LegDown:
		return append(o.enter(now, Lost), ArmWrap{For: lostWrap, Since: now})
	default:
		return o.later(ev)
	}
}

func (o *Operator) lost(now time.Time, ev Event) []Action {
	if o.away {
		return o.lostAway(now, ev)
	}
	switch ev := ev.(type) {
	case LegUp:
		if o.call != "" {
			return append(o.enter(now, Wrapping), ArmWrap{For: lostWrap, Since: now})
		}
		o.wants, o.reason = Paused, "reconnected"
		return o.rest(now)
	case OnDuty:
		return []Action{RaiseLeg{}}
	case Bridged: // the leg is up again and the customer is still there
		if o.call != "" {
			return o.enter(now, Talking)
		}
	case Disposed:
		o.call = ""
	case CallOver:
		if ev.WrapUp <= 0 { // said during the talk: nothing is left to write
			o.call = ""
		}
	case WrapTimeout:
		if o.call == "" || !ev.Since.Equal(o.since) {
			return nil
		}
		call := o.call
		o.call = ""
		return append([]Action{DefaultDisposition{Call: call}}, o.enter(now, Offline)...)
	case OffDuty:
		call := o.call
		o.call = ""
		actions := o.enter(now, Offline)
		if call != "" {
			actions = append([]Action{DefaultDisposition{Call: call}}, actions...)
		}
		return actions
	}
	return nil
}

// lostAway is for who would be ready if anything came from their leg.
func (o *Operator) lostAway(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case SetReady, Pause:
		return o.later(ev)
	case OffDuty:
		return append(o.enter(now, Offline), DropLeg{})
	}
	return nil
}

// later keeps a wish for after the call.
func (o *Operator) later(ev Event) []Action {
	switch ev := ev.(type) {
	case SetReady:
		o.wants, o.reason = Ready, ""
	case Pause:
		o.wants, o.reason = Paused, ev.Reason
	case OffDuty:
		o.wants, o.reason = Offline, ""
	default:
		return nil
	}
	return []Action{Changed{}}
}

// reach keeps how far the talk or wrap-up is.
func (o *Operator) reach(stage string) []Action {
	if o.stage == stage {
		return nil
	}
	o.stage = stage
	return []Action{Changed{}}
}

// rest goes where the operator wants to be when there is nothing to do.
func (o *Operator) rest(now time.Time) []Action {
	if o.wants == Offline {
		return append(o.enter(now, Offline), DropLeg{})
	}
	return o.enter(now, o.wants)
}

func (o *Operator) enter(now time.Time, s State) []Action {
	if s == Ready && o.away {
		s = Lost
	}
	o.state, o.since, o.stage = s, now, ""
	if s == Offline {
		o.wants, o.reason, o.call, o.away = Paused, "", "", false
	}
	return []Action{Changed{}}
}
