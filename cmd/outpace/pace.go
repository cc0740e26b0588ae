package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// newPaceCommand returns `outpace pace`: the pacing controller over standard
// input and output, one JSON object a line, to measure it from outside or to
// check that a recorded day comes out again.
func newPaceCommand() *cobra.Command {
	var check string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "pace",
		Short: "Run the pacing controller over standard input and output",
		Long: `Run the pacing controller over standard input and output, one JSON object a line.

The first line sets the limits, each later one says what happened and asks:
  {"type":"init","t":0,"limit":0.03,"connect_s":2,"clock":"detect","ring_timeout_s":25,"segments":["main"]}
  {"type":"decide","t":12.5,"events":[{"type":"operator","id":3,"state":"ready"}],"room":-1,"segment":"main"}
The answer to each decide names the calls to place and to cancel, and why:
  {"dial":1,"cancel":[],"bound":"free","why":"..."}
Times are seconds. Unknown events and fields are ignored.

With --check a recorded log is replayed instead, and each decision compared with
the one that was recorded.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if check != "" {
				return checkLog(check, cmd.OutOrStdout(), asJSON)
			}
			return pace(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&check, "check", "", "replay this pacing log and compare its decisions; - is standard input")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what --check found as JSON")
	return cmd
}

// pace answers every decide of in on out until in ends.
func pace(in io.Reader, out io.Writer) error {
	w := bufio.NewWriterSize(out, 1<<16)
	answers := json.NewEncoder(w)
	session := eventlog.NewSession(pacing.New)
	lines := eventlog.NewReader(in)
	for l, err := range lines.All() {
		if err != nil {
			return err
		}
		if l.Kind == eventlog.Init {
			if err := l.Settings.Validate(); err != nil {
				return fmt.Errorf("line %d: init: %w", lines.Number(), err)
			}
		}
		d, err := session.Play(l)
		if err != nil {
			return fmt.Errorf("line %d: %w", lines.Number(), err)
		}
		if l.Kind != eventlog.Decide {
			continue
		}
		a := eventlog.AnswerOf(d)
		a.Why = d.Why()
		if err := errors.Join(answers.Encode(a), w.Flush()); err != nil {
			return fmt.Errorf("write answer: %w", err)
		}
	}
	return nil
}

// checkLog replays the log in a file and prints what came out otherwise. Any
// difference, and any line that is missing, is an error.
func checkLog(name string, out io.Writer, asJSON bool) error {
	in := os.Stdin
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return usageError{err}
		}
		defer f.Close()
		in = f
	}
	report, err := eventlog.Replay(eventlog.NewReader(in).All(), pacing.New)
	if err != nil {
		return fmt.Errorf("check %s: %w", name, err)
	}
	if err := printCheck(out, report, asJSON); err != nil {
		return err
	}
	if report.Different > 0 || report.Gaps > 0 {
		return fmt.Errorf("check %s: %d of %d decisions differ, %d gaps", name, report.Different, report.Decisions, report.Gaps)
	}
	return nil
}

func printCheck(out io.Writer, r eventlog.Report, asJSON bool) error {
	lines := json.NewEncoder(out)
	if asJSON {
		return lines.Encode(r)
	}
	for _, d := range r.Differences {
		if err := lines.Encode(d); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(out, "%d decisions compared in %d runs: %d different, %d without a recorded answer; %d gaps, %d lines skipped\n",
		r.Decisions, r.Runs, r.Different, r.Unrecorded, r.Gaps, r.Skipped)
	return err
}
