package simulator

import "time"

// Seconds is a time span, or a time since the start, as scenarios write it.
type Seconds float64

// Duration is s in whole nanoseconds.
func (s Seconds) Duration() time.Duration { return time.Duration(float64(s) * float64(time.Second)) }

// Scenario is a call centre and its day. Zero values take the defaults named
// here; times are seconds from the start.
type Scenario struct {
	Name        string       `yaml:"name"`
	Description string       `yaml:"description,omitempty"`
	Seed        uint64       `yaml:"seed,omitempty"`
	Duration    Seconds      `yaml:"duration_s"`         // required; also the end of the legal window
	Warmup      Seconds      `yaml:"warmup_s,omitempty"` // left out of the figures
	Limit       Limit        `yaml:"limit,omitempty"`
	Agents      Agents       `yaml:"agents,omitempty"`
	Call        CallLaws     `yaml:"call,omitempty"`
	Segments    []Segment    `yaml:"segments,omitempty"` // at least one
	Mix         []MixStep    `yaml:"mix,omitempty"`      // default: equal shares
	Interp      string       `yaml:"interp,omitempty"`   // of outcomes between their times: step (default), linear
	Talk        Distribution `yaml:"talk,omitempty"`     // lognormal 120 s, cv 0.9
	Wrap        Distribution `yaml:"wrap,omitempty"`     // lognormal 30 s, cv 0.8
	MachineTalk Distribution `yaml:"machine_talk,omitempty"`
	MachineWrap Distribution `yaml:"machine_wrap,omitempty"`
	TalkScale   []Scale      `yaml:"talk_scale,omitempty"`
	WrapScale   []Scale      `yaml:"wrap_scale,omitempty"`
	AMD         AMD          `yaml:"amd,omitempty"`
	Trunks      Trunks       `yaml:"trunks,omitempty"`
	Events      []Incident   `yaml:"events,omitempty"`
	Scores      *Scores      `yaml:"scores,omitempty"` // nil: every record of a segment answers alike
	Expect      *Expect      `yaml:"expect,omitempty"` // what the policies are held to, nil: nothing
}

// Counted is how much of the day the figures are of.
func (s *Scenario) Counted() Seconds { return s.Duration - s.Warmup }

// Limit is the law on abandoned calls.
type Limit struct {
	MaxAbandon float64 `yaml:"max_abandon,omitempty"`  // share of live answers, (0, 0.05]; 0.03
	Connect    Seconds `yaml:"connect_s,omitempty"`    // 2
	Clock      string  `yaml:"clock,omitempty"`        // detect: from the verdict; answer: from the pick-up
	CountAMD   bool    `yaml:"count_amd_fn,omitempty"` // people lost to the detector count as abandoned
}

// Agents are the operators: how many, and their breaks.
type Agents struct {
	Schedule    []Staff      `yaml:"schedule,omitempty"`     // at least one step
	LoginRamp   Seconds      `yaml:"login_ramp_s,omitempty"` // sign-ins of one step are spread over this
	PauseProb   float64      `yaml:"pause_prob,omitempty"`   // chance of a pause after each call
	Pause       Distribution `yaml:"pause,omitempty"`        // lognormal 180 s, cv 1
	SpeedSpread float64      `yaml:"speed_spread,omitempty"` // an operator's talk and wrap take 1 ± this times as long
}

// Staff is the number of operators from a time on.
type Staff struct {
	At Seconds `yaml:"t"`
	N  int     `yaml:"n"`
}

// CallLaws are the times of a call before anybody talks.
type CallLaws struct {
	Setup       Distribution `yaml:"setup,omitempty"`        // dial to ringing; lognormal 1.5 s, cv 0.4
	RingHuman   Distribution `yaml:"ring_human,omitempty"`   // lognormal 12 s, cv 0.5, below the time-out
	RingMachine Distribution `yaml:"ring_machine,omitempty"` // lognormal 18 s, cv 0.25, below the time-out
	BusyDetect  Distribution `yaml:"busy_detect,omitempty"`  // lognormal 2 s, cv 0.5
	FailDetect  Distribution `yaml:"fail_detect,omitempty"`  // lognormal 1 s, cv 0.8
	RingTimeout Seconds      `yaml:"ring_timeout_s,omitempty"`
}

// Segment is a kind of record.
type Segment struct {
	Name     string       `yaml:"name"`
	Outcomes []Outcomes   `yaml:"outcomes,omitempty"` // at least one
	Talk     Distribution `yaml:"talk,omitempty"`     // default: the scenario's
	Wrap     Distribution `yaml:"wrap,omitempty"`
}

// Outcomes are the chances of a dial from a time on. The rest is no answer.
type Outcomes struct {
	At      Seconds `yaml:"t"`
	Human   float64 `yaml:"human"`
	Machine float64 `yaml:"machine,omitempty"`
	Busy    float64 `yaml:"busy,omitempty"`
	Invalid float64 `yaml:"invalid,omitempty"`
	Failed  float64 `yaml:"carrier_fail,omitempty"`
}

// MixStep is the weight of each segment in the list from a time on.
type MixStep struct {
	At      Seconds   `yaml:"t"`
	Weights []float64 `yaml:"w"`
}

// Scores make each record answer by a chance of its own, and give it a score that
// policies with a choice see. The other outcomes keep their shares of the rest.
type Scores struct {
	SD        float64 `yaml:"sd"`                  // of the chances around the segment's, Beta-distributed
	Noise     float64 `yaml:"noise,omitempty"`     // standard deviation of a score around the chance, Gaussian
	Pool      int     `yaml:"pool,omitempty"`      // records that may be dialled next; 24
	Useless   bool    `yaml:"useless,omitempty"`   // the scores look alike, and know nothing
	Overtaken int     `yaml:"overtaken,omitempty"` // by so many dials at most; 4 times the pool
}

const defaultPool = 24

func (c *Scores) setDefaults() {
	if c.Pool == 0 {
		c.Pool = defaultPool
	}
	if c.Overtaken == 0 {
		c.Overtaken = 4 * c.Pool
	}
}

// Scale multiplies a time from a time on; 1 before the first.
type Scale struct {
	At Seconds `yaml:"t"`
	X  float64 `yaml:"x"`
}

// AMD is the answer detector.
type AMD struct {
	Enabled        bool         `yaml:"enabled,omitempty"`
	DelayHuman     Distribution `yaml:"delay_human,omitempty"`   // pick-up to verdict; lognormal 1.2 s, cv 0.4
	DelayMachine   Distribution `yaml:"delay_machine,omitempty"` // lognormal 2.5 s, cv 0.4
	HumanAsMachine float64      `yaml:"human_as_machine,omitempty"`
	MachineAsHuman float64      `yaml:"machine_as_human,omitempty"` // also without a detector: machines given to operators
}

// Trunks limit the calls; 0 means no limit.
type Trunks struct {
	Channels int     `yaml:"channels,omitempty"`
	CPS      float64 `yaml:"cps,omitempty"`
}

// The kinds of Incident.
const (
	Mark          = "mark"           // nothing happens
	AgentsBreak   = "agents_break"   // a share of the operators leaves after the call
	CarrierOutage = "carrier_outage" // a share of the dials fails
)

// Incident is something that happens in a day.
type Incident struct {
	At       Seconds `yaml:"t"`
	Type     string  `yaml:"type,omitempty"`
	Lasts    Seconds `yaml:"dur,omitempty"`
	Fraction float64 `yaml:"fraction,omitempty"`  // agents_break: of the operators signed in
	FailProb float64 `yaml:"fail_prob,omitempty"` // carrier_outage
	Silent   bool    `yaml:"silent,omitempty"`    // carrier_outage: dials ring out instead of failing at once
	Note     string  `yaml:"note,omitempty"`
}

const defaultRingTimeout = 25

// setDefaults fills what a scenario leaves out.
func (s *Scenario) setDefaults() {
	number := func(x *float64, value float64) {
		if *x == 0 {
			*x = value
		}
	}
	text := func(x *string, value string) {
		if *x == "" {
			*x = value
		}
	}
	law := func(d *Distribution, mean, cv float64) {
		if d.unset() {
			*d = Distribution{Type: "lognormal", Mean: mean, CV: cv}
		}
	}
	number(&s.Limit.MaxAbandon, 0.03)
	number((*float64)(&s.Limit.Connect), 2)
	text(&s.Limit.Clock, "detect")
	text(&s.Interp, "step")
	number((*float64)(&s.Call.RingTimeout), defaultRingTimeout)
	law(&s.Call.Setup, 1.5, 0.4)
	law(&s.Call.RingHuman, 12, 0.5)
	law(&s.Call.RingMachine, 18, 0.25)
	law(&s.Call.BusyDetect, 2, 0.5)
	law(&s.Call.FailDetect, 1, 0.8)
	law(&s.Talk, 120, 0.9)
	law(&s.Wrap, 30, 0.8)
	law(&s.Agents.Pause, 180, 1)
	law(&s.MachineTalk, 8, 0.5)
	law(&s.MachineWrap, 4, 0.5)
	law(&s.AMD.DelayHuman, 1.2, 0.4)
	law(&s.AMD.DelayMachine, 2.5, 0.4)
	for _, ring := range []*Distribution{&s.Call.RingHuman, &s.Call.RingMachine} {
		number(&ring.Hi, float64(s.Call.RingTimeout))
	}
	for i := range s.Segments {
		if g := &s.Segments[i]; g.Talk.unset() {
			g.Talk = s.Talk
		}
		if g := &s.Segments[i]; g.Wrap.unset() {
			g.Wrap = s.Wrap
		}
	}
	if s.Scores != nil {
		s.Scores.setDefaults()
	}
	if s.Expect != nil {
		s.Expect.setDefaults()
	}
	if len(s.Mix) == 0 {
		equal := make([]float64, len(s.Segments))
		for i := range equal {
			equal[i] = 1
		}
		s.Mix = []MixStep{{Weights: equal}}
	}
}
