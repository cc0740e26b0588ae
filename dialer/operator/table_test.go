package operator

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/statetable"
)

// begin is when every shift of these tests begins.
var begin = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// happening is an event with the word that the state table has for it.
type happening struct {
	word  string
	event func(o *Operator) Event
}

func always(ev Event) func(*Operator) Event { return func(*Operator) Event { return ev } }

// happenings are all events, each in the variants that a state may tell apart.
var happenings = []happening{
	{"on_duty", always(OnDuty{})},
	{"leg_up", always(LegUp{})},
	{"leg_away", always(LegAway{})},
	{"leg_down", always(LegDown{})},
	{"ready", always(SetReady{})},
	{"pause", always(Pause{Reason: "lunch"})},
	{"reserve", always(Reserve{Call: "c1"})},
	{"reserve own", always(Reserve{Call: "c1", Own: true})},
	{"bridged", always(Bridged{})},
	{"stage", always(Stage{Name: StageForm})},
	{"call_over", always(CallOver{WrapUp: time.Minute})},
	{"call_over disposed", always(CallOver{})},
	{"disposed", always(Disposed{})},
	{"wrap_timeout", func(o *Operator) Event { return WrapTimeout{Since: o.since} }},
	{"off_duty", always(OffDuty{})},
}

// walk visits every situation that an operator can come to, by every event.
func walk(visit func(before Operator, h happening, after Operator, actions []Action)) {
	type situation struct {
		state, wants State
		inCall, away bool
	}
	seen := map[situation]bool{}
	var open []Operator
	note := func(o Operator) {
		if s := (situation{o.state, o.wants, o.call != "", o.away}); !seen[s] {
			seen[s] = true
			open = append(open, o)
		}
	}
	note(*New("ann", begin))
	for len(open) > 0 {
		before := open[0]
		open = open[1:]
		for _, h := range happenings {
			after := before
			actions := after.Step(before.since.Add(time.Second), h.event(&after))
			visit(before, h, after, actions)
			note(after)
		}
	}
}

// The table in the package doc is what the code does.
func TestStateTable(t *testing.T) {
	var words []string
	for _, h := range happenings {
		words = append(words, h.word)
	}
	table := statetable.New(States, words)
	walk(func(before Operator, h happening, after Operator, _ []Action) {
		table.Add(before.state, h.word, after.state)
	})
	table.Hold(t, "operator.go")
}

// Every state can be reached and left.
func TestEveryStateIsUsed(t *testing.T) {
	reached, left := map[State]bool{}, map[State]bool{}
	walk(func(before Operator, _ happening, after Operator, _ []Action) {
		if before.state != after.state {
			reached[after.state], left[before.state] = true, true
		}
	})
	for _, s := range States {
		if !reached[s] || !left[s] {
			t.Errorf("%s: reached %v, left %v", s, reached[s], left[s])
		}
	}
}

// Whatever an operator does, going off duty and the end of what they do brings
// them off duty.
func TestShiftEnds(t *testing.T) {
	walk(func(_ Operator, _ happening, o Operator, _ []Action) {
		from := o.state
		now := o.since.Add(time.Minute)
		o.Step(now, OffDuty{})
		o.Step(now, CallOver{WrapUp: time.Minute})
		o.Step(now, Disposed{})
		if o.state != Offline {
			t.Errorf("off duty while %s: ends %s", from, o.state)
		}
	})
}
