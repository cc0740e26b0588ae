package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// comparedByDefault are the policies of --compare without a list.
const comparedByDefault = "progressive,ratio:2,product-ratio:2,vici:average,vici:hard,vici:tapered,vici:tuned,erlang,predictive,predictive+cancel,oracle"

// parsePolicies reads a list of policies, separated by commas.
func parsePolicies(list string) ([]simulator.Policy, error) {
	var policies []simulator.Policy
	for text := range strings.SplitSeq(cmp.Or(list, comparedByDefault), ",") {
		p, err := simulator.ParsePolicy(strings.TrimSpace(text))
		if err != nil {
			return nil, err
		}
		policies = append(policies, p)
	}
	return policies, nil
}

// comparePolicies simulates the same days under each policy.
func comparePolicies(ctx context.Context, s *simulator.Scenario, policies []simulator.Policy, first uint64, runs int) ([]simulator.Report, error) {
	steps := 0
	for _, p := range policies {
		steps += stepsOf(p, runs)
	}
	bar := newSimulateBar(steps)
	defer bar.done()
	var reports []simulator.Report
	for _, p := range policies {
		r, err := simulatePolicy(ctx, s, p, first, runs, bar.add)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// printComparison prints one line for each policy.
func printComparison(out io.Writer, reports []simulator.Report) error {
	r := reports[0]
	fmt.Fprintf(out, "%s, %d runs, at most %.1f%% abandoned\n\n", r.Scenario, len(r.Runs), 100*r.Limit)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "policy\tutilisation\t±\tabandoned\tworst run\truns over\tpeak 10 min\twait\tdials/connect\t")
	for _, r := range reports {
		m := r.Mean
		fmt.Fprintf(w, "%s\t%.2f%%\t%.2f%%\t%.2f%%\t%.2f%%\t%d\t%.1f%%\t%.1f s\t%.2f\t\n", r.Policy, 100*m.Utilisation, 100*m.UtilisationError,
			100*m.Abandonment, 100*m.WorstAbandonment, m.RunsOver, 100*m.Peak, m.WaitMean, m.DialsPerConnect)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return printAftermath(out, reports)
}

// printAftermath prints how each policy took each incident of the scenario.
func printAftermath(out io.Writer, reports []simulator.Report) error {
	if len(reports[0].Mean.Events) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "event\tat\tpolicy\tpeak 10 min, next 45\tabandons above the limit, next 30\tutilisation, next 15\t")
	for i := range reports[0].Mean.Events {
		for _, r := range reports {
			e := r.Mean.Events[i]
			fmt.Fprintf(w, "%s\t%v\t%s\t%.1f%%\t%+.0f\t%.1f%%\t\n", e.Note, e.At.Duration(), r.Policy, 100*e.Peak, e.Excess, 100*e.Utilisation)
		}
	}
	return w.Flush()
}
