package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
)

const (
	// promoteAtOnce is how many entries become ready in one step, of all its queues:
	// more would keep a call waiting that wants to begin.
	promoteAtOnce = 1000
	// atOnce is how many requests of one operation are under way together.
	atOnce = 16
	// claimRounds is how often a claim looks again after others took what it saw.
	claimRounds = 3
	// claimSpare is how many more a claim looks at than it wants, for those that
	// others take in between.
	claimSpare = 8
)

// candidate is an entry that peek found.
type candidate struct {
	queue  int // of the request
	score  float64
	member string
}

// better orders candidates: by priority, then by the time they became due, then
// by the order of the queues, then by lead.
func better(a, b candidate) int {
	switch {
	case a.score != b.score:
		return cmp.Compare(a.score, b.score)
	case a.member[:8] != b.member[:8]:
		return cmp.Compare(a.member, b.member)
	case a.queue != b.queue:
		return a.queue - b.queue
	}
	return cmp.Compare(a.member, b.member)
}

// Claim leases due leads; see campaigns.Store. A lead that another campaign has
// claimed or calls is passed over. Equal priority and time are settled by the
// order of the queues, then by lead id.
//
// With one shard this is one step. With several, each shows its best, and the best
// of all are taken, each shard's own in one step; what another node took in between
// is made up for by those that come after, and then by looking again.
func (s *Store) Claim(ctx context.Context, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	var claims []campaigns.Claim
	err := s.do(ctx, "claim", func(ctx context.Context) error {
		if len(q.Queues) == 0 || q.Limit < 1 {
			return nil
		}
		var err error
		claims, err = s.claimPlaced(ctx, q)
		if err != nil {
			return err
		}
		return s.countOutcomes(ctx, claims)
	})
	if err != nil {
		return nil, err // those that were taken come back when their lease is over
	}
	return claims, nil
}

const (
	// misplacedRounds is how often a claim asks again in place of leads that it found
	// in queues they no longer belong to, each time for more.
	misplacedRounds = 5
	// misplacedAtMost is how many leads are looked at in one round.
	misplacedAtMost = 256
	// misplacedFor is how long a claim goes on beyond these rounds where it found
	// nobody yet: a long queue of yesterday's leads is not an empty one.
	misplacedFor = time.Second
)

// claimPlaced claims leads, and puts those into their places that a rebuild has not
// come to.
func (s *Store) claimPlaced(ctx context.Context, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	var claims []campaigns.Claim
	began := time.Now()
	for round := 0; round < misplacedRounds || len(claims) == 0 && time.Since(began) < s.options.misplaced; round++ {
		ask := q
		ask.Limit = q.Limit - len(claims)
		if round > 0 { // there may be many at the head of a queue
			ask.Limit = max(ask.Limit, min(ask.Limit<<(2*min(round, misplacedRounds)), misplacedAtMost))
		}
		found, err := s.claimSome(ctx, ask)
		if err != nil {
			return nil, err
		}
		var back []campaigns.Claim
		wrong := 0
		for _, c := range found {
			switch {
			case c.misplaced:
				wrong++
				back = append(back, c.Claim)
			case len(claims) < q.Limit:
				claims = append(claims, c.Claim)
			default:
				back = append(back, c.Claim)
			}
		}
		if err := s.putAllBack(ctx, back); err != nil {
			return nil, err
		}
		if wrong == 0 || len(claims) == q.Limit {
			break
		}
	}
	return claims, nil
}

// putAllBack gives claims back, which puts their leads where they belong now. Those of
// a shard go together, as many as a page has.
func (s *Store) putAllBack(ctx context.Context, claims []campaigns.Claim) error {
	byShard := map[int][]campaigns.Claim{}
	for _, c := range claims {
		shard := s.keys.shardOf(c.Lead.ID)
		byShard[shard] = append(byShard[shard], c)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, all := range byShard {
		for some := range slices.Chunk(all, pageLeads) {
			group.Go(func() error {
				_, err := s.releaseTogether(ctx, some, time.Time{})
				return err
			})
		}
	}
	return group.Wait()
}

// leased is a claim, perhaps of a lead that is in the wrong queue.
type leased struct {
	campaigns.Claim
	misplaced bool
}

func (s *Store) claimSome(ctx context.Context, q campaigns.ClaimRequest) ([]leased, error) {
	if s.keys.shards == 1 {
		return s.claimAtOnce(ctx, q)
	}
	return s.claimByPeeking(ctx, q)
}

func (s *Store) claimAtOnce(ctx context.Context, q campaigns.ClaimRequest) ([]leased, error) {
	args := append(peekArgs(q, q.Limit), stamp(q.Now.Add(q.Lease)), q.Node, s.keys.leads(0)+"p:", pageLeads)
	for _, id := range q.Queues {
		args = append(args, string(id.Campaign), id.Segment, windowName(id))
	}
	found, err := scripts.claim.Run(ctx, s.db, append(s.peekKeys(0, q), s.fenceKey(0)), args...).Slice()
	if err != nil {
		return nil, err
	}
	best, err := candidates(found[0].([]any))
	if err != nil {
		return nil, err
	}
	taken := make([]*leased, len(best))
	err = s.takenClaims(ctx, found[1].([]any), q, best, func(n int) int { return n }, taken)
	return theClaims(taken), err
}

func (s *Store) claimByPeeking(ctx context.Context, q campaigns.ClaimRequest) ([]leased, error) {
	var claims []leased
	for range claimRounds {
		best, err := s.peek(ctx, q, q.Limit-len(claims)+claimSpare)
		if err != nil {
			return nil, err
		}
		for len(best) > 0 && len(claims) < q.Limit {
			n := min(len(best), q.Limit-len(claims))
			taken, err := s.take(ctx, q, best[:n])
			if err != nil {
				return nil, err
			}
			claims, best = append(claims, taken...), best[n:]
		}
		if len(claims) == q.Limit {
			break
		}
		// Others took much of what we saw, or that was all there is.
		if more, err := s.peek(ctx, q, 1); err != nil || len(more) == 0 {
			return claims, err
		}
	}
	return claims, nil
}

func (s *Store) fenceKey(shard int) string { return s.keys.leads(shard) + "fence" }

func (s *Store) peekKeys(shard int, q campaigns.ClaimRequest) []string {
	keys := []string{s.heldKey(shard)}
	for _, id := range q.Queues {
		ready, waiting := s.keys.queueKeys(shard, id)
		keys = append(keys, ready, waiting)
	}
	return keys
}

func peekArgs(q campaigns.ClaimRequest, limit int) []any {
	return []any{sortable(q.Due()), sortable(q.Due().Add(1)), limit, max(2*limit, promoteAtOnce/len(q.Queues))}
}

// candidates reads what peek.lua returns.
func candidates(found []any) ([]candidate, error) {
	var list []candidate
	for i := 0; i+2 < len(found); i += 3 {
		n, _ := found[i].(int64)
		x, err := strconv.ParseFloat(fmt.Sprint(found[i+1]), 64)
		if err != nil {
			return nil, err
		}
		list = append(list, candidate{int(n) - 1, x, fmt.Sprint(found[i+2])})
	}
	return list, nil
}

// peek finds the best entries of some queues, in all shards.
func (s *Store) peek(ctx context.Context, q campaigns.ClaimRequest, limit int) ([]candidate, error) {
	var mu sync.Mutex
	var best []candidate
	err := s.eachShard(ctx, func(ctx context.Context, shard int) error {
		found, err := scripts.peek.Run(ctx, s.db, s.peekKeys(shard, q), peekArgs(q, limit)...).Slice()
		if err != nil {
			return err
		}
		list, err := candidates(found)
		mu.Lock()
		defer mu.Unlock()
		best = append(best, list...)
		return err
	})
	slices.SortFunc(best, better)
	return best[:min(limit, len(best))], err
}

// take leases the candidates that are still there, in their order.
func (s *Store) take(ctx context.Context, q campaigns.ClaimRequest, best []candidate) ([]leased, error) {
	byShard := map[int][]int{}
	for i, c := range best {
		shard := s.keys.shardOf(memberLead(c.member))
		byShard[shard] = append(byShard[shard], i)
	}
	taken := make([]*leased, len(best))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for shard, at := range byShard {
		group.Go(func() error { return s.takeIn(ctx, shard, q, best, at, taken) })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return theClaims(taken), nil
}

func theClaims(taken []*leased) []leased {
	var claims []leased
	for _, c := range taken {
		if c != nil {
			claims = append(claims, *c)
		}
	}
	return claims
}

func (s *Store) takeIn(ctx context.Context, shard int, q campaigns.ClaimRequest, best []candidate, at []int, taken []*leased) error {
	c := change{keys: []string{s.heldKey(shard), s.fenceKey(shard)}}
	args := []any{stamp(q.Now.Add(q.Lease)), q.Node}
	for _, i := range at {
		id := q.Queues[best[i].queue]
		ready, _ := s.keys.queueKeys(shard, id)
		page, field := s.keys.page(memberLead(best[i].member))
		c.key(ready)
		c.key(page)
		args = append(args, ready, best[i].member, page, field, string(id.Campaign), id.Segment, windowName(id))
	}
	found, err := scripts.take.Run(ctx, s.db, c.keys, args...).Slice()
	if err != nil {
		return err
	}
	return s.takenClaims(ctx, found, q, best, func(n int) int { return at[n] }, taken)
}

// takenClaims reads what take.lua returns; of says which candidate its nth is.
func (s *Store) takenClaims(ctx context.Context, got []any, q campaigns.ClaimRequest, best []candidate, of func(int) int, taken []*leased) error {
	p, err := s.plansNow(ctx)
	if err != nil {
		return err
	}
	for i := 0; i+2 < len(got); i += 3 {
		n, _ := got[i].(int64)
		fence, _ := got[i+1].(int64)
		k := of(int(n) - 1)
		r, err := s.unpack(ctx, memberLead(best[k].member), fmt.Sprint(got[i+2]))
		if err != nil {
			return err
		}
		c := claimOf(r, q, q.Queues[best[k].queue], fence)
		taken[k] = &leased{c, p.misplaced(c, r)}
	}
	return nil
}

func claimOf(r record, q campaigns.ClaimRequest, id campaigns.QueueID, fence int64) campaigns.Claim {
	e := r.entry(id.Campaign)
	if e == nil { // a queue never holds a lead without its entry: they change together
		e = &entry{}
	}
	n, _ := r.number(e.number)
	return campaigns.Claim{
		Lead: r.lead, Queue: id, Number: n, Fence: fence, Node: q.Node, Priority: e.priority, DueAt: e.due, Until: q.Now.Add(q.Lease),
		Attempts: e.attempts, LastOutcome: r.lastOutcome, LastAt: r.lastAt, Callback: e.callback(), Operator: e.operator,
	}
}

// countOutcomes fills in how earlier attempts on the numbers of claims ended.
func (s *Store) countOutcomes(ctx context.Context, claims []campaigns.Claim) error {
	var numbers []string
	for _, c := range claims {
		numbers = append(numbers, c.Number.E164)
		for _, n := range others(c) {
			numbers = append(numbers, n.E164)
		}
	}
	traces, err := s.traces(ctx, numbers)
	if err != nil {
		return err
	}
	for i := range claims {
		c := &claims[i]
		c.ByOutcome = outcomesIn(traces[0], c.Queue.Campaign)
		for k, n := range others(*c) {
			c.NoteNumber(n.E164, outcomesIn(traces[1+k], c.Queue.Campaign))
		}
		traces = traces[1+len(others(*c)):]
	}
	return nil
}

// others are the numbers of a claimed lead besides the one to dial.
func others(c campaigns.Claim) []campaigns.Number {
	if len(c.Lead.Numbers) < 2 {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(c.Lead.Numbers), func(n campaigns.Number) bool { return n.E164 == c.Number.E164 })
}
