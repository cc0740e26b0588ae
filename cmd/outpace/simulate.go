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
	compare  bool
	list     string // of policies to compare, empty: comparedByDefault
	log      string // of a recorded day to replay
	other    otherSettings
	table    string // folder of scenarios that expect something
	plot     string // file to draw the first day into
	days     int    // random ones
	day      uint64 // seed of a random day to print
	nodes    string // over how many the operators are split, one number or several
}

// scenarioOnly are the flags for the days of one scenario.
var scenarioOnly = []string{"scenario", "policy", "compare", "nodes", "plot"}

// maxRuns bounds --runs: the report keeps every run.
const maxRuns = 100_000

// newSimulateCommand returns `outpace simulate`: days of a call centre on a
// virtual clock, paced by the very controller of the product.
func newSimulateCommand() *cobra.Command {
	var f simulateFlags
	cmd := &cobra.Command{
		Use:   "simulate --scenario FILE [--compare [POLICY,...] | --nodes N,...] | --table DIR | --days N | --day SEED | --replay LOG",
		Short: "Simulate days of a call centre with the real pacing controller",
		Long: `Simulate days of a call centre with the real pacing controller.

The scenario, JSON or YAML, says who works, how people answer and how long they
talk. Each run has another seed; the same seed gives the same day, and every
policy meets the same records.

The policies are predictive, predictive+cancel, product-progressive and
product-ratio:X (X calls for each ready operator, while the abandonment limit
allows it), all of the product, and for comparison

  progressive, ratio:X          calls for each ready operator, whatever the limit
  vici:average, :hard, :tapered the level that VICIdial adapts, its cap at 3
  vici:tuned                    the same, cap and mode the best in hindsight
  erlang                        the classic look-ahead on means
  oracle                        look-ahead with the true laws of the scenario

With --nodes 1,2,4,20 the operators are split over so many nodes that share one
budget, as on a shared store; the table says what is lost against the first number,
and what the nodes ask of Redis.

With --table, every scenario of a folder is simulated under the policies that its
expect block names, and held to what it expects. With --days, days of random
parameters and drifts are simulated, and those that end over their limit are
reported; --day prints one of them as a scenario.

With --replay, a day that "outpace campaign log" wrote is simulated as it was
recorded and, where flags such as --limit 0.01, --mode ratio --ratio 2, --cancel
or --max-ratio 4 are given, under those settings: what would have been. The
operators come and go as they did, dials and talks go as those about the time.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) > 0 {
				if !f.compare {
					return usageError{fmt.Errorf("%q: a list of policies needs --compare", args[0])}
				}
				f.list = args[0]
			}
			return f.run(cmd)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.scenario, "scenario", "", "the scenario (required)")
	flags.StringVar(&f.policy, "policy", "predictive", "how to pace, see above")
	flags.BoolVar(&f.compare, "compare", false, "compare the policies of the list, or all")
	flags.IntVar(&f.runs, "runs", 3, "days to simulate")
	flags.Uint64Var(&f.seed, "seed", 0, "seed of the first run (default: the scenario's)")
	flags.BoolVar(&f.cancel, "cancel", false, "predictive may give up calls that have rung 15 s when nobody is free")
	flags.BoolVar(&f.json, "json", false, "print JSON")
	flags.StringVar(&f.plot, "plot", "", "draw the first day of each policy into this .svg file")
	flags.StringVar(&f.log, "replay", "", "simulate the recorded day of this pacing log instead; - is standard input")
	f.other.flags(flags)
	flags.StringVar(&f.table, "table", "", "simulate the scenarios of this folder instead and hold them to what they expect")
	flags.IntVar(&f.days, "days", 0, "simulate so many random days instead, from --seed on")
	flags.Uint64Var(&f.day, "day", 0, "print the random day of this seed as a scenario")
	flags.StringVar(&f.nodes, "nodes", "", "split the operators over so many nodes; several numbers are compared")
	return cmd
}

// run does what the flags ask for.
func (f simulateFlags) run(cmd *cobra.Command) error {
	changed, out := cmd.Flags().Changed, cmd.OutOrStdout()
	for _, name := range replayOnly {
		if changed(name) && !changed("replay") {
			return usageError{fmt.Errorf("--%s needs --replay LOG", name)}
		}
	}
	for _, other := range []string{"replay", "day", "days", "table"} {
		for _, name := range scenarioOnly {
			if changed(name) && changed(other) {
				return usageError{fmt.Errorf("--%s and --%s do not go together", name, other)}
			}
		}
	}
	switch {
	case changed("replay"):
		return f.replay(cmd.Context(), cmd.Flags(), out)
	case changed("day"):
		return printDay(out, f.day)
	case changed("days"):
		if f.days < 1 || f.days > maxDays {
			return usageError{fmt.Errorf("--days %d is not in [1, %d]", f.days, maxDays)}
		}
		return simulateDays(cmd.Context(), f.seed, f.days, f.json, out)
	case changed("table"):
		if f.runs < 1 || f.runs > maxRuns {
			return usageError{fmt.Errorf("--runs %d is not in [1, %d]", f.runs, maxRuns)}
		}
		return simulateTable(cmd.Context(), f.table, given(changed("runs"), f.runs), given(changed("seed"), f.seed), f.json, out)
	}
	return simulate(cmd.Context(), f, changed("seed"), out)
}

// given is x where a flag was, nil where it was not.
func given[T any](was bool, x T) *T {
	if !was {
		return nil
	}
	return &x
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
	if f.nodes != "" {
		return compareNodes(ctx, f, scenario, policy, first, out)
	}
	if f.compare {
		return compare(ctx, f, scenario, first, out)
	}
	bar := newSimulateBar(stepsOf(policy, f.runs))
	report, err := simulatePolicy(ctx, scenario, policy, first, f.runs, bar.add)
	bar.done()
	if err == nil && f.plot != "" {
		err = plotDays(ctx, f.plot, scenario, []simulator.Report{report})
	}
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(out, report)
	}
	return printReport(out, report)
}

func compare(ctx context.Context, f simulateFlags, s *simulator.Scenario, first uint64, out io.Writer) error {
	policies, err := parsePolicies(f.list)
	if err != nil {
		return usageError{err}
	}
	reports, err := comparePolicies(ctx, s, policies, first, f.runs)
	if err == nil && f.plot != "" {
		err = plotDays(ctx, f.plot, s, reports)
	}
	if err != nil {
		return err
	}
	if f.json {
		return printJSON(out, reports)
	}
	return printComparison(out, reports)
}

func printJSON(out io.Writer, v any) error {
	lines := json.NewEncoder(out)
	lines.SetIndent("", "  ")
	return lines.Encode(v)
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
	if f.nodes != "" && (f.compare || f.plot != "") {
		return nil, none, errors.New("--nodes goes with neither --compare nor --plot")
	}
	if err := checkPlot(f.plot); err != nil {
		return nil, none, err
	}
	policy, err := simulator.ParsePolicy(f.policy)
	if err != nil {
		return nil, none, err
	}
	if f.cancel && policy.Mode != "predictive" {
		return nil, none, fmt.Errorf("--cancel needs the policy predictive, not %s", policy)
	}
	policy.Cancel = policy.Cancel || f.cancel
	scenario, err := readScenario(f.scenario)
	return scenario, policy, err
}

// simulateRuns simulates runs side by side, in the order of their seeds. done
// hears how far they have come, in permille of one run.
func simulateRuns(ctx context.Context, s *simulator.Scenario, p simulator.Policy, first uint64, runs int, done func(int)) ([]simulator.Run, error) {
	return sideBySide(runs, func(i int) (simulator.Run, error) {
		sim, err := simulator.New(s, p, first+uint64(i))
		if err != nil {
			return simulator.Run{}, err
		}
		return advance(ctx, sim, s.Duration.Duration(), done)
	})
}

// sideBySide simulates n runs on all processors, and returns them in their order.
func sideBySide(n int, simulate func(i int) (simulator.Run, error)) ([]simulator.Run, error) {
	results, errs := make([]simulator.Run, n), make([]error, n)
	next := make(chan int)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for i := range next {
				results[i], errs[i] = simulate(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	workers.Wait()
	return results, errors.Join(errs...)
}

// simulateSteps is how many parts a day is simulated in: the progress bar moves
// and a signal is heard between them.
const simulateSteps = 1000

// simulated is a day: a simulator.Simulation, or Nodes.
type simulated interface {
	Advance(to time.Duration) bool
	Result() simulator.Run
}

// advance simulates a day of a length to its end.
func advance(ctx context.Context, sim simulated, length time.Duration, done func(int)) (simulator.Run, error) {
	step := length/simulateSteps + time.Nanosecond
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
	if err := printAftermath(out, []simulator.Report{r}); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d of %d runs over the limit, worst %.2f%% abandoned; utilisation ± %.2f%%\n",
		m.RunsOver, len(r.Runs), 100*m.WorstAbandonment, 100*m.UtilisationError)
	return err
}

// simulateBar shows how far the runs are, where standard error is a terminal.
type simulateBar struct{ bar *progressbar.ProgressBar }

func newSimulateBar(steps int) simulateBar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return simulateBar{}
	}
	return simulateBar{progressbar.NewOptions(steps, progressbar.OptionSetWriter(os.Stderr),
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
