package call

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// From any sequence of events: exactly one end, which comes with Over, and
// nothing after it; who is in the call is known at any time: one operator in a talk,
// a third party where the state has one, nobody at the end; one INVITE at most, only once the attempt is durable; one
// first connection; a loss is told to pacing exactly where the outcome is
// abandoned; each timer is armed for the state that the call is in.
func TestLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spec := Spec{
			ID: "a1", ConnectWithin: 2 * time.Second,
			Drop: rapid.Bool().Draw(t, "drop"), Message: rapid.Bool().Draw(t, "message"), Detect: rapid.Bool().Draw(t, "detect"), FromAnswer: rapid.Bool().Draw(t, "from answer"),
		}
		c := New(spec, begin)
		l := &ledger{}
		now := begin
		all := happenings
		if rapid.Bool().Draw(t, "a talk") { // chance alone comes to few
			for _, ev := range []Event{Begun{}, Answered{At: now}, Verdict{GreetingEnd: now}, OperatorFound{Operator: "ann"}} {
				before := c.state
				l.begun = true
				l.check(t, before, c, c.Step(now, ev))
			}
			all = inTalks
		}
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			h := rapid.SampledFrom(all).Draw(t, "event")
			before := c.state
			l.hear(c, h.event(c, now))
			if _, begun := h.event(c, now).(Begun); begun && before == Beginning {
				l.begun = true
			}
			actions := c.Step(now, h.event(c, now))
			l.check(t, before, c, actions)
		}
	})
}

// inTalks are the events that a talk may go on after, and a few that end it.
var inTalks = slices.DeleteFunc(slices.Clone(happenings), func(h happening) bool {
	return !slices.Contains([]string{
		"hold", "resume", "consult", "consult away", "third_up", "third_up outside", "third_gone", "confer", "transfer", "return",
		"operator_lost", "operator_found", "timer", "hang_up", "said_machine",
	}, h.word)
})

// ledger is what a call asked for so far.
type ledger struct {
	begun                           bool
	ends, places, connects, losses  int
	keeps, routesBack, searches     int
	lateConnects, hangUps, suppress int

	third bool     // one is called or there
	in    []string // operators in the call, the third party left out
}

// hear notes what an event says of who is in the call.
func (l *ledger) hear(c *Call, ev Event) {
	switch ev.(type) {
	case ThirdGone:
		if hasThird(c.state) {
			l.third = false
		}
	case OperatorLost:
		if inTalk(c.state) {
			l.in = nil
		}
	}
}

func hasThird(s State) bool {
	return slices.Contains([]State{Asking, Consulting, Conferring, Handing, Handed}, s)
}

func inTalk(s State) bool {
	return slices.Contains([]State{Bridged, Held, Asking, Consulting, Conferring}, s)
}

func (l *ledger) check(t *rapid.T, before State, c *Call, actions []Action) {
	if before == Over && len(actions) > 0 {
		t.Fatalf("actions %v after the end", actions)
	}
	for _, a := range actions {
		l.count(t, c, a)
	}
	if over := c.state == Over; (l.ends == 1) != over || l.ends > 1 {
		t.Fatalf("%d ends in state %s", l.ends, c.state)
	}
	if l.third != hasThird(c.state) {
		t.Fatalf("in %s, third party: %v", c.state, l.third)
	}
	if want := inTalk(c.state); want != (len(l.in) == 1) || len(l.in) > 1 || want && l.in[0] != c.operator {
		t.Fatalf("in %s: operators %v in the call of %q", c.state, l.in, c.operator)
	}
	if l.places > 1 || l.connects > 1 || l.losses > 1 || l.keeps > 1 || l.routesBack > 1 || l.suppress > 1 {
		t.Fatalf("more than once: %+v", l)
	}
	if l.places > 0 && !l.begun {
		t.Fatal("placed before it was durable")
	}
	if l.hangUps > 0 && l.places == 0 {
		t.Fatal("hung up what was never placed")
	}
	if c.state == Over && l.searches > 0 && l.keeps == 0 {
		t.Fatal("an answered dialog was not kept")
	}
}

func (l *ledger) count(t *rapid.T, c *Call, a Action) {
	switch a := a.(type) {
	case Place:
		l.places++
	case GiveBackRoute:
		l.routesBack++
	case KeepDialog:
		l.keeps++
	case FindOperator:
		l.searches++
		if c.state != Queued && c.state != Stranded {
			t.Fatalf("an operator is wanted in state %s", c.state)
		}
	case SeekThird:
		if l.third {
			t.Fatal("a second third party")
		}
		l.third = true
	case DropThird:
		if !l.third {
			t.Fatal("nobody to let go")
		}
		l.third = false
	case HandOver:
		if !l.third {
			t.Fatal("handed over to nobody")
		}
		if l.third = a.To == ""; a.To != "" {
			l.in = append(l.in, a.To)
		}
	case FreeOperator:
		if !slices.Contains(l.in, a.Operator) {
			t.Fatalf("%s freed, %v in the call", a.Operator, l.in)
		}
		l.in = nil
		if a.TakenBack != "" { // no person was there to be lost
			l.lateConnects = 0
		}
	case Connect:
		l.in = append(l.in, a.Operator)
		if !a.Again {
			l.connects++
		} else if l.connects == 0 {
			t.Fatal("connected again before the first time")
		}
		if a.Late {
			l.lateConnects++
		}
	case Lost:
		l.losses++
	case Suppress:
		l.suppress++
	case HangUpLeg:
		l.hangUps++
	case ArmTimer:
		if a.In != c.state || a.After < 0 {
			t.Fatalf("timer %+v in state %s", a, c.state)
		}
	case Forget:
		l.ends++
		if l.places > 0 {
			t.Fatal("a placed call was forgotten")
		}
	case EndAttempt:
		l.ends++
		if !a.Outcome.Known() {
			t.Fatalf("outcome %q", a.Outcome)
		}
		if told := l.losses + l.lateConnects; (a.Outcome == campaigns.Abandoned) != (told == 1) {
			t.Fatalf("outcome %s, pacing was told of %d losses", a.Outcome, told)
		}
	}
}

// Whatever happened, a call whose timers fire and whose far end goes away ends.
func TestEveryCallEnds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(Spec{ID: "a1", ConnectWithin: 2 * time.Second, Message: true, Detect: true}, begin)
		now := begin
		for range rapid.IntRange(0, 20).Draw(t, "events") {
			now = now.Add(time.Second)
			c.Step(now, rapid.SampledFrom(happenings).Draw(t, "event").event(c, now))
		}
		for _, ev := range []Event{Begun{}, Ended{}} {
			c.Step(now, ev)
		}
		if c.state != Over {
			t.Fatalf("still %s", c.state)
		}
	})
}
