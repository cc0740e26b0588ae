package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// outcomesFor is how long the stream of outcomes reaches back. It is a feed: the
// attempts themselves are kept.
const outcomesFor = 7 * 24 * time.Hour

// End writes the outcome of an attempt; see campaigns.Store.
//
// What only forbids calls (a bad number at other leads, do-not-call) is written
// first: were that all, the attempt would still be open and be settled. Then the
// ending itself, in one step in the lead's slot, which a replica confirms. Then
// the number is freed; were that missing, the note in the same step lets Reclaim,
// or the next who wants the number, do it.
func (s *Store) End(ctx context.Context, e campaigns.Ending) error {
	return s.do(ctx, "end", func(ctx context.Context) error {
		a, err := s.findAttempt(ctx, e.Attempt)
		if errors.Is(err, campaigns.ErrNotFound) {
			return errors.Join(err, s.neverBegin(ctx, e.Attempt))
		}
		if err != nil {
			return err
		}
		if !a.EndedAt.IsZero() {
			return s.endedBefore(ctx, a)
		}
		if e.BadNumber {
			if err := s.markBadEverywhere(ctx, a.Number, e.At); err != nil {
				return err
			}
		}
		if e.Suppress {
			x := campaigns.Suppression{E164: a.Number, Reason: string(e.Outcome), Source: "network", At: e.At}
			if err := s.suppress(ctx, x); err != nil {
				return err
			}
		}
		ended, err := s.end(ctx, e)
		if err != nil || ended == nil {
			return err
		}
		return s.settleNumber(ctx, ended)
	})
}

// neverBegin keeps an attempt from beginning that has not begun but is on its
// way: whoever ends an attempt takes it for over.
func (s *Store) neverBegin(ctx context.Context, id campaigns.AttemptID) error {
	leads, err := s.index(ctx, "get", naming{name: attemptName(id)})
	if err != nil || len(leads[0]) == 0 {
		return err
	}
	_, err = s.resolve(ctx, leads[0][0], id)
	return err
}

// markBadEverywhere marks a number as bad for all leads that have it. They stay
// where they are: who begins with the number finds out.
func (s *Store) markBadEverywhere(ctx context.Context, e164 string, now time.Time) error {
	leads, err := s.leadsOf(ctx, e164)
	if err != nil {
		return err
	}
	for _, id := range leads {
		err := s.retry(ctx, func() error {
			w, x, err := s.workOn(ctx, now, id)
			if errors.Is(err, campaigns.ErrNotFound) {
				return nil // the index is ahead of the lead
			}
			if err != nil || !x.markBad(e164) {
				return err
			}
			return w.save(ctx)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// end makes the one step that ends an attempt; nil where it had ended before.
func (s *Store) end(ctx context.Context, e campaigns.Ending) (*keptAttempt, error) {
	var ended *keptAttempt
	err := s.retry(ctx, func() error {
		ended = nil
		a, err := s.findAttempt(ctx, e.Attempt)
		if err != nil || !a.EndedAt.IsZero() {
			return err
		}
		w, x, err := s.workOn(ctx, e.At, a.Lead)
		if err != nil {
			return err
		}
		open := timesMember(a)
		a.finish(e)
		if err := w.writeAttempt(a); err != nil {
			return err
		}
		w.noteEnd(a, open)
		w.tell(s.keys.leads(w.shard), campaigns.EventsOfEnding(a.Attempt, x.lead)...)
		if !e.At.Before(x.lastAt) {
			x.lastOutcome, x.lastAt = e.Outcome, e.At
		}
		if a.Inbound {
			if err := w.endReceived(ctx, x, a, e); err != nil {
				return err
			}
		} else if h := x.held; h != nil && h.calling && h.attempt == a.ID {
			p := x.entry(a.Campaign)
			if e.Count {
				p.attempts++
			}
			p.lastOutcome, p.lastAt = e.Outcome, e.At
			p.operator = cmp.Or(e.Operator, p.operator)
			w.follow(x, a.Campaign, e.Next, e.At)
		}
		ended = a
		return w.saveReplicated(ctx)
	})
	return ended, err
}

// endedBefore makes sure of an ending that was written before: whoever asks again
// may not have heard that a replica has it, and its number may not know it yet.
func (s *Store) endedBefore(ctx context.Context, a *keptAttempt) error {
	shard := s.keys.shardOf(a.Lead)
	err := s.retry(ctx, func() error {
		return s.onMaster(ctx, s.heldKey(shard), func(conn *goredis.Conn) error {
			var c change
			c.mustBe(s.attemptKey(shard, a.ID), a.raw)
			c.do("SET", s.attemptKey(shard, a.ID), a.raw)
			if _, err := c.commit(ctx, conn); err != nil && !errors.Is(err, errChanged) { // a disposition came: it is younger
				return err
			}
			return s.replicated(ctx, conn)
		})
	})
	if err != nil {
		return err
	}
	return s.settleNumber(ctx, a)
}

// finish writes an ending into an attempt.
func (a *keptAttempt) finish(e campaigns.Ending) {
	a.Outcome, a.Code, a.Q850, a.Reason, a.Operator, a.Recording, a.Audio, a.Counts = e.Outcome, e.Code, e.Q850, e.Reason, e.Operator, e.Recording, e.Audio, e.Count && !a.Inbound
	for _, t := range []struct {
		to   *time.Time
		from time.Time
	}{{&a.RingingAt, e.RingingAt}, {&a.AnsweredAt, e.AnsweredAt}, {&a.VerdictAt, e.VerdictAt}, {&a.GreetingEnd, e.GreetingEnd},
		{&a.BridgedAt, e.BridgedAt}, {&a.EndedAt, e.At}} {
		*t.to = moment(stamp(t.from))
	}
}

// noteEnd adds everything to a work that follows from the end of an attempt,
// besides the place of its lead.
func (w *work) noteEnd(a *keptAttempt, open string) {
	s := w.s
	w.do("DEL", s.dialogKey(w.shard, a.ID))
	w.do("ZREM", s.timesKey(w.shard, a.Campaign), open)
	if !a.Inbound || a.Outcome.OfCaller() {
		w.do("ZADD", s.timesKey(w.shard, a.Campaign), 0, timesMember(a))
	}
	if a.Outcome.Live() {
		w.do("ZADD", s.liveKey(w.shard, a.Campaign), 0, liveMember(a))
	}
	if a.Operator != "" {
		w.do("ZADD", s.operatorKey(w.shard, a.Operator), 0, string(a.ID))
	}
	w.do("HSET", s.callsKey(a.Lead), string(a.ID), a.trace().String())
	w.do("HSET", s.unsettledKey(w.shard), string(a.ID), a.Number+"\x1f"+a.trace().String())
	oldest := strconv.FormatInt(time.Now().Add(-outcomesFor).UnixMilli(), 10)
	w.do("XADD", s.outcomesKey(w.shard), "MINID", "~", oldest, "*",
		"attempt", string(a.ID), "lead", int64(a.Lead), "campaign", string(a.Campaign), "outcome", string(a.Outcome), "ended", stamp(a.EndedAt))
}

// settleNumber tells a number that an attempt on it has ended, and forgets that
// this was to be done.
func (s *Store) settleNumber(ctx context.Context, a *keptAttempt) error {
	if err := s.unlockNumber(ctx, a.Number, a.ID, a.trace().String()); err != nil {
		return err
	}
	return s.db.HDel(ctx, s.unsettledKey(s.keys.shardOf(a.Lead)), string(a.ID)).Err()
}

// settleNumbers does what ends left undone whose process died, or lost Redis, in
// between. Doing it twice changes nothing.
func (s *Store) settleNumbers(ctx context.Context) error {
	return s.eachShard(ctx, func(ctx context.Context, shard int) error {
		ids, err := s.db.HKeys(ctx, s.unsettledKey(shard)).Result()
		if err != nil {
			return err
		}
		for _, id := range ids {
			a, err := s.readAttempt(ctx, shard, campaigns.AttemptID(id))
			if err != nil { // both were written in one step, so it is there
				return fmt.Errorf("settle: %w", err)
			}
			if err := s.settleNumber(ctx, a); err != nil {
				return err
			}
		}
		return nil
	})
}
