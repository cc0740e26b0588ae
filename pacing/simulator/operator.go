package simulator

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// operator is a person at a desk.
type operator struct {
	id      string
	state   pacing.OperatorState
	since   time.Duration
	coming  bool          // off, and about to sign in
	leaving bool          // signs out when the call or the pause is over
	backAt  time.Duration // > 0: goes on a break after the call, until then
	owed    time.Duration // pause to take after the call
	speed   float64       // talk and wrap take so many times as long
	machine bool          // talks to a machine
	chance  *stream
}

func newOperator(seed uint64, i int, spread float64) *operator {
	o := &operator{id: strconv.Itoa(i), state: pacing.Off, chance: newStream(seed, ofOperator, uint64(i))}
	o.speed = 1 + spread*(2*o.chance.uniform()-1)
	return o
}

// set changes the state of an operator, and tells the controller.
func (s *Simulation) set(o *operator, state pacing.OperatorState) {
	s.tally.spent(o, s.now)
	if o.state == pacing.Ready {
		i := slices.Index(s.ready, o)
		s.ready = slices.Delete(s.ready, i, i+1)
	}
	o.state, o.since = state, s.now
	if state == pacing.Ready {
		s.ready = append(s.ready, o)
	}
	s.observe(pacing.Operator{ID: o.id, State: state})
}

// becomeReady gives the operator to whoever waits.
func (s *Simulation) becomeReady(o *operator) {
	s.set(o, pacing.Ready)
	if len(s.waiting) > 0 {
		s.connect(s.waiting[0], o)
	}
}

// talk holds an operator for a talk and the work after it.
func (s *Simulation) talk(o *operator, c *call) {
	o.machine = !c.live
	s.set(o, pacing.Talking)
	s.after(o.slower(c.talk), func() {
		s.trunk.lines--
		s.set(o, pacing.Wrapping)
		s.after(o.slower(c.wrap), func() { s.workDone(o) })
	})
}

// slower is how long what usually lasts d takes them.
func (o *operator) slower(d time.Duration) time.Duration {
	return time.Duration(float64(d) * o.speed)
}

// workDone decides what an operator does after a call.
func (s *Simulation) workDone(o *operator) {
	agents := s.scenario.Agents
	switch {
	case o.leaving:
		s.signOut(o)
	case o.owed > 0:
		s.pause(o, o.takeOwed())
	case o.backAt > 0:
		rest := max(o.backAt-s.now, time.Second)
		o.backAt = 0
		s.pause(o, rest)
	case agents.PauseProb > 0 && o.chance.uniform() < agents.PauseProb:
		s.pause(o, draw(s.laws.pause, o.chance.uniform()))
	default:
		s.becomeReady(o)
	}
}

func (s *Simulation) pause(o *operator, d time.Duration) {
	s.set(o, pacing.Away)
	since := s.now
	s.after(d, func() {
		switch {
		case o.state != pacing.Away || o.since != since: // signed out meanwhile
		case o.owed > 0:
			s.pause(o, o.takeOwed())
		default:
			s.becomeReady(o)
		}
	})
}

func (o *operator) takeOwed() time.Duration {
	d := o.owed
	o.owed = 0
	return d
}

func (s *Simulation) signOut(o *operator) {
	o.leaving, o.backAt, o.owed = false, 0, 0
	s.set(o, pacing.Off)
}

// staff brings the number of operators to n: sign-ins are spread over the ramp,
// who is on a call signs out after it.
func (s *Simulation) staff(n int) {
	have := 0
	for _, o := range s.operators {
		if !o.leaving && (o.coming || o.state != pacing.Off) {
			have++
		}
	}
	for _, o := range s.operators {
		if have >= n {
			break
		}
		switch {
		case o.leaving:
			o.leaving = false
			have++
		case o.state == pacing.Off && !o.coming:
			s.signIn(o)
			have++
		}
	}
	for _, o := range slices.Backward(s.operators) {
		if have <= n {
			break
		}
		switch {
		case o.coming:
			o.coming = false
		case o.state == pacing.Off || o.leaving:
			continue
		case o.state == pacing.Ready || o.state == pacing.Away:
			s.signOut(o)
		default:
			o.leaving = true
		}
		have--
	}
}

func (s *Simulation) signIn(o *operator) {
	o.coming = true
	ramp := float64(s.scenario.Agents.LoginRamp.Duration())
	s.after(time.Duration(ramp*o.chance.uniform()), func() {
		if o.coming {
			o.coming = false
			s.becomeReady(o)
		}
	})
}

// backWithin is over how long those on a break together come back.
const backWithin = 30 * time.Second

// sendOnBreak sends a share of the operators on a break, after the call if they
// have one.
func (s *Simulation) sendOnBreak(e Incident) {
	signedIn := 0
	for _, o := range s.operators {
		if o.state != pacing.Off {
			signedIn++
		}
	}
	left := int(math.Round(e.Fraction * float64(signedIn)))
	for _, o := range s.operators {
		if left == 0 {
			return
		}
		if o.state == pacing.Off || o.state == pacing.Away || o.leaving || o.backAt > 0 {
			continue
		}
		left--
		rest := e.Lasts.Duration() + time.Duration(float64(backWithin)*o.chance.uniform())
		if o.state == pacing.Ready {
			s.pause(o, rest)
		} else {
			o.backAt = s.now + rest
		}
	}
}
