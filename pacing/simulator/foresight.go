package simulator

import (
	"math"
	"slices"
	"time"
)

// The grids on which foresight knows the laws of a scenario.
const (
	dialGrid = 250 * time.Millisecond
	workGrid = 500 * time.Millisecond
	maxWork  = 3000.0 // seconds
	minWork  = 300.0
)

// foresight is the true laws of a scenario, as chances by age.
type foresight struct {
	scenario *Scenario
	laws     laws
	points   [outlookPoints]float64 // seconds after the dial
	patience float64                // seconds after a verdict within which an operator is in time
	human    []float64              // chance of a verdict by each age, given the outcome
	machine  []float64
	busy     []float64
	failed   []float64
	noAnswer []float64
	dials    map[dialKey]*dialOdds
	work     map[workKey]*workOdds
}

// dialKey is what the fate of a dial depends on; outcomes by the half percent.
type dialKey struct {
	human, machine, rest int
	outage               float64
	silent               bool
}

// dialOdds are the chances that a call in flight is answered live by each point
// from now, by its age on dialGrid.
type dialOdds struct{ byAge []odds }

func (d *dialOdds) at(age time.Duration) *odds {
	return &d.byAge[min(int(age/dialGrid), len(d.byAge)-1)]
}

// workKey is what the length of the work on a call depends on.
type workKey struct {
	segment    int
	talk, wrap float64 // scales
	machines   int     // of the talks, in twentieths
}

// workOdds are the chances that an operator is free by each point from now, by
// the age of the talk or the wrap-up on workGrid.
type workOdds struct{ talk, wrap []odds }

func oddsAt(byAge []odds, age time.Duration) *odds {
	return &byAge[min(int(age/workGrid), len(byAge)-1)]
}

func newForesight(s *Scenario, l laws) *foresight {
	f := &foresight{scenario: s, laws: l, dials: map[dialKey]*dialOdds{}, work: map[workKey]*workOdds{}}
	step := dialGrid.Seconds()
	n := int((float64(s.Call.RingTimeout)+20)/step) + 1
	setup := masses(l.setup, 1, step, 15)
	after := func(next law, most float64) []float64 { return convolved(setup, masses(next, 1, step, most), n) }
	ring := float64(s.Call.RingTimeout) + 5
	human, machine := after(l.ringHuman, ring), after(l.ringMachine, ring)
	if s.AMD.Enabled {
		human = convolved(human, masses(l.delayHuman, 1, step, 12), n)
		machine = convolved(machine, masses(l.delayMachine, 1, step, 12), n)
	}
	f.human, f.machine = cumulated(human), cumulated(machine)
	f.busy, f.failed = cumulated(after(l.busyDetect, 20)), cumulated(after(l.failDetect, 20))
	f.noAnswer = cumulated(after(constant(s.Call.RingTimeout), ring))
	for k := range f.points {
		want := (float64(k) + 0.5) / outlookPoints * f.human[n-1]
		i, _ := slices.BinarySearch(f.human, want)
		f.points[k] = float64(i) * step
	}
	f.patience = float64(s.Limit.Connect) - dialGrid.Seconds()
	if s.Limit.Clock == "answer" && s.AMD.Enabled {
		f.patience = max(0, f.patience-s.AMD.DelayHuman.Mean)
	}
	return f
}

// masses are the chances of each step of a grid, x times as long, up to most.
func masses(l law, x, step, most float64) []float64 {
	m := make([]float64, int(most/step)+1)
	before := 0.0
	for i := range m {
		upTo := l.CDF((float64(i) + 0.5) * step / x)
		m[i], before = upTo-before, upTo
	}
	return m
}

// convolved is the law of a sum, on n steps.
func convolved(a, b []float64, n int) []float64 {
	sum := make([]float64, n)
	for i, x := range a[:min(n, len(a))] {
		for j, y := range b[:min(n-i, len(b))] {
			sum[i+j] += x * y
		}
	}
	return sum
}

func cumulated(m []float64) []float64 {
	sum := slices.Clone(m)
	for i := 1; i < len(sum); i++ {
		sum[i] += sum[i-1]
	}
	return sum
}

// dial is the odds of a dial of a segment at a time.
func (f *foresight) dial(segment int, now time.Duration) *dialOdds {
	o := f.scenario.outcomes(segment, now)
	outage, silent := f.scenario.outage(now)
	grain := func(x float64) int { return int(math.Round(200 * x)) }
	if f.scenario.Interp != "linear" {
		grain = func(x float64) int { return int(math.Round(1e6 * x)) }
	}
	key := dialKey{grain(o.Human), grain(o.Machine), grain(o.Busy + o.Invalid + o.Failed), outage, silent}
	if f.dials[key] == nil {
		f.dials[key] = f.newDial(o, outage, silent)
	}
	return f.dials[key]
}

func (f *foresight) newDial(o Outcomes, outage float64, silent bool) *dialOdds {
	n, through := len(f.human), 1-outage
	lost := 0.0
	if f.scenario.AMD.Enabled {
		lost = f.scenario.AMD.HumanAsMachine
	}
	mistaken := f.scenario.AMD.MachineAsHuman
	silence := through * (1 - o.Human - o.Machine - o.Busy - o.Invalid - o.Failed)
	failing := through * (o.Invalid + o.Failed)
	if silent {
		silence += outage
	} else {
		failing += outage
	}
	answered := make([]float64, n)
	for i := range answered {
		answered[i] = through * (o.Human*(1-lost)*f.human[i] + o.Machine*mistaken*f.machine[i])
	}
	d := &dialOdds{byAge: make([]odds, n)}
	for i := range n {
		flying := 1 - through*(o.Human*f.human[i]+o.Machine*f.machine[i]+o.Busy*f.busy[i]) - failing*f.failed[i] - silence*f.noAnswer[i]
		if flying < 1e-7 {
			continue
		}
		for k, after := range f.points {
			by := min(n-1, i+int(math.Round(after/dialGrid.Seconds())))
			d.byAge[i][k] = min(1, max(0, (answered[by]-answered[i])/flying))
		}
	}
	return d
}

// handling is the odds of the work on a call of a segment that begins at a time.
func (f *foresight) handling(segment int, now time.Duration) *workOdds {
	s, machines := f.scenario, 0
	if o := s.outcomes(segment, now); s.AMD.MachineAsHuman > 0 {
		mistaken := o.Machine * s.AMD.MachineAsHuman
		machines = int(math.Round(20 * ratio(mistaken, mistaken+o.Human)))
	}
	key := workKey{segment, scaleAt(s.TalkScale, now), scaleAt(s.WrapScale, now), machines}
	if f.work[key] == nil {
		f.work[key] = f.newWork(key)
	}
	return f.work[key]
}

func (f *foresight) newWork(key workKey) *workOdds {
	step := workGrid.Seconds()
	most := min(maxWork, max(minWork, f.laws.talk[key.segment].Quantile(0.999)*key.talk))
	talk := masses(f.laws.talk[key.segment], key.talk, step, most)
	junk := masses(f.laws.machineTalk, 1, step, most)
	share := float64(key.machines) / 20
	for i := range talk {
		talk[i] = (1-share)*talk[i] + share*junk[i]
	}
	wrap := masses(f.laws.wrap[key.segment], key.wrap, step, most)
	return &workOdds{
		talk: f.comingFree(talk, cumulated(wrap)),
		wrap: f.comingFree(wrap, []float64{1}),
	}
}

// comingFree are the chances to end a work, and then another, by each point from
// now, by the age of the first. The last of next holds for all later times.
func (f *foresight) comingFree(work, next []float64) []odds {
	back := 1 - f.scenario.Agents.PauseProb
	byAge := make([]odds, len(work))
	left := 1.0 // of the first work, not ended before the age
	for i := range work {
		at := left - work[i]/2
		for k, after := range f.points {
			h := int((after + f.patience) / workGrid.Seconds())
			sum := 0.0
			for j := i; j <= i+h && j < len(work); j++ {
				mass := work[j]
				if j == i {
					mass /= 2
				}
				sum += mass * next[min(i+h-j, len(next)-1)]
			}
			if at > 1e-6 {
				byAge[i][k] = back * min(1, sum/at)
			} else if i > 0 {
				byAge[i][k] = byAge[i-1][k]
			}
		}
		left -= work[i]
	}
	return byAge
}
