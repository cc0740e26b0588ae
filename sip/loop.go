package sip

import (
	"context"
	"sync"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// line is a leg with what the agent needs to serve it.
type line struct {
	*leg
	timers     [timers]*time.Timer
	inviteAuth []Header // credentials of the last INVITE: its ACK repeats them
	invite     *sipgosip.ClientTx
	inviteMu   sync.Mutex
	watch      chan Ended // of Finish; its events are not the engine's
	open       bool       // counted in Stats.Legs
}

func (a *Agent) loop(ctx context.Context) {
	for {
		for _, e := range a.inbox.take() {
			if ctx.Err() != nil {
				return
			}
			a.handle(e)
		}
		select {
		case <-a.inbox.wake:
		case <-ctx.Done():
			return
		}
	}
}

// handle gives one input to its leg and carries out the actions.
func (a *Agent) handle(e envelope) {
	l := e.made
	switch {
	case l != nil:
		if !a.add(l, e.tag) {
			a.refuseTwice(l, e.in)
			return
		}
	case e.leg != "":
		l = a.byID[e.leg]
	default:
		l = a.byTag[e.tag]
	}
	if l == nil {
		a.unknown(e)
		return
	}
	if r, ok := e.in.(*request); ok && r.callID != l.dialog.CallID {
		a.unknown(e)
		return
	}
	l.room = a.room
	actions := l.step(time.Now(), e.in)
	for _, act := range actions {
		a.carryOut(l, act)
	}
	clear(actions)
	a.room, l.room, l.out = actions[:0], nil, nil
}

// add makes a new line known; false if its leg id or its tag is taken.
func (a *Agent) add(l *line, tag string) bool {
	if a.byID[l.id] != nil || a.byTag[tag] != nil || tag == "" {
		return false
	}
	a.byID[l.id], a.byTag[tag] = l, l
	l.open = true
	a.count.legs.Add(1)
	return true
}

// refuseTwice ends a leg that cannot be: its id or tag is in use.
func (a *Agent) refuseTwice(l *line, in input) {
	if l.watch != nil {
		close(l.watch)
		return
	}
	if _, ok := in.(start); !ok {
		return
	}
	a.log.Error("leg id or tag is in use", "agent", a.cfg.Name, "leg", l.id)
	if a.byID[l.id] == nil {
		a.emit(Ended{Leg: l.id, ByUs: true, At: time.Now(),
			Cause: Cause{Text: "dialog without a tag of its own", Result: ResultProtocolFailure}})
	}
}

// unknown answers what belongs to no leg.
func (a *Agent) unknown(e envelope) {
	switch in := e.in.(type) {
	case *request:
		if in.method != "ACK" {
			a.respond(nil, respond{to: in, code: 481, phrase: "Call/Transaction Does Not Exist"})
		}
	case *response:
		if e.stray != nil {
			a.endStray(*e.stray)
		}
	}
}

func (a *Agent) carryOut(l *line, act action) {
	switch act := act.(type) {
	case send:
		a.send(l, act)
	case respond:
		a.respond(l, act)
	case arm:
		a.arm(l, act)
	case tell:
		a.tell(l, act.event)
	case learn:
		a.nonces.learn(l.dialog.Destination, l.invitation.Credentials, act.challenges)
	case stopInvite:
		l.stopInvite()
	case tally:
		a.tally(act.what)
	case forget:
		delete(a.byID, l.id)
		delete(a.byTag, l.dialog.LocalTag)
		a.count.lingering.Add(-1)
	}
}

func (a *Agent) tally(what counter) {
	switch what {
	case lateAnswer:
		a.count.lateAnswers.Add(1)
	case forkEnded:
		a.count.forksEnded.Add(1)
	case repeated:
		a.count.repeated.Add(1)
	}
}

func (a *Agent) tell(l *line, ev Event) {
	end, over := ev.(Ended)
	if over && l.open {
		l.open = false
		a.count.legs.Add(-1)
		a.count.lingering.Add(1)
	}
	if l.watch == nil {
		a.emit(ev)
		return
	}
	if over {
		l.watch <- end // has room for the one Ended there is
		close(l.watch)
	}
}

func (a *Agent) arm(l *line, act arm) {
	if t := l.timers[act.timer]; t != nil {
		t.Stop()
		l.timers[act.timer] = nil
	}
	if act.after < 0 {
		return
	}
	id := l.id
	l.timers[act.timer] = time.AfterFunc(act.after, func() {
		a.inbox.put(envelope{leg: id, in: fired{timer: act.timer, gen: act.gen}})
	})
}

func (a *Agent) stopTimers() {
	for _, l := range a.byID {
		for _, t := range l.timers {
			if t != nil {
				t.Stop()
			}
		}
	}
}
