package explain

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// PrintWaterfall writes a waterfall for people: a line for each step.
func PrintWaterfall(w io.Writer, f eligibility.Waterfall) {
	fmt.Fprintf(w, "%s at %s: %s\n", f.Campaign, f.At.Format(time.RFC3339), f.Why)
	for _, s := range f.Steps {
		lost := ""
		if s.Lost > 0 {
			lost = fmt.Sprintf("-%d", s.Lost)
		}
		fmt.Fprintf(w, "  %-16s %9d %9s  %s\n", strings.ReplaceAll(s.Name, "_", " "), s.Leads, lost, s.Reason)
	}
}

// PrintExplanations writes explanations for people: a line for each gate.
func PrintExplanations(w io.Writer, all []api.Explanation) {
	for _, x := range all {
		verdict := "not now"
		switch {
		case x.Allowed:
			verdict = "may be called now"
		case !x.Next.IsZero():
			verdict = "not before " + x.Next.Format(time.RFC3339)
		}
		campaign := string(x.Campaign)
		if campaign == "" {
			campaign = "no campaign"
		}
		fmt.Fprintf(w, "%s in %s (lead %d): %s\n", x.Number, campaign, x.Lead, verdict)
		for _, g := range x.Gates {
			mark, next := "ok  ", ""
			if !g.OK {
				mark = "STOP"
			}
			if !g.Next.IsZero() {
				next = "; opens " + g.Next.Format(time.RFC3339)
			}
			fmt.Fprintf(w, "  %s %-14s %s%s\n", mark, g.Name, g.Detail, next)
		}
	}
}
