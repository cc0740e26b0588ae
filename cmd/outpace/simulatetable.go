package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"text/tabwriter"

	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// simulateTable simulates every scenario of a folder under the policies that it
// names, and fails where one misses what the scenario expects. runs and seed are
// the scenario's own where they are nil.
func simulateTable(ctx context.Context, folder string, runs *int, seed *uint64, asJSON bool, out io.Writer) error {
	scenarios, err := readScenarios(folder)
	if err != nil {
		return usageError{err}
	}
	for _, s := range scenarios {
		if runs != nil {
			s.Expect.Runs = *runs
		}
		if seed != nil {
			s.Seed = *seed
		}
	}
	bar := newSimulateBar(stepsOfAll(scenarios))
	var checks []simulator.Check
	for _, s := range scenarios {
		found, err := checkScenario(ctx, s, bar.add)
		if err != nil {
			return err
		}
		checks = append(checks, found...)
	}
	bar.done()
	if asJSON {
		err = printJSON(out, checks)
	} else {
		err = printChecks(out, checks)
	}
	if failed := countFailed(checks); failed > 0 {
		return errors.Join(err, fmt.Errorf("%d of %d expectations of %s are not met", failed, len(checks), folder))
	}
	return err
}

func stepsOfAll(scenarios []*simulator.Scenario) int {
	steps := 0
	for _, s := range scenarios {
		for _, text := range s.Expect.Policies {
			if p, err := simulator.ParsePolicy(text); err == nil { // Parse saw to it
				steps += stepsOf(p, s.Expect.Runs)
			}
		}
	}
	return steps
}

// readScenarios reads the scenarios of a folder, in the order of their names.
// Each expects something.
func readScenarios(folder string) ([]*simulator.Scenario, error) {
	var names []string
	for _, pattern := range []string{"*.yaml", "*.yml", "*.json"} {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		if err != nil {
			return nil, err
		}
		names = append(names, found...)
	}
	slices.Sort(names)
	if len(names) == 0 {
		return nil, fmt.Errorf("--table %s: there is no .yaml or .json file", folder)
	}
	var scenarios []*simulator.Scenario
	var problems []error
	for _, name := range names {
		s, err := readScenario(name)
		if err == nil && s.Expect == nil {
			err = fmt.Errorf("%s:1: expect: is missing", name)
		}
		problems = append(problems, err)
		scenarios = append(scenarios, s)
	}
	return scenarios, errors.Join(problems...)
}

func readScenario(name string) (*simulator.Scenario, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return simulator.Parse(name, text)
}

func checkScenario(ctx context.Context, s *simulator.Scenario, done func(int)) ([]simulator.Check, error) {
	var reports []simulator.Report
	for _, text := range s.Expect.Policies {
		p, err := simulator.ParsePolicy(text)
		if err != nil {
			return nil, err
		}
		r, err := simulatePolicy(ctx, s, p, s.Seed, s.Expect.Runs, done)
		if err != nil {
			return nil, fmt.Errorf("%s, %s: %w", s.Name, p, err)
		}
		reports = append(reports, r)
	}
	return s.Check(reports), nil
}

func countFailed(checks []simulator.Check) int {
	n := 0
	for _, c := range checks {
		if !c.Pass {
			n++
		}
	}
	return n
}

func printChecks(out io.Writer, checks []simulator.Check) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "scenario\tpolicy\texpected\tmeasured\t")
	for _, c := range checks {
		verdict := "FAIL"
		if c.Pass {
			verdict = "pass"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", c.Scenario, c.Policy, c.Expected, c.Measured, verdict)
	}
	return w.Flush()
}
