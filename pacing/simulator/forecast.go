package simulator

import (
	"errors"
	"math"
	"slices"
	"sort"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// ForecastOptions say how far to look, and how closely.
type ForecastOptions struct {
	Horizon time.Duration // default an hour
	Leads   int           // that may be dialled; 0 = not known
	Runs    int           // futures; 0 = as many as stay cheap
	Seed    uint64
}

// Forecast is what the coming time is like, from the runs of several futures.
type Forecast struct {
	Runs             int
	Utilisation      float64
	UtilisationError float64 // standard error of the mean; 0 for one run
	Abandonment      float64 // of the live answers to come
	Dials            float64
	Connected        float64
	Abandoned        float64
	Wait             time.Duration // of an operator for the next call, mean
	ListLife         time.Duration // until the leads are used up; 0: they outlast the horizon
}

// cheapOperatorHours is how many hours of an operator are simulated where the
// number of runs is not given.
const cheapOperatorHours = 50.0

// ErrNoPicture means that a picture has nothing to start from.
var ErrNoPicture = errors.New("simulator: the picture has no operators or nothing was learnt")

// ForecastFrom simulates the time after a picture under settings, with the real
// controller in the state it was in. Its settings hold in every future.
func ForecastFrom(p pacing.Picture, settings pacing.Settings, o ForecastOptions) (Forecast, error) {
	if err := settings.Validate(); err != nil {
		return Forecast{}, err
	}
	if len(p.Operators) == 0 || len(p.Answered) == 0 || len(p.Answered) != len(p.Other) || len(p.Talk) == 0 || len(p.Wrap) == 0 {
		return Forecast{}, ErrNoPicture
	}
	if o.Horizon <= 0 {
		o.Horizon = time.Hour
	}
	if o.Runs <= 0 {
		o.Runs = min(20, max(1, int(cheapOperatorHours/(float64(len(p.Operators))*o.Horizon.Hours()))))
	}
	f := Forecast{Runs: o.Runs}
	n, squares, wait, live := float64(o.Runs), 0.0, 0.0, 0.0
	for i := range o.Runs {
		run, err := future(p, settings, o.Horizon, o.Seed+uint64(i))
		if err != nil {
			return Forecast{}, err
		}
		f.Utilisation += run.Utilisation / n
		squares += run.Utilisation * run.Utilisation / n
		f.Dials += float64(run.Dials) / n
		f.Connected += float64(run.Connected) / n
		f.Abandoned += float64(run.Abandoned) / n
		live += float64(run.Live) / n
		wait += run.WaitMean / n
	}
	if n > 1 {
		f.UtilisationError = math.Sqrt(max(0, squares-f.Utilisation*f.Utilisation) / (n - 1))
	}
	f.Abandonment = ratio(f.Abandoned, live)
	f.Wait = Seconds(wait).Duration()
	if o.Leads > 0 && f.Dials > float64(o.Leads) {
		f.ListLife = time.Duration(float64(o.Horizon) * float64(o.Leads) / f.Dials)
	}
	return f, nil
}

// future simulates one future of a picture.
func future(p pacing.Picture, settings pacing.Settings, horizon time.Duration, seed uint64) (Run, error) {
	answer := min(1, sum(p.Answered))
	scenario := &Scenario{
		Duration: Seconds(horizon.Seconds()),
		Segments: []Segment{{Name: "main", Outcomes: []Outcomes{{Human: answer, Machine: 1 - answer}}}},
	}
	if len(p.Segments) > 0 {
		scenario.Segments[0].Name = p.Segments[0].Name
	}
	scenario.Agents.PauseProb = min(1, max(0, 1-p.Back))
	scenario.setDefaults()
	s, err := New(scenario, Policy{Mode: pacing.Progressive}, seed)
	if err != nil {
		return Run{}, err
	}
	setup := max(0, p.Setup)
	s.laws.setup = constant(setup)
	s.laws.ringHuman = shifted{newBinned(p.Answered, estimate.DialBin), -setup}
	s.laws.ringMachine = shifted{newBinned(p.Other, estimate.DialBin), -setup}
	s.laws.talk = []law{newBinned(p.Talk, estimate.DurationBin)}
	s.laws.wrap = []law{newBinned(p.Wrap, estimate.DurationBin)}

	settings.Windows, settings.Fatigue = nil, pacing.Fatigue{}
	if !settings.WindowEnd.IsZero() {
		settings.WindowEnd = moment(settings.WindowEnd.Sub(p.At))
	}
	s.controller = pacing.New(settings, moment(0))
	s.controller.Recall(moment(0), pacing.Past{
		Counts: []pacing.Count{{At: moment(0), Live: p.Live, Abandoned: p.Abandoned}}, Learnt: p.Learnt,
	})
	s.present(p)
	for s.Advance(s.end) {
	}
	return s.Result(), nil
}

// present puts operators and calls where the picture has them.
func (s *Simulation) present(p pacing.Picture) {
	for i, seen := range p.Operators {
		o := newOperator(s.seed, i, 0)
		o.id = seen.ID // what is learnt goes by it
		if seen.Pace > 0 {
			o.speed = seen.Pace
		}
		s.operators = append(s.operators, o)
		elapsed := max(0, p.At.Sub(seen.Since))
		s.controller.Observe(moment(-elapsed), pacing.Operator{ID: o.id, State: seen.State})
		o.state = seen.State
		switch seen.State {
		case pacing.Ready:
			s.ready = append(s.ready, o)
		case pacing.Talking:
			s.trunk.take()
			s.after(o.remaining(s.laws.talk[0], elapsed), func() {
				s.trunk.lines--
				s.set(o, pacing.Wrapping)
				s.after(o.slower(draw(s.laws.wrap[0], o.chance.uniform())), func() { s.workDone(o) })
			})
		case pacing.Wrapping:
			s.after(o.remaining(s.laws.wrap[0], elapsed), func() { s.workDone(o) })
		default:
			s.after(draw(s.laws.pause, o.chance.uniform()), func() { s.becomeReady(o) })
		}
	}
	for i, seen := range p.Calls {
		s.presentCall(p, "p"+strconv.Itoa(i), seen)
	}
}

// presentCall goes on with a call in flight: its fate is drawn from the rest of
// the law of dials.
func (s *Simulation) presentCall(p pacing.Picture, id string, seen pacing.CallPicture) {
	age := max(0, p.At.Sub(seen.Dialled))
	from := min(int(age.Seconds()/estimate.DialBin), len(p.Answered)-1)
	left := sum(p.Answered[from:]) + sum(p.Other[from:])
	if left <= 0 {
		return
	}
	r := s.record()
	u, human, bin := r.outcome*left, false, len(p.Answered)-1
	for b := from; b < len(p.Answered); b++ {
		if u < p.Answered[b] {
			human, bin = true, b
			break
		}
		if u -= p.Answered[b]; u < p.Other[b] {
			bin = b
			break
		}
		u -= p.Other[b]
	}
	c := &call{id: id, dialled: -age, live: human, talk: draw(s.laws.talk[0], r.talk), wrap: draw(s.laws.wrap[0], r.wrap)}
	s.calls[id] = c
	s.trunk.take()
	s.controller.Observe(moment(-age), pacing.Dialed{Call: id, Record: pacing.Record{Segment: s.scenario.Segments[0].Name}})
	if !seen.Ringing.IsZero() {
		c.ringing, c.since = true, -max(0, p.At.Sub(seen.Ringing))
		s.controller.Observe(moment(c.since), pacing.Ringing{Call: id, Since: moment(c.since)})
	}
	s.after(max(0, Seconds((float64(bin)+0.5)*estimate.DialBin).Duration()-age), func() { s.pickedUp(c, 0, human) })
}

// remaining draws how long a talk or wrap-up of theirs still lasts.
func (o *operator) remaining(l law, elapsed time.Duration) time.Duration {
	usual := time.Duration(float64(elapsed) / o.speed)
	return o.slower(remaining(l, usual, o.chance.uniform()))
}

// remaining draws how long a state still lasts that has lasted so long.
func remaining(l law, elapsed time.Duration, u float64) time.Duration {
	gone := l.CDF(elapsed.Seconds())
	return max(0, draw(l, gone+u*(1-gone))-elapsed)
}

// binned is a law given by the chance of each bin of a width in seconds.
type binned struct {
	upTo  []float64 // cumulative, the last is 1
	width float64
}

func newBinned(chances []float64, width float64) binned {
	b := binned{upTo: slices.Clone(chances), width: width}
	total := sum(chances)
	so := 0.0
	for i, p := range chances {
		so += p
		b.upTo[i] = ratio(so, total)
	}
	b.upTo[len(b.upTo)-1] = 1
	return b
}

// Quantile implements law: even within a bin.
func (b binned) Quantile(u float64) float64 {
	i := min(sort.SearchFloat64s(b.upTo, u), len(b.upTo)-1)
	before := 0.0
	if i > 0 {
		before = b.upTo[i-1]
	}
	return (float64(i) + ratio(u-before, b.upTo[i]-before)) * b.width
}

// CDF implements law.
func (b binned) CDF(x float64) float64 {
	i := int(x / b.width)
	switch {
	case !(x > 0):
		return 0
	case i >= len(b.upTo):
		return 1
	}
	before := 0.0
	if i > 0 {
		before = b.upTo[i-1]
	}
	return before + (b.upTo[i]-before)*(x/b.width-float64(i))
}

func sum(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total
}
