package call

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// ThirdAtMost is how long a third party is called, or an operator of a queue waited
// for, before the customer is somebody's again.
const ThirdAtMost = time.Minute

// bridged is the talk itself: customer and operator hear each other.
func (c *Call) bridged(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Verdict, Beep:
		if o := c.mistaken(ev); o != "" {
			return append([]Action{FreeOperator{Operator: c.operator, TakenBack: o}}, c.takeBack(now, o)...)
		}
		if v, ok := ev.(Verdict); ok && c.trial && v.Outcome == "" && !v.Provisional {
			return c.acquit()
		}
	case SaidMachine:
		if !c.spec.Inbound { // whoever calls us is a person
			return c.leaveToMachine(now)
		}
	case TimerFired:
		return c.acquit()
	case Hold: // the operator knows a person
		return append(c.known(), c.enter(now, Held, Arrange{})...)
	case Consult:
		return append(c.known(), c.consult(now, ev)...)
	case OperatorLost:
		return c.strand(now)
	}
	return c.leaveTalk(now, ev)
}

// known ends the trial of a person whom the operator deals with, if there is one.
func (c *Call) known() []Action {
	if c.trial {
		return c.acquit()
	}
	return nil
}

// held keeps the customer on hold. The operator is still in the talk.
func (c *Call) held(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Resume:
		return c.enter(now, Bridged, Arrange{})
	case Consult:
		return c.consult(now, ev)
	case OperatorLost: // the music goes on until somebody else has the customer
		return c.strand(now)
	}
	return c.leaveTalk(now, ev)
}

// consult has a third party called, for the operator or, if the customer is given
// away, for the customer.
func (c *Call) consult(now time.Time, ev Consult) []Action {
	if ev.Away {
		free := FreeOperator{Operator: c.operator}
		return c.enter(now, Handing, free, Arrange{}, c.timer(Handing, ThirdAtMost), SeekThird{})
	}
	return c.enter(now, Asking, Arrange{}, c.timer(Asking, ThirdAtMost), SeekThird{})
}

// asking is the time until the third party is there: the customer hears music, the
// operator that it rings.
func (c *Call) asking(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case ThirdUp:
		c.third = ev.Operator
		return c.enter(now, Consulting, Arrange{})
	case ThirdGone:
		return c.enter(now, Held, Arrange{})
	case TimerFired:
		return c.enter(now, Held, DropThird{}, Arrange{})
	case Return:
		return c.enter(now, Bridged, DropThird{}, Arrange{})
	case Transfer: // whoever answers has the customer
		free := FreeOperator{Operator: c.operator}
		return c.enter(now, Handing, free, Arrange{}, c.timer(Handing, ThirdAtMost))
	case OperatorLost:
		return c.strand(now, DropThird{})
	}
	return c.leaveTalk(now, ev, DropThird{})
}

// consulting is operator and third party among themselves, the customer on hold.
func (c *Call) consulting(now time.Time, ev Event) []Action {
	switch ev.(type) {
	case ThirdGone:
		return c.enter(now, Held, Arrange{})
	case Confer:
		return c.enter(now, Conferring, Arrange{})
	case Transfer:
		return c.handOver(now, FreeOperator{Operator: c.operator})
	case Return:
		return c.enter(now, Bridged, DropThird{}, Arrange{})
	case OperatorLost:
		if c.third != "" { // they know by now what it is about
			return c.handOver(now)
		}
		return c.strand(now, DropThird{})
	}
	return c.leaveTalk(now, ev, DropThird{})
}

// conferring is all three together.
func (c *Call) conferring(now time.Time, ev Event) []Action {
	switch ev.(type) {
	case ThirdGone:
		return c.enter(now, Bridged, Arrange{})
	case Transfer:
		return c.handOver(now, FreeOperator{Operator: c.operator})
	case Return:
		return c.enter(now, Bridged, DropThird{}, Arrange{})
	case OperatorLost: // the two others talk on
		return c.handOver(now)
	}
	return c.leaveTalk(now, ev, DropThird{})
}

// handOver leaves the customer with the third party: an operator, whose talk it is
// from now on, or somebody outside.
func (c *Call) handOver(now time.Time, actions ...Action) []Action {
	from, to := c.operator, c.third
	if to == "" {
		return c.enter(now, Handed, append(actions, HandOver{From: from}, Arrange{})...)
	}
	c.operator, c.third = to, ""
	return c.enter(now, Bridged, append(actions, HandOver{From: from, To: to}, Arrange{})...)
}

// handing is a customer who was given away to somebody who is not there yet. They
// hear music; if nobody comes, an operator of the campaign has them.
func (c *Call) handing(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case ThirdUp:
		c.third = ev.Operator
		return c.handOver(now)
	case ThirdGone:
		return c.strand(now)
	case TimerFired:
		return c.strand(now, DropThird{})
	}
	return c.leaveThird(now, ev)
}

// handed is a customer who talks with somebody outside. No operator is in it.
func (c *Call) handed(now time.Time, ev Event) []Action {
	if _, gone := ev.(ThirdGone); gone {
		return c.leave(now, c.talked())
	}
	return c.leaveThird(now, ev)
}

// leaveThird is how a call ends that no operator is in.
func (c *Call) leaveThird(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case HangUp:
		return append([]Action{DropThird{}}, c.leave(now, c.talked())...)
	case Ended:
		return append([]Action{DropThird{}}, c.end(now, c.talked(), ev)...)
	}
	return nil
}

// leaveTalk is how a talk ends, whatever the operator does in it.
func (c *Call) leaveTalk(now time.Time, ev Event, first ...Action) []Action {
	first = append(first, FreeOperator{Operator: c.operator})
	switch ev := ev.(type) {
	case HangUp:
		return append(first, c.leave(now, c.talked())...)
	case Ended:
		return append(first, c.end(now, c.talked(), ev)...)
	}
	return nil
}

// strand looks for another operator.
func (c *Call) strand(now time.Time, first ...Action) []Action {
	return c.enter(now, Stranded, append(first, FindOperator{}, c.timer(Stranded, StrandedAtMost))...)
}

// talked is the outcome of a bridged call: connected, but for one that came
// after the law's time, which counts as abandoned whatever followed.
func (c *Call) talked() campaigns.Outcome {
	if c.spec.Inbound {
		return campaigns.CallerServed
	}
	if c.bridgedAt.After(c.ConnectBy()) {
		return campaigns.Abandoned
	}
	return campaigns.Connected
}
