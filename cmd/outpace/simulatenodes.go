package main

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/outpace-dialer/outpace/campaigns/redis"
	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// nodesReport is what the days of a scenario gave on so many nodes.
type nodesReport struct {
	Nodes int `json:"nodes"`
	simulator.Report
	Lost  float64    `json:"utilisation_lost"` // against the first number of nodes
	Redis redis.Load `json:"redis"`            // that the days are for it, on average
}

// compareNodes simulates the same days with the operators split over each number of
// nodes.
func compareNodes(ctx context.Context, f simulateFlags, s *simulator.Scenario, p simulator.Policy, first uint64, out io.Writer) error {
	numbers, err := parseNodes(f.nodes, s, p)
	if err != nil {
		return usageError{err}
	}
	bar := newSimulateBar(len(numbers) * f.runs * simulateSteps)
	var reports []nodesReport
	for _, n := range numbers {
		runs, err := sideBySide(f.runs, func(i int) (simulator.Run, error) {
			day, err := simulator.NewNodes(s, p, first+uint64(i), n)
			if err != nil {
				return simulator.Run{}, err
			}
			return advance(ctx, day, s.Duration.Duration(), bar.add)
		})
		if err != nil {
			return fmt.Errorf("%d nodes: %w", n, err)
		}
		r := nodesReport{Nodes: n, Report: simulator.NewReport(s, p, runs), Redis: loadOf(s, n, runs)}
		if len(reports) > 0 {
			r.Lost = reports[0].Mean.Utilisation - r.Mean.Utilisation
		}
		reports = append(reports, r)
	}
	bar.done()
	if f.json {
		return printJSON(out, reports)
	}
	return printNodes(out, reports)
}

// parseNodes reads numbers of nodes, separated by commas, that the scenario can be
// split over.
func parseNodes(list string, s *simulator.Scenario, p simulator.Policy) ([]int, error) {
	var numbers []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return nil, fmt.Errorf("--nodes %s: %q is not a number", list, text)
		}
		if _, err := simulator.NewNodes(s, p, 0, n); err != nil {
			return nil, fmt.Errorf("--nodes %s: %w", list, err)
		}
		numbers = append(numbers, n)
	}
	return numbers, nil
}

// loadOf is what the counted part of the days asks of Redis.
func loadOf(s *simulator.Scenario, nodes int, runs []simulator.Run) redis.Load {
	seconds := float64(len(runs)) * float64(s.Counted())
	w := redis.Work{Nodes: float64(nodes)}
	for _, r := range runs {
		w.Attempts += float64(r.Dials) / seconds
		w.PickedUp += float64(r.PickedUp) / seconds
		w.Connected += float64(r.Connected) / seconds
		w.Abandoned += float64(r.Abandoned) / seconds
	}
	return w.Load()
}

func printNodes(out io.Writer, reports []nodesReport) error {
	r := reports[0]
	fmt.Fprintf(out, "%s, %s, %d runs, at most %.1f%% abandoned\n\n", r.Scenario, r.Policy, len(r.Runs), 100*r.Limit)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "nodes\tutilisation\t±\tlost\tabandoned\tworst run\truns over\tattempts/s\tRedis messages/s\tcommands/s\t")
	for _, r := range reports {
		m := r.Mean
		fmt.Fprintf(w, "%d\t%.2f%%\t%.2f%%\t%.2f%%\t%.2f%%\t%.2f%%\t%d\t%.1f\t%.0f\t%.0f\t\n", r.Nodes, 100*m.Utilisation, 100*m.UtilisationError,
			100*r.Lost, 100*m.Abandonment, 100*m.WorstAbandonment, m.RunsOver, r.Redis.Attempts, r.Redis.Messages, r.Redis.Commands)
	}
	return w.Flush()
}
