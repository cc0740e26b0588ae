package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// simulateFlags are what a user may ask of `outpace simulate`.
type simulateFlags struct {
	scenario string
	policy   string
	runs     int
	seed     uint64
	cancel   bool
	json     bool
}

// maxRuns bounds --runs: the report keeps every run.
const maxRuns = 100_000

// newSimulateCommand returns `outpace simulate`: days of a call centre on a
// virtual clock, paced by the very controller of the product.
func newSimulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate --scenario FILE",
		Short: "Simulate days of a call centre with the real pacing controller",
		Long: `Simulate days of a call centre with the real pacing controller.

The scenario, JSON or YAML, says who works, how people answer and how long they
talk. The policies are predictive, progressive and ratio:X (X calls for each
ready operator, while the abandonment limit allows it). Each run has another
seed; the same seed gives the same day, and every policy meets the same records.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return simulate(cmd.Context(), f, cmd.Flags().Changed("seed"), cmd.OutOrStdout())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.scenario, "scenario", "", "the scenario (required)")
	flags.StringVar(&f.policy, "policy", "predictive", "predictive, progressive or ratio:X")
	flags.IntVar(&f.runs, "runs", 3, "days to simulate")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of the first run (default: the scenario's)")
	flags.BoolVar(&f.cancel, "cancel", false, "predictive may give up calls that have rung 15 s when nobody is free")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	return cmd
}

func simulate(ctx context.Context, f simulateFlags, seeded bool, out io.Writer) error {
	scenario, policy, err := f.check()
	if err != nil {
		return usageError{err}
	}
	first := scenario.Seed
	if seeded {
		first = f.seed
	}
	bar := newSimulateBar(f.runs)
	runs, err := simulateRuns(ctx, scenario, policy, first, f.runs, bar.add)
	bar.done()
	if err != nil {
		return err
	}
	report := simulator.NewReport(scenario, policy, runs)
	if f.json {
		lines := json.NewEncoder(out)
		lines.SetIndent("", "  ")
		return lines.Encode(report)
	}
	return printReport(out, report)
}

// check reads what the flags name.
func (f simulateFlags) check() (*simulator.Scenario, simulator.Policy, error) {
	var none simulator.Policy
	if f.scenario == "" {
		return nil, none, errors.New("simulate needs --scenario FILE")
	}
	if f.runs < 1 || f.runs > maxRuns {
		return nil, none, fmt.Errorf("--runs %d is not in [1, %d]", f.runs, maxRuns)
	}
	policy, err := simulator.ParsePolicy(f.policy)
	if err != nil {
		return nil, none, err
	}
	if f.cancel && policy.Mode != "predictive" {
		return nil, none, fmt.Errorf("--cancel needs the policy predictive, not %s", policy)
	}
	policy.Cancel = f.cancel
	text, err := os.ReadFile(f.scenario)
	if err != nil {
		return nil, none, err
	}
	scenario, err := simulator.Parse(f.scenario, text)
	return scenario, policy, err
}

// simulateRuns simulates runs side by side, in the order of their seeds. done
// hears how far they have come, in permille of one run.
func simulateRuns(ctx context.Context, s *simulator.Scenario, p simulator.Policy, first uint64, runs int, done func(int)) ([]simulator.Run, error) {
	results, errs := make([]simulator.Run, runs), make([]error, runs)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(runs, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				results[i], errs[i] = simulateRun(ctx, s, p, first+uint64(i), done)
			}
		})
	}
	for i := range runs {
		next <- i
	}
	close(next)
	workers.Wait()
	return results, errors.Join(errs...)
}

// simulateSteps is how many parts a day is simulated in: the progress bar moves
// and a signal is heard between them.
const simulateSteps = 1000

func simulateRun(ctx context.Context, s *simulator.Scenario, p simulator.Policy, seed uint64, done func(int)) (simulator.Run, error) {
	sim, err := simulator.New(s, p, seed)
	if err != nil {
		return simulator.Run{}, err
	}
	step := s.Duration.Duration()/simulateSteps + time.Nanosecond
	for to := step; sim.Advance(to); to += step {
		if ctx.Err() != nil {
			return simulator.Run{}, context.Cause(ctx)
		}
		done(1)
	}
	done(1)
	return sim.Result(), nil
}

func printReport(out io.Writer, r simulator.Report) error {
	fmt.Fprintf(out, "%s, %s, at most %.1f%% abandoned\n\n", r.Scenario, r.Policy, 100*r.Limit)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "seed\tutilisation\tabandoned\tpeak 10 min\twait mean\twait p95\tdials/connect\tcancelled\trefused\t")
	for _, x := range r.Runs {
		fmt.Fprintf(w, "%d\t%.2f%%\t%.2f%%\t%.1f%%\t%.1f s\t%.1f s\t%.2f\t%d\t%d\t\n", x.Seed, 100*x.Utilisation, 100*x.Abandonment,
			100*x.Peak, x.WaitMean, x.WaitP95, x.DialsPerConnect, x.Cancelled, x.RefusedCancels)
	}
	m := r.Mean
	fmt.Fprintf(w, "mean\t%.2f%%\t%.2f%%\t%.1f%%\t%.1f s\t%.1f s\t%.2f\t%.0f\t%.0f\t\n", 100*m.Utilisation, 100*m.Abandonment,
		100*m.Peak, m.WaitMean, m.WaitP95, m.DialsPerConnect, m.Cancelled, m.RefusedCancels)
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d of %d runs over the limit, worst %.2f%% abandoned; utilisation ± %.2f%%\n",
		m.RunsOver, len(r.Runs), 100*m.WorstAbandonment, 100*m.UtilisationError)
	return err
}

// simulateBar shows how far the runs are, where standard error is a terminal.
type simulateBar struct{ bar *progressbar.ProgressBar }

func newSimulateBar(runs int) simulateBar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return simulateBar{}
	}
	return simulateBar{progressbar.NewOptions(runs*simulateSteps, progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionSetDescription("simulating"), progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())}
}

func (b simulateBar) add(n int) {
	if b.bar != nil {
		_ = b.bar.Add(n)
	}
}

func (b simulateBar) done() {
	if b.bar != nil {
		_ = b.bar.Finish()
	}
}
