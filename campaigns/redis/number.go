package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// What concerns a number, whichever leads have it, lies in the number's own slot:
// the lock while it is being called, and the attempts on it, which caps and retry
// rules count.

// voidFor is how long it is remembered that an attempt must not begin any more.
const voidFor = 24 * time.Hour

// trace is what a number keeps of an attempt.
type trace struct {
	began    time.Time
	counts   bool // against caps; an open attempt does
	campaign campaigns.CampaignID
	outcome  campaigns.Outcome // "" while it is open
}

func (t trace) String() string {
	return strings.Join([]string{strconv.FormatInt(stamp(t.began), 10), strconv.FormatBool(t.counts), string(t.campaign), string(t.outcome)}, "\x1f")
}

func parseTrace(text string) (trace, bool) {
	f := strings.Split(text, "\x1f")
	if len(f) != 4 {
		return trace{}, false
	}
	began, err := strconv.ParseInt(f[0], 10, 64)
	return trace{moment(began), f[1] == "true", campaigns.CampaignID(f[2]), campaigns.Outcome(f[3])}, err == nil
}

// lockNumber locks the number of an attempt that is about to begin, and counts
// it. nil: it is ours.
func (s *Store) lockNumber(ctx context.Context, in campaigns.Intent) (*campaigns.Refusal, error) {
	number, lead := in.Claim.Number.E164, in.Claim.Lead.ID
	t, as := trace{began: in.At, counts: !in.Inbound, campaign: in.Claim.Queue.Campaign}, ""
	if in.Inbound {
		as = "caller"
	}
	names := s.keys.names(s.keys.nameShard(number))
	for {
		var answer []any
		err := s.onMaster(ctx, s.keys.number(number), func(c *goredis.Conn) error {
			var err error
			answer, err = scripts.reserve.Run(ctx, c, []string{s.keys.number(number), names + "suppressed"},
				number, string(in.Attempt), int64(lead), t.String(), as).Slice()
			if err == nil && answer[0] == "ok" {
				err = s.replicated(ctx, c)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		switch answer[0] {
		case "locked":
			other := fmt.Sprint(answer[1])
			wait, err := s.freeNumber(ctx, number, answer)
			if err != nil {
				return nil, err
			}
			if wait > 0 {
				return &campaigns.Refusal{Reason: campaigns.RefusedLocked, Detail: "attempt " + other, Next: in.At.Add(wait)}, nil
			}
		case "suppressed":
			x, err := parseSuppression(fmt.Sprint(answer[1]))
			return &campaigns.Refusal{Reason: campaigns.RefusedDoNotCall, Detail: x.Reason}, err
		default:
			return nil, nil
		}
	}
}

// freeNumber frees a number whose attempt is over, or never began; or it says how
// long to wait. An attempt that ends frees its number itself; this is for those
// whose process died in between. A lock may be there for the time of politeness
// without its attempt before anybody asks what became of it; nothing but the time
// that the asker loses depends on it.
func (s *Store) freeNumber(ctx context.Context, number string, lock []any) (wait time.Duration, err error) {
	attempt := campaigns.AttemptID(fmt.Sprint(lock[1]))
	lead, err := strconv.ParseInt(fmt.Sprint(lock[2]), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("lock of a number: %w", err)
	}
	age, _ := lock[3].(int64)
	a, err := s.readAttempt(ctx, s.keys.shardOf(campaigns.LeadID(lead)), attempt)
	if errors.Is(err, campaigns.ErrNotFound) {
		if left := s.options.politeness - time.Duration(age)*time.Millisecond; left > 0 {
			return left, nil // most likely it is just beginning
		}
		a, err = s.resolve(ctx, campaigns.LeadID(lead), attempt)
	}
	if err != nil {
		return 0, err
	}
	switch {
	case a == nil:
		return 0, s.unlockNumber(ctx, number, attempt, "")
	case a.EndedAt.IsZero():
		return campaigns.LockedFor, nil
	}
	return 0, s.unlockNumber(ctx, number, attempt, a.trace().String())
}

// resolve says what became of an attempt; nil where it never began, and then
// never will: Begin finds it void, however late it comes.
func (s *Store) resolve(ctx context.Context, lead campaigns.LeadID, id campaigns.AttemptID) (*keptAttempt, error) {
	shard := s.keys.shardOf(lead)
	body, err := scripts.resolve.Run(ctx, s.db, []string{s.attemptKey(shard, id)}, voidFor.Milliseconds()).Text()
	if err != nil || body == void {
		return nil, err
	}
	return parseAttempt(body)
}

// unlockNumber frees a number of an attempt and keeps a trace of it, or none.
func (s *Store) unlockNumber(ctx context.Context, number string, id campaigns.AttemptID, trace string) error {
	return scripts.unlock.Run(ctx, s.db, []string{s.keys.number(number)}, string(id), trace).Err()
}

// traces are the attempts on numbers.
func (s *Store) traces(ctx context.Context, numbers []string) ([]map[campaigns.AttemptID]trace, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	cmds, err := s.readMany(ctx, func(p goredis.Pipeliner) error {
		for _, n := range numbers {
			p.HGetAll(ctx, s.keys.number(n))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := make([]map[campaigns.AttemptID]trace, len(numbers))
	for i, cmd := range cmds {
		all[i] = parseTraces(cmd.(*goredis.MapStringStringCmd).Val())
	}
	return all, nil
}

func parseTraces(fields map[string]string) map[campaigns.AttemptID]trace {
	traces := map[campaigns.AttemptID]trace{}
	for id, text := range fields {
		if t, ok := parseTrace(text); ok { // the lock is none
			traces[campaigns.AttemptID(id)] = t
		}
	}
	return traces
}

// outcomesIn counts how attempts of a campaign ended; nil where there are none.
func outcomesIn(traces map[campaigns.AttemptID]trace, c campaigns.CampaignID) map[campaigns.Outcome]int {
	var counts map[campaigns.Outcome]int
	for _, t := range traces {
		if t.campaign != c || t.outcome == "" {
			continue
		}
		if counts == nil {
			counts = map[campaigns.Outcome]int{}
		}
		counts[t.outcome]++
	}
	return counts
}

// callsKey is the hash of the attempts of a lead, for those on numbers that it
// has no more.
func (s *Store) callsKey(id campaigns.LeadID) string {
	return s.keys.leads(s.keys.shardOf(id)) + "calls:" + strconv.FormatInt(int64(id), 10)
}

// personCalls are the attempts on a lead, and on each of its numbers.
type personCalls struct {
	own map[campaigns.AttemptID]trace
	on  []map[campaigns.AttemptID]trace // by number of the lead
}

// callsOf reads the attempts on some leads.
func (s *Store) callsOf(ctx context.Context, leads []campaigns.Lead) ([]personCalls, error) {
	if len(leads) == 0 {
		return nil, nil
	}
	cmds, err := s.readMany(ctx, func(p goredis.Pipeliner) error {
		for _, l := range leads {
			p.HGetAll(ctx, s.callsKey(l.ID))
			for _, n := range l.Numbers {
				p.HGetAll(ctx, s.keys.number(n.E164))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	next := func() map[campaigns.AttemptID]trace {
		cmd := cmds[0].(*goredis.MapStringStringCmd)
		cmds = cmds[1:]
		return parseTraces(cmd.Val())
	}
	all := make([]personCalls, len(leads))
	for i, l := range leads {
		all[i].own = next()
		for range l.Numbers {
			all[i].on = append(all[i].on, next())
		}
	}
	return all, nil
}

// all are the attempts by id.
func (p personCalls) all() map[campaigns.AttemptID]trace {
	all := maps.Clone(p.own)
	for _, traces := range p.on {
		for id, t := range traces {
			if known, ok := all[id]; !ok || known.outcome == "" { // the lead's own trace is written first
				all[id] = t
			}
		}
	}
	return all
}

// times are those of counting attempts after since, oldest first, without one.
func (p personCalls) times(since time.Time, except campaigns.AttemptID) []time.Time {
	var times []time.Time
	for id, t := range p.all() {
		if id != except && t.counts && t.began.After(since) {
			times = append(times, t.began)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// lately says whether there was an attempt after since, or is one now.
func (p personCalls) lately(since time.Time) bool {
	for _, t := range p.all() {
		if t.outcome == "" || t.began.After(since) {
			return true
		}
	}
	return false
}

// personAttempts are the times of counting attempts after since, oldest first: on
// any number of the lead, also where it belongs to other leads, and on numbers
// that the lead had before. Attempt except is left out.
func (s *Store) personAttempts(ctx context.Context, l campaigns.Lead, since time.Time, except campaigns.AttemptID) ([]time.Time, error) {
	calls, err := s.callsOf(ctx, []campaigns.Lead{l})
	if err != nil {
		return nil, err
	}
	return calls[0].times(since, except), nil
}
