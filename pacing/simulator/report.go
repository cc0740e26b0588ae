package simulator

import "math"

// Run is what one day under one policy gave, the warm-up left out.
type Run struct {
	Seed            uint64  `json:"seed"`
	Utilisation     float64 `json:"utilisation"` // (talk + wrap) / (idle + talk + wrap); pauses are left out
	Abandonment     float64 `json:"abandonment"` // of live answers; with the detector's expected loss where it counts
	Over            bool    `json:"over_limit"`
	WaitMean        float64 `json:"wait_mean_s"` // of an operator, ready, for the next call
	WaitP95         float64 `json:"wait_p95_s"`
	DialsPerConnect float64 `json:"dials_per_connect"`
	MachineShare    float64 `json:"machine_share"` // of the operators' time, spent on machines
	Peak            float64 `json:"peak_abandonment_10m"`
	Dials           int     `json:"dials"`
	PickedUp        int     `json:"picked_up"` // by people and machines
	Live            int     `json:"live"`
	Connected       int     `json:"connected"`
	Abandoned       int     `json:"abandoned"`
	Deserted        int     `json:"deserted"` // of Abandoned: an operator was ready for each call, and left while it rang
	Lost            int     `json:"lost_to_detector"`
	Cancelled       int     `json:"cancelled"`
	RefusedCancels  int     `json:"refused_cancels"` // too early, or already answered

	Events []Aftermath `json:"events,omitempty"` // one for each incident of the scenario
}

// Result is what the day gave. Ask when Advance has returned false.
func (s *Simulation) Result() Run {
	s.bookRest()
	r := s.tally.run(s.scenario)
	r.Seed = s.seed
	return r
}

// run is what the counted day gave.
func (t *tally) run(s *Scenario) Run {
	var m minute
	for _, x := range t.measured() {
		m.add(x)
	}
	r := Run{
		Peak: t.peak(), Dials: m.dials, PickedUp: m.pickedUp, Live: m.live, Connected: m.connected, Abandoned: m.abandoned, Deserted: m.deserted, Lost: m.lost,
		Cancelled: m.cancelled, RefusedCancels: m.refused,
	}
	busy := m.talking + m.wrapping
	r.Utilisation = ratio(busy, busy+m.idle)
	r.MachineShare = ratio(m.machine, busy+m.idle)
	r.Abandonment = ratio(float64(m.abandoned), float64(m.live)) + s.detectorLoss()
	r.Over = r.Abandonment > s.Limit.MaxAbandon
	r.DialsPerConnect = ratio(float64(m.dials), float64(m.connected))
	r.WaitMean, r.WaitP95 = t.wait()
	r.Events = t.aftermath(s)
	return r
}

// ratio is a/b, 0 where b is 0.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// Report is several days of one scenario under one policy.
type Report struct {
	Scenario string  `json:"scenario"`
	Policy   string  `json:"policy"`
	Limit    float64 `json:"limit"`
	Mean     Mean    `json:"mean"`
	Runs     []Run   `json:"runs"`
	Paced    Policy  `json:"-"` // what Policy names, with what was searched for
}

// Mean sums up the runs of a Report.
type Mean struct {
	Utilisation      float64 `json:"utilisation"`
	UtilisationError float64 `json:"utilisation_standard_error"` // of the mean; 0 for one run
	Abandonment      float64 `json:"abandonment"`
	WorstAbandonment float64 `json:"worst_abandonment"` // of a run
	RunsOver         int     `json:"runs_over_limit"`
	WaitMean         float64 `json:"wait_mean_s"`
	WaitP95          float64 `json:"wait_p95_s"` // mean of the runs' percentiles
	DialsPerConnect  float64 `json:"dials_per_connect"`
	Peak             float64 `json:"peak_abandonment_10m"` // mean of the runs' peaks
	Cancelled        float64 `json:"cancelled"`
	RefusedCancels   float64 `json:"refused_cancels"`

	Events []Aftermath `json:"events,omitempty"`
}

// NewReport sums up runs of s under p; there is at least one.
func NewReport(s *Scenario, p Policy, runs []Run) Report {
	r := Report{Scenario: s.Name, Policy: p.String(), Limit: s.Limit.MaxAbandon, Runs: runs, Paced: p}
	n, m, squares := float64(len(runs)), &r.Mean, 0.0
	for _, x := range runs {
		m.Utilisation += x.Utilisation / n
		squares += x.Utilisation * x.Utilisation / n
		m.Abandonment += x.Abandonment / n
		m.WorstAbandonment = max(m.WorstAbandonment, x.Abandonment)
		m.WaitMean += x.WaitMean / n
		m.WaitP95 += x.WaitP95 / n
		m.DialsPerConnect += x.DialsPerConnect / n
		m.Peak += x.Peak / n
		m.Cancelled += float64(x.Cancelled) / n
		m.RefusedCancels += float64(x.RefusedCancels) / n
		if x.Over {
			m.RunsOver++
		}
	}
	m.Events = meanAftermath(runs)
	if n > 1 {
		m.UtilisationError = math.Sqrt(max(0, squares-m.Utilisation*m.Utilisation) / (n - 1))
	}
	return r
}
