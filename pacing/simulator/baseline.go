package simulator

import (
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// baseline is what the policies that are not the product's have in common: what
// a dialer sees of its operators and calls, and no memory beyond the day.
type baseline struct {
	operators []seenOperator
	byID      map[string]int  // index in operators
	calls     []seenCall      // in flight: no verdict yet
	byCall    map[string]int  // index in calls
	waiting   map[string]bool // people without an operator
	count     map[pacing.OperatorState]int
}

type seenOperator struct {
	state pacing.OperatorState
	since time.Time
}

type seenCall struct {
	id      string
	segment string
	dialled time.Time
	tag     int // free for the policy's use
}

func newBaseline() baseline {
	return baseline{
		byID: map[string]int{}, byCall: map[string]int{}, waiting: map[string]bool{},
		count: map[pacing.OperatorState]int{},
	}
}

// Observe implements pacing.Controller.
func (b *baseline) Observe(now time.Time, ev pacing.Event) {
	switch ev := ev.(type) {
	case pacing.Operator:
		i := b.operator(ev.ID)
		b.count[b.operators[i].state]--
		b.count[ev.State]++
		b.operators[i] = seenOperator{ev.State, now}
	case pacing.Dialed:
		b.byCall[ev.Call] = len(b.calls)
		b.calls = append(b.calls, seenCall{id: ev.Call, segment: ev.Segment, dialled: now})
	case pacing.Human:
		b.waiting[ev.Call] = true
		b.land(ev.Call)
	case pacing.Machine:
		b.land(ev.Call)
	case pacing.Ended:
		b.land(ev.Call)
	case pacing.Connected:
		delete(b.waiting, ev.Call)
	case pacing.Abandoned:
		delete(b.waiting, ev.Call)
	}
}

// operator is the index of an operator, who is off when first heard of.
func (b *baseline) operator(id string) int {
	i, known := b.byID[id]
	if !known {
		i = len(b.operators)
		b.byID[id] = i
		b.operators = append(b.operators, seenOperator{state: pacing.Off})
		b.count[pacing.Off]++
	}
	return i
}

// land takes a call out of flight.
func (b *baseline) land(id string) {
	i, flies := b.byCall[id]
	if !flies {
		return
	}
	last := len(b.calls) - 1
	b.calls[i] = b.calls[last]
	b.byCall[b.calls[i].id] = i
	b.calls = b.calls[:last]
	delete(b.byCall, id)
}

// flying is the call with this id, nil if it is not in flight.
func (b *baseline) flying(id string) *seenCall {
	if i, ok := b.byCall[id]; ok {
		return &b.calls[i]
	}
	return nil
}

// signedIn counts the operators who are not off.
func (b *baseline) signedIn() int { return len(b.operators) - b.count[pacing.Off] }

// upTo is a decision to have goal calls in flight or waiting, within the room.
func (b *baseline) upTo(goal int, v pacing.View) pacing.Decision {
	return dialAtMost(goal-len(b.calls)-len(b.waiting), v)
}

func dialAtMost(n int, v pacing.View) pacing.Decision {
	if v.Room >= 0 {
		n = min(n, v.Room)
	}
	return pacing.Decision{Dial: max(0, n), Room: v.Room}
}

// Adjust implements pacing.Controller.
func (*baseline) Adjust(time.Time, pacing.Settings) {}

// Recall implements pacing.Controller.
func (*baseline) Recall(time.Time, pacing.Past) {}

// Learnt implements pacing.Controller.
func (*baseline) Learnt(time.Time) []byte { return nil }

// Balance implements pacing.Controller.
func (*baseline) Balance(time.Time) pacing.Balance { return pacing.Balance{} }

// Picture implements pacing.Controller.
func (*baseline) Picture(now time.Time) pacing.Picture { return pacing.Picture{At: now} }
