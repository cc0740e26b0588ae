package simulator

import (
	"fmt"
	"slices"
	"strings"
)

// Expect is what a scenario holds its policies to. Zero values expect nothing.
type Expect struct {
	Policies []string `yaml:"policies,omitempty"` // default: predictive, predictive+cancel
	Runs     int      `yaml:"runs,omitempty"`     // days to simulate; default 3
	// NeverOver: no run ends over the limit.
	NeverOver bool `yaml:"never_over,omitempty"`
	// Utilisation is the least mean over the runs, in (0, 1].
	Utilisation float64 `yaml:"utilisation,omitempty"`
	// Peak is the most that may be abandoned in ten minutes after an incident, as a
	// share of the live answers; UtilisationAfter the least utilisation in the 15
	// minutes after it. Both are means over the runs, see Aftermath.
	Peak             float64 `yaml:"peak_10min,omitempty"`
	UtilisationAfter float64 `yaml:"utilisation_after_15min,omitempty"`
	// Gain is how much more utilisation every other policy must have than one.
	Gain *Gain `yaml:"gain,omitempty"`
}

// Gain compares the mean utilisation of policies on the same days.
type Gain struct {
	Over  string  `yaml:"over"`  // one of Expect.Policies
	Least float64 `yaml:"least"` // in shares, [-1, 1]; negative: so much may be lost
}

const expectedRuns = 3

// setDefaults fills what an expectation leaves out.
func (e *Expect) setDefaults() {
	if len(e.Policies) == 0 {
		e.Policies = []string{"predictive", "predictive+cancel"}
	}
	if e.Runs == 0 {
		e.Runs = expectedRuns
	}
}

func (c *checks) expect(e *Expect) {
	if e == nil {
		return
	}
	for i, text := range e.Policies {
		_, err := ParsePolicy(text)
		c.that(err == nil, fmt.Sprintf("expect.policies[%d]", i), "%v", err)
	}
	c.within("expect.runs", float64(e.Runs), 1, 100_000)
	c.within("expect.utilisation", e.Utilisation, 0, 1)
	c.within("expect.peak_10min", e.Peak, 0, 1)
	c.within("expect.utilisation_after_15min", e.UtilisationAfter, 0, 1)
	if e.Gain != nil {
		c.within("expect.gain.least", e.Gain.Least, -1, 1)
		c.that(slices.Contains(e.Policies, e.Gain.Over), "expect.gain.over", "%q is none of %s", e.Gain.Over, strings.Join(e.Policies, ", "))
	}
	c.that(e.NeverOver || e.Utilisation > 0 || e.Peak > 0 || e.UtilisationAfter > 0 || e.Gain != nil, "expect", "nothing is expected")
}

// Check is one expectation and what was measured.
type Check struct {
	Scenario string `json:"scenario"`
	Policy   string `json:"policy"`
	Expected string `json:"expected"`
	Measured string `json:"measured"`
	Pass     bool   `json:"pass"`
}

// Check holds reports to what s expects; there is one for each of its policies, in
// their order.
func (s *Scenario) Check(reports []Report) []Check {
	var all []Check
	for i, r := range reports {
		all = append(all, s.check(r)...)
		if g := s.Expect.Gain; g != nil && s.Expect.Policies[i] != g.Over {
			all = append(all, s.checkGain(r, reports))
		}
	}
	return all
}

func (s *Scenario) check(r Report) []Check {
	var all []Check
	e, m := s.Expect, r.Mean
	add := func(pass bool, expected, measured string) {
		all = append(all, Check{s.Name, r.Policy, expected, measured, pass})
	}
	if e.NeverOver {
		add(m.RunsOver == 0, fmt.Sprintf("no run over %s abandoned", percent(r.Limit)),
			fmt.Sprintf("%d of %d over, worst %s", m.RunsOver, len(r.Runs), percent(m.WorstAbandonment)))
	}
	if e.Utilisation > 0 {
		add(m.Utilisation >= e.Utilisation, "utilisation >= "+percent(e.Utilisation), percent(m.Utilisation)+" ± "+percent(m.UtilisationError))
	}
	for i, after := range m.Events {
		if e.Peak > 0 {
			add(after.Peak <= e.Peak, fmt.Sprintf("%s: peak 10 min <= %s", after.Note, percent(e.Peak)),
				fmt.Sprintf("%s, worst run %s", percent(after.Peak), percent(worstPeak(r.Runs, i))))
		}
		if e.UtilisationAfter > 0 {
			add(after.Utilisation >= e.UtilisationAfter, fmt.Sprintf("%s: utilisation, next 15 min >= %s", after.Note, percent(e.UtilisationAfter)),
				percent(after.Utilisation))
		}
	}
	return all
}

// checkGain compares r with the policy that it should be better than.
func (s *Scenario) checkGain(r Report, reports []Report) Check {
	g := s.Expect.Gain
	other := reports[slices.Index(s.Expect.Policies, g.Over)]
	gain := r.Mean.Utilisation - other.Mean.Utilisation
	return Check{
		Scenario: s.Name, Policy: r.Policy, Pass: gain >= g.Least,
		Expected: fmt.Sprintf("utilisation of %s %+.2f%% or more", g.Over, 100*g.Least),
		Measured: fmt.Sprintf("%+.2f%%: %s, not %s", 100*gain, percent(r.Mean.Utilisation), percent(other.Mean.Utilisation)),
	}
}

func worstPeak(runs []Run, event int) float64 {
	worst := 0.0
	for _, r := range runs {
		worst = max(worst, r.Events[event].Peak)
	}
	return worst
}

func percent(x float64) string { return fmt.Sprintf("%.2f%%", 100*x) }
