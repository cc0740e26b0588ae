package dialer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/sip"
)

// finishAtMost is how long ending the dialogs of a dead process may take.
const finishAtMost = 9 * time.Second

// Settle is called once, before Run: what a dead process of this node left
// behind is put in order. Each attempt that was begun and not ended becomes
// Interrupted and counts against the lead's caps; its dialog is ended at the
// carrier; claims go back. campaign looks a campaign up for its retry rules.
func (e *Engine) Settle(ctx context.Context, campaign func(campaigns.CampaignID) (campaigns.Campaign, error)) (int, error) {
	return e.settle(ctx, e.cfg.Node, campaign)
}

func (e *Engine) settle(ctx context.Context, node string, campaign func(campaigns.CampaignID) (campaigns.Campaign, error)) (int, error) {
	open, err := e.deps.Store.Open(ctx, node)
	if err != nil {
		return 0, fmt.Errorf("attempts left open: %w", err)
	}
	// The dialogs first: a process that dies here as well leaves the attempts
	// open, and the next one finds them.
	e.finishDialogs(ctx, open)
	now := time.Now()
	for _, a := range open {
		if err := e.settleAttempt(ctx, a, campaign, now); err != nil {
			return 0, err
		}
	}
	if _, err := e.deps.Store.Reclaim(ctx, node, now); err != nil {
		return 0, fmt.Errorf("claims left: %w", err)
	}
	return len(open), nil
}

func (e *Engine) settleAttempt(ctx context.Context, a campaigns.Attempt, campaign func(campaigns.CampaignID) (campaigns.Campaign, error), now time.Time) error {
	c, err := campaign(a.Campaign)
	if err != nil {
		return fmt.Errorf("campaign %s of attempt %s: %w", a.Campaign, a.ID, err)
	}
	n, err := e.afterInterrupted(ctx, a, c, now)
	if err != nil {
		return fmt.Errorf("where the lead of attempt %s waits: %w", a.ID, err)
	}
	err = e.deps.Store.End(ctx, campaigns.Ending{
		Attempt: a.ID, Outcome: campaigns.Interrupted, Reason: "the dialer died in this call",
		Next: n.next, BadNumber: n.badNumber, Suppress: n.suppress, Count: !a.Inbound, At: now,
		Recording: e.leftRecording(a, c, now),
	})
	if err != nil {
		return fmt.Errorf("settle attempt %s: %w", a.ID, err)
	}
	return nil
}

// afterInterrupted is where a lead goes in whose call a process died. Who was called is
// called again by rule, and keeps the operator of a promised callback. Who called us was
// called by nobody: they wait where they did, no call of ours comes sooner for it, and
// none is given up; but who was cut off rests as long as after a call of ours.
func (e *Engine) afterInterrupted(ctx context.Context, a campaigns.Attempt, c campaigns.Campaign, now time.Time) (n nextStep, err error) {
	var place campaigns.Next
	if e.deps.Callers != nil {
		if place, err = e.deps.Callers.Place(ctx, a.Campaign, a.Lead); err != nil && !errors.Is(err, campaigns.ErrNotFound) {
			return n, err
		}
	}
	if !a.Inbound {
		claim := campaigns.Claim{Number: campaigns.Number{E164: a.Number}, ByOutcome: a.ByOutcome, Callback: place.Callback}
		n.next, n.badNumber, n.suppress = eligibility.Retry(c, claim, campaigns.Interrupted, now)
		return n, nil
	}
	if rested := now.Add(restOfInterrupted(c)); !place.Done && place.At.Before(rested) {
		place.At = rested
	}
	return nextStep{next: place}, nil
}

// restOfInterrupted is how long a number rests after a call in which we died.
func restOfInterrupted(c campaigns.Campaign) time.Duration {
	for _, r := range slices.Concat(c.Retry, campaigns.DefaultRetry) {
		if r.Outcome == campaigns.Interrupted {
			return r.After
		}
	}
	return 0 // DefaultRetry has all outcomes
}

// leftRecording is the recording of a talk in which a process died; empty if there
// is none. What another node has on its disk cannot be seen from here: it is named
// where there should be one, so that it plays when that node or its disk is back.
func (e *Engine) leftRecording(a campaigns.Attempt, c campaigns.Campaign, now time.Time) string {
	path := recordingPath(a.BeganAt, a.ID)
	if a.Node != e.cfg.Node {
		var d sip.Dialog
		answered := json.Unmarshal(a.Dialog, &d) == nil && d.Up
		if answered && e.deps.Rules.Recording(a.Decision.Regions, c.Recording, now) != campaigns.RecordNever {
			return path
		}
		return ""
	}
	if e.deps.Recorded != nil && e.deps.Recorded(path) {
		return path
	}
	return ""
}

// finishDialogs ends what may still be up at the carrier, all at once.
func (e *Engine) finishDialogs(ctx context.Context, open []campaigns.Attempt) {
	ctx, cancel := context.WithTimeout(ctx, finishAtMost)
	defer cancel()
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, a := range open {
		var kept keptDialogs
		if err := json.Unmarshal(a.Dialog, &kept); err != nil {
			e.log.Warn("dialog of a dead process unreadable", zap.String("call", string(a.ID)), zap.Error(err))
			continue
		}
		for _, d := range kept.all() {
			wg.Go(func() {
				if err := e.deps.Trunks.Finish(ctx, d); err != nil {
					e.log.Warn("call of a dead process not confirmed as ended", zap.String("call", string(a.ID)), zap.Error(err))
				}
			})
		}
	}
}
