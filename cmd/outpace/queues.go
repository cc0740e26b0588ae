package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// campaignQueues reads the queues of a campaign. With wait it does so again once a
// second until no rebuild is under way, and tells how far it is.
func campaignQueues(ctx context.Context, records campaigns.Records, id campaigns.CampaignID, wait bool, progress io.Writer) (campaigns.CampaignQueues, error) {
	for {
		view, err := campaigns.ReadQueues(ctx, records, id, time.Now())
		if err != nil || view.Rebuild == nil || !wait {
			return view, err
		}
		fmt.Fprintln(progress, rebuildLine(*view.Rebuild))
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
			return view, context.Cause(ctx)
		}
	}
}

func rebuildLine(r campaigns.Rebuild) string {
	line := fmt.Sprintf("queues of %s are being rebuilt: %.0f %% (%d of %d leads)", r.Campaign, 100*r.Share(), r.Done, r.Total)
	if r.Problem != "" {
		line += "; it is tried again after: " + r.Problem
	}
	return line
}

// printQueues writes the queues of a campaign for people: a line for each.
func printQueues(w io.Writer, v campaigns.CampaignQueues) {
	if v.Rebuild != nil {
		fmt.Fprintln(w, rebuildLine(*v.Rebuild))
	}
	fmt.Fprintf(w, "%-20s %-12s %9s %9s  %s\n", "segment", "who", "ready", "waiting", "window")
	for _, q := range v.Queues {
		who := "anyone"
		switch {
		case q.Operator != "":
			who = string(q.Operator)
		case q.New:
			who = "never tried"
		}
		fmt.Fprintf(w, "%-20s %-12s %9d %9d  %s\n", q.Segment, who, q.Ready, q.Waiting, q.Window)
	}
}
