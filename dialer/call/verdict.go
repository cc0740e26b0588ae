package call

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// This file is what follows from who answered: from the first verdict to the operator,
// to the message on a machine, or off the line.

func (c *Call) detecting(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Verdict:
		if ev.Early {
			return nil
		}
		switch {
		case ev.Outcome == "":
			c.trial = ev.Provisional || c.spec.Drop
			return c.person(now, ev.GreetingEnd)
		case ev.Provisional || c.drops(ev.Outcome):
			c.outcome = ev.Outcome
			return c.doubt(now)
		}
		return c.leave(now, ev.Outcome)
	case TimerFired:
		return c.person(now, time.Time{})
	case Cancel:
		return nil // answered calls are never given up for pacing
	case HangUp:
		return c.leave(now, campaigns.HungUpEarly)
	case Ended:
		if ev.Outcome == campaigns.FalseAnswer {
			return c.end(now, campaigns.FalseAnswer, ev)
		}
		return c.end(now, campaigns.HungUpEarly, ev)
	}
	return nil
}

// drops says that a message is to be left.
func (c *Call) drops(o campaigns.Outcome) bool { return c.spec.Drop && o == campaigns.MachineHeard }

func (c *Call) doubt(now time.Time, actions ...Action) []Action {
	most := DoubtAtMost
	if c.spec.Drop {
		most = BeepAtMost
	}
	return c.enter(now, Doubted, append(actions, c.timer(Doubted, most))...)
}

// doubted keeps a call that sounds like a machine until that is settled: who
// says much and then waits is a person, and lost if we had hung up. Where a
// message is to be left, it waits for the end of the beep, or of the greeting.
func (c *Call) doubted(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Verdict:
		switch {
		case ev.Early || ev.Provisional || c.said && ev.Outcome == "":
			return nil
		case ev.Outcome == "":
			c.trial = c.spec.Drop
			return c.person(now, ev.GreetingEnd)
		case !c.drops(ev.Outcome):
			return c.leave(now, ev.Outcome)
		case ev.GreetingEnd.IsZero() || now.Sub(ev.GreetingEnd) < WaitedAtLeast:
			return nil
		}
		return c.drop(now)
	case Beep:
		if c.drops(c.outcome) {
			return nil
		}
		return c.leave(now, c.outcome)
	case Recording:
		if c.drops(c.outcome) {
			return c.drop(now)
		}
	case TimerFired, HangUp:
		return c.leave(now, c.outcome)
	case Ended:
		return c.end(now, c.outcome, ev)
	}
	return nil
}

func (c *Call) drop(now time.Time) []Action {
	return c.enter(now, Dropping, LeaveMessage{}, c.timer(Dropping, MessageAtMost))
}

// dropping leaves the message. A machine that beeps once more begins to record
// only then: the message begins again.
func (c *Call) dropping(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Beep:
		return c.doubt(now, CutMessage{})
	case Played, TimerFired, HangUp:
		return c.leave(now, c.outcome)
	case Ended:
		return c.end(now, c.outcome, ev)
	}
	return nil
}

// mistaken is what a person on trial turns out to be; empty where they do not. One that
// may yet be a person is left to the operator.
func (c *Call) mistaken(ev Event) campaigns.Outcome {
	if !c.trial {
		return ""
	}
	switch ev := ev.(type) {
	case Beep:
		return campaigns.MachineHeard
	case Verdict:
		if !ev.Early && !ev.Provisional {
			return ev.Outcome
		}
	}
	return ""
}

// takeBack goes on with what is no person, as if it had never been held to be one:
// neither a talk nor a person lost.
func (c *Call) takeBack(now time.Time, o campaigns.Outcome) []Action {
	c.trial, c.outcome = false, o
	c.operator, c.verdictAt, c.bridgedAt = "", time.Time{}, time.Time{}
	if c.drops(o) {
		return c.doubt(now)
	}
	return c.leave(now, o)
}

// leaveToMachine takes the operator's word that they talk with a machine. Nothing that is
// heard makes it a person again.
func (c *Call) leaveToMachine(now time.Time) []Action {
	c.said = true
	actions := []Action{FreeOperator{Operator: c.operator, TakenBack: campaigns.MachineHeard, Said: true}}
	if c.spec.Drop {
		actions = append(actions, ListenForBeep{})
	}
	return append(actions, c.takeBack(now, campaigns.MachineHeard)...)
}

// acquit ends the trial of a person: nothing in the talk takes them back.
func (c *Call) acquit() []Action {
	c.trial = false
	return []Action{StopListening{}}
}
