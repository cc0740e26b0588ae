package fault

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/operators"
)

const (
	campaign = "faults"
	list     = "faults"
)

// prefix begins every number: country code 999 is not assigned (ITU-T E.164
// list), so such a number can belong to nobody.
const prefix = "+999"

// world is the product with its far ends.
type world struct {
	*product
	carrier *carrier.Carrier
	journal *lines // of both far ends
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
	w := &world{journal: &lines{}}
	cfg.Log = w.journal
	var err error
	if w.carrier, err = carrier.New(cfg); err != nil {
		t.Fatal(err)
	}
	runUntilCleanup(t, "carrier", w.carrier.Run)
	w.product = newProductOn(t, store, w.carrier.Addr())
	for _, do := range prepare {
		do(w.product)
	}
	t.Cleanup(func() { // for `go test -artifacts`
		for name, l := range map[string]*lines{"product.log": w.log, "journal.ndjson": w.journal} {
			if err := os.WriteFile(filepath.Join(t.ArtifactDir(), name), []byte(l.String()), 0o600); err != nil {
				t.Error(err)
			}
		}
	})
	w.seed(t, leads, people)
	return w
}

// runUntilCleanup runs a far end until it is stopped, or the test is over.
func runUntilCleanup(t *testing.T, what string, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
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
	return runUntilCleanup(t, "operators", room.Run)
}

// events is the journal so far, of both far ends.
func (w *world) events(t testing.TB) []carrier.Event {
	t.Helper()
	events, err := carrier.ReadLog(strings.NewReader(w.journal.String()))
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// ends counts the dialogs that have ended, in a journal.
func (l *lines) ends() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, event := range []string{`"bye"`, `"final"`, `"leg_down"`} {
		n += bytes.Count(l.text.Bytes(), []byte(`"event":`+event))
	}
	return n
}

// open opens the store while no product runs on it.
func (p *product) open(t testing.TB) app.Store {
	t.Helper()
	cfg, err := config.Load(p.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := app.OpenStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

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
	store, ctx := w.open(t), t.Context()
	defer store.Close()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	now := time.Now()
	must(store.SaveList(ctx, campaigns.List{ID: list, Name: "Faults", Source: "made up", ConsentBasis: "fictitious people", Verified: true, CreatedAt: now}))
	_, err := store.SaveCampaign(ctx, plan(now))
	must(err)
	_, err = store.AddLeads(ctx, list, people999(leads, dayZone(now)))
	must(err)
	for i := range people {
		c := operators.Credential{User: fmt.Sprintf("op%02d", i+1), Password: "a password of op" + fmt.Sprint(i), SIPPassword: fmt.Sprint("phone", i)}
		must(app.AddUser(ctx, store, app.NewUser{
			ID: campaigns.UserID(c.User), Name: c.User, Role: campaigns.RoleOperator, Password: c.Password, PhonePassword: c.SIPPassword,
		}))
		w.people = append(w.people, c)
	}
}

// retry differs from the default where a line is busy: what is dialled twice within
// the longest of these tests was dialled early.
var retry = []campaigns.RetryRule{{Outcome: campaigns.Busy, After: 2 * time.Hour, Max: 3}}

func plan(now time.Time) campaigns.Campaign {
	return campaigns.Campaign{
		ID: campaign, Name: "Faults", State: campaigns.Running, Lists: []campaigns.ListID{list},
		Trunks: "default", CallerIDs: []string{prefix + "5550001"},
		Pacing:    campaigns.Pacing{Mode: campaigns.Ratio, Ratio: 3, AbandonmentLimit: 0.03},
		Detection: "before", Dispositions: campaigns.DefaultDispositions(),
		Wrap:  campaigns.Wrap{Timeout: 10 * time.Second, Default: "no_decision"},
		Retry: retry, SafeHarbor: "safe-harbor", Recording: campaigns.RecordAlways, CreatedAt: now,
	}
}

// people999 are n leads in one zone.
func people999(n int, zone string) []campaigns.Lead {
	leads := make([]campaigns.Lead, n)
	for i := range leads {
		leads[i] = campaigns.Lead{
			List: list, ExternalID: fmt.Sprintf("lead-%06d", i+1), Name: fmt.Sprintf("Lead %d", i+1),
			Numbers: []campaigns.Number{{
				E164: fmt.Sprintf("%s%07d", prefix, 1_000_000+i), Kind: campaigns.Mobile, Zones: []string{zone}, Regions: []string{"DEMO"},
			}},
			Grades: campaigns.Grades{Stage: campaigns.StageAcquire, Temperature: campaigns.Warm},
		}
	}
	return leads
}

// dayZone is a zone where it is between ten and sixteen o'clock now, nightZone
// one where it is night; both for some hours.
func dayZone(now time.Time) string   { return zoneAt(now, 10, 16) }
func nightZone(now time.Time) string { return zoneAt(now, 22, 30) }

// zoneAt is a zone where the local hour is in [from, to); hours of the next day
// count on from 24. The zones lie four hours apart.
func zoneAt(now time.Time, from, to int) string {
	for _, name := range []string{
		"Pacific/Honolulu", "America/Phoenix", "America/Sao_Paulo", "Africa/Lagos", "Asia/Karachi", "Asia/Tokyo",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			panic(err) // the tests carry the database of zones
		}
		hour := now.In(zone).Hour()
		if hour >= from && hour < to || hour+24 < to {
			return name
		}
	}
	panic("no zone at this hour")
}
