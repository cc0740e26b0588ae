package redis

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
)

const (
	// promoteAtOnce is how many entries of a queue become ready in one step: more
	// would keep a call waiting that wants to begin.
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
		if s.keys.shards == 1 {
			claims, err = s.claimAtOnce(ctx, q)
		} else {
			claims, err = s.claimByPeeking(ctx, q)
		}
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

func (s *Store) claimAtOnce(ctx context.Context, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	args := append(peekArgs(q, q.Limit), stamp(q.Now.Add(q.Lease)), q.Node, s.keys.leads(0)+"p:", pageLeads)
	for _, id := range q.Queues {
		args = append(args, string(id.Campaign), id.Segment, string(id.Window))
	}
	found, err := scripts.claim.Run(ctx, s.db, append(s.peekKeys(0, q), s.fenceKey(0)), args...).Slice()
	if err != nil {
		return nil, err
	}
	best, err := candidates(found[0].([]any))
	if err != nil {
		return nil, err
	}
	taken := make([]*campaigns.Claim, len(best))
	err = s.takenClaims(ctx, found[1].([]any), q, best, func(n int) int { return n }, taken)
	return theClaims(taken), err
}

func (s *Store) claimByPeeking(ctx context.Context, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	var claims []campaigns.Claim
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
	return []any{sortable(q.Now), sortable(q.Now.Add(1)), limit, promoteAtOnce}
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
func (s *Store) take(ctx context.Context, q campaigns.ClaimRequest, best []candidate) ([]campaigns.Claim, error) {
	byShard := map[int][]int{}
	for i, c := range best {
		shard := s.keys.shardOf(memberLead(c.member))
		byShard[shard] = append(byShard[shard], i)
	}
	taken := make([]*campaigns.Claim, len(best))
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

func theClaims(taken []*campaigns.Claim) []campaigns.Claim {
	var claims []campaigns.Claim
	for _, c := range taken {
		if c != nil {
			claims = append(claims, *c)
		}
	}
	return claims
}

func (s *Store) takeIn(ctx context.Context, shard int, q campaigns.ClaimRequest, best []candidate, at []int, taken []*campaigns.Claim) error {
	c := change{keys: []string{s.heldKey(shard), s.fenceKey(shard)}}
	args := []any{stamp(q.Now.Add(q.Lease)), q.Node}
	for _, i := range at {
		id := q.Queues[best[i].queue]
		ready, _ := s.keys.queueKeys(shard, id)
		page, field := s.keys.page(memberLead(best[i].member))
		c.key(ready)
		c.key(page)
		args = append(args, ready, best[i].member, page, field, string(id.Campaign), id.Segment, string(id.Window))
	}
	found, err := scripts.take.Run(ctx, s.db, c.keys, args...).Slice()
	if err != nil {
		return err
	}
	return s.takenClaims(ctx, found, q, best, func(n int) int { return at[n] }, taken)
}

// takenClaims reads what take.lua returns; of says which candidate its nth is.
func (s *Store) takenClaims(ctx context.Context, found []any, q campaigns.ClaimRequest, best []candidate, of func(int) int, taken []*campaigns.Claim) error {
	for i := 0; i+2 < len(found); i += 3 {
		n, _ := found[i].(int64)
		fence, _ := found[i+1].(int64)
		k := of(int(n) - 1)
		r, err := s.unpack(ctx, memberLead(best[k].member), fmt.Sprint(found[i+2]))
		if err != nil {
			return err
		}
		taken[k] = claimOf(r, q, q.Queues[best[k].queue], fence)
	}
	return nil
}

func claimOf(r record, q campaigns.ClaimRequest, id campaigns.QueueID, fence int64) *campaigns.Claim {
	e := r.entry(id.Campaign)
	if e == nil { // a queue never holds a lead without its entry: they change together
		e = &entry{}
	}
	n, _ := r.number(e.number)
	return &campaigns.Claim{
		Lead: r.lead, Queue: id, Number: n, Fence: fence, Node: q.Node, Priority: e.priority, DueAt: e.due, Until: q.Now.Add(q.Lease),
		Attempts: e.attempts, LastOutcome: r.lastOutcome, LastAt: r.lastAt, Callback: e.callback(),
	}
}

// countOutcomes fills in how earlier attempts on the numbers of claims ended.
func (s *Store) countOutcomes(ctx context.Context, claims []campaigns.Claim) error {
	var numbers []string
	for _, c := range claims {
		numbers = append(numbers, c.Number.E164)
	}
	traces, err := s.traces(ctx, numbers)
	for i := range traces {
		claims[i].ByOutcome = outcomesIn(traces[i], claims[i].Queue.Campaign)
	}
	return err
}

// Release gives claims back; see campaigns.Store. Claims that are over are left
// alone and reported as ErrStale, the others are released all the same.
func (s *Store) Release(ctx context.Context, claims []campaigns.Claim, at time.Time) error {
	stale := false
	err := s.do(ctx, "release", func(ctx context.Context) error {
		for _, c := range claims {
			over, err := s.release(ctx, c, at)
			if err != nil {
				return err
			}
			stale = stale || over
		}
		return nil
	})
	if err == nil && stale {
		err = campaigns.ErrStale
	}
	return err
}

func (s *Store) release(ctx context.Context, c campaigns.Claim, at time.Time) (stale bool, err error) {
	err = s.retry(ctx, func() error {
		now := time.Time{} // it was due, or waits for its time: claims look at the time again
		if at.IsZero() {
			now = c.DueAt
		}
		w, err := s.work(ctx, now, c.Lead.ID)
		if err != nil {
			return err
		}
		x := w.seats[c.Lead.ID]
		if stale = !x.exists || !x.held.by(c); stale {
			return nil
		}
		e := x.entry(c.Queue.Campaign)
		if !at.IsZero() {
			e.due = at
		}
		w.putBack(x, e)
		return w.save(ctx)
	})
	return stale, err
}

// Reclaim gives back claims; see campaigns.Store. With an empty node it takes
// only those whose lease ran out.
func (s *Store) Reclaim(ctx context.Context, node string, now time.Time) (int, error) {
	count := 0
	err := s.do(ctx, "reclaim", func(ctx context.Context) error {
		over, err := s.heldWhere(ctx, func(h *held) bool {
			return !h.calling && (h.until.Before(now) || (node != "" && h.node == node))
		})
		if err != nil {
			return err
		}
		for id, h := range over {
			done, err := s.reclaim(ctx, id, h, now)
			if err != nil {
				return err
			}
			if done {
				count++
			}
		}
		return s.settleNumbers(ctx)
	})
	return count, err
}

// reclaim gives one claim back, unless it is over already.
func (s *Store) reclaim(ctx context.Context, id campaigns.LeadID, h *held, now time.Time) (done bool, err error) {
	err = s.retry(ctx, func() error {
		w, err := s.work(ctx, now, id)
		if err != nil {
			return err
		}
		x := w.seats[id]
		if done = x.exists && x.held != nil && !x.held.calling && x.held.fence == h.fence; !done {
			return nil
		}
		w.putBack(x, x.entry(h.queue.Campaign))
		return w.save(ctx)
	})
	return done, err
}

// heldWhere are the leads that somebody has, for whom want says so. There are as
// many as calls and claims, not as leads.
func (s *Store) heldWhere(ctx context.Context, want func(*held) bool) (map[campaigns.LeadID]*held, error) {
	var mu sync.Mutex
	found := map[campaigns.LeadID]*held{}
	err := s.eachShard(ctx, func(ctx context.Context, shard int) error {
		all, err := s.db.HGetAll(ctx, s.heldKey(shard)).Result()
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		for text, raw := range all {
			id, err := strconv.ParseInt(text, 10, 64)
			if h := parseHeld(raw); err == nil && h != nil && want(h) {
				found[campaigns.LeadID(id)] = h
			}
		}
		return nil
	})
	return found, err
}

// eachShard does something in every shard of leads, several at a time.
func (s *Store) eachShard(ctx context.Context, do func(context.Context, int) error) error {
	if s.keys.shards == 1 {
		return do(ctx, 0)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for shard := range s.keys.shards {
		group.Go(func() error { return do(ctx, shard) })
	}
	return group.Wait()
}

// Queues lists the queues of a campaign that hold leads.
func (s *Store) Queues(ctx context.Context, c campaigns.CampaignID, now time.Time) ([]campaigns.QueueInfo, error) {
	var mu sync.Mutex
	sums := map[campaigns.QueueID]campaigns.QueueInfo{}
	err := s.do(ctx, "queues", func(ctx context.Context) error {
		return s.eachShard(ctx, func(ctx context.Context, shard int) error {
			infos, err := s.queuesIn(ctx, shard, c, now)
			mu.Lock()
			defer mu.Unlock()
			for _, info := range infos {
				sums[info.QueueID] = add(sums[info.QueueID], info)
			}
			return err
		})
	})
	infos := make([]campaigns.QueueInfo, 0, len(sums))
	for _, info := range sums {
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b campaigns.QueueInfo) int {
		if a.Segment != b.Segment {
			return cmp.Compare(a.Segment, b.Segment)
		}
		return cmp.Compare(a.Window, b.Window)
	})
	return infos, err
}

// queueID reads the name of a queue among those of a campaign.
func queueID(c campaigns.CampaignID, name string) campaigns.QueueID {
	segment, window, _ := strings.Cut(name, "\x1f")
	return campaigns.QueueID{Campaign: c, Segment: segment, Window: campaigns.WindowClass(window)}
}

func add(sum, info campaigns.QueueInfo) campaigns.QueueInfo {
	info.Ready += sum.Ready
	info.Waiting += sum.Waiting
	if info.NextDue.IsZero() || (!sum.NextDue.IsZero() && sum.NextDue.Before(info.NextDue)) {
		info.NextDue = sum.NextDue
	}
	return info
}

func (s *Store) queuesIn(ctx context.Context, shard int, c campaigns.CampaignID, now time.Time) ([]campaigns.QueueInfo, error) {
	names, err := s.db.SMembers(ctx, s.queuesKey(shard, c)).Result()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	var keys []string
	ids := make([]campaigns.QueueID, len(names))
	for i, name := range names {
		ids[i] = queueID(c, name)
		ready, waiting := s.keys.queueKeys(shard, ids[i])
		keys = append(keys, ready, waiting)
	}
	counts, err := scripts.counts.Run(ctx, s.db, keys, sortable(now.Add(1))).Slice()
	if err != nil {
		return nil, err
	}
	var infos []campaigns.QueueInfo
	for i, id := range ids {
		ready, _ := counts[4*i].(int64)
		due, _ := counts[4*i+1].(int64)
		later, _ := counts[4*i+2].(int64)
		if ready+due+later == 0 {
			continue
		}
		info := campaigns.QueueInfo{QueueID: id, Ready: int(ready + due), Waiting: int(later)}
		if first, _ := counts[4*i+3].(string); len(first) == 8 {
			info.NextDue = fromSortable(first)
		}
		infos = append(infos, info)
	}
	return infos, nil
}
