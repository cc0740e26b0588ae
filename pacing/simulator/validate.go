package simulator

import (
	"fmt"
	"math"
	"strings"
)

// The most that is simulated.
const (
	maxOperators = 10000
	maxLimit     = 0.05
)

// checks collects what is wrong with a scenario.
type checks []problem

func (c *checks) that(ok bool, key, format string, args ...any) {
	if !ok {
		*c = append(*c, problem{key, fmt.Sprintf(format, args...)})
	}
}

func (c *checks) within(key string, x, low, high float64) {
	c.that(x >= low && x <= high, key, "%v is not in [%v, %v]", x, low, high)
}

func (c *checks) span(key string, s Seconds) { c.within(key, float64(s), 0, maxSpan) }

// ascending checks the times of a list of steps.
func (c *checks) ascending(key string, n int, at func(i int) Seconds) {
	for i := range n {
		c.span(fmt.Sprintf("%s[%d].t", key, i), at(i))
		c.that(i == 0 || at(i) > at(i-1), fmt.Sprintf("%s[%d].t", key, i), "%v is not after the step before", at(i))
	}
}

func (c *checks) law(key string, d Distribution) {
	if _, err := d.compile(); err != nil {
		field, what, _ := strings.Cut(err.Error(), ": ")
		c.that(false, key+"."+field, "%s", what)
	}
}

// problems names every value that cannot be simulated.
func (s *Scenario) problems() []problem {
	var c checks
	c.that(s.Duration > 0 && s.Duration <= maxSpan, "duration_s", "%v is not in (0, %v]", s.Duration, maxSpan)
	c.that(s.Warmup >= 0 && s.Warmup < s.Duration, "warmup_s", "%v is not in [0, duration_s)", s.Warmup)
	c.that(s.Limit.MaxAbandon > 0 && s.Limit.MaxAbandon <= maxLimit, "limit.max_abandon", "%v is not in (0, %v]", s.Limit.MaxAbandon, maxLimit)
	c.span("limit.connect_s", s.Limit.Connect)
	c.that(s.Limit.Clock == "detect" || s.Limit.Clock == "answer", "limit.clock", "%q is neither detect nor answer", s.Limit.Clock)
	c.that(s.Interp == "step" || s.Interp == "linear", "interp", "%q is neither step nor linear", s.Interp)
	c.that(s.Trunks.Channels >= 0, "trunks.channels", "%v is negative", s.Trunks.Channels)
	c.within("trunks.cps", s.Trunks.CPS, 0, 1e6)
	c.within("amd.human_as_machine", s.AMD.HumanAsMachine, 0, 0.9)
	c.within("amd.machine_as_human", s.AMD.MachineAsHuman, 0, 1)
	c.agents(s.Agents)
	c.calls(s)
	c.segments(s.Segments)
	c.mix(s.Mix, len(s.Segments))
	c.scale("talk_scale", s.TalkScale)
	c.scale("wrap_scale", s.WrapScale)
	c.incidents(s.Events)
	c.scores(s.Scores, s.Segments)
	c.expect(s.Expect)
	return c
}

func (c *checks) agents(a Agents) {
	c.that(len(a.Schedule) > 0, "agents.schedule", "there is no step")
	c.ascending("agents.schedule", len(a.Schedule), func(i int) Seconds { return a.Schedule[i].At })
	for i, step := range a.Schedule {
		c.within(fmt.Sprintf("agents.schedule[%d].n", i), float64(step.N), 0, maxOperators)
	}
	c.span("agents.login_ramp_s", a.LoginRamp)
	c.within("agents.pause_prob", a.PauseProb, 0, 1)
	c.that(a.SpeedSpread >= 0 && a.SpeedSpread < 1, "agents.speed_spread", "%v is not in [0, 1)", a.SpeedSpread)
	c.law("agents.pause", a.Pause)
}

func (c *checks) calls(s *Scenario) {
	c.that(s.Call.RingTimeout > 0 && s.Call.RingTimeout <= 600, "call.ring_timeout_s", "%v is not in (0, 600]", s.Call.RingTimeout)
	c.law("call.setup", s.Call.Setup)
	c.law("call.ring_human", s.Call.RingHuman)
	c.law("call.ring_machine", s.Call.RingMachine)
	c.law("call.busy_detect", s.Call.BusyDetect)
	c.law("call.fail_detect", s.Call.FailDetect)
	c.law("talk", s.Talk)
	c.law("wrap", s.Wrap)
	c.law("machine_talk", s.MachineTalk)
	c.law("machine_wrap", s.MachineWrap)
	c.law("amd.delay_human", s.AMD.DelayHuman)
	c.law("amd.delay_machine", s.AMD.DelayMachine)
}

func (c *checks) segments(segments []Segment) {
	c.that(len(segments) > 0, "segments", "there is none")
	seen := map[string]bool{}
	for i, g := range segments {
		key := fmt.Sprintf("segments[%d]", i)
		c.that(g.Name != "", key+".name", "is missing")
		c.that(!seen[g.Name], key+".name", "%q is there twice", g.Name)
		seen[g.Name] = true
		c.law(key+".talk", g.Talk)
		c.law(key+".wrap", g.Wrap)
		c.that(len(g.Outcomes) > 0, key+".outcomes", "there is no step")
		c.ascending(key+".outcomes", len(g.Outcomes), func(i int) Seconds { return g.Outcomes[i].At })
		for j, o := range g.Outcomes {
			c.outcomes(fmt.Sprintf("%s.outcomes[%d]", key, j), o)
		}
	}
}

func (c *checks) outcomes(key string, o Outcomes) {
	c.within(key+".human", o.Human, 0, 1)
	c.within(key+".machine", o.Machine, 0, 1)
	c.within(key+".busy", o.Busy, 0, 1)
	c.within(key+".invalid", o.Invalid, 0, 1)
	c.within(key+".carrier_fail", o.Failed, 0, 1)
	sum := o.Human + o.Machine + o.Busy + o.Invalid + o.Failed
	c.that(sum <= 1+1e-9, key, "the chances add up to %.3f, more than 1", sum)
}

// maxPool bounds the records that may be dialled next.
const maxPool = 1000

// scores checks that a Beta law of the standard deviation exists around every
// answer share.
func (c *checks) scores(scores *Scores, segments []Segment) {
	if scores == nil {
		return
	}
	c.within("scores.sd", scores.SD, 0, 0.5)
	c.within("scores.noise", scores.Noise, 0, 1)
	c.within("scores.pool", float64(scores.Pool), 1, maxPool)
	c.within("scores.overtaken", float64(scores.Overtaken), 1, 1e9)
	for i, g := range segments {
		for j, o := range g.Outcomes {
			most := math.Sqrt(o.Human * (1 - o.Human))
			c.that(o.Human <= 0 || o.Human >= 1 || scores.SD < most, "scores.sd", "%v is not below %.3f, the most around segments[%d].outcomes[%d].human %v", scores.SD, most, i, j, o.Human)
		}
	}
}

func (c *checks) mix(mix []MixStep, segments int) {
	c.ascending("mix", len(mix), func(i int) Seconds { return mix[i].At })
	for i, step := range mix {
		key := fmt.Sprintf("mix[%d].w", i)
		c.that(len(step.Weights) == segments, key, "%d weights for %d segments", len(step.Weights), segments)
		sum := 0.0
		for j, w := range step.Weights {
			c.within(fmt.Sprintf("%s[%d]", key, j), w, 0, 1e6)
			sum += w
		}
		c.that(!(sum <= 0) || segments == 0, key, "no segment has a weight")
	}
}

func (c *checks) scale(key string, steps []Scale) {
	c.ascending(key, len(steps), func(i int) Seconds { return steps[i].At })
	for i, step := range steps {
		c.within(fmt.Sprintf("%s[%d].x", key, i), step.X, 0, 1000)
	}
}

func (c *checks) incidents(incidents []Incident) {
	for i, e := range incidents {
		key := fmt.Sprintf("events[%d]", i)
		c.span(key+".t", e.At)
		c.span(key+".dur", e.Lasts)
		switch e.Type {
		case Mark:
		case AgentsBreak:
			c.within(key+".fraction", e.Fraction, math.SmallestNonzeroFloat64, 1)
		case CarrierOutage:
			c.within(key+".fail_prob", e.FailProb, math.SmallestNonzeroFloat64, 1)
		default:
			c.that(false, key+".type", "%q is none of mark, agents_break, carrier_outage", e.Type)
		}
	}
}
