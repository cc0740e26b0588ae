package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/dialer/calibration"
)

// newDetectReport returns `outpace detect report`.
func newDetectReport() *cobra.Command {
	var f oneCampaign
	cmd := &cobra.Command{
		Use: "report --campaign ID", Short: "How good the answer detector is on a campaign's own calls", Args: cobra.NoArgs,
		Long: `How good the answer detector is on a campaign's own calls of the last 30 days.

Verdicts are held against what came out later: dispositions, beeps, far ends that
hung up. People who were lost leave no such label, so a share of the answered calls
can be checked (detection_check of the campaign): these go to an operator whatever
is heard, and only they say how many people are lost. Calls of other nodes are not
in it. While outpace serve runs, GET /api/v1/campaigns/ID/detection gives the same.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := f.load()
			if err != nil {
				return err
			}
			r, err := app.DetectionReport(cfg, campaigns.CampaignID(f.id), time.Now())
			if err != nil {
				return err
			}
			if f.json {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(r)
			}
			return writeDetection(cmd.OutOrStdout(), r)
		},
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "one JSON object in place of the tables")
	return cmd
}

// writeDetection prints a report for people.
func writeDetection(out io.Writer, r calibration.Report) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "%s, the last %d days: %d answered calls, %d with a label, %d checked\n\n", r.Campaign, r.Days, r.Calls, r.Labelled, r.Checked)
	fmt.Fprintln(w, "verdict\tcalls\tpeople among those with a label")
	for _, v := range r.Verdicts {
		fmt.Fprintf(w, "%s\t%d\t%s\n", nameOf(string(v.Verdict)), v.Calls, percent(v.People))
	}
	fmt.Fprintln(w, "\nchecked calls\ttaken for\tshare")
	for _, row := range []struct {
		name   string
		shares calibration.Confusion
	}{{"people", r.People}, {"nobody", r.Nobody}} {
		for _, kind := range slices.Sorted(maps.Keys(row.shares)) {
			fmt.Fprintf(w, "%s\t%s\t%s\n", row.name, nameOf(string(kind)), percent(row.shares[kind]))
		}
	}
	fmt.Fprintln(w, "\nchance of a person: told\tcame out")
	for _, b := range r.Reliability {
		fmt.Fprintf(w, "%.1f %%\t%s\n", 100*b.Told, percent(b.People))
	}
	fmt.Fprintf(w, "\npeople lost\t%.2f %% (%s; checked: %d of %d, [%.2f, %.2f] %%; suspected: %d)\n",
		100*r.Loss.Share, r.Loss.Basis, r.Loss.Lost, r.Loss.People, 100*r.Loss.Low, 100*r.Loss.High, r.Loss.Suspected)
	for _, t := range r.Trunks {
		fmt.Fprintf(w, "trunk %s\t%s\n", t.Trunk, driftOf(t))
	}
	if r.Prices.Sure {
		fmt.Fprintf(w, "prices\tthe odds are off by %.2f: operator %.2f in place of the default\n", r.Prices.Offset, r.Prices.Prices.Operator)
	} else {
		fmt.Fprintf(w, "prices\tnothing speaks against the present ones (%d labels)\n", r.Prices.Labels)
	}
	return w.Flush()
}

func driftOf(t calibration.TrunkReport) string {
	switch {
	case !t.Alarm.IsZero():
		return fmt.Sprintf("not what it was since %s: %s", t.Alarm.UTC().Format(time.DateTime), t.Drifted)
	case t.Learning:
		return "what is usual is not known yet"
	}
	return "as usual"
}

func nameOf(verdict string) string {
	if verdict == "" {
		return "none"
	}
	return verdict
}

func percent(s calibration.Share) string {
	if s.N == 0 {
		return "unknown"
	}
	return fmt.Sprintf("%.1f %% [%.1f, %.1f] of %d", 100*s.Share, 100*s.Low, 100*s.High, s.N)
}
