package redis

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// errDied stands for the death of our process.
var errDied = errors.New("died")

// mortal lets a process die at one of its messages to Redis: before it was sent,
// or after it was carried out but before the answer came.
type mortal struct {
	mu      sync.Mutex
	left    int // messages until then; below 0 never
	answers bool
	dead    bool
}

func (m *mortal) meet(send func() error) error {
	m.mu.Lock()
	dead, now := m.dead, !m.dead && m.left == 0
	m.left--
	m.dead = dead || now
	m.mu.Unlock()
	switch {
	case dead:
		return errDied
	case !now:
		return send()
	}
	if m.answers {
		_ = send() // nobody hears it
	}
	return errDied
}

func (m *mortal) isDead() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dead
}

func (m *mortal) DialHook(next goredis.DialHook) goredis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (m *mortal) ProcessHook(next goredis.ProcessHook) goredis.ProcessHook {
	return func(ctx context.Context, cmd goredis.Cmder) error {
		err := m.meet(func() error { return next(ctx, cmd) })
		if errors.Is(err, errDied) {
			cmd.SetErr(err)
		}
		return err
	}
}

func (m *mortal) ProcessPipelineHook(next goredis.ProcessPipelineHook) goredis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []goredis.Cmder) error {
		err := m.meet(func() error { return next(ctx, cmds) })
		if errors.Is(err, errDied) {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
		}
		return err
	}
}

// stage is a store in which one thing is about to be done.
type stage struct {
	*Store
	t      *testing.T
	claims map[string]campaigns.Claim // by name of the lead
	camp   campaigns.Campaign
	free   campaigns.Lead
}

// newStage has two people who share a number, one of them being called, the other
// claimed, and a third whom an operator talked to.
func newStage(t *testing.T, url, space string) *stage {
	t.Helper()
	s := openTest(t, url, WithNamespace(space), WithShards(3))
	x := &stage{Store: s, t: t, claims: map[string]campaigns.Claim{}}
	x.ok(s.SaveList(t.Context(), campaigns.List{ID: "list", CreatedAt: start}))
	var err error
	x.camp, err = s.SaveCampaign(t.Context(), campaigns.Campaign{ID: "camp", Lists: []campaigns.ListID{"list"}, CreatedAt: start,
		Segments: []campaigns.Segment{{Name: "best", Filter: "cp > 2", Priority: "cp"}, {Name: "rest"}}})
	x.ok(err)
	x.ok(last(s.SaveCampaign(t.Context(), campaigns.Campaign{ID: "other", CreatedAt: start})))
	x.ok(last(s.SaveCampaign(t.Context(), campaigns.Campaign{ID: "third", Lists: []campaigns.ListID{"list"}, CreatedAt: start})))
	x.ok(last(s.AddLeads(t.Context(), "list", []campaigns.Lead{
		person("calling", 5, "+4801", "+4802"), person("claimed", 4, "+4802", "+4801"), person("talked", 3, "+4803"), person("free", 1, "+4804"),
	})))
	found, err := s.FindLeads(t.Context(), campaigns.LeadQuery{Text: "free"})
	x.ok(err)
	x.free = found[0]
	for _, c := range x.take(3) {
		x.claims[c.Lead.Name] = c
	}
	x.ok(s.Begin(t.Context(), x.intent("calling", "a-1")))
	x.ok(s.Begin(t.Context(), x.intent("talked", "a-2")))
	x.ok(s.End(t.Context(), campaigns.Ending{Attempt: "a-2", Outcome: campaigns.Connected, Operator: "ann", Count: true, At: start, Next: campaigns.Next{Done: true}}))
	return x
}

func last[T any](_ T, err error) error { return err }

func person(name string, cp int, numbers ...string) campaigns.Lead {
	l := campaigns.Lead{ExternalID: name, Name: name, CreatedAt: start, UpdatedAt: start, Grades: campaigns.Grades{CP: cp}}
	for _, n := range numbers {
		l.Numbers = append(l.Numbers, campaigns.Number{E164: n, Kind: campaigns.Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}})
	}
	return l
}

func (x *stage) ok(err error) {
	x.t.Helper()
	if err != nil {
		x.t.Fatal(err)
	}
}

func (x *stage) take(limit int) []campaigns.Claim {
	x.t.Helper()
	claims, err := x.Claim(x.t.Context(), campaigns.ClaimRequest{
		Queues: append(queuesOfCamp("best"), queuesOfCamp("rest")...), Limit: limit, Node: "n", Lease: time.Minute, Now: start})
	x.ok(err)
	return claims
}

func (x *stage) intent(name string, id campaigns.AttemptID) campaigns.Intent {
	return campaigns.Intent{Attempt: id, Claim: x.claims[name], Caps: []campaigns.Cap{{N: 3, Period: time.Hour}}, At: start}
}

// everything is what can be read of the store, without ids and times of our clock.
func (x *stage) everything() string {
	x.t.Helper()
	ctx := x.t.Context()
	all := map[string]any{}
	leads, err := x.FindLeads(ctx, campaigns.LeadQuery{})
	x.ok(err)
	for _, l := range leads {
		entries, err := x.Entries(ctx, l.ID)
		x.ok(err)
		times, err := x.PersonAttempts(ctx, l.ID, start.Add(-time.Hour))
		x.ok(err)
		l.ID, l.UpdatedAt = 0, time.Time{}
		all["lead "+l.Name] = []any{l, entries, times}
	}
	attempts, err := x.Attempts(ctx, campaigns.AttemptQuery{})
	x.ok(err)
	for i := range attempts {
		attempts[i].Lead = 0
	}
	all["attempts"] = attempts
	for name, read := range map[string]func() (any, error){
		"tally":        func() (any, error) { return x.Tally(ctx, "camp", start, start.Add(time.Hour)) },
		"queues":       func() (any, error) { return x.Queues(ctx, "camp", start) },
		"suppressions": func() (any, error) { return x.Suppressions(ctx, "", 0) },
		"lists":        func() (any, error) { return x.Lists(ctx) },
		"by +4801":     func() (any, error) { return x.named(ctx, "+4801") },
		"by +4809":     func() (any, error) { return x.named(ctx, "+4809") },
		"locks":        func() (any, error) { return x.locks(ctx) },
	} {
		all[name], err = read()
		x.ok(err)
	}
	text, err := json.MarshalIndent(all, "", " ")
	x.ok(err)
	return string(text)
}

func (x *stage) named(ctx context.Context, e164 string) ([]string, error) {
	leads, err := x.FindLeads(ctx, campaigns.LeadQuery{Number: e164})
	names := []string{}
	for _, l := range leads {
		names = append(names, l.Name)
	}
	slices.Sort(names) // ids that a death used up change their order
	return names, err
}

// passes deletes to the end.
func (x *stage) passes(ctx context.Context, r campaigns.Retention, step func(context.Context, campaigns.Retention, int64, int) (int, int64, error)) error {
	for cursor := int64(0); ; {
		_, next, err := step(ctx, r, cursor, 10)
		if err != nil || next == 0 {
			return err
		}
		cursor = next
	}
}

// locks says which attempt each number is locked by.
func (x *stage) locks(ctx context.Context) ([]string, error) {
	var locks []string
	for _, n := range []string{"+4801", "+4802", "+4803", "+4804"} {
		lock, err := x.db.HGet(ctx, x.keys.number(n), "lock").Result()
		if err != nil && !errors.Is(err, goredis.Nil) {
			return nil, err
		}
		locks = append(locks, n+" "+lock[:min(3, len(lock))])
	}
	return locks, nil
}

// A process may die at any message of an operation. Whoever does it again comes
// to the same end as if nothing had happened.
func TestStoppedAnywhereAndDoneAgain(t *testing.T) {
	t.Parallel()
	scene := newScene(t)
	ctx := t.Context()
	again := map[string]func(x *stage) error{
		"end": func(x *stage) error {
			return x.End(ctx, campaigns.Ending{Attempt: "a-1", Outcome: campaigns.InvalidNumber, BadNumber: true, Suppress: true, Count: true,
				At: start.Add(time.Second), Next: campaigns.Next{At: start.Add(time.Minute)}})
		},
		"end, not counted": func(x *stage) error {
			return x.End(ctx, campaigns.Ending{Attempt: "a-1", Outcome: campaigns.Congestion, At: start, Next: campaigns.Next{At: start}})
		},
		"dispose": func(x *stage) error {
			return x.Dispose(ctx, campaigns.Disposal{Attempt: "a-2", Disposition: "move", By: "ann", Suppress: true, At: start,
				Grades: campaigns.Grades{CP: 1}, Next: campaigns.Next{MoveTo: "other", At: start.Add(time.Hour)}})
		},
		"import": func(x *stage) error {
			free := person("free", 5, "+4801")
			free.Note = "changed"
			return last(x.AddLeads(ctx, "list", []campaigns.Lead{person("new", 2, "+4809", "+4801"), free, person("free", 1, "+4804"), person("newer", 2, "+4809")}))
		},
		"save lead": func(x *stage) error {
			l := x.free
			l.ExternalID, l.Numbers, l.Grades.CP = "other-id", person("", 0, "+4809").Numbers, 3
			return x.SaveLead(ctx, l)
		},
		"save campaign": func(x *stage) error {
			c := x.camp
			c.Segments = []campaigns.Segment{{Name: "rest", Filter: "cp < 5", Priority: "0 - cp"}}
			_, err := x.SaveCampaign(ctx, c)
			if errors.Is(err, campaigns.ErrConflict) {
				return x.AwaitRebuild(ctx, "camp") // it was written; its rebuild is gone on with since Open
			}
			return err
		},
		"release": func(x *stage) error {
			err := x.Release(ctx, []campaigns.Claim{x.claims["claimed"]}, start.Add(time.Minute))
			if errors.Is(err, campaigns.ErrStale) {
				return nil
			}
			return err
		},
		"reclaim":  func(x *stage) error { return last(x.Reclaim(ctx, "n", start)) },
		"suppress": func(x *stage) error { return x.Suppress(ctx, campaigns.Suppression{E164: "+4804", At: start}) },
		"delete old data": func(x *stage) error {
			r := campaigns.Retention{Before: time.Now().Add(time.Hour)}
			return errors.Join(x.passes(ctx, r, x.DeleteLeads), x.passes(ctx, r, x.DeleteAttempts))
		},
	}
	for name, do := range again {
		t.Run(name, func(t *testing.T) {
			clean := scene.put(t)
			clean.ok(do(clean))
			want := clean.everything()
			clean.ok(clean.Close())
			eachDeath(t, scene, func(x, again *stage) {
				again.ok(do(again))
				if _, err := again.Reclaim(ctx, "", start); err != nil { // as the hopper does now and then
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, again.everything()); diff != "" {
					t.Errorf("(-never stopped +stopped and done again):\n%s", diff)
				}
			}, do)
		})
	}
}

// eachDeath does an operation in a process that dies at its first message, at its
// second, and so on, and then shows the process that comes after.
func eachDeath(t *testing.T, scene *scene, then func(dead, next *stage), do func(*stage) error) {
	for _, answers := range []bool{false, true} {
		for k := 0; ; k++ {
			x := scene.put(t)
			m := &mortal{left: k, answers: answers}
			x.db.AddHook(m)
			err := do(x)
			if !m.isDead() {
				if k == 0 {
					t.Error("nothing was sent")
				}
				x.ok(x.Close())
				break
			}
			if err == nil && !answers {
				t.Errorf("message %d was never sent and nobody noticed", k)
			}
			next := *x
			next.Store = scene.open(t)
			next.options.politeness = 0
			before := t.Failed()
			then(x, &next)
			if t.Failed() && !before {
				t.Logf("the process died at message %d, carried out: %v", k, answers)
			}
			x.ok(errors.Join(x.Close(), next.Close()))
		}
	}
}

// A process that dies while an attempt begins leaves either an open attempt, which
// is settled, or none; and the number is not locked for ever.
func TestStoppedWhileBeginning(t *testing.T) {
	ctx := t.Context()
	begin := func(x *stage) error { return x.Begin(ctx, x.intent("claimed", "a-3")) }
	eachDeath(t, newScene(t), func(_, x *stage) {
		x.ok(x.End(ctx, campaigns.Ending{Attempt: "a-1", Outcome: campaigns.Busy, At: start, Count: true, Next: campaigns.Next{At: start, Number: "+4802"}}))
		open, err := x.Open(ctx, "n")
		x.ok(err)
		for _, a := range open {
			x.ok(x.End(ctx, campaigns.Ending{Attempt: a.ID, Outcome: campaigns.Interrupted, Count: true, At: start, Next: campaigns.Next{Done: true}}))
		}
		_, err = x.Reclaim(ctx, "n", start)
		x.ok(err)
		// Whoever has the number next may call it.
		for _, c := range x.take(10) {
			x.claims[c.Lead.Name] = c
		}
		if n := x.claims["calling"].Number.E164; n != "+4802" {
			t.Fatalf("the other person is to be called at %s", n)
		}
		x.ok(x.Begin(ctx, x.intent("calling", "a-4")))
		// What was about to begin cannot any more.
		if err := x.Begin(ctx, x.intent("claimed", "a-3")); err == nil {
			t.Error("the same number is called twice")
		}
		all, err := x.Attempts(ctx, campaigns.AttemptQuery{})
		x.ok(err)
		if len(all) != 3+len(open) {
			t.Errorf("%d attempts, %d were settled", len(all), len(open))
		}
	}, begin)
}

// What a deletion leaves in other slots is gone after the next pass, wherever it died.
func TestDeletionLeavesNoNames(t *testing.T) {
	ctx, r := t.Context(), campaigns.Retention{Before: time.Now().Add(time.Hour)}
	do := func(x *stage) error { return x.passes(ctx, r, x.DeleteAttempts) }
	eachDeath(t, newScene(t), func(_, x *stage) {
		x.ok(do(x))
		if n := x.db.HExists(ctx, x.keys.number("+4803"), "a-2").Val(); n {
			t.Error("the number still knows the attempt")
		}
		named, err := x.index(ctx, "get", naming{name: attemptName("a-2")}, naming{name: attemptName("a-1")})
		x.ok(err)
		if len(named[0]) != 0 || len(named[1]) != 1 {
			t.Errorf("the index names %v, want that of the open attempt only", named)
		}
		for shard := range x.keys.shards {
			if n := x.db.HLen(ctx, x.deletedKey(shard)).Val(); n != 0 {
				t.Errorf("%d notes are left in shard %d", n, shard)
			}
		}
	}, do)
}
