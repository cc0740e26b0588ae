package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// floor is what several nodes do at a time, seen from outside.
type floor struct {
	t        *testing.T
	mu       sync.Mutex
	claimed  map[campaigns.LeadID]string // node
	calling  map[string]campaigns.AttemptID
	byPerson map[string]int // attempts
	ids      atomic.Int64
	refusals map[campaigns.RefusalReason]int
}

func (f *floor) claim(node string, id campaigns.LeadID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.claimed[id]; other != "" {
		f.t.Errorf("lead %d is claimed by %s and %s", id, other, node)
	}
	f.claimed[id] = node
}

func (f *floor) leave(id campaigns.LeadID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.claimed, id)
}

func (f *floor) call(number string, person string, a campaigns.AttemptID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if other := f.calling[number]; other != "" {
		f.t.Errorf("%s is called by attempts %s and %s", number, other, a)
	}
	f.calling[number] = a
	f.byPerson[person]++
}

func (f *floor) hangUp(number string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.calling, number)
}

// Several processes share a store: no lead is in two claims, no number is called
// twice at a time, and no person more often than the cap, however they race.
func TestNodesShareEverything(t *testing.T) {
	const nodes, workers, people, rounds = 4, 2, 40, 30
	url := redistest.Start(t).URL()
	first := openTest(t, url, WithShards(3))
	fill(t, first, 0)
	var leads []campaigns.Lead
	for i := range people { // each person is two leads with the same two numbers, the other way round
		a, b := fmt.Sprintf("+48%09d", 2*i), fmt.Sprintf("+48%09d", 2*i+1)
		leads = append(leads, person(fmt.Sprintf("%d-a", i), 5, a, b), person(fmt.Sprintf("%d-b", i), 5, b, a))
	}
	if _, err := first.AddLeads(t.Context(), "list", leads); err != nil {
		t.Fatal(err)
	}
	f := &floor{t: t, claimed: map[campaigns.LeadID]string{}, calling: map[string]campaigns.AttemptID{}, byPerson: map[string]int{},
		refusals: map[campaigns.RefusalReason]int{}}
	var wg sync.WaitGroup
	for n := range nodes {
		s := openTest(t, url)
		for range workers {
			wg.Go(func() {
				for range rounds {
					if err := f.work(t.Context(), s, fmt.Sprint("n", n)); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	wg.Wait()
	attempts, err := first.Attempts(t.Context(), campaigns.AttemptQuery{Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	sum := 0
	for who, n := range f.byPerson {
		sum += n
		if n > 3 {
			t.Errorf("person %s was called %d times, the cap is 3", who, n)
		}
	}
	if sum != len(attempts) || sum < people {
		t.Errorf("%d calls, %d attempts are kept", sum, len(attempts))
	}
	t.Logf("%d calls, refusals %v", sum, f.refusals)
}

func (f *floor) work(ctx context.Context, s *Store, node string) error {
	queues := append(queuesOfCamp("best"), queuesOfCamp("rest")...)
	claims, err := s.Claim(ctx, campaigns.ClaimRequest{Queues: queues, Limit: 4, Node: node, Lease: time.Minute, Now: start})
	if err != nil {
		return err
	}
	for _, c := range claims {
		f.claim(node, c.Lead.ID)
	}
	for i, c := range claims {
		if i == 3 { // what nobody wants goes back
			f.leave(c.Lead.ID)
			if err := s.Release(ctx, []campaigns.Claim{c}, start); err != nil {
				return err
			}
			continue
		}
		if err := f.dial(ctx, s, c); err != nil {
			return err
		}
	}
	return nil
}

func (f *floor) dial(ctx context.Context, s *Store, c campaigns.Claim) error {
	number := c.Number.E164
	who, _, _ := strings.Cut(c.Lead.Name, "-")
	in := campaigns.Intent{Attempt: campaigns.AttemptID(fmt.Sprintf("a-%06d", f.ids.Add(1))), Claim: c, At: start, Caps: []campaigns.Cap{{N: 3, Period: time.Hour}}}
	f.leave(c.Lead.ID) // before the store lets it go
	err := s.Begin(ctx, in)
	if r, refused := errors.AsType[*campaigns.Refusal](err); refused {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.refusals[r.Reason]++
		return nil
	}
	if err != nil {
		return err
	}
	f.call(number, who, in.Attempt)
	if err := s.SaveDialog(ctx, in.Attempt, []byte("ringing")); err != nil { // a call lasts a while
		return err
	}
	f.hangUp(number)
	return s.End(ctx, campaigns.Ending{Attempt: in.Attempt, Outcome: campaigns.NoAnswer, Count: true, Next: campaigns.Next{At: start}, At: start})
}

// Several nodes that want the same leads at the same moment each get others.
func TestClaimsNeverOverlap(t *testing.T) {
	const nodes, leads = 4, 400
	url := redistest.Start(t).URL()
	fill(t, openTest(t, url, WithShards(5)), leads)
	var wg sync.WaitGroup
	var mu sync.Mutex
	seen := map[campaigns.LeadID]int{}
	for n := range nodes {
		s := openTest(t, url)
		wg.Go(func() {
			for range 100 {
				q := campaigns.ClaimRequest{Queues: append(queuesOfCamp("best"), queuesOfCamp("rest")...), Limit: 7, Node: fmt.Sprint(n), Lease: time.Minute, Now: start}
				claims, err := s.Claim(t.Context(), q)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, c := range claims {
					seen[c.Lead.ID]++
				}
				mu.Unlock()
				if len(claims) == 0 {
					return
				}
			}
		})
	}
	wg.Wait()
	for id, times := range seen {
		if times != 1 {
			t.Errorf("lead %d was given %d times", id, times)
		}
	}
	if len(seen) != leads {
		t.Errorf("%d leads were given, want %d", len(seen), leads)
	}
}
