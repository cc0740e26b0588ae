package simulator

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// ringMin is how long a call must have rung before it may be given up: 15 s or
// four rings (47 CFR § 64.1200(a)(6), 16 CFR § 310.4(b)(4)(ii)).
const ringMin = 15 * time.Second

// Policy is how the day is paced: by the product's controller or by a baseline
// that it is compared with.
type Policy struct {
	Mode      pacing.Mode // of the product's controller
	Baseline  Baseline    // not the product's; then Mode is not used
	Ratio     float64     // calls per ready operator, >= 1: mode ratio, baseline ratio
	Cancel    bool        // mode predictive may give up ringing calls
	Choice    bool        // mode predictive sees the scores of records, and may choose
	Cap       float64     // vici: the greatest dial level
	Threshold float64     // oracle: accepted chance that an answer finds nobody
}

// Baseline is a policy that is not the product's.
type Baseline string

// The baselines. ViciTuned and Oracle have a parameter that is searched for, see
// Policy.Searched.
const (
	FixedProgressive Baseline = "progressive"
	FixedRatio       Baseline = "ratio"
	ViciAverage      Baseline = "vici:average"
	ViciHard         Baseline = "vici:hard"
	ViciTapered      Baseline = "vici:tapered"
	ViciTuned        Baseline = "vici:tuned"
	Erlang           Baseline = "erlang"
	Oracle           Baseline = "oracle"
)

// Policies names what ParsePolicy reads.
const Policies = "predictive, predictive+cancel, predictive+choice, predictive+cancel+choice, product-progressive, product-ratio:X, progressive, ratio:X, vici:average, vici:hard, vici:tapered, vici:tuned, erlang, oracle"

// productPrefix marks the modes of the product that a baseline has the name of.
const productPrefix = "product-"

// The ratios that are simulated.
const maxRatio = 10

// ParsePolicy reads one of Policies.
func ParsePolicy(text string) (Policy, error) {
	switch text {
	case "predictive", "predictive+cancel", "predictive+choice", "predictive+cancel+choice":
		return Policy{Mode: pacing.Predictive, Cancel: strings.Contains(text, "+cancel"), Choice: strings.Contains(text, "+choice")}, nil
	case "product-progressive":
		return Policy{Mode: pacing.Progressive}, nil
	case "vici:average", "vici:hard", "vici:tapered":
		return Policy{Baseline: Baseline(text), Cap: viciGreatest}, nil
	case "progressive":
		return Policy{Baseline: FixedProgressive, Ratio: 1}, nil
	case "vici:tuned", "erlang", "oracle":
		return Policy{Baseline: Baseline(text)}, nil
	}
	p := Policy{Baseline: FixedRatio}
	number, is := strings.CutPrefix(text, "ratio:")
	if !is {
		p = Policy{Mode: pacing.Ratio}
		number, is = strings.CutPrefix(text, productPrefix+"ratio:")
	}
	if !is {
		return Policy{}, fmt.Errorf("policy %q is none of %s", text, Policies)
	}
	x, err := strconv.ParseFloat(number, 64)
	if err != nil || !(x >= 1 && x <= maxRatio) {
		return Policy{}, fmt.Errorf("policy %s: the ratio is not a number in [1, %d]", text, maxRatio)
	}
	p.Ratio = x
	return p, nil
}

// String is the policy as ParsePolicy reads it; what was searched for is added.
func (p Policy) String() string {
	number := func(x float64) string { return strconv.FormatFloat(x, 'g', 4, 64) }
	switch {
	case p.Baseline == FixedRatio:
		return "ratio:" + number(p.Ratio)
	case p.Baseline == Oracle && p.Threshold > 0:
		return "oracle at " + number(p.Threshold)
	case p.Cap > 0 && p.Cap != viciGreatest:
		return string(p.Baseline) + " cap " + number(p.Cap)
	case p.Baseline != "":
		return string(p.Baseline)
	case p.Mode == pacing.Ratio:
		return productPrefix + "ratio:" + number(p.Ratio)
	case p.Mode == pacing.Predictive:
		text := "predictive"
		if p.Cancel {
			text += "+cancel"
		}
		if p.Choice {
			text += "+choice"
		}
		return text
	}
	return productPrefix + string(p.Mode)
}

// Searched says whether a parameter must be found before the policy can be
// simulated: the threshold of the oracle, mode and cap of a tuned vici.
func (p Policy) Searched() bool {
	return p.Baseline == ViciTuned || p.Baseline == Oracle && p.Threshold == 0
}

// controller makes what paces a day of s.
func (p Policy) controller(s *Scenario, l laws) (pacing.Controller, error) {
	if p.Searched() {
		return nil, fmt.Errorf("policy %s: its parameter must be searched for first", p)
	}
	switch p.Baseline {
	case FixedProgressive, FixedRatio:
		return &fixed{baseline: newBaseline(), ratio: p.Ratio}, nil
	case ViciAverage, ViciHard, ViciTapered:
		return newVici(p.Baseline, p.Cap, s), nil
	case Erlang:
		return newErlang(s), nil
	case Oracle:
		return newOracle(s, l, p.Threshold), nil
	}
	settings := p.settings(s)
	if err := settings.Validate(); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return pacing.New(settings, moment(0)), nil
}

// settings are what the product would be configured with. The loss of the
// detector is known: a product measures it.
func (p Policy) settings(s *Scenario) pacing.Settings {
	return pacing.Settings{
		Mode: p.Mode, Ratio: p.Ratio, Cancel: p.Cancel,
		Limit: s.Limit.MaxAbandon, ConnectWithin: s.Limit.Connect.Duration(), Clock: pacing.Clock(s.Limit.Clock),
		DetectorLoss: s.detectorLoss(),
		RingTimeout:  s.Call.RingTimeout.Duration(), RingMin: ringMin,
		WindowEnd: moment(s.Duration.Duration()),
	}
}

// detectorLoss is the share of people lost to the detector that counts as
// abandoned.
func (s *Scenario) detectorLoss() float64 {
	if s.AMD.Enabled && s.Limit.CountAMD {
		return s.AMD.HumanAsMachine
	}
	return 0
}
