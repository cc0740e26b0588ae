package simulator

import (
	"slices"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// call is one dial. It ends once: with a cause, with an operator, abandoned, or
// taken for a machine.
type call struct {
	id       string
	segment  int
	dialled  time.Duration
	ringing  bool
	since    time.Duration // of the ringing
	answered time.Duration
	pickedUp bool
	live     bool // a person is there
	over     bool
	covered  bool          // while it is in flight, no call was placed that had no ready operator of its own
	talk     time.Duration // if an operator gets it, at ordinary speed
	wrap     time.Duration
}

// dial places one of the upcoming records.
func (s *Simulation) dial(i int) {
	if s.reel != nil {
		s.dialReplayed()
		return
	}
	l := s.take(i)
	c := &call{id: strconv.FormatUint(l.number, 10), segment: l.segment, dialled: s.now}
	s.place(c, pacing.Dialed{Call: c.id, Record: s.shown(l)})
	s.fate(c, l)
}

func (s *Simulation) place(c *call, ev pacing.Dialed) {
	s.calls[c.id] = c
	s.cover(c)
	s.trunk.take()
	s.tally.at(s.now).dials++
	s.observe(ev)
}

// cover says whether every call has a ready operator now that c is placed. One call
// that has none may take the operator of any other.
func (s *Simulation) cover(c *call) {
	c.covered = len(s.calls) <= len(s.ready)
	if c.covered {
		return
	}
	for _, other := range s.calls {
		other.covered = false
	}
}

// fate plans what becomes of a call.
func (s *Simulation) fate(c *call, l lead) {
	r := l.record
	setup := draw(s.laws.setup, r.setup)
	rings := func() { s.after(setup, func() { s.rings(c) }) }
	ends := func(after time.Duration, why pacing.Cause) { s.after(after, func() { s.ended(c, why) }) }
	timeout := s.scenario.Call.RingTimeout.Duration()
	failed := setup + draw(s.laws.failDetect, r.ring)

	if fails, silent := s.scenario.outage(s.now); r.outage < fails {
		if silent {
			rings()
			ends(timeout, pacing.CauseFailed)
		} else {
			ends(failed, pacing.CauseFailed)
		}
		return
	}
	o := s.scenario.fateOf(l, s.now)
	chances := [...]float64{o.Human, o.Machine, o.Busy, o.Invalid, o.Failed}
	which, left := 0, r.outcome
	for which < len(chances) && left >= chances[which] {
		left -= chances[which]
		which++
	}
	switch which {
	case 0:
		rings()
		s.person(c, r, setup)
	case 1:
		rings()
		s.machine(c, r, setup)
	case 2:
		ends(setup+draw(s.laws.busyDetect, r.ring), pacing.CauseBusy)
	case 3:
		ends(failed, pacing.CauseInvalid)
	case 4:
		ends(failed, pacing.CauseFailed)
	default:
		rings()
		ends(setup+timeout, pacing.CauseNoAnswer)
	}
}

// person plans the pick-up of a person, and the verdict.
func (s *Simulation) person(c *call, r record, setup time.Duration) {
	c.live = true
	c.talk = time.Duration(float64(draw(s.laws.talk[c.segment], r.talk)) * scaleAt(s.scenario.TalkScale, s.now))
	c.wrap = time.Duration(float64(draw(s.laws.wrap[c.segment], r.wrap)) * scaleAt(s.scenario.WrapScale, s.now))
	amd, delay, human := s.scenario.AMD, time.Duration(0), true
	if amd.Enabled {
		delay = draw(s.laws.delayHuman, r.delay)
		human = r.mistake >= amd.HumanAsMachine
	}
	s.after(setup+draw(s.laws.ringHuman, r.ring), func() { s.pickedUp(c, delay, human) })
}

// machine plans the pick-up of a machine. It may be taken for a person.
func (s *Simulation) machine(c *call, r record, setup time.Duration) {
	c.talk, c.wrap = draw(s.laws.machineTalk, r.talk), draw(s.laws.machineWrap, r.wrap)
	delay := time.Duration(0)
	if s.scenario.AMD.Enabled {
		delay = draw(s.laws.delayMachine, r.delay)
	}
	human := r.mistake < s.scenario.AMD.MachineAsHuman
	s.after(setup+draw(s.laws.ringMachine, r.ring), func() { s.pickedUp(c, delay, human) })
}

func (s *Simulation) rings(c *call) {
	if c.over {
		return
	}
	c.ringing, c.since = true, s.now
	s.observe(pacing.Ringing{Call: c.id, Since: s.moment(s.now)})
}

func (s *Simulation) pickedUp(c *call, delay time.Duration, human bool) {
	if c.over {
		return
	}
	c.pickedUp, c.answered = true, s.now
	s.tally.at(s.now).pickedUp++
	s.observe(pacing.Answered{Call: c.id, Since: s.moment(s.now)})
	if delay == 0 {
		s.verdict(c, human)
		return
	}
	s.after(delay, func() { s.verdict(c, human) })
}

// verdict is what the detector says, right or wrong.
func (s *Simulation) verdict(c *call, human bool) {
	minute := s.tally.at(s.now)
	if c.live {
		minute.live++
	}
	if !human {
		if c.live {
			minute.lost++
		}
		s.close(c)
		s.trunk.lines--
		s.observe(pacing.Machine{Call: c.id})
		return
	}
	s.observe(pacing.Human{Call: c.id})
	if len(s.ready) > 0 {
		s.connect(c, s.ready[0])
		return
	}
	s.waiting = append(s.waiting, c)
	s.after(max(0, s.deadline(c)-s.now), func() { s.abandon(c) })
}

// deadline is when the law's time to connect is over. It is asked at the verdict
// or, where the clock runs from the pick-up, at any time.
func (s *Simulation) deadline(c *call) time.Duration {
	from := s.now
	if s.scenario.Limit.Clock == string(pacing.FromAnswer) {
		from = c.answered
	}
	return from + s.scenario.Limit.Connect.Duration()
}

// connect gives a call to a ready operator.
func (s *Simulation) connect(c *call, o *operator) {
	s.close(c)
	minute := s.tally.at(s.now)
	minute.connected++
	late := c.live && s.deadline(c) < s.now
	if late {
		minute.abandoned++
	}
	s.tally.waited(s.now, s.now-o.since)
	s.talk(o, c)
	s.observe(pacing.Connected{Call: c.id, Operator: o.id, Late: late})
}

func (s *Simulation) abandon(c *call) {
	if c.over {
		return
	}
	s.close(c)
	s.trunk.lines--
	if c.live {
		minute := s.tally.at(s.now)
		minute.abandoned++
		if c.covered {
			minute.deserted++
		}
	}
	s.observe(pacing.Abandoned{Call: c.id})
}

func (s *Simulation) ended(c *call, why pacing.Cause) {
	if c.over {
		return
	}
	s.close(c)
	s.trunk.lines--
	s.observe(pacing.Ended{Call: c.id, Cause: why})
}

// cancel gives up a ringing call. It refuses what the law or the network would
// not allow.
func (s *Simulation) cancel(id string) bool {
	c := s.calls[id]
	if c == nil || !c.ringing || c.pickedUp || s.now-c.since < ringMin {
		s.tally.at(s.now).refused++
		return false
	}
	s.tally.at(s.now).cancelled++
	s.ended(c, pacing.CauseCancelled)
	return true
}

// close ends what is known of a call before an operator has it.
func (s *Simulation) close(c *call) {
	c.over = true
	s.tally.flew(c, s.now)
	delete(s.calls, c.id)
	if i := slices.Index(s.waiting, c); i >= 0 {
		s.waiting = slices.Delete(s.waiting, i, i+1)
	}
}
