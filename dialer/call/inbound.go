package call

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// This file is a call that came in, up to the operator: somebody called us. From the
// bridge on it is a talk like any other. The law's time is not for it: nobody was
// called.

const (
	// AcknowledgeAtMost is how long the caller's side may take to confirm our answer.
	// The signalling room ends a leg without an ACK by itself after 64*T1, 32 s.
	AcknowledgeAtMost = 40 * time.Second
	// WaitAtMost is how long a caller waits where the campaign does not say.
	WaitAtMost = 2 * time.Minute
)

// arriving is a caller whose attempt is on its way to be durable.
func (c *Call) arriving(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Begun:
		return c.enter(now, Accepting, Accept{}, c.timer(Accepting, AcknowledgeAtMost))
	case Refused: // whoever refused has told the caller why
		return c.enter(now, Over, Forget{Reason: ev.Reason})
	case HangUp:
		c.outcome = campaigns.CallerTurnedAway
		return c.enter(now, Aborting, HangUpLeg{})
	case Ended:
		c.outcome = campaigns.CallerGaveUp
		return c.enter(now, Aborting)
	}
	return nil
}

// accepting is a caller whom we have answered, until that is acknowledged: before, it
// might be anybody who says to be the carrier.
func (c *Call) accepting(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Answered:
		c.answeredAt = ev.At
		wait := c.spec.MaxWait
		if wait <= 0 {
			wait = WaitAtMost
		}
		return c.enter(now, Waiting, KeepDialog{}, Announce{}, FindOperator{}, c.timer(Waiting, wait))
	case TimerFired, HangUp:
		return c.leave(now, campaigns.CallerTurnedAway)
	case Ended:
		return c.end(now, campaigns.CallerGaveUp, ev)
	}
	return nil
}

// waiting is a caller in the queue: the announcement, then music, until an operator is
// there or the time is over.
func (c *Call) waiting(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case OperatorFound:
		c.operator, c.bridgedAt = ev.Operator, now
		return c.enter(now, Bridged, Connect{Operator: ev.Operator})
	case Played:
		return []Action{Music{}}
	case TimerFired:
		return c.enter(now, PutOff, PlayPutOff{}, c.timer(PutOff, MessageAtMost))
	case HangUp:
		return c.leave(now, campaigns.CallerTurnedAway)
	case Ended:
		return c.end(now, campaigns.CallerGaveUp, ev)
	}
	return nil
}

// putOff is a caller who waited for too long and is told so.
func (c *Call) putOff(now time.Time, ev Event) []Action {
	switch ev := ev.(type) {
	case Played, TimerFired, HangUp:
		return c.leave(now, campaigns.CallerTurnedAway)
	case Ended:
		return c.end(now, campaigns.CallerTurnedAway, ev)
	}
	return nil
}
