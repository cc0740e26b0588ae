package trunk

import (
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// Handle takes every event of the trunks' agent, counts, and passes it on to
// emit, Ended with its Cause.Result filled, or as Diverted.
func (t *Trunks) Handle(ev sip.Event) {
	switch e := ev.(type) {
	case sip.Overload:
		t.overloaded(e)
		return
	case sip.Incoming:
		t.came(e)
	case sip.Progress:
		e.Leg = engineLeg(e.Leg)
		t.progress(e)
		ev = e
	case sip.Answered:
		e.Leg = engineLeg(e.Leg)
		t.answered(e.Leg)
		ev = e
	case sip.Offered:
		e.Leg = engineLeg(e.Leg)
		ev = e
	case sip.Replied:
		e.Leg = engineLeg(e.Leg)
		ev = e
	case sip.Digit:
		e.Leg = engineLeg(e.Leg)
		ev = e
	case sip.Ended:
		e.Leg, e.Cause.Result = engineLeg(e.Leg), resultOf(e)
		ev = t.ended(e)
	}
	t.emit(ev)
}

// overloaded obeys a carrier that asks for fewer calls.
func (t *Trunks) overloaded(e sip.Overload) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.legs[engineLeg(e.Leg)]; s != nil {
		s.carrier.throttle.control(t.now(), float64(e.Loss)/100, e.Validity, e.Sequence)
	}
}

func (t *Trunks) progress(e sip.Progress) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.legs[e.Leg]
	if s == nil {
		return
	}
	s.trying = true
	if e.Code > 100 { // a 100 comes from the next hop, overloaded or not
		s.progressed = true
		s.target.breaker.ok(s.probe)
	}
}

func (t *Trunks) answered(leg sip.LegID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.legs[leg]; s != nil {
		s.target.breaker.ok(s.probe)
		if s.ringing {
			s.carrier.answers++
		}
		s.answered()
	}
}

// ended counts the end of a leg. Where the call goes on to another target, that is
// what the engine is told.
func (t *Trunks) ended(e sip.Ended) sip.Event {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.legs[e.Leg]
	if s == nil {
		t.callerGone(e.Leg)
		return e // somebody called us, or it was dialled twice
	}
	delete(t.legs, e.Leg)
	s.carrier.results[e.Cause.Result]++
	if QuickBye(e) {
		s.carrier.quickByes++
	}
	now := t.now()
	s.count(e, now)
	t.learnCallerID(s, e, now)
	s.learn(e, now)
	s.carrier.usable.forget(s.looks)
	s.free()
	if s.divertible(e) {
		if route, ok := t.divert(e.Leg, s, now); ok {
			return sip.Diverted{Leg: e.Leg, Route: route.Plain(), From: s.carrier.cfg.Name, Cause: e.Cause, At: e.At}
		}
	}
	return e
}

// learn tells the target's breaker what the end of a call says about it.
func (s *slot) learn(e sip.Ended, now time.Time) {
	if c := s.carrier; e.Cause.Code == 503 && e.Cause.Result == sip.ResultCongestion && !c.cfg.FixedCPS {
		c.throttle.refused(now, s.left)
	}
	b := &s.target.breaker
	switch {
	case e.Cause.Code == 503 || e.Cause.Result == sip.ResultTrunkDown:
		b.fail(now, e.Cause.RetryAfter, s.probe)
	case e.Cause.Code != 0 || e.WasUp || e.LateAnswer:
		b.ok(s.probe)
	default:
		b.forget(s.probe) // we hung up before the carrier said anything
	}
}

func (s *slot) answered() {
	if s.ringing {
		s.ringing = false
		s.carrier.ringing--
	}
}

func (s *slot) free() {
	s.answered()
	s.carrier.channels--
}
