package fault

import (
	"os"
	"path/filepath"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/operators"
	"github.com/outpace-dialer/outpace/test/testbed"
)

const (
	campaign = "faults"
	list     = "faults"
)

// world is the product with its far ends.
type world struct {
	*product
	carrier *carrier.Carrier
	journal *testbed.Lines // of both far ends
	people  []operators.Credential
	disk    *diskWatch // nil where nobody watches
}

// newWorld starts a carrier and fills a store; the product does not run yet.
// prepare is for what must be done before anything is in its folder.
func newWorld(t *testing.T, cfg carrier.Config, leads, people int, prepare ...func(*product)) *world {
	return newWorldOn(t, embedded, cfg, leads, people, prepare...)
}

// newWorldOn is newWorld with a store of its own.
func newWorldOn(t *testing.T, store string, cfg carrier.Config, leads, people int, prepare ...func(*product)) *world {
	t.Helper()
	w := &world{journal: &testbed.Lines{}}
	cfg.Log = w.journal
	var err error
	if w.carrier, err = carrier.New(cfg); err != nil {
		t.Fatal(err)
	}
	testbed.RunUntilCleanup(t, "carrier", w.carrier.Run)
	w.product = newProductOn(t, store, w.carrier.Addr())
	for _, do := range prepare {
		do(w.product)
	}
	t.Cleanup(func() { // for `go test -artifacts`
		for name, l := range map[string]*testbed.Lines{"product.log": w.log, "journal.ndjson": w.journal} {
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), []byte(l.String()), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	w.seed(t, leads, people)
	return w
}

// operate signs the simulated operators in; they come back by themselves when
// the product does.
func (w *world) operate(t *testing.T, talk time.Duration) (leave func()) {
	t.Helper()
	room, err := operators.New(operators.Config{
		API: "http://" + w.http, SIP: w.phones, Users: w.people, Seed: 7,
		TalkMean: talk, WrapMean: 500 * time.Millisecond, PauseProbability: -1, Log: w.journal,
	})
	if err != nil {
		t.Fatal(err)
	}
	return testbed.RunUntilCleanup(t, "operators", room.Run)
}

// events is the journal so far, of both far ends.
func (w *world) events(t testing.TB) []carrier.Event {
	t.Helper()
	return testbed.Events(t, w.journal)
}

// ends counts the dialogs that have ended.
func (w *world) ends() int {
	return w.journal.Count(`"event":"bye"`, `"event":"final"`, `"event":"leg_down"`)
}

// open opens the store while no product runs on it.
func (p *product) open(t testing.TB) app.Store { return testbed.Open(t, p.config) }

// change changes the campaign while no product runs.
func (w *world) change(t *testing.T, do func(*campaigns.Campaign)) {
	t.Helper()
	store := w.open(t)
	defer store.Close()
	c, err := store.Campaign(t.Context(), campaign)
	if err == nil {
		do(&c)
		_, err = store.SaveCampaign(t.Context(), c)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// seed fills the store: leads in a zone where it is day, a campaign that dials
// three numbers for each operator, operators.
func (w *world) seed(t *testing.T, leads, people int) {
	t.Helper()
	store, now := w.open(t), time.Now()
	defer store.Close()
	w.people = testbed.Fill(t, store, plan(now), testbed.Leads(list, leads, testbed.DayZone(now)), people)
}

// retry differs from the default where a line is busy: what is dialled twice within
// the longest of these tests was dialled early.
var retry = []campaigns.RetryRule{{Outcome: campaigns.Busy, After: 2 * time.Hour, Max: 3}}

func plan(now time.Time) campaigns.Campaign {
	return campaigns.Campaign{
		ID: campaign, Name: "Faults", State: campaigns.Running, Lists: []campaigns.ListID{list},
		Trunks: "default", CallerIDs: []string{testbed.Prefix + "5550001"},
		Pacing:    campaigns.Pacing{Mode: campaigns.Ratio, Ratio: 3, AbandonmentLimit: 0.03},
		Detection: "before", Dispositions: campaigns.DefaultDispositions(),
		Wrap:  campaigns.Wrap{Timeout: 10 * time.Second, Default: "no_decision"},
		Retry: retry, SafeHarbor: "safe-harbor", Recording: campaigns.RecordAlways, CreatedAt: now,
	}
}
