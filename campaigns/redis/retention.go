package redis

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Keeper = (*Store)(nil)

// Deletion goes shard by shard. A cursor is how far it has come in a shard: a place
// in the order of attempts or a page of leads, times the number of shards, and the
// shard. Several nodes may delete at a time: one may then pass over what the other
// moved up, and comes to it the next time.

func (s *Store) cursor(shard int, at int64) int64 {
	if shard >= s.keys.shards {
		return 0
	}
	return at*int64(s.keys.shards) + int64(shard)
}

func (s *Store) fromCursor(cursor int64) (shard int, at int64) {
	return int(cursor % int64(s.keys.shards)), cursor / int64(s.keys.shards)
}

// oldAttempts reads up to limit attempts of a shard from a place in their order on.
// Their ids begin with the time (RFC 9562 UUIDv7), so where all of them began later
// than before, over says that no older one follows.
func (s *Store) oldAttempts(ctx context.Context, shard int, at int64, limit int, before time.Time) (all []campaigns.Attempt, over bool, err error) {
	ids, err := s.db.ZRange(ctx, s.attemptsKey(shard), at, at+int64(limit)-1).Result()
	if err != nil {
		return nil, false, err
	}
	all, err = s.readAttempts(ctx, shard, attemptIDs(ids))
	over = len(ids) < limit
	if !over {
		over = true
		for _, a := range all {
			over = over && !a.BeganAt.Before(before)
		}
	}
	return all, over, err
}

// DeleteAttempts deletes old attempts; see campaigns.Keeper. Those stay that are
// open, have a recording, or are counted by retry rules of a lead that is still to be
// dialled.
func (s *Store) DeleteAttempts(ctx context.Context, r campaigns.Retention, cursor int64, limit int) (deleted int, next int64, err error) {
	err = s.doLong(ctx, "delete_attempts", func(ctx context.Context) error {
		shard, at := s.fromCursor(cursor)
		if at == 0 {
			if err := s.forgetDeleted(ctx, shard); err != nil {
				return err
			}
		}
		all, over, err := s.oldAttempts(ctx, shard, at, limit, r.Before)
		if err != nil {
			return err
		}
		for _, a := range all {
			if !mayGo(a, r) {
				continue
			}
			gone, err := s.deleteAttempt(ctx, shard, a.ID, r)
			if err != nil {
				return err
			}
			if gone {
				deleted++
			}
		}
		next = s.cursor(shard, at+int64(limit-deleted))
		if over {
			next = s.cursor(shard+1, 0)
		}
		return s.forgetDeleted(ctx, shard)
	})
	return deleted, next, err
}

// mayGo says whether nothing in an attempt itself keeps it.
func mayGo(a campaigns.Attempt, r campaigns.Retention) bool {
	return a.BeganAt.Before(r.Before) && !a.EndedAt.IsZero() && a.Recording == "" && lawful(a, r.Laws)
}

// lawful says whether no law asks to keep an attempt.
func lawful(a campaigns.Attempt, laws []campaigns.KeepLaw) bool {
	for _, law := range laws {
		if a.BeganAt.Before(law.Before) {
			continue
		}
		for _, region := range a.Decision.Regions {
			if region == law.Region || strings.HasPrefix(region, law.Region+"-") {
				return false
			}
		}
	}
	return true
}

// deletedKey is the hash of attempts that are deleted, but whose names may still be
// in other slots: attempt → lead and number.
func (s *Store) deletedKey(shard int) string { return s.keys.leads(shard) + "deleted" }

// deleteAttempt deletes an attempt, unless something keeps it.
func (s *Store) deleteAttempt(ctx context.Context, shard int, id campaigns.AttemptID, r campaigns.Retention) (gone bool, err error) {
	err = s.retry(ctx, func() error {
		gone = false
		a, err := s.readAttempt(ctx, shard, id)
		if errors.Is(err, campaigns.ErrNotFound) {
			return nil // another node was quicker
		}
		if err != nil || !mayGo(a.Attempt, r) {
			return err
		}
		w, err := s.work(ctx, time.Now(), a.Lead)
		if err != nil {
			return err
		}
		x := w.seats[a.Lead]
		if e := x.entry(a.Campaign); e != nil && (e.state != done || x.holds(*e)) {
			return nil
		}
		w.must(s.unsettledKey(shard), string(id), "") // its number knows that it ended
		w.mustBe(s.attemptKey(shard, id), a.raw)
		w.do("DEL", s.attemptKey(shard, id))
		w.do("DEL", s.dialogKey(shard, id))
		w.do("ZREM", s.attemptsKey(shard), string(id))
		w.do("HDEL", s.callsKey(a.Lead), string(id))
		w.do("ZREM", s.timesKey(shard, a.Campaign), timesMember(a))
		w.do("ZREM", s.liveKey(shard, a.Campaign), liveMember(a))
		w.do("ZREM", s.operatorKey(shard, a.Operator), string(id))
		w.do("HSET", s.deletedKey(shard), string(id), strconv.FormatInt(int64(a.Lead), 10)+" "+a.Number)
		if err := w.save(ctx); err != nil {
			return err
		}
		gone = true
		return nil
	})
	return gone, err
}

// forgetDeleted takes what names deleted attempts out of the other slots. Stopped
// anywhere, the next one goes on.
func (s *Store) forgetDeleted(ctx context.Context, shard int) error {
	all, err := s.db.HGetAll(ctx, s.deletedKey(shard)).Result()
	if err != nil {
		return err
	}
	for id, text := range all {
		lead, number, _ := strings.Cut(text, " ")
		n, err := strconv.ParseInt(lead, 10, 64)
		if err != nil {
			return err // ours and nobody else's writing
		}
		if err := s.db.HDel(ctx, s.keys.number(number), id).Err(); err != nil {
			return err
		}
		if _, err := s.index(ctx, "remove", naming{name: attemptName(campaigns.AttemptID(id)), lead: campaigns.LeadID(n)}); err != nil {
			return err
		}
		if err := s.db.HDel(ctx, s.deletedKey(shard), id).Err(); err != nil {
			return err
		}
	}
	return nil
}

// DeleteLeads deletes leads that neither changed nor were called for long and that no
// campaign is to dial; see campaigns.Keeper. Waiting in a campaign that is stopped
// keeps nobody. Their attempts stay, without a name. A limit below a page is a page.
func (s *Store) DeleteLeads(ctx context.Context, r campaigns.Retention, cursor int64, limit int) (deleted int, next int64, err error) {
	err = s.doLong(ctx, "delete_leads", func(ctx context.Context) error {
		shard, page := s.fromCursor(cursor)
		last, err := s.lastPage(ctx)
		if err != nil {
			return err
		}
		for looked := 0; page <= last && looked < limit; page++ {
			fields, err := s.db.HKeys(ctx, s.keys.pageKey(shard, page)).Result()
			if err != nil {
				return err
			}
			looked += max(1, len(fields))
			n, err := s.deleteLeads(ctx, s.leadsOfPage(shard, page, fields), r)
			deleted += n
			if err != nil {
				return err
			}
		}
		if next = s.cursor(shard, page); page > last {
			next = s.cursor(shard+1, 0)
		}
		return nil
	})
	return deleted, next, err
}

// deleteLeads deletes those of some leads of a shard that may go.
func (s *Store) deleteLeads(ctx context.Context, ids []campaigns.LeadID, r campaigns.Retention) (deleted int, err error) {
	seats, err := s.readSeats(ctx, ids)
	if err != nil {
		return 0, err
	}
	for i, x := range seats {
		if !x.exists || !x.idle(r.Before) || !r.Of(x.lead.List) {
			continue
		}
		gone, err := s.deleteLead(ctx, ids[i], r)
		if err != nil {
			return deleted, err
		}
		if gone {
			deleted++
		}
	}
	return deleted, nil
}

// idle says whether nothing happened to a lead since a time, as far as its record
// says.
func (x *seat) idle(since time.Time) bool {
	if x.held != nil || !x.lead.CreatedAt.Before(since) || !x.lead.UpdatedAt.Before(since) {
		return false
	}
	for _, e := range x.entries {
		if !e.lastAt.Before(since) {
			return false
		}
	}
	return true
}

// deleteLead deletes a lead, unless somebody is to dial it or its calls are to be kept.
func (s *Store) deleteLead(ctx context.Context, id campaigns.LeadID, r campaigns.Retention) (gone bool, err error) {
	var before campaigns.Lead
	err = s.retry(ctx, func() error {
		gone = false
		w, x, err := s.workOn(ctx, time.Now(), id)
		if errors.Is(err, campaigns.ErrNotFound) {
			return nil // another node was quicker
		}
		if err != nil || !x.idle(r.Before) {
			return err
		}
		for _, e := range x.entries {
			if p := w.plans.byID[e.campaign]; e.state != done && p != nil && p.campaign.State != campaigns.Stopped {
				return nil
			}
		}
		kept, err := s.callsAreKept(ctx, id, r)
		if err != nil || kept {
			return err
		}
		before = x.lead
		w.remove(x)
		w.do("HINCRBY", s.leadsKey(w.shard), string(before.List), -1)
		if err := w.save(ctx); err != nil {
			return err
		}
		gone = true
		return nil
	})
	if err != nil || !gone {
		return false, err
	}
	return true, s.unname(ctx, before)
}

// unname takes a lead that is gone out of the index. Stopped in between, the index
// names a lead too much: whoever has its identity in the same list gets its id back.
func (s *Store) unname(ctx context.Context, l campaigns.Lead) error {
	var names []naming
	for _, n := range l.Numbers {
		names = append(names, naming{name: numberName(n.E164), lead: l.ID})
	}
	if who, err := l.Identity(); err == nil {
		names = append(names, naming{name: identityName(l.List, who), lead: l.ID})
	}
	_, err := s.index(ctx, "remove", names...)
	return err
}

// callsAreKept says whether a lead was called too lately, or a law asks to know whom
// its calls went to.
func (s *Store) callsAreKept(ctx context.Context, id campaigns.LeadID, r campaigns.Retention) (bool, error) {
	ids, err := s.db.HKeys(ctx, s.callsKey(id)).Result()
	if err != nil {
		return false, err
	}
	calls, err := s.readAttempts(ctx, s.keys.shardOf(id), attemptIDs(ids))
	for _, a := range calls {
		if a.EndedAt.IsZero() || !a.BeganAt.Before(r.Before) || !lawful(a, r.Laws) {
			return true, err
		}
	}
	return false, err
}

// OldRecordings lists attempts with a recording; see campaigns.Keeper.
func (s *Store) OldRecordings(ctx context.Context, before time.Time, cursor int64, limit int) (old []campaigns.Attempt, next int64, err error) {
	err = s.doLong(ctx, "old_recordings", func(ctx context.Context) error {
		shard, at := s.fromCursor(cursor)
		all, over, err := s.oldAttempts(ctx, shard, at, limit, before)
		if err != nil {
			return err
		}
		for _, a := range all {
			if a.Recording != "" && !a.EndedAt.IsZero() && a.BeganAt.Before(before) {
				old = append(old, a)
			}
		}
		if next = s.cursor(shard, at+int64(limit)); over {
			next = s.cursor(shard+1, 0)
		}
		return nil
	})
	return old, next, err
}

// ForgetRecordings notes that recordings are gone.
func (s *Store) ForgetRecordings(ctx context.Context, ids []campaigns.AttemptID) error {
	return s.doLong(ctx, "forget_recordings", func(ctx context.Context) error {
		for _, id := range ids {
			err := s.retry(ctx, func() error {
				a, err := s.findAttempt(ctx, id)
				if errors.Is(err, campaigns.ErrNotFound) {
					return nil
				}
				if err != nil || a.Recording == "" {
					return err
				}
				return s.forgetRecording(ctx, a)
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
}

func (s *Store) forgetRecording(ctx context.Context, a *keptAttempt) error {
	w, err := s.workIn(ctx, time.Now(), s.keys.shardOf(a.Lead))
	if err != nil {
		return err
	}
	a.Recording = ""
	if err := w.writeAttempt(a); err != nil {
		return err
	}
	return w.save(ctx)
}
