package dialer

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/sip"
)

// This file is calls to leads that operators choose. Such a call asks all that a paced one
// does: who has the lead, the window twice, do-not-call, caps, the number lock. It is
// begun with its operator reserved, who hears it ring and has whoever answers at once, so
// nobody listens for machines. Pacing knows nothing of the call, only that the operator
// is busy.

// Choice is a lead that an operator wants to call.
type Choice struct {
	Lead     campaigns.LeadID
	Number   string               // which of its numbers, E.164; empty: the one that is next
	Campaign campaigns.CampaignID // must be the operator's; empty: that one
}

// NotCalled is why a call that an operator asked for was not placed.
type NotCalled struct {
	Rule   string    // the gate: window, do_not_call, cap, number_locked, lead_taken, ...
	Detail string    // in words
	Next   time.Time // when it may be asked for again; zero: not by waiting, or unknown
}

func (n *NotCalled) Error() string { return "not called: " + n.Rule + ": " + n.Detail }

// manualPerMinute is how many such calls an operator may ask for: a stolen account is not
// to ring through a list.
const manualPerMinute = 10

// ownCall is a call to a lead that an operator chose.
type ownCall struct {
	id      campaigns.AttemptID
	lead    campaigns.LeadID
	told    chan<- error // what became of it, once; nil: told
	refused *NotCalled
	early   bool // the operator hears what the network sends before the answer
	outcome campaigns.Outcome
}

// tell answers who asked: nil where the call is placed.
func (o *ownCall) tell(err error) {
	if o == nil || o.told == nil {
		return
	}
	o.told <- err
	o.told = nil
	if why, ok := errors.AsType[*NotCalled](err); ok {
		o.refused = why
	}
}

// CallLead places a call to a lead of the operator's campaign and returns its attempt. The
// operator must be ready, or paused: who looks a person up to call them often pauses first,
// so that no other call comes in between, and is paused again afterwards. It returns when
// the call is placed, or waits only for the carrier's rate. A *NotCalled says which rule
// forbids it.
func (e *Engine) CallLead(ctx context.Context, user campaigns.UserID, choice Choice) (campaigns.AttemptID, error) {
	told := make(chan error, 1)
	own := &ownCall{id: newAttemptID(), lead: choice.Lead, told: told}
	err := e.do(ctx, func(now time.Time) error { return e.askFor(now, user, choice, own) })
	if err != nil {
		return "", err
	}
	select {
	case err := <-told:
		if err != nil {
			return "", err
		}
		return own.id, nil
	case <-e.stopped:
		return "", ErrStopped
	case <-ctx.Done(): // the call goes on: it is on the operator's screen
		return "", context.Cause(ctx)
	}
}

// askFor reserves the operator and takes the lead: from the hopper, where it is about to be
// dialled, or from the store.
func (e *Engine) askFor(now time.Time, user campaigns.UserID, choice Choice, own *ownCall) error {
	o := e.operators[string(user)]
	r, err := e.mayAsk(now, o, choice)
	if err != nil {
		return err
	}
	o.asked = append(o.asked, now)
	claim, here := e.atHand(now, r, o, choice.Lead)
	o.own = own
	e.stepOperator(now, o, operator.Reserve{Call: string(own.id), Own: true})
	if here {
		on, ok := claim.On(choice.Number)
		if !ok {
			e.notPlaced(now, o, own, &claim, &NotCalled{Rule: string(campaigns.RefusedGone), Detail: "the number may not be dialled"})
			return nil
		}
		e.beginOwn(now, r, o, own, on)
		return nil
	}
	q := campaigns.ClaimLeadRequest{Lead: choice.Lead, Campaign: r.ID, Number: choice.Number, Node: e.cfg.Node, Lease: e.cfg.Lease, Now: now}
	e.later(func(ctx context.Context) func(time.Time) {
		claim, err := e.deps.Store.ClaimLead(ctx, q)
		return func(now time.Time) {
			switch {
			case err != nil:
				e.notPlaced(now, o, own, nil, notCalled(err))
			case o.State() != operator.Reserved || o.Call() != string(own.id):
				e.notPlaced(now, o, own, &claim, &NotCalled{Rule: "given_up", Detail: "you hung up, or your phone did"})
			default:
				e.beginOwn(now, r, o, own, claim)
			}
		}
	})
	return nil
}

// mayAsk says whether an operator may call somebody of their choice now, and for which campaign.
func (e *Engine) mayAsk(now time.Time, o *liveOperator, choice Choice) (*campaignRun, error) {
	switch {
	case o == nil || o.State() == operator.Offline:
		return nil, fmt.Errorf("%w: off duty", ErrState)
	case o.State() != operator.Ready && o.State() != operator.Paused:
		return nil, fmt.Errorf("%w: %s", ErrState, o.State())
	case o.Away():
		return nil, fmt.Errorf("%w: nothing is heard from the phone", ErrState)
	}
	r := e.campaigns[o.campaign]
	switch {
	case r == nil || r.State != campaigns.Running:
		return nil, ErrNotHere
	case choice.Campaign != "" && choice.Campaign != r.ID:
		return nil, fmt.Errorf("%w: the operator is on campaign %s", ErrState, r.ID)
	case !r.ManualDial:
		return nil, ErrNoManual
	case e.draining:
		return nil, stopped()
	}
	o.asked = slices.DeleteFunc(o.asked, func(at time.Time) bool { return now.Sub(at) >= time.Minute })
	if len(o.asked) >= manualPerMinute {
		return nil, &NotCalled{Rule: "too_often", Detail: fmt.Sprintf("%d calls of one's own a minute are the most", manualPerMinute), Next: o.asked[0].Add(time.Minute)}
	}
	return r, nil
}

// atHand takes a lead that the campaign has claimed already: as preview of the operator, or
// in the hopper.
func (e *Engine) atHand(now time.Time, r *campaignRun, o *liveOperator, lead campaigns.LeadID) (campaigns.Claim, bool) {
	if p := o.preview; p != nil && p.Lead.ID == lead && p.Queue.Campaign == r.ID {
		o.preview = nil
		return *p, true
	}
	return r.hopper.TakeLead(now, lead)
}

// beginOwn begins the call, where nothing forbids it.
func (e *Engine) beginOwn(now time.Time, r *campaignRun, o *liveOperator, own *ownCall, claim campaigns.Claim) {
	c, decision, err := e.newOwn(now, r, o, own, claim)
	if err != nil {
		e.notPlaced(now, o, own, &claim, err)
		return
	}
	e.makeDurable(now, c, decision)
	e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
}

// newOwn is a call on a claimed lead, with a way out reserved. The error is a *NotCalled, or
// ErrNoChannel.
func (e *Engine) newOwn(now time.Time, r *campaignRun, o *liveOperator, own *ownCall, claim campaigns.Claim) (*liveCall, campaigns.Decision, error) {
	term := e.term(now)
	if term == 0 || e.storeDown() || e.draining || r.State != campaigns.Running {
		return nil, campaigns.Decision{}, stopped()
	}
	if p := claim.Callback; p != nil && p.User != "" && string(p.User) != o.ID() {
		if at := r.Callbacks.ForAnyone(*p); at.IsZero() || now.Before(at) {
			return nil, campaigns.Decision{}, &NotCalled{Rule: "promised", Detail: fmt.Sprintf("%s promised this call", p.User), Next: at}
		}
	}
	decision, open, opens := e.deps.Rules.Decide(claim, r.Campaign, now)
	if !open {
		return nil, decision, &NotCalled{Rule: "window", Detail: whyNotPlaced("window"), Next: opens}
	}
	decision.By = campaigns.UserID(o.ID())
	e.meet(now, r, claim.Number.Regions)
	route, err := e.deps.Trunks.Reserve(r.Trunks, claim.Number.E164, r.CallerIDs, string(own.id))
	if errors.Is(err, sip.ErrNoRoute) {
		return nil, decision, &NotCalled{Rule: "no_route", Detail: "no trunk takes calls to this number"}
	}
	if err != nil {
		return nil, decision, fmt.Errorf("%w: %w", ErrNoChannel, err)
	}
	_, connectWithin, _ := e.deps.Rules.Abandonment(claim.Number.Regions, now)
	return &liveCall{
		Call:     call.New(call.Spec{ID: own.id, ConnectWithin: connectWithin, Message: r.SafeHarbor != "", Drop: r.Voicemail != ""}, now),
		campaign: r, claim: claim, route: route, dialog: route.Dialog, term: term,
		previewer: o.ID(), own: own,
	}, decision, nil
}

// notPlaced tells why there is no call, gives its lead back with its time as it was, and
// lets the operator go on.
func (e *Engine) notPlaced(now time.Time, o *liveOperator, own *ownCall, claim *campaigns.Claim, err error) {
	own.tell(err)
	if claim != nil {
		e.giveBack(*claim)
	}
	if own.refused != nil {
		e.deps.Observer.Notice(Refused{At: now, Campaign: o.campaign, Rule: own.refused.Rule})
	}
	if o.State() == operator.Reserved && o.Call() == string(own.id) {
		e.stepOperator(now, o, operator.CallOver{})
	}
}

// giveBack gives a claimed lead back that waits for its time as before.
func (e *Engine) giveBack(claim campaigns.Claim) {
	e.later(func(ctx context.Context) func(time.Time) {
		if err := e.deps.Store.Release(ctx, []campaigns.Claim{claim}, time.Time{}); err != nil && !errors.Is(err, campaigns.ErrStale) {
			e.log.Warn("lead not released; its lease will run out", zap.Int64("lead", int64(claim.Lead.ID)), zap.Error(err))
		}
		return nil
	})
}

// notCalled is what the store says, in the words of who asked.
func notCalled(err error) error {
	if r, ok := errors.AsType[*campaigns.Refusal](err); ok {
		return &NotCalled{Rule: string(r.Reason), Detail: cmp.Or(r.Detail, string(r.Reason)), Next: r.Next}
	}
	switch {
	case errors.Is(err, campaigns.ErrNotFound):
		return fmt.Errorf("no such lead in this campaign: %w", err)
	case errors.Is(err, campaigns.ErrStale):
		return &NotCalled{Rule: string(campaigns.RefusedTaken), Detail: "another node has the lead"}
	}
	return &NotCalled{Rule: "store", Detail: "the store did not take the attempt"}
}

func stopped() error { return &NotCalled{Rule: "stopped", Detail: whyNotPlaced("stopped")} }

// whyNotPlaced is a reason of mayNotPlace in words.
func whyNotPlaced(reason string) string {
	switch reason {
	case "window":
		return "outside the hours in which this number may be called, or in the quiet time after an earlier call"
	case "node":
		return "this node was cut off from the store"
	}
	return "no calls are placed now"
}

// followOwn shows the operator how the call that they asked for stands, and has them hear it
// ring.
func (e *Engine) followOwn(c *liveCall) {
	if c.own == nil {
		return
	}
	if c.State() == call.Over { // whatever ended it before it was placed
		c.own.tell(&NotCalled{Rule: "given_up", Detail: "it was given up before it was placed"})
	}
	o := e.previewerOf(c)
	if o == nil {
		return
	}
	if c.State() == call.Ringing && !c.own.early {
		e.ring(c, o)
	}
	e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
}

// hearEarly lets the operator hear what the network sends before the answer.
func (e *Engine) hearEarly(c *liveCall) {
	o := e.previewerOf(c)
	if c.own == nil || o == nil || !c.AnsweredAt().IsZero() || c.State() == call.Leaving {
		return
	}
	c.own.early = true
	e.stopRinging(c)
	e.deps.Audio.Bridge(media.LegID(c.ID()), e.legOf(o.ID()))
}

// ownOver ends what the operator hears of their call that came to nothing, and keeps what it
// came to for the screen.
func (e *Engine) ownOver(c *liveCall, o *liveOperator) {
	if c.own == nil {
		return
	}
	e.stopRinging(c)
	if c.own.early {
		e.deps.Audio.Unbridge(e.legOf(o.ID()))
	}
}

// cameTo keeps the outcome for the screen.
func (o *ownCall) cameTo(outcome campaigns.Outcome) {
	if o != nil {
		o.outcome = outcome
	}
}

// tellLost tells pacing of a person whom no operator had, which the law counts: also of one
// whose call it did not know.
func (e *Engine) tellLost(now time.Time, c *liveCall) {
	id, learn := string(c.ID()), c.campaign.controller
	if c.own != nil {
		learn.Observe(now, pacing.Dialed{Call: id, Trunk: c.route.Trunk, Record: e.recordOf(now, c.campaign, &c.claim)})
	}
	learn.Observe(now, pacing.Abandoned{Call: id})
}

// keepTime leaves a lead that was called before its time its time, and what was promised,
// unless somebody talked to it.
func keepTime(claim campaigns.Claim, o campaigns.Outcome, next campaigns.Next) campaigns.Next {
	if !next.Done && o != campaigns.Connected && claim.DueAt.After(next.At) {
		next.At, next.Callback = claim.DueAt, claim.Callback
	}
	return next
}

// OwnCall is a call to a lead of an operator's choice, as the operator sees it.
type OwnCall struct {
	Attempt campaigns.AttemptID `json:"attempt"`
	Lead    campaigns.LeadID    `json:"lead"`
	State   call.State          `json:"state,omitempty"`   // beginning, dialling, ringing, ...; empty: it is over
	Outcome campaigns.Outcome   `json:"outcome,omitempty"` // what it came to
	Rule    string              `json:"rule,omitempty"`    // what forbids it
	Detail  string              `json:"detail,omitempty"`  // of Rule, in words
	Next    time.Time           `json:"next,omitzero"`     // when Rule may allow it
}

// ownView is the call that an operator asked for, nil if none is to be shown.
func (e *Engine) ownView(o *liveOperator) *OwnCall {
	own := o.own
	if own == nil {
		return nil
	}
	v := &OwnCall{Attempt: own.id, Lead: own.lead, Outcome: own.outcome}
	if own.refused != nil {
		v.Rule, v.Detail, v.Next = own.refused.Rule, own.refused.Detail, own.refused.Next
	}
	switch o.State() {
	case operator.Ready, operator.Paused:
		return v
	case operator.Reserved:
		if v.State = call.Beginning; e.calls[own.id] != nil {
			v.State = e.calls[own.id].State()
		}
		return v
	}
	return nil
}
