package app

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
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

// sharedKeeper is a store of several nodes that knows what is old.
type sharedKeeper struct {
	Store
	campaigns.Nodes
	recordings map[campaigns.AttemptID]campaigns.Attempt
}

func (k *sharedKeeper) OldRecordings(context.Context, time.Time, int64, int) (old []campaigns.Attempt, next int64, err error) {
	for _, id := range slices.Sorted(maps.Keys(k.recordings)) {
		old = append(old, k.recordings[id])
	}
	return old, 0, nil
}

func (k *sharedKeeper) ForgetRecordings(_ context.Context, ids []campaigns.AttemptID) error {
	for _, id := range ids {
		delete(k.recordings, id)
	}
	return nil
}

func (*sharedKeeper) DeleteAttempts(context.Context, campaigns.Retention, int64, int) (int, int64, error) {
	return 0, 0, nil
}

func (*sharedKeeper) DeleteLeads(context.Context, campaigns.Retention, int64, int) (int, int64, error) {
	return 0, 0, nil
}

func (*sharedKeeper) DeletedLists(context.Context) ([]campaigns.List, error) { return nil, nil }
func (*sharedKeeper) ForgetList(context.Context, campaigns.ListID) error     { return nil }

func (*sharedKeeper) Audit(context.Context, campaigns.AuditEntry) error { return nil }

// Of nodes that share a store, each deletes its own recordings, and notes of those
// alone that they are gone.
func TestRetentionKeepsRecordingsOfOtherNodes(t *testing.T) {
	cfg := settings(t, "127.0.0.1:9")
	cfg.Retention = config.Retention{Recordings: 24 * time.Hour}
	keeper := &sharedKeeper{recordings: map[campaigns.AttemptID]campaigns.Attempt{
		"a1": {ID: "a1", Node: "n1", Recording: "a1.wav"},
		"a2": {ID: "a2", Node: "n2", Recording: "a2.wav"},
		"a3": {ID: "a3", Node: "n1", Recording: "a3.wav"}, // its file went in a crash
	}}
	dirs := map[string]string{"n1": t.TempDir(), "n2": t.TempDir()}
	for _, a := range []string{"a1", "a2"} {
		r := keeper.recordings[campaigns.AttemptID(a)]
		if err := os.WriteFile(filepath.Join(dirs[r.Node], r.Recording), []byte("RIFF"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pass := func(node string) {
		t.Helper()
		files, err := openRecordings(dirs[node])
		if err != nil {
			t.Fatal(err)
		}
		defer files.root.Close()
		cfg.Engine.Node = node
		if err := newRetention(cfg, keeper, files, zap.NewNop()).pass(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		node string
		want []campaigns.AttemptID // that have a recording then
	}{{"n1", []campaigns.AttemptID{"a2"}}, {"n1", []campaigns.AttemptID{"a2"}}, {"n2", nil}} {
		pass(c.node)
		if left := slices.Sorted(maps.Keys(keeper.recordings)); !slices.Equal(left, c.want) {
			t.Errorf("after a pass of %s: recordings of %v, want %v", c.node, left, c.want)
		}
		if _, err := os.Stat(filepath.Join(dirs["n2"], "a2.wav")); (err == nil) != (c.want != nil) {
			t.Errorf("after a pass of %s: the file of n2: %v", c.node, err)
		}
	}
}
