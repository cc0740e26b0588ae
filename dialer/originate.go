package dialer

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/sip"
)

// originate takes the next lead and begins an attempt on it. False means that
// no call can be placed now: no lead, no route.
func (e *Engine) originate(now time.Time, r *campaignRun) bool {
	claim, ok := r.hopper.Next(now)
	if !ok {
		return false
	}
	return e.begin(now, r, claim, nil)
}

// begin starts an attempt on a claimed lead: a route is reserved and the
// attempt is on its way to be durable. The INVITE waits for that. In preview the
// operator who asked for the call is reserved for it; else by is nil.
func (e *Engine) begin(now time.Time, r *campaignRun, claim campaigns.Claim, by *liveOperator) bool {
	term := e.term(now)
	if term == 0 || e.storeDown() {
		r.hopper.Return(claim)
		return false
	}
	decision, open, opens := e.deps.Rules.Decide(claim, r.Campaign, now)
	if !open {
		e.refuse(now, r, claim, "window", opens)
		return true // the next lead may still be in its window
	}
	e.meet(now, r, claim.Number.Regions)
	id := newAttemptID()
	route, err := e.deps.Trunks.Reserve(r.Trunks, claim.Number.E164, r.CallerIDs, string(id))
	if errors.Is(err, sip.ErrNoRoute) { // it would stand before all others for ever
		e.refuse(now, r, claim, "no_route", now.Add(noRouteAgain))
		return true
	}
	if err != nil {
		r.hopper.Return(claim)
		return false
	}
	_, connectWithin, _ := e.deps.Rules.Abandonment(claim.Number.Regions, now)
	c := &liveCall{
		Call: call.New(call.Spec{
			ID: id, ConnectWithin: connectWithin,
			Message: r.SafeHarbor != "", Detect: r.Detection != "off", Drop: r.Voicemail != "",
		}, now),
		campaign: r, claim: claim, route: route, dialog: route.Dialog, term: term,
	}
	if by != nil {
		c.previewer = by.ID()
		e.stepOperator(now, by, operator.Reserve{Call: string(id)})
	}
	r.controller.Observe(now, pacing.Dialed{Call: string(id), Trunk: route.Trunk, Record: e.recordOf(now, r, &claim)})
	e.makeDurable(now, c, decision)
	return true
}

// makeDurable has the attempt of a new call written, which the INVITE waits for.
func (e *Engine) makeDurable(now time.Time, c *liveCall, d campaigns.Decision) {
	intent := campaigns.Intent{
		Attempt: c.ID(), Claim: c.claim, Trunk: c.route.Trunk, CallerID: c.route.CallerID,
		Caps: e.deps.Rules.Caps(c.claim.Queue.Window, c.campaign.Campaign, now), Decision: d, Dialog: c.dialogs(), At: now,
	}
	c.beganAt = now
	e.calls[c.ID()] = c
	c.campaign.calls++
	e.touch(c.campaign)
	e.later(func(ctx context.Context) func(time.Time) {
		err := e.deps.Store.Begin(ctx, intent)
		return func(now time.Time) { e.onBegun(now, c, err) }
	})
}

// noRouteAgain is when a number that no trunk takes calls to is tried again: the
// carriers may be others then.
const noRouteAgain = time.Hour

// refuse gives a claimed lead back with the time when it may be asked again.
func (e *Engine) refuse(now time.Time, r *campaignRun, claim campaigns.Claim, rule string, next time.Time) {
	e.deps.Observer.Notice(Refused{At: now, Campaign: r.ID, Rule: rule})
	e.later(func(ctx context.Context) func(time.Time) {
		if err := e.deps.Store.Release(ctx, []campaigns.Claim{claim}, next); err != nil && !errors.Is(err, campaigns.ErrStale) {
			e.log.Warn("lead not released; its lease will run out", zap.Int64("lead", int64(claim.Lead.ID)), zap.Error(err))
		}
		return nil
	})
}

// onBegun goes on when the attempt is durable, or ends a call that never
// became one.
func (e *Engine) onBegun(now time.Time, c *liveCall, err error) {
	var refusal *campaigns.Refusal
	if err != nil {
		c.own.tell(notCalled(err))
	}
	switch {
	case err == nil:
		e.step(now, c, call.Begun{})
	case errors.As(err, &refusal):
		e.deps.Observer.Notice(Refused{At: now, Campaign: c.campaign.ID, Rule: string(refusal.Reason)})
		e.step(now, c, call.Refused{Reason: refusal.Error()})
	case errors.Is(err, campaigns.ErrStale):
		e.step(now, c, call.Refused{Reason: "another node has the lead"})
	default: // it may be durable or not: end it as not placed, so that no attempt stays open
		e.log.Error("attempt not begun", zap.String("call", string(c.ID())), zap.Error(err))
		e.writeEnding(c.ending(now, campaigns.NotPlaced, e.nextAfter(c, campaigns.NotPlaced, now)), nil)
		e.step(now, c, call.Refused{Reason: "store"})
	}
}

// place asks the last check and sends the INVITE, as soon as the carrier's rate has
// room for it.
func (e *Engine) place(now time.Time, c *liveCall) {
	if reason := e.mayNotPlace(now, c); reason != "" {
		e.deps.Observer.Notice(Refused{At: now, Campaign: c.campaign.ID, Rule: reason})
		c.own.tell(&NotCalled{Rule: reason, Detail: whyNotPlaced(reason)})
		e.step(now, c, call.NotAllowed{Reason: reason})
		return
	}
	c.own.tell(nil)
	if wait := e.deps.Trunks.Depart(c.route); wait > 0 {
		e.after(wait, func(now time.Time) {
			if c.State() == call.Dialling && !c.placed {
				e.place(now, c)
			}
		})
		return
	}
	leg := media.LegID(c.ID())
	offer, err := e.deps.Audio.Offer(leg, customerSpec(c.route))
	if err != nil {
		e.log.Warn("no audio port", zap.String("call", string(c.ID())), zap.Error(err))
		e.step(now, c, call.NotAllowed{Reason: "no audio port"})
		return
	}
	c.placed, c.offer = true, offer
	if c.campaign.Detection != "off" && c.own == nil {
		e.deps.Audio.Detect(leg, c.campaign.Detection)
	}
	e.deps.Trunks.Dial(sip.LegID(c.ID()), c.route, offer)
	e.deps.Observer.Notice(AttemptBegan{
		At: now, Attempt: c.ID(), Campaign: c.campaign.ID, Trunk: c.route.Trunk, Number: c.claim.Number.E164,
	})
}

// mayNotPlace is the second check of what allowed the claim: time has passed.
func (e *Engine) mayNotPlace(now time.Time, c *liveCall) string {
	if e.draining || c.campaign.State != campaigns.Running {
		return "stopped"
	}
	if e.term(now) != c.term {
		return "node"
	}
	if !e.deps.Rules.Allows(c.claim, c.campaign.Campaign, now) {
		return "window"
	}
	return ""
}

func customerSpec(r Route) media.LegSpec {
	spec := media.LegSpec{Kind: media.Customer, Networks: r.MediaNetworks, Address: r.MediaAddress, Signalling: r.Signalling}
	if r.SRTP {
		spec.Encryption = media.Encrypted
	}
	return spec
}

// NewLeg names the leg of a call that comes in: as its attempt, like any call's.
func NewLeg() sip.LegID { return sip.LegID(newAttemptID()) }

// newAttemptID makes ids that sort by time (RFC 9562 UUIDv7).
func newAttemptID() campaigns.AttemptID {
	return campaigns.AttemptID(uuid.Must(uuid.NewV7()).String())
}
