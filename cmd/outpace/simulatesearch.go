package main

import (
	"context"
	"math"

	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// days simulates several days of one scenario under a policy.
type days func(simulator.Policy) ([]simulator.Run, error)

// simulatePolicy simulates days under p; what p leaves open is searched for.
func simulatePolicy(ctx context.Context, s *simulator.Scenario, p simulator.Policy, first uint64, runs int, done func(int)) (simulator.Report, error) {
	simulate := func(p simulator.Policy) ([]simulator.Run, error) {
		return simulateRuns(ctx, s, p, first, runs, done)
	}
	switch {
	case p.Baseline == simulator.Oracle && p.Searched():
		return searchThreshold(s, p, simulate)
	case p.Baseline == simulator.ViciTuned:
		return searchVici(s, simulate)
	}
	results, err := simulate(p)
	if err != nil {
		return simulator.Report{}, err
	}
	return simulator.NewReport(s, p, results), nil
}

// stepsOf is how many parts simulatePolicy takes at most, for the progress bar.
func stepsOf(p simulator.Policy, runs int) int {
	tries := 1
	switch {
	case p.Baseline == simulator.Oracle && p.Searched():
		tries = thresholdTries
	case p.Baseline == simulator.ViciTuned:
		tries = len(viciModes) * len(viciCaps)
	}
	return tries * runs * simulateSteps
}

// The search for the threshold of the oracle.
const (
	thresholdTries = 7
	thresholdLeast = 1e-4
	thresholdMost  = 0.5
	thresholdNear  = 0.01 // share of the limit by which the abandonment may miss it
)

// searchThreshold finds the threshold at which the mean abandonment is the limit,
// by secants on logarithmic scales, and returns the days that came nearest.
func searchThreshold(s *simulator.Scenario, p simulator.Policy, simulate days) (simulator.Report, error) {
	limit := s.Limit.MaxAbandon
	var best simulator.Report
	var before, after point
	p.Threshold = limit
	for try := range thresholdTries {
		runs, err := simulate(p)
		if err != nil {
			return best, err
		}
		r := simulator.NewReport(s, p, runs)
		if try == 0 || math.Abs(r.Mean.Abandonment-limit) < math.Abs(best.Mean.Abandonment-limit) {
			best = r
		}
		if math.Abs(r.Mean.Abandonment/limit-1) < thresholdNear {
			break
		}
		before, after = after, point{math.Log(p.Threshold), math.Log(max(r.Mean.Abandonment, limit/100) / limit)}
		step := -after.y
		if slope := (after.y - before.y) / (after.x - before.x); try > 0 && slope > 0.2 && slope < 5 {
			step = -after.y / slope
		}
		p.Threshold = min(max(math.Exp(after.x+max(-1.5, min(1.5, step))), thresholdLeast), thresholdMost)
	}
	return best, nil
}

type point struct{ x, y float64 }

// What searchVici tries.
var (
	viciModes = []simulator.Baseline{simulator.ViciAverage, simulator.ViciHard, simulator.ViciTapered}
	viciCaps  = []float64{1.1, 1.2, 1.4, 1.6, 1.8, 2, 2.5, 3}
)

// searchVici returns the best days in hindsight: of all modes and caps whose mean
// abandonment is within the limit, those of the greatest utilisation. Where none
// is within it, those that abandon least.
func searchVici(s *simulator.Scenario, simulate days) (simulator.Report, error) {
	var best simulator.Report
	for _, mode := range viciModes {
		for _, greatest := range viciCaps {
			p := simulator.Policy{Baseline: mode, Cap: greatest}
			runs, err := simulate(p)
			if err != nil {
				return best, err
			}
			if r := simulator.NewReport(s, p, runs); best.Policy == "" || better(r, best) {
				best = r
			}
		}
	}
	best.Policy = string(simulator.ViciTuned) + " = " + best.Policy
	return best, nil
}

func better(a, b simulator.Report) bool {
	lawful, was := a.Mean.Abandonment <= a.Limit, b.Mean.Abandonment <= b.Limit
	switch {
	case lawful != was:
		return lawful
	case lawful:
		return a.Mean.Utilisation > b.Mean.Utilisation
	}
	return a.Mean.Abandonment < b.Mean.Abandonment
}
