package hopper

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// promisedBy is a call that an operator promised to make.
func promisedBy(user campaigns.UserID, c campaigns.Claim) campaigns.Claim {
	c.Callback = &campaigns.Callback{At: c.DueAt, User: user}
	c.Priority, c.Queue.Operator = campaigns.CallbackPriority, user
	return c
}

func TestPromisesAreForTheirOperator(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		now := time.Now()
		f := newFake(promisedBy("ann", lead(1, "all", "w", 0, now)), promisedBy("ann", lead(2, "all", "w", 0, now.Add(time.Minute))), lead(3, "all", "w", 0, now))
		told := 0
		h := run(t, Config{Filled: func() { told++ }}, f, hours{})
		settle := func(d time.Duration) { time.Sleep(d); synctest.Wait() }
		if s := h.Status(); s.Promised != 1 || s.Held != 1 {
			t.Errorf("nobody is here: %+v", s)
		}
		if c, _ := h.Next(time.Now()); c.Lead.ID != 3 {
			t.Errorf("next for anybody is %d, want 3", c.Lead.ID)
		}
		settle(time.Second)
		if s := h.Status(); s.Empty != ForOperators {
			t.Errorf("only a promise is due: %+v", s)
		}
		h.Present("bob", true)
		h.Present("ann", true)
		settle(time.Second)
		if told == 0 || !h.HasFor(time.Now(), "ann") || h.HasFor(time.Now(), "bob") || h.Len() != 0 {
			t.Errorf("ann is here: told %d times, hers %v, his %v, %d for anybody", told, h.HasFor(time.Now(), "ann"), h.HasFor(time.Now(), "bob"), h.Len())
		}
		h.Present("ann", false)
		settle(time.Second)
		if _, held, _ := f.count(); held != 1 { // the one that was taken
			t.Errorf("ann is gone: %d held, want hers given back", held)
		}
		h.Present("ann", true)
		settle(time.Second)
		c, ok := h.NextFor(time.Now(), "ann")
		if !ok || c.Lead.ID != 1 || c.Callback.User != "ann" {
			t.Errorf("hers = %+v, %v", c, ok)
		}
		h.Return(c)
		if again, ok := h.NextFor(time.Now(), "ann"); !ok || again.Lead.ID != 1 {
			t.Errorf("returned: %+v, %v", again, ok)
		}
		settle(time.Minute)
		if c, ok := h.NextFor(time.Now(), "ann"); !ok || c.Lead.ID != 2 {
			t.Errorf("a minute later: %+v, %v", c, ok)
		}
		if err := h.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

func TestForgottenPromises(t *testing.T) {
	for _, tt := range []struct {
		name      string
		callbacks campaigns.Callbacks
		present   bool
		anyones   time.Duration // after the promised time; 0: never
	}{
		{"absent", campaigns.Callbacks{}, false, campaigns.DefaultGrace},
		{"present but busy", campaigns.Callbacks{}, true, campaigns.DefaultGrace},
		{"a grace of its own", campaigns.Callbacks{Grace: time.Hour}, false, time.Hour},
		{"waits", campaigns.Callbacks{Grace: time.Minute, Wait: true}, false, 0},
		{"waits for the busy", campaigns.Callbacks{Wait: true}, true, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFake(promisedBy("ann", lead(1, "all", "w", 0, time.Now())))
				h := run(t, Config{Campaign: campaigns.Campaign{ID: "c", Callbacks: tt.callbacks}}, f, hours{})
				h.Present("ann", tt.present)
				wait := tt.anyones
				if wait == 0 {
					wait = 24 * time.Hour
				}
				time.Sleep(wait - time.Second)
				synctest.Wait()
				if h.Len() != 0 {
					t.Errorf("anybody's after %v", wait-time.Second)
				}
				time.Sleep(3 * time.Second)
				synctest.Wait()
				c, ok := h.Next(time.Now())
				if ok != (tt.anyones > 0) {
					t.Fatalf("anybody's %v after %v, want %v", ok, wait, tt.anyones > 0)
				}
				if ok && (c.Callback == nil || c.Callback.User != "") {
					t.Errorf("callback %+v, want a promise of nobody", c.Callback)
				}
				if !ok && h.HasFor(time.Now(), "ann") != tt.present {
					t.Errorf("ann's: %v, want %v", h.HasFor(time.Now(), "ann"), tt.present)
				}
			})
		})
	}
}

// However many claims come and go, a promise is never lost and never in two hands.
func TestPromisesAcrossNodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leads []campaigns.Claim
		for i := range 10 {
			leads = append(leads, promisedBy([]campaigns.UserID{"ann", "bob"}[i%2], lead(i, "all", "w", 0, time.Now())))
		}
		f := newFake(leads...)
		one, two := run(t, Config{Node: "one"}, f, hours{}), run(t, Config{Node: "two"}, f, hours{})
		one.Present("ann", true)
		two.Present("bob", true)
		time.Sleep(time.Second)
		taken := map[campaigns.LeadID]bool{}
		for range 5 {
			synctest.Wait()
			a, okA := one.NextFor(time.Now(), "ann")
			b, okB := two.NextFor(time.Now(), "bob")
			if !okA || !okB || taken[a.Lead.ID] || taken[b.Lead.ID] {
				t.Fatalf("ann %d %v, bob %d %v after %v", a.Lead.ID, okA, b.Lead.ID, okB, taken)
			}
			taken[a.Lead.ID], taken[b.Lead.ID] = true, true
			time.Sleep(1500 * time.Millisecond)
		}
	})
}
