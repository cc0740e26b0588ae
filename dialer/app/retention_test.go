package app

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
)

// TestRetentionPass deletes a recording with its file, then the attempt and the
// lead, and keeps that it did.
func TestRetentionPass(t *testing.T) {
	cfg := settings(t, "127.0.0.1:9")
	now := time.Now()
	store, err := OpenStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, old := t.Context(), now.AddDate(-1, 0, 0)
	must(store.SaveList(ctx, campaigns.List{ID: "list"}))
	_, err = store.SaveCampaign(ctx, campaigns.Campaign{ID: "camp", Lists: []campaigns.ListID{"list"}})
	must(err)
	number := campaigns.Number{E164: "+48225550101", Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}
	_, err = store.AddLeads(ctx, "list", []campaigns.Lead{{Name: "Ann", Numbers: []campaigns.Number{number}, CreatedAt: old, UpdatedAt: old}})
	must(err)
	queues, err := store.Queues(ctx, "camp", old)
	must(err)
	claims, err := store.Claim(ctx, campaigns.ClaimRequest{Queues: []campaigns.QueueID{queues[0].QueueID}, Limit: 1, Node: "n", Lease: time.Minute, Now: old})
	must(err)
	must(store.Begin(ctx, campaigns.Intent{Attempt: "a1", Claim: claims[0], Decision: campaigns.Decision{Regions: number.Regions}, At: old}))
	must(store.End(ctx, campaigns.Ending{Attempt: "a1", Outcome: campaigns.Busy, Recording: "day/a1.wav", Next: campaigns.Next{Done: true}, Count: true, At: old}))

	dir := t.TempDir()
	file := filepath.Join(dir, "day", "a1.wav")
	must(os.Mkdir(filepath.Dir(file), 0o750))
	must(os.WriteFile(file, []byte("RIFF"), 0o600))
	files, err := openRecordings(dir)
	must(err)
	defer files.root.Close()
	cfg.Retention = config.Retention{Leads: 1000 * time.Hour, Attempts: 2000 * time.Hour, Recordings: 24 * time.Hour}
	must(newRetention(cfg, store, files, zap.NewNop()).pass(ctx, now))

	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the recording is there: %v", err)
	}
	attempts, err := store.Attempts(ctx, campaigns.AttemptQuery{})
	leads, errLeads := store.FindLeads(ctx, campaigns.LeadQuery{})
	if len(attempts)+len(leads) > 0 || err != nil || errLeads != nil {
		t.Errorf("%d attempts and %d leads are there, %v, %v", len(attempts), len(leads), err, errLeads)
	}
	log, err := store.AuditLog(ctx, 1)
	if err != nil || len(log) != 1 || log[0].Object != "1 recordings, 1 attempts, 1 leads" {
		t.Errorf("audit = %+v, %v", log, err)
	}
}
