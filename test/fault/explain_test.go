package fault

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// explained is what `leads explain --json` prints for one campaign.
type explained struct {
	Campaign string
	Number   string
	Allowed  bool
	Next     time.Time
	Gates    []gate
}

type gate struct {
	Name, Detail string
	OK           bool
	Next         time.Time
}

// gate finds one by its name.
func (x explained) gate(name string) gate {
	for _, g := range x.Gates {
		if g.Name == name {
			return g
		}
	}
	return gate{}
}

// everyGate is asked for each number of a campaign.
var everyGate = []string{"number", "region", "do_not_call", "consent", "campaign", "caller_id", "queue", "hours", "window", "cooldown", "due"}

// numberOf is the number of a lead of testbed.Leads.
func numberOf(i int) string { return testbed.Leads(list, i+1, "UTC")[i].Numbers[0].E164 }

// TestExplain asks why each of some numbers is dialled or not.
func TestExplain(t *testing.T) {
	t.Parallel()
	p := newProduct(t, "127.0.0.1:9")
	now := time.Now()
	capped := seedExplained(t, p, now)
	day, night := mustZone(testbed.DayZone(now)), mustZone(testbed.NightZone(now))
	for _, c := range []struct {
		name, number string
		stops        []string  // the gates that are closed
		next         time.Time // zero: never, or now
	}{
		{"dialable", numberOf(0), nil, now},
		{"closed window", numberOf(1), []string{"hours", "window"}, morning(now, night)},
		{"do not call", numberOf(2), []string{"do_not_call"}, time.Time{}},
		{"capped", numberOf(3), []string{"cap"}, openFrom(capped.Add(24*time.Hour), day)},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := explain(t, p, c.number)
			if got.Campaign != campaign || got.Number != c.number || got.Allowed != (c.stops == nil) {
				t.Errorf("%+v", got)
			}
			if off := got.Next.Sub(c.next).Abs(); off > time.Minute {
				t.Errorf("next %v, want %v", got.Next, c.next)
			}
			checkGates(t, got, append([]string{"cap"}, everyGate...), c.stops)
			checkText(t, p, c.number, c.stops)
		})
	}
	t.Run("never imported", func(t *testing.T) {
		got := explain(t, p, "+48 512 345 678")
		stops := []string{"campaign", "caller_id", "queue"}
		if gate := got.gate("window"); !gate.OK { // Poland's hours are what they are
			stops = append(stops, "hours", "window")
			if gate.Next.Before(now) {
				t.Errorf("the window opens at %v, in the past", gate.Next)
			}
		}
		checkGates(t, got, everyGate, stops)
	})
	for _, garbage := range []string{"not a number", "", "+", "12345", "+9999999999", "'; drop table leads"} {
		t.Run("garbage "+garbage, func(t *testing.T) {
			got := explain(t, p, garbage)
			checkGates(t, got, []string{"number"}, []string{"number"})
			if got.Allowed || got.Gates[0].Detail == "" {
				t.Errorf("%+v", got)
			}
		})
	}
}

// seedExplained makes a lead for each case. It returns when the capped one was
// called.
func seedExplained(t *testing.T, p *product, now time.Time) time.Time {
	t.Helper()
	store, ctx := p.open(t), t.Context()
	defer store.Close()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	c := plan(now)
	c.Caps = []campaigns.Cap{{N: 1, Period: 24 * time.Hour}}
	must(store.SaveList(ctx, campaigns.List{ID: list, Name: "Explained", CreatedAt: now}))
	_, err := store.SaveCampaign(ctx, c)
	must(err)
	leads := testbed.Leads(list, 4, testbed.DayZone(now))
	leads[1].Numbers[0].Zones = []string{testbed.NightZone(now)}
	_, err = store.AddLeads(ctx, list, leads)
	must(err)
	must(store.Suppress(ctx, campaigns.Suppression{E164: numberOf(2), Reason: "asked for it", Source: "api", At: now}))
	return callOnce(t, store, numberOf(3), c.Caps, now.Add(-time.Minute))
}

// callOnce makes an attempt that was busy, and lets the lead be due again.
func callOnce(t *testing.T, store app.Store, number string, caps []campaigns.Cap, at time.Time) time.Time {
	t.Helper()
	ctx := t.Context()
	queues, err := store.Queues(ctx, campaign, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var ids []campaigns.QueueID
	for _, q := range queues {
		ids = append(ids, q.QueueID)
	}
	claims, err := store.Claim(ctx, campaigns.ClaimRequest{Queues: ids, Limit: 10, Node: "test", Lease: time.Minute, Now: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	for _, claim := range claims {
		if claim.Number.E164 != number {
			continue
		}
		err := store.Begin(ctx, campaigns.Intent{Attempt: "01a20000-0000-7000-8000-000000000001", Claim: claim, Trunk: "simulated", Caps: caps, At: at})
		if err != nil {
			t.Fatal(err)
		}
		err = store.End(ctx, campaigns.Ending{Attempt: "01a20000-0000-7000-8000-000000000001", Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{At: at}, At: at})
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := store.Reclaim(ctx, "test", time.Now()); err != nil {
		t.Fatal(err)
	}
	return at
}

func mustZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil {
		panic(err) // the tests carry the database of zones
	}
	return zone
}

// morning is the next time that the demo's rules open, at eight in a zone.
func morning(now time.Time, zone *time.Location) time.Time {
	local := now.In(zone)
	eight := time.Date(local.Year(), local.Month(), local.Day(), 8, 0, 0, 0, zone)
	if !eight.After(now) {
		eight = eight.AddDate(0, 0, 1)
	}
	return eight
}

// openFrom is the first time from at that the demo's rules allow, from eight to
// twenty-one in a zone.
func openFrom(at time.Time, zone *time.Location) time.Time {
	if hour := at.In(zone).Hour(); hour >= 8 && hour < 21 {
		return at
	}
	return morning(at, zone)
}

func explain(t *testing.T, p *product, number string) explained {
	t.Helper()
	out, bad, status := p.outpace(t, "leads", "explain", number, "--json")
	var all []explained
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || status != 0 {
		t.Fatalf("exit status %d, %v: %s%s", status, err, out, bad)
	}
	return all[0]
}

// checkGates: every gate is there, and no others than these are closed.
func checkGates(t *testing.T, got explained, names, stops []string) {
	t.Helper()
	asked, closed := map[string]bool{}, map[string]bool{}
	for _, g := range got.Gates {
		asked[g.Name] = true
		if g.Detail == "" {
			t.Errorf("gate %s gives no reason", g.Name)
		}
		if !g.OK {
			closed[g.Name] = true
		}
	}
	for _, name := range names {
		if !asked[name] {
			t.Errorf("gate %s is not named", name)
		}
	}
	for _, name := range stops {
		if !closed[name] {
			t.Errorf("gate %s is open", name)
		}
		delete(closed, name)
	}
	if len(closed) > 0 {
		t.Errorf("closed without need: %v", closed)
	}
}

// checkText: the form for people says the same.
func checkText(t *testing.T, p *product, number string, stops []string) {
	t.Helper()
	out, bad, status := p.outpace(t, "leads", "explain", number)
	if status != 0 {
		t.Fatalf("exit status %d: %s", status, bad)
	}
	for _, name := range everyGate {
		if !strings.Contains(out, " "+name+" ") {
			t.Errorf("no line for %s in\n%s", name, out)
		}
	}
	for _, name := range stops {
		if !strings.Contains(out, "STOP "+name) {
			t.Errorf("no stop at %s in\n%s", name, out)
		}
	}
	if stops == nil && !strings.Contains(out, "may be called now") {
		t.Errorf("not said that it may be called:\n%s", out)
	}
}
