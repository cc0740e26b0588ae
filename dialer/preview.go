package dialer

import (
	"context"
	"errors"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// ErrNoPreview means that the operator has no lead to look at.
var ErrNoPreview = errors.New("no lead is previewed")

// offerPreview shows the next lead to an operator of a preview campaign. The
// call is placed when the operator asks for it.
func (e *Engine) offerPreview(now time.Time, o *liveOperator) {
	r := e.campaigns[o.campaign]
	if r == nil || r.Pacing.Mode != campaigns.Preview || r.State != campaigns.Running || o.preview != nil || o.resting(now) || e.draining {
		return
	}
	claim, ok := r.hopper.NextFor(now, campaigns.UserID(o.ID()))
	if !ok {
		claim, ok = r.hopper.Next(now)
	}
	if ok {
		o.preview = &claim
	}
}

// offerPreviews gives leads to operators of preview campaigns who have none.
func (e *Engine) offerPreviews(now time.Time) {
	for _, o := range e.operators {
		if o.State() == operator.Ready && o.preview == nil {
			e.offerPreview(now, o)
			if o.preview != nil {
				e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
			}
		}
	}
}

// DialPreview places the call to the previewed lead. The operator is reserved
// for whoever answers, and shown no other lead until the call is over.
func (e *Engine) DialPreview(ctx context.Context, user campaigns.UserID) error {
	return e.preview(ctx, user, func(now time.Time, r *campaignRun, claim campaigns.Claim, o *liveOperator) error {
		if !e.begin(now, r, claim, o) {
			return ErrState
		}
		return nil
	})
}

// SkipPreview puts the previewed lead back for an hour.
func (e *Engine) SkipPreview(ctx context.Context, user campaigns.UserID) error {
	return e.preview(ctx, user, func(now time.Time, r *campaignRun, claim campaigns.Claim, _ *liveOperator) error {
		e.refuse(now, r, claim, "skipped", now.Add(time.Hour))
		return nil
	})
}

func (e *Engine) preview(ctx context.Context, user campaigns.UserID, use func(time.Time, *campaignRun, campaigns.Claim, *liveOperator) error) error {
	return e.do(ctx, func(now time.Time) error {
		o := e.operators[string(user)]
		if o == nil || o.preview == nil || o.State() != operator.Ready {
			return ErrNoPreview
		}
		claim := *o.preview
		o.preview = nil
		return use(now, e.campaigns[claim.Queue.Campaign], claim, o)
	})
}

// previewerOf is the operator who asked for a call and still waits for it.
func (e *Engine) previewerOf(c *liveCall) *liveOperator {
	o := e.operators[c.previewer]
	if o == nil || o.State() != operator.Reserved || o.Call() != string(c.ID()) {
		return nil
	}
	return o
}

// freePreviewer lets the operator look at the next lead: the call came to
// nothing.
func (e *Engine) freePreviewer(now time.Time, c *liveCall) {
	if o := e.previewerOf(c); o != nil {
		e.ownOver(c, o)
		e.stepOperator(now, o, operator.CallOver{})
	}
}

// dropPreview gives a previewed lead back when the operator stops being ready
// for it.
func (e *Engine) dropPreview(o *liveOperator) {
	if o.preview == nil {
		return
	}
	if r := e.campaigns[o.preview.Queue.Campaign]; r != nil {
		r.hopper.Return(*o.preview)
	}
	o.preview = nil
}
