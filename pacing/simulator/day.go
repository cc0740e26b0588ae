package simulator

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// RandomDay is a day of parameters and drifts drawn at random: teams of 2 to 200
// operators, most of them small, answer shares from 0.05 to 0.6, limits from
// 0.5 % to 3 %, from half an hour to four. It depends on the seed alone, and so
// do the days simulated from it: its Seed is the seed. What changes in its course
// is noted among its events.
func RandomDay(seed uint64) *Scenario {
	d := dice{newStream(seed, ofDay, 0)}
	s := &Scenario{Name: fmt.Sprintf("day_%d", seed), Seed: seed}
	s.Duration = Seconds(60 * math.Round(d.ratio(30, 240)))
	d.law(s)
	d.team(s)
	d.call(s)
	d.list(s)
	d.detector(s)
	d.trunks(s)
	d.incidents(s)
	s.setDefaults()
	return s
}

// DayPolicy is how the product paces a random day: predictive, on odd seeds
// with leave to cancel.
func DayPolicy(seed uint64) Policy { return Policy{Mode: pacing.Predictive, Cancel: seed%2 == 1} }

// dice draws the parameters of a day.
type dice struct{ *stream }

func (d dice) chance(p float64) bool { return d.uniform() < p }

// between is even between two numbers, ratio even on the logarithmic scale; both
// to three digits, so that a day can be read.
func (d dice) between(low, high float64) float64 { return threeDigits(low + d.uniform()*(high-low)) }
func (d dice) ratio(low, high float64) float64 {
	return threeDigits(low * math.Pow(high/low, d.uniform()))
}

func threeDigits(x float64) float64 {
	if x <= 0 {
		return 0
	}
	unit := math.Pow(10, 2-math.Floor(math.Log10(x)))
	return math.Round(x*unit) / unit
}

// when is a time of the day, between two shares of it, in whole seconds.
func (d dice) when(s *Scenario, from, to float64) Seconds {
	return Seconds(math.Round(float64(s.Duration) * (from + d.uniform()*(to-from))))
}

func (d dice) law(s *Scenario) {
	s.Limit.MaxAbandon = 0.03
	if d.chance(0.6) {
		s.Limit.MaxAbandon = d.ratio(0.005, 0.03)
	}
	s.Limit.Clock = string(pacing.FromVerdict)
}

func (d dice) team(s *Scenario) {
	n := int(2 * math.Pow(100, math.Pow(d.uniform(), 2)))
	s.Agents.Schedule = []Staff{{N: n}}
	if d.chance(0.5) { // else all at one instant
		s.Agents.LoginRamp = Seconds(math.Round(d.ratio(30, 1800)))
	}
	if d.chance(0.3) {
		later := max(1, int(float64(n)*d.between(0.3, 1.7)))
		s.Agents.Schedule = append(s.Agents.Schedule, Staff{At: d.when(s, 0.2, 0.9), N: later})
	}
	if d.chance(0.5) {
		s.Agents.PauseProb = d.between(0.005, 0.1)
		s.Agents.Pause = Distribution{Type: "lognormal", Mean: d.ratio(60, 600), CV: 1}
	}
	if d.chance(0.5) {
		s.Agents.SpeedSpread = d.between(0.05, 0.3)
	}
	s.Talk = d.span(20, 400)
	s.Wrap = d.span(3, 90)
}

// span is the law of a talk or a wrap-up.
func (d dice) span(least, most float64) Distribution {
	law := Distribution{Mean: d.ratio(least, most), CV: d.between(0.4, 1.3)}
	switch int(4 * d.uniform()) {
	case 0:
		law.Type, law.CV = "exp", 0
	case 1:
		law.Type = "weibull"
	case 2: // many short ones, as of people who are not interested
		short := Distribution{Type: "exp", Mean: threeDigits(law.Mean / 5)}
		long := Distribution{Type: "lognormal", Mean: threeDigits(law.Mean * 1.4), CV: law.CV}
		return Distribution{Type: "mix", Mix: []Weighted{{0.35, short}, {0.65, long}}}
	default:
		law.Type = "lognormal"
	}
	return law
}

func (d dice) call(s *Scenario) {
	s.Call.RingTimeout = Seconds(math.Round(d.between(18, 45)))
	s.Call.Setup = Distribution{Type: "lognormal", Mean: d.ratio(0.5, 4), CV: 0.4}
	s.Call.RingHuman = Distribution{Type: "lognormal", Mean: d.between(5, 18), CV: d.between(0.3, 0.6)}
}

// list draws the segments: the first answers as often as the day's share says,
// others more or less often.
func (d dice) list(s *Scenario) {
	human := d.ratio(0.05, 0.6)
	for _, name := range []string{"one", "two", "three"}[:1+int(2.5*d.uniform())] {
		rest := 1 - human
		s.Segments = append(s.Segments, Segment{Name: name, Outcomes: []Outcomes{{
			Human: human, Machine: threeDigits(rest * d.between(0.1, 0.6)),
			Busy: threeDigits(0.05 * rest), Invalid: threeDigits(0.06 * rest), Failed: threeDigits(0.02 * rest),
		}}})
		human = min(0.65, max(0.03, threeDigits(s.Segments[0].Outcomes[0].Human*d.ratio(0.4, 2.5))))
	}
	s.Mix = []MixStep{{Weights: d.weights(len(s.Segments))}}
	if d.chance(0.2) {
		s.Interp = "linear"
	}
}

func (d dice) weights(n int) []float64 {
	w := make([]float64, n)
	for i := range w {
		w[i] = d.between(0.1, 1)
	}
	return w
}

// detector may lose people, and give machines to operators. Where it is, the
// law's clock runs from its verdict: from the pick-up, its delay alone would
// break the limit.
func (d dice) detector(s *Scenario) {
	if !d.chance(0.4) {
		if d.chance(0.3) {
			s.Limit.Clock = string(pacing.FromAnswer)
		}
		return
	}
	s.AMD = AMD{Enabled: true, HumanAsMachine: d.between(0, 0.012), MachineAsHuman: d.between(0, 0.1)}
	s.Limit.CountAMD = d.chance(0.7)
}

// trunks may be tight: channels for each operator, or half of the calls a second
// that keep all of them busy.
func (d dice) trunks(s *Scenario) {
	n := float64(s.Agents.Schedule[0].N)
	if d.chance(0.2) {
		s.Trunks.Channels = max(1, int(n*d.between(1.2, 6)))
	}
	if d.chance(0.2) {
		work := n / (s.Talk.Mean + s.Wrap.Mean + 60) / s.Segments[0].Outcomes[0].Human
		s.Trunks.CPS = max(0.05, threeDigits(work*d.ratio(0.5, 5)))
	}
}

// change is one thing that happens in a random day.
type change func(d dice, s *Scenario, at Seconds) Incident

func (d dice) incidents(s *Scenario) {
	kinds := []change{dice.breakTogether, dice.outage, dice.answerJump, dice.talkDrift}
	if len(s.Segments) > 1 {
		kinds = append(kinds, dice.listSwitch)
	}
	times := make([]Seconds, int(4*d.uniform()))
	for i := range times {
		times[i] = d.when(s, 0.08, 0.92)
	}
	slices.Sort(times)
	for _, at := range slices.Compact(times) {
		s.Events = append(s.Events, kinds[int(float64(len(kinds))*d.uniform())](d, s, at))
	}
}

func (d dice) breakTogether(_ *Scenario, at Seconds) Incident {
	e := Incident{At: at, Type: AgentsBreak, Fraction: d.between(0.2, 0.9), Lasts: Seconds(math.Round(d.ratio(120, 2400)))}
	e.Note = fmt.Sprintf("%.0f%% of the operators on a break", 100*e.Fraction)
	return e
}

func (d dice) outage(_ *Scenario, at Seconds) Incident {
	e := Incident{At: at, Type: CarrierOutage, FailProb: d.between(0.3, 1), Lasts: Seconds(math.Round(d.ratio(60, 1200))), Silent: d.chance(0.5)}
	e.Note = fmt.Sprintf("the carrier fails %.0f%% of the dials at once", 100*e.FailProb)
	if e.Silent {
		e.Note = fmt.Sprintf("the carrier swallows %.0f%% of the dials", 100*e.FailProb)
	}
	return e
}

// answerJump multiplies the answer share of every segment from a time on; other
// outcomes keep their shares of the rest.
func (d dice) answerJump(s *Scenario, at Seconds) Incident {
	x := d.ratio(1.0/3, 3)
	for i := range s.Segments {
		steps := &s.Segments[i].Outcomes
		last := (*steps)[len(*steps)-1]
		next := last.answering(min(0.7, max(0.02, threeDigits(last.Human*x))))
		next.At = at
		*steps = append(*steps, next)
	}
	return Incident{At: at, Type: Mark, Note: fmt.Sprintf("answer share times %.2g", x)}
}

func (d dice) talkDrift(s *Scenario, at Seconds) Incident {
	x := d.ratio(0.4, 2.5)
	s.TalkScale = append(s.TalkScale, Scale{at, x})
	return Incident{At: at, Type: Mark, Note: fmt.Sprintf("talks last %.2g times as long", x)}
}

func (d dice) listSwitch(s *Scenario, at Seconds) Incident {
	s.Mix = append(s.Mix, MixStep{At: at, Weights: d.weights(len(s.Segments))})
	main := int(float64(len(s.Segments)) * d.uniform())
	s.Mix[len(s.Mix)-1].Weights[main] = 10
	return Incident{At: at, Type: Mark, Note: "the list changes to segment " + s.Segments[main].Name}
}

// clock is a time of the day as people read it.
func clock(at time.Duration) string {
	return fmt.Sprintf("%d:%02d", int(at.Hours()), int(at.Minutes())%60)
}
