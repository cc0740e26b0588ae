package redis

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Counter = (*Store)(nil)

// censusPages is how many pages of a shard are read in one step: 512 leads, some
// tenths of a millisecond in which Redis does nothing else.
const censusPages = 16

// Census counts the leads of a campaign; see campaigns.Counter. It goes through all
// leads of the store, some hundred at a time, one shard after the other, so that calls
// come in between. Each lead is counted once, as it was when its turn came.
func (s *Store) Census(ctx context.Context, c campaigns.CampaignID, since, now time.Time) (campaigns.Census, error) {
	n := census{
		Census: campaigns.Census{DoneAfter: map[campaigns.Outcome]int{}}, of: c, since: since, now: now,
		queues: map[campaigns.QueueID]campaigns.QueueInfo{},
	}
	err := s.doLong(ctx, "census", func(ctx context.Context) error {
		last, err := s.lastPage(ctx)
		if err != nil {
			return err
		}
		for shard := range s.keys.shards {
			for page := int64(0); page <= last; page += censusPages {
				if err := s.countPages(ctx, &n, shard, page, min(last, page+censusPages-1)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return campaigns.Census{}, fmt.Errorf("census of %s: %w", c, err)
	}
	n.Queues = slices.SortedFunc(maps.Values(n.queues), byQueue)
	return n.Census, nil
}

// census is a campaign being counted.
type census struct {
	campaigns.Census
	of         campaigns.CampaignID
	since, now time.Time
	queues     map[campaigns.QueueID]campaigns.QueueInfo
}

// countPages counts the leads of some pages of a shard.
func (s *Store) countPages(ctx context.Context, n *census, shard int, first, last int64) error {
	keys, args := []string{s.heldKey(shard)}, []any{s.keys.shards, shard, pageLeads}
	for page := first; page <= last; page++ {
		keys, args = append(keys, s.keys.pageKey(shard, page)), append(args, page)
	}
	found, err := scripts.pages.Run(ctx, s.db, keys, args...).StringSlice()
	if err != nil {
		return err
	}
	var active []*seat
	for i := 0; i+2 < len(found); i += 3 {
		id, err := strconv.ParseInt(found[i], 10, 64)
		if err != nil {
			return err
		}
		x, err := s.seat(ctx, campaigns.LeadID(id), found[i+1], found[i+2])
		if err != nil {
			return err
		}
		if n.count(x) {
			active = append(active, x)
		}
	}
	return s.addSpecials(ctx, n, active)
}

// count counts a lead and says whether it may still be called.
func (n *census) count(x *seat) bool {
	e := x.entry(n.of)
	if e == nil {
		return false
	}
	n.Total++
	switch x.state(*e) {
	case campaigns.EntryDone:
		n.Done++
		n.DoneAfter[e.lastOutcome]++
		return false
	case campaigns.EntryNone:
		n.Nowhere++
		return false
	case campaigns.EntryWaiting:
		info := campaigns.QueueInfo{QueueID: x.queue(*e), Ready: 1}
		if e.due.After(n.now) {
			info.Ready, info.Waiting, info.NextDue = 0, 1, e.due
		}
		n.queues[info.QueueID] = add(n.queues[info.QueueID], info)
	}
	return true
}

// addSpecials adds those of some leads of which more must be known.
func (s *Store) addSpecials(ctx context.Context, n *census, active []*seat) error {
	var numbers []string
	for _, x := range active {
		for _, m := range x.lead.Numbers {
			numbers = append(numbers, m.E164)
		}
	}
	about, err := s.known(ctx, numbers)
	if err != nil {
		return err
	}
	var some []*seat
	var leads []campaigns.Lead
	for _, x := range active {
		if x.held != nil || x.lastAt.After(n.since) || slices.ContainsFunc(x.lead.Numbers, func(m campaigns.Number) bool { return about[m.E164] != 0 }) {
			some, leads = append(some, x), append(leads, x.lead)
		}
	}
	calls, err := s.callsOf(ctx, leads)
	if err != nil {
		return err
	}
	for i, x := range some {
		suppressed := slices.ContainsFunc(x.lead.Numbers, func(m campaigns.Number) bool { return about[m.E164]&isSuppressed != 0 })
		if x.held == nil && !x.lastAt.After(n.since) && !suppressed && !calls[i].lately(n.since) {
			continue
		}
		n.Special = append(n.Special, x.standing(n, calls[i], about))
	}
	return nil
}

func (x *seat) standing(n *census, calls personCalls, about map[string]int) campaigns.Standing {
	e := x.entry(n.of)
	s := campaigns.Standing{
		Entry: x.describe(*e, nil), Suppressed: about[e.number]&isSuppressed != 0, Held: x.held != nil && !x.holds(*e),
		Attempts: calls.times(n.since, ""), LastOutcome: x.lastOutcome, LastAt: x.lastAt,
	}
	own := campaigns.AttemptID("")
	if x.holds(*e) {
		own = x.held.attempt
	}
	for i, m := range x.lead.Numbers {
		if m.E164 != e.number {
			continue
		}
		for id, t := range calls.on[i] {
			s.Held = s.Held || t.outcome == "" && id != own
		}
	}
	return s
}

// isSuppressed is the bit of known for a number on do-not-call.
const isSuppressed = 2

// known says of numbers whether they were ever called and are on do-not-call; those of
// which there is nothing to say are missing or 0.
func (s *Store) known(ctx context.Context, numbers []string) (map[string]int, error) {
	byShard := map[int][]string{}
	for _, number := range numbers {
		shard := s.keys.nameShard(number)
		byShard[shard] = append(byShard[shard], number)
	}
	about := map[string]int{}
	for shard, some := range byShard {
		names := s.keys.names(shard)
		args := []any{names + "c:"}
		for _, number := range some {
			args = append(args, number)
		}
		digits, err := scripts.known.Run(ctx, s.db, []string{names + "suppressed"}, args...).Text()
		if err != nil {
			return nil, err
		}
		for i, number := range some {
			about[number] = int(digits[i] - '0')
		}
	}
	return about, nil
}
