package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/dialer/explain"
)

func newCampaignCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "campaign", Short: "Where a campaign's leads are held up, and what was recorded of it"}
	cmd.AddCommand(newCampaignExplain(), newCampaignQueues(), newCampaignLog())
	return cmd
}

// oneCampaign is what a command about one campaign is told.
type oneCampaign struct {
	config, id string
	json       bool
}

func (f *oneCampaign) flags(cmd *cobra.Command) {
	configFlag(cmd, &f.config)
	cmd.Flags().StringVar(&f.id, "campaign", "", "the campaign; required")
}

// load reads the configuration, where a campaign is named.
func (f *oneCampaign) load() (config.Config, error) {
	if f.id == "" {
		return config.Config{}, usageError{errors.New("--campaign is required")}
	}
	cfg, err := config.Load(f.config, os.Environ())
	if err != nil {
		return cfg, usageError{err}
	}
	return cfg, nil
}

// reading opens the store for do, which only asks, also while the product runs.
func (f *oneCampaign) reading(ctx context.Context, do func(app.Store, campaigns.CampaignID) error) error {
	cfg, err := f.load()
	if err != nil {
		return err
	}
	return readingStore(ctx, cfg, func(s app.Store) error { return do(s, campaigns.CampaignID(f.id)) })
}

// newCampaignLog returns `outpace campaign log`: the recorded pacing of a
// campaign, for `outpace pace --check` and for a simulation.
func newCampaignLog() *cobra.Command {
	var f oneCampaign
	var from, to string
	cmd := &cobra.Command{
		Use: "log --campaign ID", Short: "Write what pacing was told and decided, one JSON object a line", Args: cobra.NoArgs,
		Long: `Write what pacing was told and decided, one JSON object a line.

The log holds the runs of the campaign that touch the time, each from its start:
a replay needs what came before. "outpace pace --check FILE" replays it. It is
read from the store, also while outpace serve runs on it; GET
/api/v1/campaigns/ID/pacing-log gives the same.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			start, errFrom := flagTime("from", from)
			end, errTo := flagTime("to", to)
			if err := errors.Join(errFrom, errTo); err != nil {
				return usageError{err}
			}
			return f.reading(cmd.Context(), func(s app.Store, id campaigns.CampaignID) error {
				return campaignLog(cmd, s, id, start, end)
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&from, "from", "", "time like 2026-03-02T09:00:00Z or day like 2026-03-02, local (default: the first line)")
	cmd.Flags().StringVar(&to, "to", "", "the same, not included (default: the last line)")
	return cmd
}

// newCampaignExplain returns `outpace campaign explain`.
func newCampaignExplain() *cobra.Command {
	var f oneCampaign
	cmd := &cobra.Command{
		Use: "explain --campaign ID", Short: "Say where the leads of a campaign are held up, gate by gate", Args: cobra.NoArgs,
		Long: `Say where the leads of a campaign are held up, gate by gate.

Each line counts those of the line before that pass one more gate, and says why
the others do not. It is asked of the store, also while outpace serve runs on it;
GET /api/v1/campaigns/ID/explain gives the same.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.reading(cmd.Context(), func(s app.Store, id campaigns.CampaignID) error {
				x, err := explain.New(s)
				if err != nil {
					return err
				}
				found, err := x.ExplainCampaign(cmd.Context(), id, time.Now())
				if err != nil {
					return fmt.Errorf("campaign %s: %w", id, err)
				}
				if f.json {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
				}
				explain.PrintWaterfall(cmd.OutOrStdout(), found)
				return nil
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&f.json, "json", false, "print as JSON")
	return cmd
}

// newCampaignQueues returns `outpace campaign queues`.
func newCampaignQueues() *cobra.Command {
	var f oneCampaign
	var wait bool
	cmd := &cobra.Command{
		Use: "queues --campaign ID", Short: "Show the queues of a campaign, and how far they are rebuilt", Args: cobra.NoArgs,
		Long: `Show the queues of a campaign, and how far they are rebuilt.

After lists, segments or priorities changed, the places of all leads are found again
in the background, while dialling goes on. It is asked of the store, also while
outpace serve runs on it; GET /api/v1/campaigns/ID/queues gives the same, and why
a rebuild does not go on.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return f.reading(cmd.Context(), func(s app.Store, id campaigns.CampaignID) error {
				found, err := campaignQueues(cmd.Context(), s, id, wait, cmd.ErrOrStderr())
				if err != nil {
					return fmt.Errorf("campaign %s: %w", id, err)
				}
				if f.json {
					return json.NewEncoder(cmd.OutOrStdout()).Encode(found)
				}
				printQueues(cmd.OutOrStdout(), found)
				return nil
			})
		},
	}
	f.flags(cmd)
	cmd.Flags().BoolVar(&wait, "wait", false, "wait until a rebuild is over, telling how far it is once a second")
	cmd.Flags().BoolVar(&f.json, "json", false, "print as JSON")
	return cmd
}

func campaignLog(cmd *cobra.Command, s app.Store, id campaigns.CampaignID, from, to time.Time) error {
	if _, err := s.Campaign(cmd.Context(), id); err != nil {
		return fmt.Errorf("campaign %s: %w", id, err)
	}
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 1<<16)
	for chunk, err := range s.PacingLog(cmd.Context(), id, from, to) {
		if err != nil {
			return err
		}
		if _, err := chunk.WriteTo(out); err != nil {
			return err
		}
	}
	return out.Flush()
}

// flagTime reads a flag that is a time or a day; zero where it is not given.
func flagTime(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, time.Local)
	if err != nil {
		return t, fmt.Errorf("--%s: %q is neither a time like 2026-03-02T09:00:00Z nor a day like 2026-03-02", name, text)
	}
	return t, nil
}
