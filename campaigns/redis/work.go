package redis

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// work is a change of some leads of one shard: their records, who holds them and
// their places in queues. Read it, change the seats, then save.
type work struct {
	change
	s     *Store
	on    goredis.Scripter // where the change is made
	shard int
	plans *plans
	now   time.Time
	seats map[campaigns.LeadID]*seat
	fresh string // key of the attempt that must not exist yet
}

// seat is one lead of a work.
type seat struct {
	record
	exists  bool
	removed bool
	held    *held
	rawHeld string
	raw     string
	before  map[campaigns.CampaignID]position // in queues, as read
}

// position is where an entry stands in its queue.
type position struct {
	queue    campaigns.QueueID
	due      time.Time
	priority float64
}

// positions are where the entries of a seat stand now. One that is held for a
// campaign stands in no queue of it.
func (x *seat) positions() map[campaigns.CampaignID]position {
	at := map[campaigns.CampaignID]position{}
	for _, e := range x.entries {
		if e.state != waiting || (x.held != nil && x.held.queue.Campaign == e.campaign) {
			continue
		}
		at[e.campaign] = position{x.queue(e), moment(stamp(e.due)), e.priority}
	}
	return at
}

// state is the state of an entry as others see it.
func (x *seat) state(e entry) campaigns.EntryState {
	switch {
	case x.held != nil && x.held.queue.Campaign == e.campaign && x.held.calling:
		return campaigns.EntryCalling
	case x.held != nil && x.held.queue.Campaign == e.campaign:
		return campaigns.EntryClaimed
	case e.state == done:
		return campaigns.EntryDone
	case e.state == nowhere:
		return campaigns.EntryNone
	}
	return campaigns.EntryWaiting
}

// holds says whether somebody has the lead for the campaign of an entry.
func (x *seat) holds(e entry) bool { return x.held != nil && x.held.queue.Campaign == e.campaign }

// work reads leads of one shard. A lead that does not exist has a seat too.
func (s *Store) work(ctx context.Context, now time.Time, ids ...campaigns.LeadID) (*work, error) {
	return s.workIn(ctx, now, s.keys.shardOf(ids[0]), ids...)
}

// workIn is work where there may be nothing to read.
func (s *Store) workIn(ctx context.Context, now time.Time, shard int, ids ...campaigns.LeadID) (*work, error) {
	p, err := s.plansNow(ctx)
	if err != nil {
		return nil, err
	}
	w := &work{s: s, on: s.db, shard: shard, plans: p, now: now, seats: map[campaigns.LeadID]*seat{}}
	seats, err := s.readSeats(ctx, ids)
	if err != nil {
		return nil, err
	}
	for i, id := range ids {
		w.seats[id] = seats[i]
	}
	return w, nil
}

// lead reads one lead for a change; campaigns.ErrNotFound where there is none.
func (s *Store) workOn(ctx context.Context, now time.Time, id campaigns.LeadID) (*work, *seat, error) {
	w, err := s.work(ctx, now, id)
	if err != nil {
		return nil, nil, err
	}
	x := w.seats[id]
	if !x.exists {
		return nil, nil, fmt.Errorf("lead %d: %w", id, campaigns.ErrNotFound)
	}
	return w, x, nil
}

// readSeats reads leads, of any shards, and who holds them.
func (s *Store) readSeats(ctx context.Context, ids []campaigns.LeadID) ([]*seat, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	cmds, err := s.readMany(ctx, func(p goredis.Pipeliner) error {
		for _, id := range ids {
			key, field := s.keys.page(id)
			p.HGet(ctx, key, field)
			p.HGet(ctx, s.heldKey(s.keys.shardOf(id)), strconv.FormatInt(int64(id), 10))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	seats := make([]*seat, len(ids))
	for i, id := range ids {
		x, err := s.seat(ctx, id, cmds[2*i].(*goredis.StringCmd).Val(), cmds[2*i+1].(*goredis.StringCmd).Val())
		if err != nil {
			return nil, err
		}
		seats[i] = x
	}
	return seats, nil
}

func (s *Store) seat(ctx context.Context, id campaigns.LeadID, raw, rawHeld string) (*seat, error) {
	x := &seat{raw: raw, rawHeld: rawHeld, held: parseHeld(rawHeld), exists: raw != ""}
	if x.exists {
		var err error
		if x.record, err = s.unpack(ctx, id, raw); err != nil {
			return nil, err
		}
	}
	x.before = x.positions()
	return x, nil
}

func (s *Store) unpack(ctx context.Context, id campaigns.LeadID, raw string) (record, error) {
	shard := s.keys.shardOf(id)
	return unpack(id, []byte(raw), func(n uint64) (string, error) { return s.wordOf(ctx, shard, n) })
}

// save makes the change: the records, who holds them and their queues, with all
// else that was added to the work, unless one of them changed meanwhile.
func (w *work) save(ctx context.Context) error {
	used := map[string]uint64{}
	word := func(text string) (uint64, error) {
		n, err := w.s.wordNumber(ctx, w.shard, text)
		used[text] = n
		return n, err
	}
	w.mustBe(w.s.generationKey(w.shard), w.plans.generation)
	for _, id := range slices.Sorted(maps.Keys(w.seats)) {
		if err := w.saveSeat(id, w.seats[id], word); err != nil {
			return err
		}
	}
	for text, n := range used {
		w.must(w.s.wordsKey(w.shard), text, strconv.FormatUint(n, 10))
	}
	key, err := w.commit(ctx, w.on)
	if errors.Is(err, errChanged) && (key == w.s.generationKey(w.shard) || key == w.s.wordsKey(w.shard)) {
		w.s.stale.Store(true)
	}
	if errors.Is(err, errChanged) && key == w.fresh {
		err = errUsed
	}
	if errors.Is(err, errChanged) && key == w.s.callersKey(w.shard) {
		err = errCalling
	}
	return err
}

// saveReplicated is save, and a replica has it too, where there is one.
func (w *work) saveReplicated(ctx context.Context) error {
	return w.s.onMaster(ctx, w.s.heldKey(w.shard), func(c *goredis.Conn) error {
		w.on = c
		if err := w.save(ctx); err != nil {
			return err
		}
		return w.s.replicated(ctx, c)
	})
}

func (w *work) saveSeat(id campaigns.LeadID, x *seat, word func(string) (uint64, error)) error {
	page, field := w.s.keys.page(id)
	name := strconv.FormatInt(int64(id), 10)
	w.must(page, field, x.raw)
	w.must(w.s.heldKey(w.shard), name, x.rawHeld)
	if !x.exists {
		return nil
	}
	if x.removed {
		w.do("HDEL", page, field)
		w.moveInQueues(id, x)
		return nil
	}
	packed, err := pack(x.record, word)
	if err != nil {
		return err
	}
	if string(packed) != x.raw {
		w.do("HSET", page, field, packed)
	}
	switch {
	case x.held == nil && x.rawHeld != "":
		w.do("HDEL", w.s.heldKey(w.shard), name)
	case x.held != nil && x.held.String() != x.rawHeld:
		w.do("HSET", w.s.heldKey(w.shard), name, x.held.String())
	}
	w.moveInQueues(id, x)
	return nil
}

// remove takes a lead that nobody holds out of the store.
func (w *work) remove(x *seat) { x.removed, x.entries = true, nil }

// moveInQueues takes a lead out of the queues that it left and puts it where it
// belongs now.
func (w *work) moveInQueues(id campaigns.LeadID, x *seat) {
	after := x.positions()
	for _, c := range slices.Sorted(maps.Keys(x.before)) {
		p := x.before[c]
		if after[c] == p {
			continue
		}
		ready, waiting := w.s.keys.queueKeys(w.shard, p.queue)
		w.do("ZREM", ready, readyMember(p.due, id))
		w.do("ZREM", waiting, waitingMember(p.due, p.priority, id))
	}
	for _, c := range slices.Sorted(maps.Keys(after)) {
		p := after[c]
		if x.before[c] == p {
			continue
		}
		ready, waiting := w.s.keys.queueKeys(w.shard, p.queue)
		if p.due.After(w.now) {
			w.do("ZADD", waiting, 0, waitingMember(p.due, p.priority, id))
		} else {
			w.do("ZADD", ready, score(p.priority), readyMember(p.due, id))
		}
		w.do("SADD", w.s.queuesKey(w.shard, c), p.queue.Segment+"\x1f"+windowName(p.queue))
	}
}

func (s *Store) queuesKey(shard int, c campaigns.CampaignID) string {
	return s.keys.leads(shard) + "queues:" + string(c)
}
