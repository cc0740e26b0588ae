package hopper

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// fakeStore holds leads in queues; only what a hopper calls is there.
type fakeStore struct {
	campaigns.Store // nil: anything else panics

	mu       sync.Mutex
	waiting  []campaigns.Claim
	held     map[campaigns.LeadID]campaigns.Claim
	fail     error
	queries  int
	released int
}

func (f *fakeStore) Queues(_ context.Context, _ campaigns.CampaignID, now time.Time) ([]campaigns.QueueInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.queries++
	var infos []campaigns.QueueInfo
	for _, c := range f.waiting {
		i := slices.IndexFunc(infos, func(q campaigns.QueueInfo) bool { return q.QueueID == c.Queue })
		if i < 0 {
			infos = append(infos, campaigns.QueueInfo{QueueID: c.Queue})
			i = len(infos) - 1
		}
		if c.DueAt.After(now) {
			infos[i].Waiting++
			infos[i].NextDue = earlier(infos[i].NextDue, c.DueAt)
		} else {
			infos[i].Ready++
		}
	}
	return infos, f.fail
}

func (f *fakeStore) Claim(_ context.Context, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	slices.SortStableFunc(f.waiting, func(a, b campaigns.Claim) int {
		if sooner(&a, &b) {
			return -1
		}
		return 1
	})
	var got, rest []campaigns.Claim
	for _, c := range f.waiting {
		if len(got) == q.Limit || !slices.Contains(q.Queues, c.Queue) || c.DueAt.After(q.Due()) {
			rest = append(rest, c)
			continue
		}
		c.Until = q.Now.Add(q.Lease)
		c.Fence++
		f.held[c.Lead.ID] = c
		got = append(got, c)
	}
	f.waiting = rest
	return got, f.fail
}

func (f *fakeStore) Release(_ context.Context, claims []campaigns.Claim, _ time.Time) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	for _, c := range claims {
		if f.held[c.Lead.ID].Fence != c.Fence {
			return campaigns.ErrStale
		}
		delete(f.held, c.Lead.ID)
		f.waiting = append(f.waiting, c)
		f.released++
	}
	return nil
}

func (f *fakeStore) Reclaim(context.Context, string, time.Time) (int, error) { return 0, nil }

func (f *fakeStore) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = err
}

func (f *fakeStore) count() (waiting, held, queries int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.waiting), len(f.held), f.queries
}

// hours opens windows by name; unknown ones are open.
type hours map[campaigns.WindowClass]struct{ from, to time.Time }

func (r hours) Open(w campaigns.WindowClass, _ campaigns.Campaign, now time.Time) (bool, time.Time, time.Time) {
	h, ok := r[w]
	if !ok {
		return true, now.Add(time.Hour), time.Time{}
	}
	if now.Before(h.from) {
		return false, time.Time{}, h.from
	}
	return now.Before(h.to), h.to, h.from.Add(24 * time.Hour)
}

func lead(id int, segment string, window campaigns.WindowClass, priority float64, due time.Time) campaigns.Claim {
	return campaigns.Claim{
		Lead: campaigns.Lead{ID: campaigns.LeadID(id)}, Queue: campaigns.QueueID{Campaign: "c", Segment: segment, Window: window},
		Priority: priority, DueAt: due,
	}
}

func newFake(leads ...campaigns.Claim) *fakeStore {
	return &fakeStore{waiting: leads, held: map[campaigns.LeadID]campaigns.Claim{}}
}

// run starts a hopper and ends it with the test.
func run(t *testing.T, cfg Config, f *fakeStore, r Rules) *Hopper {
	t.Helper()
	if cfg.Campaign.ID == "" {
		cfg.Campaign = campaigns.Campaign{ID: "c", State: campaigns.Running}
	}
	h := New(cfg, f, r)
	ctx, stop := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := h.Run(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("run = %v", err)
		}
	})
	t.Cleanup(func() { stop(); wg.Wait() })
	synctest.Wait()
	return h
}

func TestOrderIsPriorityThenDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		h := run(t, Config{}, newFake(
			lead(1, "all", "w", 1, now.Add(-time.Hour)), lead(2, "all", "v", 5, now.Add(-time.Minute)),
			lead(3, "all", "w", 5, now.Add(-2*time.Minute)), lead(4, "all", "w", 9, now.Add(time.Hour)),
		), hours{})
		for _, want := range []campaigns.LeadID{3, 2, 1} {
			if c, ok := h.Next(time.Now()); !ok || c.Lead.ID != want {
				t.Errorf("next = %d, want %d", c.Lead.ID, want)
			}
		}
		if c, ok := h.Next(time.Now()); ok {
			t.Errorf("next gave %d, which is due in an hour", c.Lead.ID)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := h.Status(); s.Empty != NoneDue || !s.NextDue.Equal(now.Add(time.Hour)) {
			t.Errorf("status = %+v", s)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if c, ok := h.Next(time.Now()); !ok || c.Lead.ID != 4 {
			t.Errorf("after an hour: %d, %v", c.Lead.ID, ok)
		}
	})
}

func TestSegmentsAreMixedByWeight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leads []campaigns.Claim
		for i := range 400 {
			leads = append(leads, lead(i, []string{"hot", "warm"}[i%2], "w", 0, time.Now()))
		}
		c := campaigns.Campaign{ID: "c", Segments: []campaigns.Segment{{Name: "hot", Weight: 3}, {Name: "warm"}}}
		h := run(t, Config{Campaign: c, Size: 40}, newFake(leads...), hours{})
		var order string
		for range 80 {
			choices := h.Choices(time.Now(), 1, nil)
			c, ok := h.Next(time.Now())
			if !ok || len(choices) != 1 || c.Lead.ID != choices[0].Lead.ID {
				t.Fatalf("next = %d, %v; choices said %v", c.Lead.ID, ok, choices)
			}
			order += c.Queue.Segment[:1]
			synctest.Wait()
		}
		for i := 0; i+4 <= len(order); i += 4 {
			if part := order[i : i+4]; part != "hhwh" {
				t.Fatalf("order = %s, want hhwh all along", order)
			}
		}
	})
}

func TestShortSegmentLeavesRoomToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		leads := []campaigns.Claim{lead(1000, "hot", "w", 0, time.Now())}
		for i := range 100 {
			leads = append(leads, lead(i, "warm", "w", 0, time.Now()))
		}
		c := campaigns.Campaign{ID: "c", Segments: []campaigns.Segment{{Name: "hot", Weight: 9}, {Name: "warm", Weight: 1}}}
		h := run(t, Config{Campaign: c, Size: 50}, newFake(leads...), hours{})
		if got := h.Len(); got != 50 {
			t.Errorf("held = %d, want 50", got)
		}
	})
}

func TestPromisedCallComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		promised := lead(9, "cold", "w", campaigns.CallbackPriority, time.Now())
		promised.Callback = &campaigns.Callback{At: time.Now()}
		c := campaigns.Campaign{ID: "c", Segments: []campaigns.Segment{{Name: "hot", Weight: 100}, {Name: "cold", Weight: 1}}}
		h := run(t, Config{Campaign: c}, newFake(lead(1, "hot", "w", 10, time.Now()), promised), hours{})
		if c, _ := h.Next(time.Now()); c.Lead.ID != 9 {
			t.Errorf("next = %d, want the promised call 9", c.Lead.ID)
		}
	})
}

// The end of the last open window moves as leads come and go, those at hand
// among them.
func TestCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		early, late := now.Add(20*time.Second), now.Add(40*time.Second)
		f := newFake(lead(1, "all", "early", 1, now), lead(2, "all", "late", 9, now), lead(3, "all", "tomorrow", 5, now))
		h := run(t, Config{}, f, hours{"early": {now, early}, "late": {now, late}, "tomorrow": {now.Add(time.Hour), now.Add(2 * time.Hour)}})
		if got := h.Status().Closes; !got.Equal(late) {
			t.Errorf("closes at %v, want %v", got, late)
		}
		if c, _ := h.Next(time.Now()); c.Lead.ID != 2 {
			t.Fatalf("lead %d, want 2", c.Lead.ID)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := h.Status().Closes; !got.Equal(early) {
			t.Errorf("after the last lead of the late window: closes at %v, want %v", got, early)
		}
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if got := h.Status().Closes; !got.IsZero() {
			t.Errorf("after both: closes at %v, want none", got)
		}
	})
}

func TestWindowsOpenAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		f := newFake(lead(1, "all", "w", 0, now), lead(2, "all", "w", 0, now))
		h := run(t, Config{}, f, hours{"w": {now.Add(10 * time.Second), now.Add(20 * time.Second)}})
		if s := h.Status(); s.Empty != WindowsClosed || !s.NextOpen.Equal(now.Add(10*time.Second)) || s.Closed != 2 {
			t.Errorf("before the window: %+v", s)
		}
		time.Sleep(11 * time.Second)
		synctest.Wait()
		if _, ok := h.Next(time.Now()); !ok {
			t.Error("nothing at hand in the open window")
		}
		time.Sleep(9*time.Second - time.Nanosecond)
		synctest.Wait()
		if _, ok := h.Next(now.Add(20 * time.Second)); ok {
			t.Error("a lead was handed out as its window closed")
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if waiting, held, _ := f.count(); waiting != 1 || held != 1 { // the one handed out is still held
			t.Errorf("after the window: %d waiting, %d held", waiting, held)
		}
	})
}

func TestLeaseIsRenewedBeforeItEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lead(1, "all", "w", 0, time.Now()))
		h := run(t, Config{Lease: 20 * time.Second}, f, hours{})
		for range 100 {
			time.Sleep(777 * time.Millisecond)
			synctest.Wait()
			c, ok := h.Next(time.Now())
			if !ok {
				continue // between release and claim
			}
			if left := time.Until(c.Until); left < 5*time.Second {
				t.Fatalf("handed out with %v of the lease left", left)
			}
			h.Return(c)
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.released == 0 {
			t.Error("the claim was never given back")
		}
	})
}

func TestWantLimitsWhatIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leads []campaigns.Claim
		for i := range 100 {
			leads = append(leads, lead(i, "all", "w", 0, time.Now()))
		}
		f := newFake(leads...)
		h := New(Config{Campaign: campaigns.Campaign{ID: "c"}, Size: 30}, f, hours{})
		for _, tt := range []struct{ want, held int }{{5, 5}, {0, 5}, {99, 30}} {
			h.Want(tt.want)
			h.pass(t.Context())
			if got := h.Len(); got != tt.held {
				t.Errorf("want %d: held %d, want %d", tt.want, got, tt.held)
			}
		}
	})
}

func TestPauseDrainAndUpdate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lead(1, "all", "w", 0, time.Now()), lead(2, "all", "w", 0, time.Now()))
		h := run(t, Config{}, f, hours{})
		held := func(want int, when string) {
			t.Helper()
			synctest.Wait()
			if _, got, _ := f.count(); got != want || h.Len() != want {
				t.Errorf("%s: store says %d held, hopper %d, want %d", when, got, h.Len(), want)
			}
		}
		held(2, "at first")
		h.Update(campaigns.Campaign{ID: "c", State: campaigns.Paused})
		held(0, "paused")
		if s := h.Status(); s.Empty != CampaignStopped {
			t.Errorf("paused: %+v", s)
		}
		h.Update(campaigns.Campaign{ID: "c", State: campaigns.Running})
		held(2, "running")
		h.Update(campaigns.Campaign{ID: "c", State: campaigns.Running, Segments: []campaigns.Segment{{Name: "other"}}})
		held(0, "no queue of that segment")
		h.Update(campaigns.Campaign{ID: "c", State: campaigns.Running})
		held(2, "segments back")
		c, _ := h.Next(time.Now())
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Return(c)
		held(0, "drained")
		if _, ok := h.Next(time.Now()); ok {
			t.Error("a drained hopper handed a lead out")
		}
	})
}

func TestStoreFailureIsSaidAndSurvived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake(lead(1, "all", "w", 0, time.Now()))
		down := errors.New("disk full")
		f.set(down)
		h := run(t, Config{}, f, hours{})
		if s := h.Status(); s.Empty != StoreFailed || !errors.Is(s.Err, down) {
			t.Errorf("status = %+v", s)
		}
		f.set(nil)
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if _, ok := h.Next(time.Now()); !ok {
			t.Error("nothing at hand after the store came back")
		}
	})
}

func TestEmptyStoreIsAskedOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFake()
		h := run(t, Config{}, f, hours{})
		for range 1000 {
			h.Next(time.Now())
			time.Sleep(10 * time.Millisecond)
		}
		if _, _, queries := f.count(); queries > 25 {
			t.Errorf("%d queries in 10 s", queries)
		}
		if s := h.Status(); s.Empty != NoLeads {
			t.Errorf("status = %+v", s)
		}
	})
}

// Who asked in vain is told as soon as leads are there: when a window opens, when
// a lead is due, when new ones come; and only then.
func TestFilledIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		opens, due := start.Add(3300*time.Millisecond), start.Add(7770*time.Millisecond)
		f := newFake(lead(1, "all", "w", 0, start), lead(2, "all", "v", 0, due))
		var told []time.Duration
		h := run(t, Config{Filled: func() { told = append(told, time.Since(start)) }}, f, hours{"w": {opens, start.Add(time.Hour)}})
		ask := func(after time.Duration) {
			time.Sleep(after)
			synctest.Wait()
			h.Next(time.Now())
		}
		ask(time.Second)
		ask(time.Second)
		ask(4 * time.Second) // meanwhile the first lead lies there
		ask(time.Second)     // in vain again
		ask(5 * time.Second)
		if want := []time.Duration{3300 * time.Millisecond, 7770 * time.Millisecond}; !slices.Equal(told, want) {
			t.Errorf("told after %v, want %v", told, want)
		}
	})
}
