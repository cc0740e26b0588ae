package fault

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	_ "modernc.org/sqlite" // to hold the product's file from outside

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/redistest"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// plant is a fault that is put into a copy of one file of the product.
type plant struct{ file, was, is string }

// The faults, each the loss of one thing that keeps a promise.
var (
	noDurableBegin = plant{"dialer/originate.go",
		`err := e.deps.Store.Begin(ctx, intent)`,
		`go e.deps.Store.Begin(context.WithoutCancel(ctx), intent); var err error`}
	noSettle = plant{"dialer/settle.go",
		`if err := e.settleAttempt(ctx, a, campaign, now); err != nil {`,
		`if err := error(nil); err != nil && a.ID != "" {`}
	noSecondCheck = plant{"dialer/originate.go",
		`if !e.deps.Rules.Allows(c.claim, c.campaign.Campaign, now) {`,
		`if !e.deps.Rules.Allows(c.claim, c.campaign.Campaign, now) && false {`}
	noFenceSQLite = plant{"campaigns/sqlite/attempt.go",
		` AND state = 2 AND fence = ?3),`, ` AND state = 2 AND ?3 = ?3),`}
	noFenceRedis = plant{"campaigns/redis/held.go", ` && h.fence == c.Fence && h.node == c.Node`, ` && h.node == c.Node`}
)

// overlay writes the planted copy, and a file for `go build -overlay` that puts it
// in the place of the real one. Nothing of the product is changed.
func (p plant) overlay(t *testing.T) string {
	t.Helper()
	path := filepath.Join(root(t), p.file)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(text), p.was); n != 1 {
		t.Fatalf("%s has %d times %q: what keeps the promise is written otherwise now, plant the fault there", p.file, n, p.was)
	}
	copied, list := filepath.Join(t.TempDir(), "planted.go"), filepath.Join(t.TempDir(), "overlay.json")
	body, err := json.Marshal(map[string]any{"Replace": map[string]string{path: copied}})
	if err != nil {
		t.Fatal(err)
	}
	for path, text := range map[string]string{copied: strings.Replace(string(text), p.was, p.is, 1), list: string(body)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return list
}

// build makes a product with the fault.
func (p plant) build(t *testing.T) string {
	t.Helper()
	planted := filepath.Join(t.TempDir(), "outpace")
	cmd := exec.Command("go", "build", "-overlay", p.overlay(t), "-o", planted, "./cmd/outpace")
	cmd.Dir, cmd.Env = root(t), append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return planted
}

// root is where the module lies.
func root(t *testing.T) string {
	t.Helper()
	dir, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

// TestPlantsFit: each fault still has its place in the product.
func TestPlantsFit(t *testing.T) {
	for _, p := range []plant{noDurableBegin, noSettle, noSecondCheck, noFenceSQLite, noFenceRedis} {
		p.overlay(t)
	}
}

// docket takes down what a judge finds, in place of failing the test.
type docket struct {
	testing.TB
	charges []string
}

func (d *docket) Errorf(format string, args ...any) {
	d.charges = append(d.charges, fmt.Sprintf(format, args...))
}

// stalled makes a store answer nobody until it is let go.
type stalled func(t *testing.T, w *world) (letGo func())

// stallFile holds the lock for writing of the product's file. The product waits
// for it 5 s, and calls nobody meanwhile.
func stallFile(t *testing.T, w *world) func() {
	t.Helper()
	db, err := sql.Open("sqlite", filepath.Join(w.dir, "outpace.db"))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "PRAGMA busy_timeout = 1000; BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.WithoutCancel(t.Context()), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		conn.Close()
		db.Close()
	}
}

// eachStore runs a test on both stores, with how to stall them.
func eachStore(t *testing.T, run func(t *testing.T, store string, stall stalled)) {
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); run(t, embedded, stallFile) })
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t)
		run(t, server.URL(), func(*testing.T, *world) func() { server.Freeze(); return server.Thaw })
	})
}

// TestPlantedFaults: what keeps a call from being made early, twice or without a
// trace is taken out of the product, one thing at a time. The judge that finds
// nothing in the product as it is charges each of these.
func TestPlantedFaults(t *testing.T) {
	heavy(t)
	for _, c := range []struct {
		name   string
		plant  plant
		charge string
		behave func(string, int) (carrier.Behaviour, bool)
		happen func(t *testing.T, w *world, stall stalled) (by func(testing.TB)) // the scene, and its judge
	}{
		{"durable begin", noDurableBegin, "the store knows no such attempt", quick, killStalled},
		{"settle", noSettle, `outcome "", ended`, quick, killTwice},
		{"second check", noSecondCheck, "after its window closed", busy, closeStalled},
	} {
		planted := c.plant.build(t)
		t.Run(c.name, func(t *testing.T) {
			eachStore(t, func(t *testing.T, store string, stall stalled) {
				for _, binary := range []string{"", planted} {
					w := newWorldOn(t, store, carrier.Config{Seed: 5, Behave: c.behave}, 3000, 10)
					w.program = binary
					d := &docket{TB: t}
					c.happen(t, w, stall)(d)
					switch {
					case binary == "":
						for _, charge := range d.charges {
							t.Error("the product as it is: ", charge)
						}
					case !slices.ContainsFunc(d.charges, func(s string) bool { return strings.Contains(s, c.charge) }):
						t.Errorf("the fault was not found; %d charges: %.1000q", len(d.charges), d.charges)
					default:
						t.Logf("%d charges, the first: %s", len(d.charges), d.charges[0])
					}
					if store != embedded { // the next one begins with an empty store
						wipe(t, store)
					}
				}
			})
		})
	}
}

// wipe empties a Redis.
func wipe(t *testing.T, url string) {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimPrefix(url, "redis://"), "/0")
	s := &redistest.Server{Addr: address}
	if answer := s.Ask("FLUSHALL"); !strings.HasPrefix(answer, "+OK") {
		t.Fatalf("FLUSHALL: %q", answer)
	}
}

// quick are lines that are busy and people who talk for a moment, so that there
// are calls to make at any time.
func quick(number string, n int) (carrier.Behaviour, bool) {
	if b, _ := mixed(number, n); b.Kind != carrier.Person || b.Ring > 700*time.Millisecond {
		return carrier.Behaviour{Kind: carrier.Busy}, true
	}
	return carrier.Behaviour{Kind: carrier.Person, Ring: 200 * time.Millisecond, Talk: time.Minute, Patience: time.Minute}, true
}

// busy are lines that are always busy: a call can be made at any moment.
func busy(string, int) (carrier.Behaviour, bool) {
	return carrier.Behaviour{Kind: carrier.Busy}, true
}

// judged holds the attempts of a store that nobody uses any more against the
// carrier's log.
func judged(w *world) func(testing.TB) {
	return func(d testing.TB) {
		store := w.open(d)
		defer store.Close()
		attempts, calls := allAttempts(d, store), callsOf(d, w.events(d))
		judgeOutcomes(d, attempts, calls)
		judgeTimes(d, attempts, calls)
	}
}

// killStalled kills the product while its store cannot write: what was not durable
// then is lost.
func killStalled(t *testing.T, w *world, stall stalled) func(testing.TB) {
	w.start(t)
	w.operate(t, 300*time.Millisecond)
	w.invites(t, 10)
	letGo := stall(t, w)
	testbed.Pass(3 * time.Second)
	w.kill()
	letGo()
	w.start(t)
	w.stop(t)
	return judged(w)
}

// killTwice kills the product in the middle of calls; the second life is to settle
// what the first left.
func killTwice(t *testing.T, w *world, _ stalled) func(testing.TB) {
	w.start(t)
	w.operate(t, 5*time.Second)
	w.invites(t, 10)
	for range 2 {
		testbed.Pass(500 * time.Millisecond)
		w.kill()
		w.start(t)
	}
	w.stop(t)
	return judged(w)
}

// closeStalled stalls the store while the calling window closes: attempts that were
// begun in time become durable when it is too late.
func closeStalled(t *testing.T, w *world, stall stalled) func(testing.TB) {
	zone := mustZone(testbed.DayZone(time.Now()))
	ends := time.Now().Add(eligibility.RingAllowance + 12*time.Second).Truncate(time.Minute).Add(time.Minute)
	w.change(t, func(c *campaigns.Campaign) {
		c.Windows = []campaigns.Hours{{From: "00:00", To: ends.In(zone).Format("15:04")}}
	})
	closes := ends.Add(-eligibility.RingAllowance)
	testbed.Pass(time.Until(closes.Add(-10 * time.Second)))
	w.start(t)
	w.operate(t, 300*time.Millisecond)
	testbed.Pass(time.Until(closes.Add(-900 * time.Millisecond)))
	letGo := stall(t, w)
	testbed.Pass(time.Until(closes.Add(700 * time.Millisecond)))
	letGo()
	testbed.Pass(2 * time.Second)
	w.stop(t)
	return func(d testing.TB) {
		d.Helper()
		store := w.open(d)
		defer store.Close()
		attempts, calls := allAttempts(d, store), callsOf(d, w.events(d))
		judgeOutcomes(d, attempts, calls)
		caught := 0
		for _, a := range attempts {
			if late := calls[string(a.ID)]; a.Outcome == campaigns.NotPlaced || late != nil && late.from.After(closes) {
				caught++
			}
		}
		if caught == 0 || len(calls) == 0 {
			t.Errorf("%d calls, %d attempts were on their way when the window closed: nothing was tested", len(calls), caught)
		}
		last := time.Time{}
		for _, a := range attempts {
			if a.BeganAt.After(last) {
				last = a.BeganAt
			}
		}
		t.Logf("%d attempts, the last was begun %v before the window closed", len(attempts), closes.Sub(last).Round(time.Millisecond))
		for _, c := range calls {
			if c.from.After(closes) {
				d.Errorf("call %s to %s left %v after its window closed", c.id, c.number, c.from.Sub(closes))
			}
		}
	}
}

// TestPlantedFence: the fence is taken out of each store. No process of one store
// ever begins with a claim that is over, so no carrier can see the loss; the suite
// that stores must pass does.
func TestPlantedFence(t *testing.T) {
	heavy(t)
	for _, c := range []struct {
		pkg   string
		plant plant
	}{{"./campaigns/sqlite", noFenceSQLite}, {"./campaigns/redis", noFenceRedis}} {
		t.Run(filepath.Base(c.pkg), func(t *testing.T) {
			for _, overlay := range []string{"", c.plant.overlay(t)} {
				cmd := exec.Command("go", "test", "-count=1", "-overlay", overlay, "-run", "^TestConformance$/^(lease|begin)$", c.pkg)
				cmd.Dir = root(t)
				out, err := cmd.CombinedOutput()
				switch found := strings.Contains(string(out), "want campaigns: stale fence"); {
				case overlay == "" && err != nil:
					t.Errorf("the store as it is: %v\n%s", err, out)
				case overlay != "" && (err == nil || !found):
					t.Errorf("the fault was not found: %v\n%s", err, out)
				}
			}
		})
	}
}
