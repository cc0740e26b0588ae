package call

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/statetable"
)

// begin is when every call of these tests begins.
var begin = time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)

// happening is an event with the word that the state table has for it.
type happening struct {
	word  string
	event func(c *Call, now time.Time) Event
}

func always(ev Event) func(*Call, time.Time) Event {
	return func(*Call, time.Time) Event { return ev }
}

// happenings are all events, each in the variants that a state may tell apart.
var happenings = []happening{
	{"begun", always(Begun{})},
	{"refused", always(Refused{Reason: "cap"})},
	{"not_allowed", always(NotAllowed{Reason: "window"})},
	{"rings", func(_ *Call, now time.Time) Event { return Rings{Since: now} }},
	{"answered", func(_ *Call, now time.Time) Event { return Answered{At: now} }},
	{"answered", func(_ *Call, now time.Time) Event { return Answered{At: now, Connect: true} }},
	{"early verdict", always(Verdict{Early: true, Outcome: campaigns.Busy})},
	{"person", func(_ *Call, now time.Time) Event { return Verdict{GreetingEnd: now} }},
	{"first speech", func(_ *Call, now time.Time) Event { return Verdict{Provisional: true, GreetingEnd: now} }},
	{"no person", always(Verdict{Outcome: campaigns.MachineHeard})},
	{"maybe none", always(Verdict{Outcome: campaigns.MachineHeard, Provisional: true})},
	{"no person, quiet", func(_ *Call, now time.Time) Event {
		return Verdict{Outcome: campaigns.MachineHeard, GreetingEnd: now.Add(-WaitedAtLeast)}
	}},
	{"beep", always(Beep{})},
	{"recording", always(Recording{})},
	{"operator_found", always(OperatorFound{Operator: "ann"})},
	{"operator_lost", always(OperatorLost{})},
	{"hold", always(Hold{})},
	{"resume", always(Resume{})},
	{"said_machine", always(SaidMachine{})},
	{"consult", always(Consult{})},
	{"consult away", always(Consult{Away: true})},
	{"third_up", always(ThirdUp{Operator: "bob"})},
	{"third_up outside", always(ThirdUp{})},
	{"third_gone", always(ThirdGone{})},
	{"confer", always(Confer{})},
	{"transfer", always(Transfer{})},
	{"return", always(Return{})},
	{"hang_up", always(HangUp{})},
	{"cancel", always(Cancel{})},
	{"played", always(Played{})},
	{"opt_out", always(OptOut{})},
	{"timer", func(c *Call, _ time.Time) Event { return TimerFired{In: c.state, Since: c.since} }},
	{"ended", always(Ended{})},
	{"ended", always(Ended{Outcome: campaigns.Busy, Code: 486})},
	{"ended", always(Ended{LateAnswer: true})},
}

// walk visits every situation that a call can come to, by every event, with
// every spec, before and after the law's time, and tells visit of each step.
func walk(visit func(before Call, h happening, after Call, actions []Action)) {
	type situation struct {
		spec                        Spec
		operator, third             string
		state                       State
		outcome                     campaigns.Outcome
		answered, verdict, overtime bool
		trial, said                 bool
	}
	seen := map[situation]bool{}
	type moment struct {
		call Call
		now  time.Time
	}
	var open []moment
	note := func(c Call, now time.Time) {
		by := c.ConnectBy()
		s := situation{c.spec, c.operator, c.third, c.state, c.outcome, !c.answeredAt.IsZero(), !c.verdictAt.IsZero(), !by.IsZero() && !now.Before(by), c.trial, c.said}
		if !seen[s] {
			seen[s] = true
			open = append(open, moment{c, now})
		}
	}
	for _, message := range []bool{true, false} {
		for _, detect := range []bool{true, false} {
			for _, drop := range []bool{true, false} {
				spec := Spec{ID: "a1", ConnectWithin: 2 * time.Second, Message: message, Detect: detect, Drop: drop}
				note(*New(spec, begin), begin)
				spec.Inbound = true
				note(*New(spec, begin), begin)
			}
		}
	}
	for len(open) > 0 {
		m := open[0]
		open = open[1:]
		for _, later := range []time.Duration{100 * time.Millisecond, 3 * time.Second} {
			for _, h := range happenings {
				now := m.now.Add(later)
				after := m.call
				actions := after.Step(now, h.event(&after, now))
				visit(m.call, h, after, actions)
				note(after, now)
			}
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
	walk(func(before Call, h happening, after Call, _ []Action) {
		table.Add(before.state, h.word, after.state)
	})
	table.Hold(t, "call.go")
}

// Every state can be reached, and every state but the last can be left.
func TestEveryStateIsUsed(t *testing.T) {
	reached, left := map[State]bool{Beginning: true, Arriving: true}, map[State]bool{}
	walk(func(before Call, _ happening, after Call, _ []Action) {
		if before.state != after.state {
			reached[after.state], left[before.state] = true, true
		}
	})
	for _, s := range States {
		if !reached[s] {
			t.Errorf("%s is never reached", s)
		}
		if left[s] != (s != Over) {
			t.Errorf("%s: left = %v", s, left[s])
		}
	}
}

// A call that has an INVITE out is over at once when its leg is gone.
func TestLegGoneIsOver(t *testing.T) {
	walk(func(before Call, h happening, after Call, _ []Action) {
		begun := before.state != Beginning && before.state != Arriving && before.state != Aborting
		if h.word == "ended" && begun && after.state != Over {
			t.Errorf("%s stays %s though the leg is gone", before.state, after.state)
		}
	})
}
