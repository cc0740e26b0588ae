package redis

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Open lists the attempts of a node that are begun and not ended; see
// campaigns.Store.
func (s *Store) Open(ctx context.Context, node string) ([]campaigns.Attempt, error) {
	var open []campaigns.Attempt
	err := s.do(ctx, "open", func(ctx context.Context) error {
		if err := s.settleNumbers(ctx); err != nil {
			return err
		}
		all, err := s.openAttempts(ctx, func(of string) bool { return of == node })
		if err != nil {
			return err
		}
		open = all
		var numbers []string
		for _, a := range open {
			numbers = append(numbers, a.Number)
		}
		traces, err := s.traces(ctx, numbers)
		for i := range traces {
			open[i].ByOutcome = outcomesIn(traces[i], open[i].Campaign)
		}
		return err
	})
	return open, err
}

// openAttempts are the attempts that hold a lead now, and those of people who called us,
// by id.
func (s *Store) openAttempts(ctx context.Context, want func(node string) bool) ([]campaigns.Attempt, error) {
	holding, err := s.heldWhere(ctx, func(h *held) bool { return h.calling && want(h.node) })
	if err != nil {
		return nil, err
	}
	byShard, err := s.callersWhere(ctx, want)
	if err != nil {
		return nil, err
	}
	for lead, h := range holding {
		shard := s.keys.shardOf(lead)
		byShard[shard] = append(byShard[shard], h.attempt)
	}
	var all []campaigns.Attempt
	for shard, ids := range byShard {
		some, err := s.readAttempts(ctx, shard, ids)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b campaigns.Attempt) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, nil
}

// readAttempts reads attempts of a shard with their dialogs and the names of
// their leads. Those that are not there are left out.
func (s *Store) readAttempts(ctx context.Context, shard int, ids []campaigns.AttemptID) ([]campaigns.Attempt, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	bodies, dialogs := make([]*goredis.StringCmd, len(ids)), make([]*goredis.StringCmd, len(ids))
	_, err := s.readMany(ctx, func(p goredis.Pipeliner) error {
		for i, id := range ids {
			bodies[i], dialogs[i] = p.Get(ctx, s.attemptKey(shard, id)), p.Get(ctx, s.dialogKey(shard, id))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var all []campaigns.Attempt
	var leads []campaigns.LeadID
	for i := range ids {
		body := bodies[i].Val()
		if body == "" || body == void {
			continue
		}
		a, err := parseAttempt(body)
		if err != nil {
			return nil, err
		}
		if dialogs[i].Err() == nil {
			a.Dialog = []byte(dialogs[i].Val())
		}
		all, leads = append(all, a.Attempt), append(leads, a.Lead)
	}
	seats, err := s.readSeats(ctx, leads)
	for i, x := range seats {
		all[i].LeadName = x.lead.Name
	}
	return all, err
}

// attemptsAtOnce is how many attempts a query reads in one go.
const attemptsAtOnce = 500

// Attempts lists attempts, newest first; see campaigns.AttemptQuery. A query by
// id, lead, operator or for open ones reads those alone; any other reads backwards
// from the newest until it has enough.
func (s *Store) Attempts(ctx context.Context, q campaigns.AttemptQuery) ([]campaigns.Attempt, error) {
	found := []campaigns.Attempt{}
	err := s.doLong(ctx, "attempts", func(ctx context.Context) error {
		candidates, err := s.attemptsFor(ctx, q)
		if err == nil && candidates != nil {
			found = appendMatching(found, candidates, q)
			return nil
		}
		if err != nil {
			return err
		}
		var mu sync.Mutex
		return s.eachShard(ctx, func(ctx context.Context, shard int) error {
			some, err := s.scanAttempts(ctx, shard, q)
			mu.Lock()
			defer mu.Unlock()
			found = append(found, some...)
			return err
		})
	})
	slices.SortFunc(found, func(a, b campaigns.Attempt) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return found[:min(len(found), limited(q.Limit))], err
}

// attemptsFor are the few attempts that a narrow query is about; nil where it is
// not narrow.
func (s *Store) attemptsFor(ctx context.Context, q campaigns.AttemptQuery) ([]campaigns.Attempt, error) {
	few := []campaigns.Attempt{}
	switch {
	case q.ID != "":
		a, err := s.findAttempt(ctx, q.ID)
		if errors.Is(err, campaigns.ErrNotFound) {
			return few, nil
		}
		if err != nil {
			return nil, err
		}
		return s.readAttempts(ctx, s.keys.shardOf(a.Lead), []campaigns.AttemptID{q.ID})
	case q.Lead != 0:
		ids, err := s.db.HKeys(ctx, s.callsKey(q.Lead)).Result()
		if err != nil {
			return nil, err
		}
		all, err := s.readAttempts(ctx, s.keys.shardOf(q.Lead), attemptIDs(ids))
		return append(few, all...), err
	case q.Open:
		all, err := s.openAttempts(ctx, func(string) bool { return true })
		return append(few, all...), err
	}
	return nil, nil
}

func attemptIDs(texts []string) []campaigns.AttemptID {
	ids := make([]campaigns.AttemptID, len(texts))
	for i, text := range texts {
		ids[i] = campaigns.AttemptID(text)
	}
	return ids
}

func appendMatching(found, all []campaigns.Attempt, q campaigns.AttemptQuery) []campaigns.Attempt {
	for _, a := range all {
		if matches(a, q) {
			found = append(found, a)
		}
	}
	return found
}

func matches(a campaigns.Attempt, q campaigns.AttemptQuery) bool {
	return (q.ID == "" || a.ID == q.ID) && (q.Lead == 0 || a.Lead == q.Lead) && (q.Campaign == "" || a.Campaign == q.Campaign) &&
		(q.Operator == "" || a.Operator == q.Operator) && (q.Outcome == "" || a.Outcome == q.Outcome) && (!q.Open || a.EndedAt.IsZero()) &&
		(q.Since.IsZero() || !a.BeganAt.Before(q.Since)) && (q.Before == "" || a.ID < q.Before)
}

// scanAttempts reads a shard from the newest attempt on.
func (s *Store) scanAttempts(ctx context.Context, shard int, q campaigns.AttemptQuery) ([]campaigns.Attempt, error) {
	key, before := s.attemptsKey(shard), "+"
	if q.Operator != "" {
		key = s.operatorKey(shard, q.Operator)
	}
	if q.Before != "" {
		before = "(" + string(q.Before)
	}
	var found []campaigns.Attempt
	for len(found) < limited(q.Limit) {
		ids, err := s.db.ZRevRangeByLex(ctx, key, &goredis.ZRangeBy{Min: "-", Max: before, Count: attemptsAtOnce}).Result()
		if err != nil || len(ids) == 0 {
			return found, err
		}
		some, err := s.readAttempts(ctx, shard, attemptIDs(ids))
		if err != nil {
			return nil, err
		}
		found = appendMatching(found, some, q)
		before = "(" + ids[len(ids)-1]
	}
	return found, nil
}

// PersonAttempts are the times of counting attempts; see campaigns.Records.
func (s *Store) PersonAttempts(ctx context.Context, id campaigns.LeadID, since time.Time) ([]time.Time, error) {
	var times []time.Time
	err := s.do(ctx, "person_attempts", func(ctx context.Context) error {
		seats, err := s.readSeats(ctx, []campaigns.LeadID{id})
		if err != nil {
			return err
		}
		l := seats[0].lead
		l.ID = id
		times, err = s.personAttempts(ctx, l, since.Add(-1), "") // since is included
		return err
	})
	return times, err
}

// scanTimes reads an order whose members begin with a time, from a time up to
// another (zero: no bound), some thousand at a time so that nobody waits.
func (s *Store) scanTimes(ctx context.Context, key string, from, to time.Time, each func(member string)) error {
	least, most := "["+sortable(from), "+"
	if from.IsZero() {
		least = "-"
	}
	if !to.IsZero() {
		most = "(" + sortable(to)
	}
	for {
		some, err := s.db.ZRangeByLex(ctx, key, &goredis.ZRangeBy{Min: least, Max: most, Count: 5000}).Result()
		if err != nil || len(some) == 0 {
			return err
		}
		for _, m := range some {
			each(m)
		}
		least = "(" + some[len(some)-1]
	}
}

// Tally counts the attempts of a campaign that began in [from, to).
func (s *Store) Tally(ctx context.Context, c campaigns.CampaignID, from, to time.Time) (campaigns.Tally, error) {
	t := campaigns.Tally{Outcomes: map[campaigns.Outcome]int{}}
	var mu sync.Mutex
	err := s.doLong(ctx, "tally", func(ctx context.Context) error {
		return s.eachShard(ctx, func(ctx context.Context, shard int) error {
			return s.scanTimes(ctx, s.timesKey(shard, c), from, to, func(member string) {
				mu.Lock()
				defer mu.Unlock()
				count(&t, member)
			})
		})
	})
	t.Abandoned = t.Outcomes[campaigns.Abandoned]
	return t, err
}

func count(t *campaigns.Tally, member string) {
	outcome, bridged := parseTimes(member)
	if outcome.OfCaller() {
		t.Outcomes[outcome]++
		return
	}
	t.Attempts++
	if outcome == "" {
		t.Open++
		return
	}
	t.Outcomes[outcome]++
	if outcome.Live() {
		t.Live++
	}
	if outcome == campaigns.Abandoned && bridged {
		t.Late++
	}
}

// liveKey is the order of the live answers of a campaign by when they began.
func (s *Store) liveKey(shard int, c campaigns.CampaignID) string {
	return s.keys.leads(shard) + "live:" + string(c)
}

// liveMember is a live answer in that order: when it began, how late an operator
// came (in nanoseconds; empty where none did), whether it was abandoned.
func liveMember(a *keptAttempt) string {
	late := ""
	if !a.BridgedAt.IsZero() {
		from := a.GreetingEnd
		if from.IsZero() {
			from = a.AnsweredAt
		}
		late = strconv.FormatInt(stamp(a.BridgedAt)-stamp(from), 10)
	}
	return sortable(a.BeganAt) + string(a.Outcome) + "\x1f" + late + "\x1f" + string(a.ID)
}

// LiveCounts counts live answers; see campaigns.PacingRecords.
func (s *Store) LiveCounts(ctx context.Context, c campaigns.CampaignID, since time.Time, within time.Duration) ([]campaigns.LiveCount, error) {
	var mu sync.Mutex
	quarters := map[int64]campaigns.LiveCount{}
	err := s.doLong(ctx, "live_counts", func(ctx context.Context) error {
		return s.eachShard(ctx, func(ctx context.Context, shard int) error {
			return s.scanTimes(ctx, s.liveKey(shard, c), since, time.Time{}, func(member string) {
				mu.Lock()
				defer mu.Unlock()
				countLive(quarters, member, within)
			})
		})
	})
	var counts []campaigns.LiveCount
	for _, q := range quarters {
		counts = append(counts, q)
	}
	slices.SortFunc(counts, func(a, b campaigns.LiveCount) int { return a.At.Compare(b.At) })
	return counts, err
}

func countLive(quarters map[int64]campaigns.LiveCount, member string, within time.Duration) {
	f := strings.SplitN(member[8:], "\x1f", 3)
	if len(f) != 3 {
		return
	}
	began := fromSortable(member[:8])
	q := quarters[stamp(began)/int64(campaigns.LiveStep)]
	q.Live++
	late, err := strconv.ParseInt(f[1], 10, 64)
	if campaigns.Outcome(f[0]) == campaigns.Abandoned || (err == nil && late > int64(within)) {
		q.Abandoned++
	}
	if began.After(q.At) {
		q.At = began
	}
	quarters[stamp(began)/int64(campaigns.LiveStep)] = q
}
