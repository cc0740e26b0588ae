package call

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// From any sequence of events: exactly one end, which comes with Over, and
// nothing after it; one INVITE at most, only once the attempt is durable; one
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
		for range rapid.IntRange(1, 40).Draw(t, "events") {
			now = now.Add(time.Duration(rapid.IntRange(0, 4000).Draw(t, "ms")) * time.Millisecond)
			h := rapid.SampledFrom(happenings).Draw(t, "event")
			before := c.state
			if _, begun := h.event(c, now).(Begun); begun && before == Beginning {
				l.begun = true
			}
			actions := c.Step(now, h.event(c, now))
			l.check(t, before, c, actions)
		}
	})
}

// ledger is what a call asked for so far.
type ledger struct {
	begun                           bool
	ends, places, connects, losses  int
	keeps, routesBack, searches     int
	lateConnects, hangUps, suppress int
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
	case Connect:
		if !a.Again {
			l.connects++
		} else if l.connects == 0 {
			t.Fatal("connected again before the first time")
		}
		if a.Late {
			l.lateConnects++
		}
	case FreeOperator:
		if a.TakenBack != "" { // no person was there to be lost
			l.lateConnects = 0
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
