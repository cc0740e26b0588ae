package simulator

import (
	"fmt"
	"time"
)

// laws are the compiled distributions of a scenario.
type laws struct {
	setup, ringHuman, ringMachine, busyDetect, failDetect law
	delayHuman, delayMachine, machineTalk, machineWrap    law
	pause                                                 law
	talk, wrap                                            []law // of each segment
}

func compile(s *Scenario) (laws, error) {
	var l laws
	var firstErr error
	add := func(d Distribution) law {
		made, err := d.compile()
		if err != nil && firstErr == nil {
			firstErr = fmt.Errorf("distribution: %w", err)
		}
		return made
	}
	l.setup, l.ringHuman, l.ringMachine = add(s.Call.Setup), add(s.Call.RingHuman), add(s.Call.RingMachine)
	l.busyDetect, l.failDetect = add(s.Call.BusyDetect), add(s.Call.FailDetect)
	l.delayHuman, l.delayMachine = add(s.AMD.DelayHuman), add(s.AMD.DelayMachine)
	l.machineTalk, l.machineWrap = add(s.MachineTalk), add(s.MachineWrap)
	l.pause = add(s.Agents.Pause)
	for _, g := range s.Segments {
		l.talk, l.wrap = append(l.talk, add(g.Talk)), append(l.wrap, add(g.Wrap))
	}
	return l, firstErr
}

// outcomes are the chances of a dial in a segment at a time.
func (s *Scenario) outcomes(segment int, now time.Duration) Outcomes {
	steps := s.Segments[segment].Outcomes
	i := lastStep(len(steps), now, func(i int) Seconds { return steps[i].At })
	a := steps[i]
	if s.Interp != "linear" || i+1 == len(steps) || now < a.At.Duration() {
		return a
	}
	b := steps[i+1]
	part := (now.Seconds() - float64(a.At)) / float64(b.At-a.At)
	between := func(x, y float64) float64 { return x + part*(y-x) }
	return Outcomes{
		Human:   between(a.Human, b.Human),
		Machine: between(a.Machine, b.Machine),
		Busy:    between(a.Busy, b.Busy),
		Invalid: between(a.Invalid, b.Invalid),
		Failed:  between(a.Failed, b.Failed),
	}
}

// scaleAt is the factor in force at a time, 1 before the first step.
func scaleAt(steps []Scale, now time.Duration) float64 {
	if len(steps) == 0 || steps[0].At.Duration() > now {
		return 1
	}
	return steps[lastStep(len(steps), now, func(i int) Seconds { return steps[i].At })].X
}

// outage is the share of dials that fail at a time, and whether they hang
// instead of failing at once.
func (s *Scenario) outage(now time.Duration) (share float64, silent bool) {
	for _, e := range s.Events {
		if e.Type == CarrierOutage && now >= e.At.Duration() && now < (e.At+e.Lasts).Duration() {
			return e.FailProb, e.Silent
		}
	}
	return 0, false
}
