package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Begin makes an attempt durable; see campaigns.Store. A claim whose lease ran
// out is stale, even if nobody took it yet. ErrNotReplicated means that it may be
// lost with the master: it must not be dialled.
//
// Reserve, confirm, release: the number is locked and the attempt counted in the
// number's slot; then the caps are read, so that of two that begin at a time at
// least one sees the other; then the attempt is written in the lead's slot, if the
// claim still holds. Only this last step is the beginning. What was reserved for
// an attempt that did not begin is freed at once, or by the next who wants it.
func (s *Store) Begin(ctx context.Context, in campaigns.Intent) error {
	var refusal *campaigns.Refusal
	err := s.do(ctx, "begin", func(ctx context.Context) error {
		var err error
		refusal, err = s.begin(ctx, in)
		return err
	})
	if err == nil && refusal != nil {
		return refusal
	}
	return err
}

func (s *Store) begin(ctx context.Context, in campaigns.Intent) (*campaigns.Refusal, error) {
	if in.Inbound {
		return nil, s.receive(ctx, in)
	}
	var refusal *campaigns.Refusal
	b := &beginning{s: s, in: in}
	err := s.retry(ctx, func() error {
		var err error
		refusal, err = b.try(ctx)
		b.calling = errors.Is(err, errCalling)
		return err
	})
	if b.locked && (refusal != nil || errors.Is(err, campaigns.ErrStale) || errors.Is(err, campaigns.ErrConflict)) {
		err = errors.Join(err, s.unlockNumber(ctx, in.Claim.Number.E164, in.Attempt, ""))
	}
	return refusal, err
}

// beginning is one attempt that is about to begin.
type beginning struct {
	s      *Store
	in     campaigns.Intent
	locked bool // the number, by us

	calling bool // the lead calls us, as far as we know
}

func (b *beginning) try(ctx context.Context) (*campaigns.Refusal, error) {
	s, in := b.s, b.in
	w, x, err := s.workOn(ctx, in.At, in.Claim.Lead.ID)
	if errors.Is(err, campaigns.ErrNotFound) {
		return nil, campaigns.ErrStale
	}
	if err != nil {
		return nil, err
	}
	if !x.held.by(in.Claim) || in.At.After(in.Claim.Until) {
		return nil, campaigns.ErrStale
	}
	e := x.entry(in.Claim.Queue.Campaign)
	refusal, err := b.callersGate(ctx, w)
	if err == nil && refusal == nil {
		refusal, err = b.gates(ctx, x)
	}
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		if refusal.Next.IsZero() {
			w.finish(x, e)
		} else {
			if refusal.Next.After(e.due) { // a lead that was chosen may have been claimed before its time
				e.due = refusal.Next
			}
			w.putBack(x, e)
		}
		return refusal, w.save(ctx)
	}
	e.lastAttempt = in.Attempt
	x.held.calling, x.held.attempt = true, in.Attempt
	if err := w.addAttempt(in); err != nil {
		return nil, err
	}
	err = w.saveReplicated(ctx)
	if errors.Is(err, errUsed) {
		err = b.used(ctx)
	}
	return nil, err
}

// gates asks everything that may forbid the call. nil allows it.
func (b *beginning) gates(ctx context.Context, x *seat) (*campaigns.Refusal, error) {
	in := b.in
	number := in.Claim.Number.E164
	n, ok := x.lead.NumberToDial(number)
	switch {
	case !ok:
		return &campaigns.Refusal{Reason: campaigns.RefusedGone, Detail: "no number may be dialled"}, nil
	case n.E164 == number && n.Window() != in.Claim.Number.Window():
		return &campaigns.Refusal{Reason: campaigns.RefusedGone, Detail: "the calling hours of the number changed", Next: in.At}, nil
	case n.E164 != number:
		return &campaigns.Refusal{Reason: campaigns.RefusedGone, Detail: "the number may not be dialled any more", Next: in.At}, nil
	}
	if !b.locked {
		if err := b.s.nameAttempt(ctx, in); err != nil {
			return nil, err
		}
		refusal, err := b.s.lockNumber(ctx, in)
		if errors.Is(err, ErrNotReplicated) {
			err = errors.Join(err, b.s.unlockNumber(ctx, number, in.Attempt, ""))
		}
		if err != nil || refusal != nil {
			return refusal, err
		}
		b.locked = true
	}
	return b.s.capGate(ctx, x.lead, in)
}

// nameAttempt sees to it that an attempt id is used for one lead only.
func (s *Store) nameAttempt(ctx context.Context, in campaigns.Intent) error {
	leads, err := s.index(ctx, "take", naming{name: attemptName(in.Attempt), lead: in.Claim.Lead.ID})
	if err == nil && leads[0][0] != in.Claim.Lead.ID {
		err = fmt.Errorf("attempt %s was begun before: %w", in.Attempt, campaigns.ErrConflict)
	}
	return err
}

// used says why an attempt id cannot be used: it was begun before, or somebody
// gave up waiting for it to begin.
func (b *beginning) used(ctx context.Context) error {
	b.locked = false // the lock is that attempt's
	id := b.in.Claim.Lead.ID
	seats, err := b.s.readSeats(ctx, []campaigns.LeadID{id})
	if err != nil {
		return err
	}
	if !seats[0].held.by(b.in.Claim) {
		return campaigns.ErrStale
	}
	_, err = b.s.readAttempt(ctx, b.s.keys.shardOf(id), b.in.Attempt)
	if errors.Is(err, campaigns.ErrNotFound) {
		return campaigns.ErrStale
	}
	return errors.Join(fmt.Errorf("attempt %s was begun before: %w", b.in.Attempt, campaigns.ErrConflict), err)
}

// capGate counts the attempts to the person. A cap of N in a period lets the next
// attempt go when the Nth newest is a full period old.
func (s *Store) capGate(ctx context.Context, l campaigns.Lead, in campaigns.Intent) (*campaigns.Refusal, error) {
	var longest time.Duration
	for _, c := range in.Caps {
		longest = max(longest, c.Period)
	}
	if longest == 0 {
		return nil, nil
	}
	times, err := s.personAttempts(ctx, l, in.At.Add(-longest), in.Attempt)
	if err != nil {
		return nil, err
	}
	var refusal *campaigns.Refusal
	for _, c := range in.Caps {
		if c.N > len(times) {
			continue
		}
		free := in.At.Add(c.Period) // N below 1 allows nothing
		if c.N > 0 {
			free = times[len(times)-c.N].Add(c.Period)
		}
		if !free.After(in.At) || (refusal != nil && !free.After(refusal.Next)) {
			continue
		}
		refusal = &campaigns.Refusal{Reason: campaigns.RefusedCap, Detail: fmt.Sprintf("%d in %s %s", c.N, c.Period, c.Source), Next: free}
	}
	return refusal, nil
}
