package explain

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/campaigns/redis"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/config/rules"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// store is both contracts.
type store interface {
	campaigns.Store
	campaigns.Records
}

// history is a store whose leads had a random life in two campaigns.
type history struct {
	*testing.T
	store
	Explainer
	draw  *rand.Rand
	path  string
	leads []campaigns.LeadID
	calls int
}

// monday is noon in London, on a day when the tests of a week begin.
var monday = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newHistory(t *testing.T, seed uint64) *history {
	t.Helper()
	path := filepath.Join(t.TempDir(), "store.db")
	store, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	return newHistoryIn(t, store, path, seed)
}

// newHistoryIn is newHistory in an empty store; path is its file, where it is one.
func newHistoryIn(t *testing.T, s store, path string, seed uint64) *history {
	t.Helper()
	r, err := eligibility.Load(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	h := &history{T: t, path: path, store: s, Explainer: Explainer{s, r}, draw: rand.New(rand.NewPCG(seed, 0))}
	h.must(s.SaveList(t.Context(), campaigns.List{ID: "list"}))
	for _, c := range []campaigns.Campaign{
		{ID: "spring", Priority: "0", Caps: []campaigns.Cap{{N: 2, Period: 24 * time.Hour}, {N: 3, Period: 40 * 24 * time.Hour}}, Segments: []campaigns.Segment{{Name: "warm", Filter: "cp > 0"}}},
		{ID: "autumn", Priority: "0", Caps: []campaigns.Cap{{N: 3, Period: 48 * time.Hour}}},
	} {
		c.State, c.Lists, c.CallerIDs = campaigns.Running, []campaigns.ListID{"list"}, []string{"+442079460123"}
		c.Pacing.Mode = campaigns.Predictive
		_, err := s.SaveCampaign(t.Context(), c)
		h.must(err)
	}
	return h
}

func (h *history) must(err error) {
	h.Helper()
	if err != nil {
		h.Fatal(err)
	}
}

// add imports leads of several regions; some share a number with the one before.
func (h *history) add(n int) {
	h.Helper()
	places := []struct{ zone, region string }{
		{"Europe/London", "UK"}, {"Europe/Warsaw", "PL"}, {"America/New_York", "US-FED"}, {"America/Los_Angeles", "US-FED"}, {"Asia/Tokyo", "JP"},
	}
	var leads []campaigns.Lead
	for i := range n {
		p := places[h.draw.IntN(len(places))]
		l := campaigns.Lead{Name: fmt.Sprint(i), ExternalID: fmt.Sprint(i), CreatedAt: monday.AddDate(0, 0, -60), Grades: campaigns.Grades{CP: h.draw.IntN(6)}}
		for k := range 1 + h.draw.IntN(2) {
			l.Numbers = append(l.Numbers, campaigns.Number{E164: fmt.Sprintf("+4420%06d%d", i, k), Kind: campaigns.Mobile, Zones: []string{p.zone}, Regions: []string{p.region}})
		}
		if i > 0 && h.draw.IntN(10) == 0 {
			l.Numbers[0] = leads[i-1].Numbers[0]
		}
		leads = append(leads, l)
	}
	_, err := h.AddLeads(h.Context(), "list", leads)
	h.must(err)
	found, err := h.FindLeads(h.Context(), campaigns.LeadQuery{Limit: 10_000})
	h.must(err)
	h.leads = nil
	for _, l := range found {
		h.leads = append(h.leads, l.ID)
	}
}

// claim takes leads whatever the hour.
func (h *history) claim(c campaigns.CampaignID, n int, at time.Time) []campaigns.Claim {
	h.Helper()
	queues, err := h.Queues(h.Context(), c, at)
	h.must(err)
	var ids []campaigns.QueueID
	for _, q := range queues {
		ids = append(ids, q.QueueID)
	}
	claims, err := h.Claim(h.Context(), campaigns.ClaimRequest{Queues: ids, Limit: n, Node: "n", Lease: time.Minute, Now: at})
	h.must(err)
	h.draw.Shuffle(len(claims), func(i, j int) { claims[i], claims[j] = claims[j], claims[i] })
	return claims
}

// begin makes an attempt without asking the rules; false where the store refuses.
func (h *history) begin(c campaigns.Claim, at time.Time, caps []campaigns.Cap) (campaigns.AttemptID, bool) {
	h.Helper()
	h.calls++
	id := campaigns.AttemptID(fmt.Sprintf("01940000-0000-7000-8000-%012d", h.calls))
	err := h.Begin(h.Context(), campaigns.Intent{Attempt: id, Claim: c, Caps: caps, At: at})
	return id, err == nil
}

// live gives leads a past: calls, callbacks, do-not-call; at the end some are
// claimed and some are being called.
func (h *history) live(until time.Time) {
	h.Helper()
	outcomes := []campaigns.Outcome{campaigns.Busy, campaigns.NoAnswer, campaigns.MachineHeard, campaigns.Abandoned, campaigns.Connected, campaigns.Congestion}
	for at := until.Add(-50 * 24 * time.Hour); at.Before(until); at = at.Add(time.Duration(h.draw.Int64N(int64(40 * time.Hour)))) {
		for _, id := range []campaigns.CampaignID{"spring", "autumn"} {
			claims := h.claim(id, len(h.leads), at)
			calls := min(len(claims), 12)
			h.must(h.Release(h.Context(), claims[calls:], time.Time{}))
			for _, c := range claims[:calls] {
				attempt, ok := h.begin(c, at, nil)
				if !ok {
					continue
				}
				o := outcomes[h.draw.IntN(len(outcomes))]
				if h.draw.IntN(60) == 0 {
					o = campaigns.InvalidNumber
				}
				next := campaigns.Next{Done: h.draw.IntN(40) == 0, At: at.Add(time.Duration(h.draw.Int64N(int64(90 * time.Hour)))), Number: c.Number.E164}
				if h.draw.IntN(8) == 0 {
					next.Callback = &campaigns.Callback{At: next.At}
				}
				h.must(h.End(h.Context(), campaigns.Ending{Attempt: attempt, Outcome: o, Count: o.Reached(), Next: next, BadNumber: o == campaigns.InvalidNumber, At: at.Add(time.Minute)}))
			}
		}
	}
	for i := 0; i < len(h.leads); i += 9 {
		l, err := h.Lead(h.Context(), h.leads[i])
		h.must(err)
		h.must(h.Suppress(h.Context(), campaigns.Suppression{E164: l.Numbers[0].E164, At: until}))
	}
	for _, id := range []campaigns.CampaignID{"spring", "autumn"} {
		claims := h.claim(id, 8, until)
		for _, c := range claims[:min(4, len(claims))] {
			h.begin(c, until, nil)
		}
	}
}

// recount is a waterfall by asking every gate for every lead.
func (h *history) recount(id campaigns.CampaignID, now time.Time) map[string]int {
	h.Helper()
	counts := map[string]int{}
	c, err := h.Campaign(h.Context(), id)
	h.must(err)
	open, err := h.Attempts(h.Context(), campaigns.AttemptQuery{Open: true, Limit: 1000})
	h.must(err)
	for _, lead := range h.leads {
		l, err := h.Lead(h.Context(), lead)
		h.must(err)
		entries, err := h.Entries(h.Context(), lead)
		h.must(err)
		held := false
		for _, e := range entries {
			held = held || e.State == campaigns.EntryClaimed || e.State == campaigns.EntryCalling
		}
		for _, e := range entries {
			if e.Queue.Campaign != id {
				continue
			}
			held = held || slices.ContainsFunc(open, func(a campaigns.Attempt) bool { return a.Number == e.Number })
			s, err := h.subject(h.Context(), l, e.Number, now)
			h.must(err)
			s.Campaign, s.Entry = c, &e
			if s.Attempts, err = h.PersonAttempts(h.Context(), lead, now.Add(-100*24*time.Hour)); err != nil {
				h.Fatal(err)
			}
			shut := map[string]bool{}
			for _, g := range h.Rules.Check(s, now).Gates {
				shut[g.Name] = shut[g.Name] || !g.OK
			}
			passed := []bool{true, e.State != campaigns.EntryDone && e.State != campaigns.EntryNone,
				!shut["window"], !shut["cap"], !shut["do_not_call"], !shut["due"] && !shut["cooldown"] && !shut["operator"], !held}
			for i, name := range []string{"total", "active", "in_window", "under_caps", "not_suppressed", "due", "ready"} {
				if !passed[i] {
					break
				}
				counts[name]++
			}
		}
	}
	return counts
}

// TestWaterfall holds the count of a campaign against asking for every lead.
func TestWaterfall(t *testing.T) {
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		newHistory(t, 0).waterfalls()
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		url := redistest.Start(t).URL()
		for _, shards := range []int{1, 3} {
			s, err := redis.Open(t.Context(), url, redis.WithNamespace(fmt.Sprint("shards-", shards)), redis.WithShards(shards))
			if err != nil {
				t.Fatal(err)
			}
			newHistoryIn(t, s, "", 0).waterfalls()
		}
	})
}

func (h *history) waterfalls() {
	h.Helper()
	h.add(50)
	h.live(monday)
	for _, id := range []campaigns.CampaignID{"spring", "autumn"} {
		for _, now := range []time.Time{monday, monday.Add(19 * time.Hour)} {
			f, err := h.ExplainCampaign(h.Context(), id, now)
			h.must(err)
			want := h.recount(id, now)
			for i, s := range f.Steps {
				if s.Leads != want[s.Name] {
					h.Errorf("%s at %v, %s: %d leads, want %d", id, now, s.Name, s.Leads, want[s.Name])
				}
				if i > 0 && (s.Leads > f.Steps[i-1].Leads || s.Lost != f.Steps[i-1].Leads-s.Leads || (s.Lost > 0) != (s.Reason != "")) {
					h.Errorf("step %+v after %+v", s, f.Steps[i-1])
				}
			}
			h.Logf("%s", f.Why)
		}
	}
}

// TestWaterfallSays names the largest loss.
func TestWaterfallSays(t *testing.T) {
	h := newHistory(t, 7)
	says := func(want string) {
		t.Helper()
		f, err := h.ExplainCampaign(t.Context(), "autumn", monday)
		if err != nil || f.Why != want {
			t.Errorf("%q, %v; want %q", f.Why, err, want)
		}
	}
	says("no leads: its lists are empty, or none was imported")
	h.add(40)
	london := 0
	for _, id := range h.leads {
		l, err := h.Lead(t.Context(), id)
		h.must(err)
		if z := l.Numbers[0].Zones[0]; z == "Europe/London" || z == "Europe/Warsaw" {
			london++
		} else {
			l.Numbers = l.Numbers[:0:0]
			l.Numbers = append(l.Numbers, campaigns.Number{E164: fmt.Sprintf("+811%07d", id), Zones: []string{"Asia/Tokyo"}, Regions: []string{"JP"}})
			h.must(h.SaveLead(t.Context(), l))
		}
	}
	says(fmt.Sprintf("%d of 40 leads are ready; most are lost at in_window: %d are outside their calling hours; the first may be called at 2026-11-23T23:00:00Z", london, 40-london))
	h.must(h.SetCampaignState(t.Context(), "autumn", campaigns.OnHold, "a copy"))
	says(fmt.Sprintf("the campaign is hold (a copy); %d of 40 leads are ready; most are lost at in_window: %d are outside their calling hours; the first may be called at 2026-11-23T23:00:00Z", london, 40-london))
}

// dialled says whether the dial path would call a lead at a time: hours, claim,
// rules, store. What refuses says when to ask again, as in the engine.
func (h *history) dialled(c campaigns.Campaign, lead campaigns.LeadID, at time.Time) bool {
	h.Helper()
	queues, err := h.Queues(h.Context(), c.ID, at)
	h.must(err)
	var open []campaigns.QueueID
	for _, q := range queues {
		if is, _, _ := h.Rules.Open(q.Window, c, at); is {
			open = append(open, q.QueueID)
		}
	}
	claims, err := h.Claim(h.Context(), campaigns.ClaimRequest{Queues: open, Limit: 10_000, Node: "n", Lease: time.Minute, Now: at})
	h.must(err)
	for i, claim := range claims {
		if claim.Lead.ID != lead {
			continue
		}
		claims = slices.Delete(claims, i, i+1)
		h.must(h.Release(h.Context(), claims, time.Time{}))
		if _, is, opens := h.Rules.Decide(claim, c, at); !is {
			h.must(h.Release(h.Context(), []campaigns.Claim{claim}, opens))
			return false
		}
		_, begun := h.begin(claim, at, h.Rules.Caps(claim.Queue.Window, c, at))
		return begun
	}
	h.must(h.Release(h.Context(), claims, time.Time{}))
	return false
}

// copies gives each test a store of its own that is as this one is now.
func (h *history) copies() (again func() *history) {
	h.Helper()
	path := filepath.Join(h.TempDir(), "copy.db")
	h.must(sqlite.Backup(h.Context(), h.path, path))
	whole, err := os.ReadFile(path)
	h.must(err)
	return func() *history {
		path := filepath.Join(h.TempDir(), "again.db")
		h.must(os.WriteFile(path, whole, 0o600))
		s, err := sqlite.Open(h.Context(), path)
		h.must(err)
		other := *h
		other.store, other.Explainer = s, Explainer{s, h.Rules}
		return &other
	}
}

// explained is what is said of a lead in a campaign.
func (h *history) explained(c campaigns.CampaignID, lead campaigns.LeadID, now time.Time) api.Explanation {
	h.Helper()
	l, err := h.Lead(h.Context(), lead)
	h.must(err)
	entries, err := h.Entries(h.Context(), lead)
	h.must(err)
	e := entries[slices.IndexFunc(entries, func(e campaigns.Entry) bool { return e.Queue.Campaign == c })]
	all, err := h.places(h.Context(), l, e.Number, now)
	h.must(err)
	return all[slices.IndexFunc(all, func(x api.Explanation) bool { return x.Campaign == c })]
}

// TestWhenNext: a lead that is said to be called at a time is called then, and
// not before; one of whom nothing is said is not called.
func TestWhenNext(t *testing.T) {
	t.Parallel()
	h := newHistory(t, 11)
	h.add(36)
	h.live(monday)
	_, err := h.Reclaim(t.Context(), "n", monday.Add(time.Hour))
	h.must(err)
	open, err := h.Open(t.Context(), "n")
	h.must(err)
	for _, a := range open {
		h.must(h.End(t.Context(), campaigns.Ending{Attempt: a.ID, Outcome: campaigns.Interrupted, Count: true, Next: campaigns.Next{At: monday.Add(4 * time.Hour)}, At: monday}))
	}
	again := h.copies()
	said := map[string]int{}
	for i, lead := range h.leads {
		id := []campaigns.CampaignID{"spring", "autumn"}[i%2]
		now := monday.Add([]time.Duration{0, 7 * time.Hour, 15 * time.Hour}[i%3])
		said[again().checkNext(id, lead, now)]++
	}
	t.Log(said)
	if said["now"] < 2 || said["later"] < 8 || said["never"] < 2 {
		t.Errorf("said: %v: too few of each were tested", said)
	}
}

// checkNext looks at one lead until its time has come.
func (h *history) checkNext(id campaigns.CampaignID, lead campaigns.LeadID, now time.Time) string {
	h.Helper()
	defer h.Close()
	c, err := h.Campaign(h.Context(), id)
	h.must(err)
	x := h.explained(id, lead, now)
	said, until, steps := "later", x.Next, 4
	switch {
	case x.Next.IsZero():
		said, until, steps = "never", now.AddDate(0, 0, 60), 5
	case x.Allowed != x.Next.Equal(now):
		h.Errorf("lead %d: allowed %v, next %v at %v", lead, x.Allowed, x.Next, now)
	case x.Allowed:
		said, steps = "now", 1
	}
	span := until.Sub(now)
	for i := range steps {
		at := now.Add(span * time.Duration(i) / time.Duration(steps))
		if at.Before(until) && h.dialled(c, lead, at) {
			h.Errorf("lead %d is called by %s at %v, before %v: %+v", lead, id, at, x.Next, x.Gates)
			return said
		}
	}
	if said == "later" && h.dialled(c, lead, until.Add(-time.Second)) {
		h.Errorf("lead %d is called by %s a second before %v: %+v", lead, id, x.Next, x.Gates)
		return said
	}
	if said != "never" && !h.dialled(c, lead, until) {
		h.Errorf("lead %d is not called by %s at %v: %+v", lead, id, x.Next, x.Gates)
	}
	return said
}
