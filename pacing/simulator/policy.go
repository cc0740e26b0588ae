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

// Policy is how the day is paced.
type Policy struct {
	Mode   pacing.Mode // predictive, progressive or ratio
	Ratio  float64     // of mode ratio, >= 1
	Cancel bool        // mode predictive may give up ringing calls
}

// ParsePolicy reads predictive, progressive or ratio:X.
func ParsePolicy(text string) (Policy, error) {
	mode, number, hasNumber := strings.Cut(text, ":")
	switch p := (Policy{Mode: pacing.Mode(mode)}); {
	case p.Mode == pacing.Ratio && hasNumber:
		x, err := strconv.ParseFloat(number, 64)
		if err != nil || !(x >= 1 && x <= 10) {
			return p, fmt.Errorf("policy %s: the ratio is not a number in [1, 10]", text)
		}
		p.Ratio = x
		return p, nil
	case (p.Mode == pacing.Predictive || p.Mode == pacing.Progressive) && !hasNumber:
		return p, nil
	}
	return Policy{}, fmt.Errorf("policy %q is none of predictive, progressive, ratio:X", text)
}

// String is the policy as ParsePolicy reads it; " with cancel" is added.
func (p Policy) String() string {
	name := string(p.Mode)
	if p.Mode == pacing.Ratio {
		name += ":" + strconv.FormatFloat(p.Ratio, 'g', -1, 64)
	}
	if p.Cancel {
		name += " with cancel"
	}
	return name
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
