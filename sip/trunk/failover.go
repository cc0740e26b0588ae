package trunk

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// A call goes on to another target only where nobody can ring twice:
//
//	what came of the INVITE                         next target
//	nothing, not even a 100, for failover_after     yes: a late 1xx is cancelled, a late answer ended
//	transport error, no 100 before it               yes: also an ICMP error, which quotes the INVITE
//	500, 502, 503, no 1xx but 100 before it         yes, but where a Q.850 cause speaks of the called side
//	408, 504, no 100 before it                      yes: after a 100 somebody may have waited for a phone
//	a 1xx above 100, any other final response       no
//
// The next INVITE waits, as the first did, until its dialog is durable: Diverted
// asks for that, and Dial follows.

// maxTargets is how many targets one call may go to.
const maxTargets = 3

// divertible says whether the end of a leg leaves the called side untouched.
func (s *slot) divertible(e sip.Ended) bool {
	if s.progressed || s.hungUp || e.WasUp || e.LateAnswer || len(s.tried) >= maxTargets {
		return false
	}
	switch cause := e.Cause; cause.Code {
	case 0:
		return cause.Result == sip.ResultTrunkDown && !s.trying
	case 408, 504:
		return cause.Q850 == 0 && !s.trying
	case 500, 502, 503:
		return cause.Q850 == 0 || cause.Result == sip.ResultCongestion
	}
	return false
}

// divert reserves another target for the call of a slot that is over. False: there
// is none now.
func (t *Trunks) divert(leg sip.LegID, s *slot, now time.Time) (Route, bool) {
	choice, err := t.choose(s.want, s.tried, now)
	if err != nil {
		return Route{}, false
	}
	tries := len(s.tried) + 1
	route, err := choice.route(s.want.number, s.want.callID+"-"+strconv.Itoa(tries))
	if err != nil {
		return Route{}, false
	}
	next := t.hold(choice, route, s.want, now)
	next.tried = append(slices.Clone(s.tried), choice.target)
	next.leg = leg
	t.legs[leg] = next
	return route, true
}

// answerTimeout is how long a call may hear nothing at all, where another target
// could take it; 0 where none could: then it waits as long as the protocol does.
func (t *Trunks) answerTimeout(s *slot, now time.Time) time.Duration {
	if s.carrier.cfg.FailoverAfter < 0 || len(s.tried) >= maxTargets {
		return 0
	}
	if open, _ := t.candidates(s.want, s.tried, now); len(open) == 0 {
		return 0
	}
	return s.carrier.cfg.FailoverAfter
}

// The agent knows each INVITE of a call as a leg of its own: "id", "id/2", "id/3".
// The engine knows one leg.

func (s *slot) agentLeg(leg sip.LegID) sip.LegID {
	if len(s.tried) < 2 {
		return leg
	}
	return leg + sip.LegID("/"+strconv.Itoa(len(s.tried)))
}

func engineLeg(leg sip.LegID) sip.LegID {
	id, _, _ := strings.Cut(string(leg), "/")
	return sip.LegID(id)
}

// agentLegOf is the agent's name of the leg that the call has now.
func (t *Trunks) agentLegOf(leg sip.LegID) sip.LegID {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.legs[leg]; s != nil {
		return s.agentLeg(leg)
	}
	return leg
}

// Hangup ends a leg, whatever its state. The result ResultMediaMismatch says that the
// audio of its answer cannot be used: after a few in a row the trunk takes no more calls.
func (t *Trunks) Hangup(leg sip.LegID, why sip.Cause) {
	t.mu.Lock()
	s := t.legs[leg]
	waits := s != nil && s.waits()
	agentLeg := leg
	switch {
	case waits: // between two targets: there is nothing to end but our own plan
		t.giveUp(s)
	case s != nil:
		s.hungUp = true
		if unusable(why) {
			t.refuseAnswer(s, why, t.now())
		}
		agentLeg = s.agentLeg(leg)
	}
	t.mu.Unlock()
	if waits {
		t.emit(sip.Ended{Leg: leg, Cause: why, ByUs: true, At: t.now()})
		return
	}
	t.agent.Hangup(agentLeg, why)
}

// waits says whether the call is between two targets.
func (s *slot) waits() bool { return s.leg != "" }

// giveUp frees what is reserved and not dialled.
func (t *Trunks) giveUp(s *slot) {
	delete(t.reserved, s.callID)
	s.carrier.ids.byNumber[s.callerID].giveBack()
	if s.waits() {
		delete(t.legs, s.leg)
	}
	s.carrier.attempts--
	s.target.breaker.forget(s.probe)
	s.carrier.usable.forget(s.looks)
	s.free()
}

// Plain is the route as the engine knows it.
func (r Route) Plain() sip.Route {
	return sip.Route{
		Trunk: r.Trunk, CallerID: r.CallerID, Dialog: r.Dialog, RingTimeout: r.RingTimeout,
		MediaNetworks: r.Networks, MediaAddress: r.Address, Signalling: hostOf(r.Signalling), SRTP: r.SRTP, Own: r,
	}
}
