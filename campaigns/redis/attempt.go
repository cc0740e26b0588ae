package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// void stands for an attempt that never began and never may; see Store.resolve.
const void = "void"

// keptAttempt is an attempt as it is kept, apart from its dialog.
type keptAttempt struct {
	campaigns.Attempt
	Counts  bool                 `json:"counts"` // against caps; an open attempt does
	MovedTo campaigns.CampaignID `json:"moved_to,omitempty"`

	raw string // as read
}

func (a *keptAttempt) trace() trace {
	return trace{began: a.BeganAt, counts: a.Counts, campaign: a.Campaign, outcome: a.Outcome}
}

func parseAttempt(body string) (*keptAttempt, error) {
	a := &keptAttempt{raw: body}
	if err := json.Unmarshal([]byte(body), a); err != nil {
		return nil, fmt.Errorf("read an attempt: %w", err)
	}
	return a, nil
}

func (s *Store) attemptKey(shard int, id campaigns.AttemptID) string {
	return s.keys.leads(shard) + "attempt:" + string(id)
}

func (s *Store) dialogKey(shard int, id campaigns.AttemptID) string {
	return s.keys.leads(shard) + "dialog:" + string(id)
}

// attemptsKey is the order of attempt ids in a shard.
func (s *Store) attemptsKey(shard int) string { return s.keys.leads(shard) + "attempts" }

// operatorKey is the order of the attempts that an operator took.
func (s *Store) operatorKey(shard int, u campaigns.UserID) string {
	return s.keys.leads(shard) + "operator:" + string(u)
}

// outcomesKey is the stream of outcomes.
func (s *Store) outcomesKey(shard int) string { return s.keys.leads(shard) + "outcomes" }

// unsettledKey is the hash of attempts that have ended, but whose numbers may not
// know it yet.
func (s *Store) unsettledKey(shard int) string { return s.keys.leads(shard) + "unsettled" }

// readAttempt reads an attempt of a shard, or campaigns.ErrNotFound.
func (s *Store) readAttempt(ctx context.Context, shard int, id campaigns.AttemptID) (*keptAttempt, error) {
	body, err := s.db.Get(ctx, s.attemptKey(shard, id)).Result()
	if errors.Is(err, goredis.Nil) || body == void {
		return nil, fmt.Errorf("attempt %s: %w", id, campaigns.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return parseAttempt(body)
}

// findAttempt reads an attempt whose lead is not known.
func (s *Store) findAttempt(ctx context.Context, id campaigns.AttemptID) (*keptAttempt, error) {
	leads, err := s.index(ctx, "get", naming{name: attemptName(id)})
	if err != nil {
		return nil, err
	}
	if len(leads[0]) == 0 {
		return nil, fmt.Errorf("attempt %s: %w", id, campaigns.ErrNotFound)
	}
	return s.readAttempt(ctx, s.keys.shardOf(leads[0][0]), id)
}

// writeAttempt adds a changed attempt to a work.
func (w *work) writeAttempt(a *keptAttempt) error {
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	key := w.s.attemptKey(w.shard, a.ID)
	w.mustBe(key, a.raw)
	w.do("SET", key, body)
	return nil
}

// addAttempt adds the beginning of an attempt to a work.
func (w *work) addAttempt(in campaigns.Intent) error {
	q := in.Claim.Queue
	a := &keptAttempt{Counts: !in.Inbound, Attempt: campaigns.Attempt{
		Inbound: in.Inbound,
		ID:      in.Attempt, Lead: in.Claim.Lead.ID, Campaign: q.Campaign, Segment: q.Segment, Number: in.Claim.Number.E164, Node: in.Claim.Node,
		Trunk: in.Trunk, CallerID: in.CallerID, Decision: in.Decision, BeganAt: in.At.UTC(),
	}}
	if err := w.writeAttempt(a); err != nil {
		return err
	}
	w.fresh = w.s.attemptKey(w.shard, a.ID)
	w.do("SET", w.s.dialogKey(w.shard, a.ID), in.Dialog)
	w.do("ZADD", w.s.attemptsKey(w.shard), 0, string(a.ID))
	w.do("HSET", w.s.callsKey(a.Lead), string(a.ID), a.trace().String())
	if !a.Inbound {
		w.do("ZADD", w.s.timesKey(w.shard, a.Campaign), 0, timesMember(a))
	}
	return nil
}

// SaveDialog replaces the dialog of an open attempt. An attempt that has ended
// keeps none; that it came too late is no error.
func (s *Store) SaveDialog(ctx context.Context, id campaigns.AttemptID, dialog []byte) error {
	return s.do(ctx, "save_dialog", func(ctx context.Context) error {
		return s.retry(ctx, func() error {
			a, err := s.findAttempt(ctx, id)
			if err != nil || !a.EndedAt.IsZero() {
				return err
			}
			var c change
			shard := s.keys.shardOf(a.Lead)
			c.mustBe(s.attemptKey(shard, id), a.raw)
			c.do("SET", s.dialogKey(shard, id), dialog)
			_, err = c.commit(ctx, s.db)
			return err
		})
	})
}

// timesKey is the order of the attempts of a campaign by when they began: of people who
// called us, those that ended as such.
func (s *Store) timesKey(shard int, c campaigns.CampaignID) string {
	return s.keys.leads(shard) + "times:" + string(c)
}

// timesMember is an attempt in that order: when it began, how it ended, whether
// an operator was bridged.
func timesMember(a *keptAttempt) string {
	bridged := "-"
	if !a.BridgedAt.IsZero() {
		bridged = "b"
	}
	return sortable(a.BeganAt) + bridged + string(a.Outcome) + "\x1f" + string(a.ID)
}

func parseTimes(member string) (outcome campaigns.Outcome, bridged bool) {
	text, _, _ := strings.Cut(member[9:], "\x1f")
	return campaigns.Outcome(text), member[8] == 'b'
}
