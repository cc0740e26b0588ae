package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/pflag"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// otherSettings are the settings of a recorded day that a user wants changed.
type otherSettings struct {
	mode               string
	limit, ratio       float64
	minRatio, maxRatio float64
	target             float64
}

func (o *otherSettings) flags(flags *pflag.FlagSet) {
	flags.StringVar(&o.mode, "mode", "", "with --replay: progressive, ratio or predictive")
	flags.Float64Var(&o.limit, "limit", 0, "with --replay: share of live answers that may be abandoned, as 0.01")
	flags.Float64Var(&o.ratio, "ratio", 0, "with --replay: calls for each ready operator in mode ratio")
	flags.Float64Var(&o.minRatio, "min-ratio", 0, "with --replay: floor of the predictive ratio")
	flags.Float64Var(&o.maxRatio, "max-ratio", 0, "with --replay: most lines for each operator at work")
	flags.Float64Var(&o.target, "target-utilisation", 0, "with --replay: utilisation that is enough, as 0.85")
}

// replayOnly are the flags that need --replay.
var replayOnly = []string{"mode", "limit", "ratio", "min-ratio", "max-ratio", "target-utilisation"}

// change is what the given flags make of recorded settings, in words too; no
// words where nothing is to change.
func (f simulateFlags) change(flags *pflag.FlagSet) (simulator.Change, string) {
	var words []string
	for _, name := range slices.Concat(replayOnly, []string{"cancel"}) {
		if flags.Changed(name) {
			words = append(words, name+" "+flags.Lookup(name).Value.String())
		}
	}
	return func(s pacing.Settings) pacing.Settings {
		set := func(name string, x *float64, value float64) {
			if flags.Changed(name) {
				*x = value
			}
		}
		set("limit", &s.Limit, f.other.limit)
		set("ratio", &s.Ratio, f.other.ratio)
		set("min-ratio", &s.MinRatio, f.other.minRatio)
		set("max-ratio", &s.MaxRatio, f.other.maxRatio)
		set("target-utilisation", &s.TargetUtilisation, f.other.target)
		if flags.Changed("mode") {
			s.Mode = pacing.Mode(f.other.mode)
		}
		if flags.Changed("cancel") {
			s.Cancel = f.cancel
		}
		return s
	}, strings.Join(words, ", ")
}

// replayReport is a recorded day, and what it is like simulated.
type replayReport struct {
	Recorded   simulator.Run     `json:"recorded"`
	AsRecorded simulator.Report  `json:"as_recorded"` // simulated under the recorded settings: how far to trust the rest
	WhatIf     *simulator.Report `json:"what_if,omitempty"`
}

// replay simulates a recorded day under its own settings and under others.
func (f simulateFlags) replay(ctx context.Context, flags *pflag.FlagSet, out io.Writer) error {
	change, words := f.change(flags)
	if err := f.checkReplay(); err != nil {
		return usageError{err}
	}
	trace, err := readTrace(f.log)
	if err != nil {
		return err
	}
	if _, err := trace.Replay(change, f.seed); err != nil {
		return usageError{err}
	}
	r := replayReport{Recorded: trace.Recorded}
	days := 1
	if words != "" {
		days = 2
	}
	bar := newSimulateBar(days * f.runs * simulateSteps)
	defer bar.done()
	if r.AsRecorded, err = replayDays(ctx, trace, simulator.AsRecorded, f, "as recorded", bar.add); err != nil {
		return err
	}
	if words != "" {
		other, err := replayDays(ctx, trace, change, f, words, bar.add)
		if err != nil {
			return err
		}
		r.WhatIf = &other
	}
	if f.json {
		return printJSON(out, r)
	}
	return printReplay(out, r)
}

func (f simulateFlags) checkReplay() error {
	if f.runs < 1 || f.runs > maxRuns {
		return fmt.Errorf("--runs %d is not in [1, %d]", f.runs, maxRuns)
	}
	return nil
}

func readTrace(name string) (*simulator.Trace, error) {
	in := os.Stdin
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, usageError{err}
		}
		defer file.Close()
		in = file
	}
	trace, err := simulator.ReadTrace(eventlog.NewReader(in).All())
	if err != nil {
		return nil, fmt.Errorf("replay %s: %w", name, err)
	}
	return trace, nil
}

func replayDays(ctx context.Context, t *simulator.Trace, change simulator.Change, f simulateFlags, name string, done func(int)) (simulator.Report, error) {
	length := t.Length()
	runs, err := sideBySide(f.runs, func(i int) (simulator.Run, error) {
		sim, err := t.Replay(change, f.seed+uint64(i))
		if err != nil {
			return simulator.Run{}, err
		}
		return advance(ctx, sim, length, done)
	})
	if err != nil {
		return simulator.Report{}, err
	}
	return t.Report(change, name, runs), nil
}

func printReplay(out io.Writer, r replayReport) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "\tutilisation\t±\tabandoned\tlive\tconnected\twait\tdials\tdials/connect\tcancelled\t")
	x := r.Recorded
	fmt.Fprintf(w, "recorded\t%.2f%%\t\t%.2f%%\t%d\t%d\t%.1f s\t%d\t%.2f\t%d\t\n", 100*x.Utilisation, 100*x.Abandonment, x.Live, x.Connected,
		x.WaitMean, x.Dials, x.DialsPerConnect, x.Cancelled)
	reports := []simulator.Report{r.AsRecorded}
	if r.WhatIf != nil {
		reports = append(reports, *r.WhatIf)
	}
	for _, report := range reports {
		m, live, connected, dials := report.Mean, 0.0, 0.0, 0.0
		for _, x := range report.Runs {
			n := float64(len(report.Runs))
			live, connected, dials = live+float64(x.Live)/n, connected+float64(x.Connected)/n, dials+float64(x.Dials)/n
		}
		fmt.Fprintf(w, "simulated %s\t%.2f%%\t%.2f%%\t%.2f%%\t%.0f\t%.0f\t%.1f s\t%.0f\t%.2f\t%.0f\t\n", report.Policy, 100*m.Utilisation, 100*m.UtilisationError,
			100*m.Abandonment, live, connected, m.WaitMean, dials, m.DialsPerConnect, m.Cancelled)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	last := reports[len(reports)-1]
	_, err := fmt.Fprintf(out, "\n%d of %d simulated days over the limit of %.1f%%, worst %.2f%% abandoned\n",
		last.Mean.RunsOver, len(last.Runs), 100*last.Limit, 100*last.Mean.WorstAbandonment)
	return err
}
