package journal

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/campaigns/sqlite/sqlitetest"
	"github.com/outpace-dialer/outpace/campaigns/storetest"
)

func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "3"); err != nil { // the store alone makes many histories
		panic(err)
	}
	os.Exit(m.Run())
}

// start is the beginning of time in tests.
var start = time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)

// attach opens the store in a folder with its journal.
func attach(t *testing.T, dir string) *Store {
	t.Helper()
	plain, err := sqlite.Open(t.Context(), filepath.Join(dir, "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	j, err := Open(filepath.Join(dir, "journal"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := Attach(t.Context(), plain, j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // mostly the second time
	return s
}

// TestConformance: a store with a journal keeps every promise of a store.
func TestConformance(t *testing.T) {
	var both func(t *testing.T, dir string) storetest.Both
	both = func(t *testing.T, dir string) storetest.Both {
		s := attach(t, dir)
		return storetest.Both{Store: s, Records: s, Around: true, Reopen: func() storetest.Both {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			return both(t, dir)
		}}
	}
	storetest.Run(t, func(t *testing.T) storetest.Both {
		dir := t.TempDir()
		sqlitetest.New(t, filepath.Join(dir, "store.db"))
		return both(t, dir)
	})
}

// floor is a store with leads, and a copy of it.
type floor struct {
	*testing.T
	dir, copied string
	*Store
	calls int
}

func newFloor(t *testing.T, leads int) *floor {
	f := &floor{T: t, dir: t.TempDir(), copied: filepath.Join(t.TempDir(), "copy.db")}
	f.Store = attach(t, f.dir)
	f.must(f.SaveList(t.Context(), campaigns.List{ID: "list"}))
	for _, id := range []campaigns.CampaignID{"camp", "other"} {
		_, err := f.SaveCampaign(t.Context(), campaigns.Campaign{ID: id, State: campaigns.Running, Lists: []campaigns.ListID{"list"}})
		f.must(err)
	}
	f.add(0, leads)
	return f
}

func (f *floor) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func (f *floor) add(from, n int) {
	f.Helper()
	var leads []campaigns.Lead
	for i := from; i < from+n; i++ {
		leads = append(leads, campaigns.Lead{Name: fmt.Sprint(i), CreatedAt: start, Numbers: []campaigns.Number{
			{E164: fmt.Sprintf("+4822%07d", i), Kind: campaigns.Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}},
		}})
	}
	_, err := f.AddLeads(f.Context(), "list", leads)
	f.must(err)
}

// due are the numbers that a campaign would dial at a time.
func (f *floor) due(c campaigns.CampaignID, at time.Time) []campaigns.Claim {
	f.Helper()
	queues, err := f.Queues(f.Context(), c, at)
	f.must(err)
	var ids []campaigns.QueueID
	for _, q := range queues {
		ids = append(ids, q.QueueID)
	}
	claims, err := f.Claim(f.Context(), campaigns.ClaimRequest{Queues: ids, Limit: 1000, Node: "n", Lease: time.Minute, Now: at})
	f.must(err)
	return claims
}

// dial begins an attempt to the first n leads that are due and gives them.
func (f *floor) dial(n int) []campaigns.Intent {
	f.Helper()
	claims := f.due("camp", start)
	var made []campaigns.Intent
	for _, c := range claims[:n] {
		f.calls++
		in := campaigns.Intent{Attempt: campaigns.AttemptID(fmt.Sprintf("01940000-0000-7000-8000-%012d", f.calls)), Claim: c, Trunk: "t", CallerID: "+481", At: start}
		f.must(f.Begin(f.Context(), in))
		made = append(made, in)
	}
	f.must(f.Release(f.Context(), claims[n:], time.Time{}))
	return made
}

// copy keeps the store as it is now.
func (f *floor) copy() {
	f.Helper()
	f.must(sqlite.Backup(f.Context(), filepath.Join(f.dir, "store.db"), f.copied))
}

// restore closes the store and opens the copy in its place.
func (f *floor) restore() {
	f.Helper()
	f.must(f.Close())
	_, err := sqlite.Restore(f.Context(), filepath.Join(f.dir, "store.db"), f.copied, time.Now())
	f.must(err)
	f.Store = attach(f.T, f.dir)
}

func (f *floor) attempt(id campaigns.AttemptID) campaigns.Attempt {
	f.Helper()
	found, err := f.Attempts(f.Context(), campaigns.AttemptQuery{ID: id})
	f.must(err)
	if len(found) != 1 {
		f.Fatalf("attempt %s is there %d times", id, len(found))
	}
	return found[0]
}

func (f *floor) campaign(id campaigns.CampaignID) campaigns.Campaign {
	f.Helper()
	c, err := f.Campaign(f.Context(), id)
	f.must(err)
	return c
}

// After a restore of an old copy everything dialled since is known: how it
// ended, what the operator said, who asked not to be called.
func TestNothingDialledSinceACopyIsForgotten(t *testing.T) {
	f := newFloor(t, 10)
	before := f.dial(1)[0]
	f.copy()
	since := f.dial(4)
	end := func(in campaigns.Intent, o campaigns.Outcome, next campaigns.Next) {
		t.Helper()
		f.must(f.End(t.Context(), campaigns.Ending{Attempt: in.Attempt, Outcome: o, Count: true, Next: next, At: start.Add(time.Minute)}))
	}
	end(before, campaigns.Busy, campaigns.Next{At: start.Add(10 * time.Minute)})
	end(since[0], campaigns.NoAnswer, campaigns.Next{At: start.Add(2 * time.Hour)})
	end(since[1], campaigns.Connected, campaigns.Next{At: start.Add(24 * time.Hour)})
	f.must(f.Dispose(t.Context(), campaigns.Disposal{Attempt: since[1].Attempt, Disposition: "sale", By: "ann", Next: campaigns.Next{Done: true}, At: start.Add(2 * time.Minute)}))
	f.must(f.Suppress(t.Context(), campaigns.Suppression{E164: "+48220000009", Reason: "asked", Source: "api", At: start}))
	f.must(f.Suppress(t.Context(), campaigns.Suppression{E164: "+48220000008", Reason: "asked", Source: "api", At: start}))
	f.must(f.Unsuppress(t.Context(), "+48220000008", "ann"))

	f.restore()
	if r := f.Report(); r.Attempts != 4 || len(r.Strange) != 0 || r.Gap != "" || r.Held != nil {
		t.Errorf("report = %+v", r)
	}
	for in, want := range map[*campaigns.Intent]campaigns.Outcome{&before: campaigns.Busy, &since[0]: campaigns.NoAnswer, &since[1]: campaigns.Connected, &since[2]: "", &since[3]: ""} {
		if a := f.attempt(in.Attempt); a.Outcome != want || a.Number != in.Claim.Number.E164 || !a.BeganAt.Equal(start) || a.Lead != in.Claim.Lead.ID {
			t.Errorf("attempt %s: %+v, want %q", in.Attempt, a, want)
		}
	}
	if a := f.attempt(since[1].Attempt); a.Disposition != "sale" || a.DisposedBy != "ann" {
		t.Errorf("disposition = %+v", a)
	}
	_, nine, _ := f.Suppressed(t.Context(), "+48220000009")
	_, eight, _ := f.Suppressed(t.Context(), "+48220000008")
	if !nine || eight {
		t.Errorf("suppressed: %v, %v; want the one that was not taken back", nine, eight)
	}
	open, err := f.Store.Open(t.Context(), "n") // those that settling ends, as after a crash
	if err != nil || len(open) != 2 {
		t.Errorf("%d open, %v; want 2", len(open), err)
	}
	if n := len(f.due("camp", start.Add(time.Minute))); n != 5 {
		t.Errorf("%d leads are due, want the 5 that were not dialled", n)
	}
	if claims := f.due("camp", start.Add(11*time.Minute)); len(claims) != 1 || claims[0].Lead.ID != before.Claim.Lead.ID {
		t.Errorf("due after 10 minutes: %d, want the busy one", len(claims))
	}
	if claims := f.due("camp", start.Add(100*time.Hour)); len(claims) != 1 || claims[0].Lead.ID != since[0].Claim.Lead.ID {
		t.Errorf("due in the end: %d, want the one that did not answer", len(claims))
	}
}

// The copy may be put back again and again, and opened without a restore.
func TestReplayIsRepeatable(t *testing.T) {
	f := newFloor(t, 10)
	f.copy()
	f.dial(3)
	for want := 3; want < 6; want++ {
		f.restore()
		if r := f.Report(); r.Attempts != want || r.Held != nil {
			t.Fatalf("report = %+v, want %d attempts", r, want)
		}
		f.must(f.Close())
		f.Store = attach(t, f.dir)
		if r := f.Report(); r.Attempts != 0 || r.Held != nil {
			t.Fatalf("opened once more: %+v", r)
		}
		f.dial(1)
	}
}

// A process that dies leaves its mark behind the journal: nothing comes twice.
func TestCrashBeforeTheMark(t *testing.T) {
	f := newFloor(t, 10)
	in := f.dial(2)[0]
	f.must(f.End(t.Context(), campaigns.Ending{Attempt: in.Attempt, Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{At: start.Add(time.Hour)}, At: start}))
	live := f.dir
	f.dir = t.TempDir() // as the crash left it
	f.must(sqlite.Backup(t.Context(), filepath.Join(live, "store.db"), filepath.Join(f.dir, "store.db")))
	f.must(os.CopyFS(filepath.Join(f.dir, "journal"), os.DirFS(filepath.Join(live, "journal"))))
	f.Store = attach(t, f.dir)
	if r := f.Report(); r.Attempts != 0 || r.Held != nil {
		t.Errorf("report = %+v", r)
	}
	if n := len(f.due("camp", start)); n != 8 {
		t.Errorf("%d are due, want 8", n)
	}
}

// Where the journal cannot tell what was dialled, nothing is, and it says why.
func TestHoldWithoutAJournal(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, dir string){
		"gone": func(t *testing.T, dir string) { os.RemoveAll(dir) },
		"damaged": func(t *testing.T, dir string) {
			path := filepath.Join(dir, segmentName(1))
			b, _ := os.ReadFile(path)
			at := strings.Index(string(b), "+48220000000")
			b[at] ^= 1
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		},
		"a segment is gone": func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, segmentName(1))) },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFloor(t, 10)
			f.copy()
			f.dial(3)
			f.must(f.Close())
			f.Store = attach(t, f.dir) // a segment more
			f.dial(1)
			spoil(t, filepath.Join(f.dir, "journal"))
			f.restore()
			for _, id := range []campaigns.CampaignID{"camp", "other"} {
				if c := f.campaign(id); c.State != campaigns.OnHold || !strings.Contains(c.HoldReason, "since this store was copied") {
					t.Errorf("%s is %s: %q", id, c.State, c.HoldReason)
				}
			}
			f.must(f.SetCampaignState(t.Context(), "camp", campaigns.Running, ""))
			f.must(f.Close())
			f.Store = attach(t, f.dir)
			if c := f.campaign("camp"); c.State != campaigns.Running || f.Report().Gap != "" {
				t.Errorf("what a person started is %s: %q", c.State, c.HoldReason)
			}
		})
	}
}

// People who were imported and dialled after the copy are not in it.
func TestHoldForStrangers(t *testing.T) {
	f := newFloor(t, 0)
	f.add(100, 1)
	f.copy()
	f.add(0, 5)
	made := f.dial(6)
	f.must(f.End(t.Context(), campaigns.Ending{Attempt: made[5].Attempt, Outcome: campaigns.Busy, Count: true, At: start.Add(time.Minute)}))
	f.restore()
	if r := f.Report(); r.Attempts != 6 || r.Strange["camp"] != 5 || len(r.Held) != 1 {
		t.Errorf("report = %+v", r)
	}
	if c := f.campaign("camp"); c.State != campaigns.OnHold || !strings.Contains(c.HoldReason, "5 calls") {
		t.Errorf("%s: %q", c.State, c.HoldReason)
	}
	if c := f.campaign("other"); c.State != campaigns.Running {
		t.Errorf("the other campaign is %s", c.State)
	}
	if a := f.attempt(made[5].Attempt); a.Outcome != campaigns.Busy || a.Lead != 0 {
		t.Errorf("attempt to a stranger = %+v", a)
	}
	f.add(50, 1) // gets the id of a stranger
	for _, in := range made[1:] {
		if times, err := f.PersonAttempts(t.Context(), in.Claim.Lead.ID, start); err != nil || len(times) > 0 {
			t.Errorf("lead %d, who is somebody else now, has %d attempts, %v", in.Claim.Lead.ID, len(times), err)
		}
	}
	f.add(0, 1) // one of the strangers again: the caps know the number
	again, err := f.FindLeads(t.Context(), campaigns.LeadQuery{Number: "+48220000000"})
	f.must(err)
	if times, err := f.PersonAttempts(t.Context(), again[0].ID, start); err != nil || len(times) != 1 {
		t.Errorf("%d attempts, %v; want the one from before", len(times), err)
	}
}

// A new store in an old place takes nothing of the one before it, and a copy
// from before there was a journal is held.
func TestOtherStores(t *testing.T) {
	f := newFloor(t, 5)
	f.dial(2)
	f.must(f.Close())
	for _, file := range []string{"store.db", "store.db.lock"} {
		f.must(os.Remove(filepath.Join(f.dir, file)))
	}
	f.Store = attach(t, f.dir)
	if r := f.Report(); r.Attempts != 0 || r.Gap != "" {
		t.Errorf("a new store: %+v", r)
	}
	f.must(f.Close())

	plain, err := sqlite.Open(t.Context(), filepath.Join(f.dir, "store.db"))
	f.must(err)
	f.must(plain.SaveList(t.Context(), campaigns.List{ID: "list"}))
	_, err = plain.AddLeads(t.Context(), "list", []campaigns.Lead{{Numbers: []campaigns.Number{{E164: "+48221"}}}})
	f.must(err)
	_, err = plain.SaveCampaign(t.Context(), campaigns.Campaign{ID: "camp", State: campaigns.Running, Lists: []campaigns.ListID{"list"}})
	f.must(err)
	f.must(plain.SetJournalMark(t.Context(), campaigns.JournalMark{}))
	f.must(plain.Close())
	f.Store = attach(t, f.dir)
	if c := f.campaign("camp"); c.State != campaigns.OnHold {
		t.Errorf("a store from before its journal: %s", c.State)
	}
}

// The first journal of a store that was dialled from holds nothing.
func TestFirstJournal(t *testing.T) {
	f := newFloor(t, 5)
	f.dial(2)
	f.must(f.Full.(*sqlite.Store).SetJournalMark(t.Context(), campaigns.JournalMark{}))
	f.stop()
	f.must(f.Full.Close())
	f.must(os.RemoveAll(filepath.Join(f.dir, "journal")))
	f.Store = attach(t, f.dir)
	if r := f.Report(); r.Gap != "" || r.Attempts != 0 || f.campaign("camp").State != campaigns.Running {
		t.Errorf("report = %+v", r)
	}
}

// Segments go when they are old and the store has passed them.
func TestPrune(t *testing.T) {
	f := newFloor(t, 5)
	for range 3 {
		f.dial(1)
		f.must(f.Close())
		f.Store = attach(t, f.dir)
	}
	if n, err := f.Prune(t.Context(), time.Now().Add(-time.Hour)); n != 0 || err != nil {
		t.Errorf("%d young segments deleted, %v", n, err)
	}
	if n, err := f.Prune(t.Context(), time.Now().Add(time.Hour)); n != 3 || err != nil {
		t.Errorf("%d segments deleted, %v; want 3", n, err)
	}
	f.must(f.Close())
	f.Store = attach(t, f.dir)
	if r := f.Report(); r.Gap != "" {
		t.Errorf("the store needed them: %+v", r)
	}
}
