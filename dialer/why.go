package dialer

import (
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/hopper"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
)

// What binds a campaign besides what pacing knows of; it has no room then,
// whatever it wants.
const (
	BoundStopped pacing.Bound = "stopped" // the campaign does not run, or the product stops
	BoundStore   pacing.Bound = "store"   // what happened is not durable yet
	BoundNode    pacing.Bound = "node"    // this node has no lease on the store that nodes share
)

// Bounds are all that may bind a campaign.
var Bounds = []pacing.Bound{
	pacing.BoundFree, pacing.BoundAbandonment, pacing.BoundRatio, pacing.BoundChannels, pacing.BoundCPS, pacing.BoundLeads,
	pacing.BoundWindow, pacing.BoundOperators, pacing.BoundFatigue, BoundStopped, BoundStore, BoundNode,
}

// bound is what binds a campaign now.
func (e *Engine) bound(now time.Time, r *campaignRun) pacing.Bound {
	switch {
	case r.State != campaigns.Running || e.draining:
		return BoundStopped
	case e.storeDown():
		return BoundStore
	case e.term(now) == 0:
		return BoundNode
	case r.decision.Bound == "": // not asked yet
		return pacing.BoundFree
	}
	return r.decision.Bound
}

// why says in words and numbers why that binds.
func (e *Engine) why(now time.Time, r *campaignRun) string {
	switch e.bound(now, r) {
	case BoundStopped:
		return e.whyStopped(r)
	case BoundStore:
		return "the store did not take an outcome: nothing is placed until it does"
	case BoundNode:
		return "the store did not renew the lease of this node: nothing is placed until it does"
	case pacing.BoundLeads, pacing.BoundWindow:
		return whyNoLeads(r.hopper.Status()) + r.decision.Why()
	case pacing.BoundAbandonment:
		return r.whyPart() + r.decision.Why()
	case pacing.BoundChannels, pacing.BoundCPS:
		if r.trunkWhy != "" {
			return r.trunkWhy + "; " + r.decision.Why()
		}
		if r.share != "" {
			return "nodes share the carrier: " + r.share + "; " + r.decision.Why()
		}
	}
	return r.decision.Why()
}

func (e *Engine) whyStopped(r *campaignRun) string {
	switch {
	case e.draining:
		return "the product is stopping: no new calls"
	case r.HoldReason != "":
		return "the campaign is held: " + r.HoldReason
	}
	return fmt.Sprintf("the campaign is %s", r.State)
}

// whyNoLeads is empty where leads are at hand.
func whyNoLeads(s hopper.Status) string {
	switch s.Empty {
	case "":
		return ""
	case hopper.NoLeads:
		return "no lead is left to dial; "
	case hopper.WindowsClosed:
		return "the leads are outside their calling hours" + next(s.NextOpen) + "; "
	case hopper.NoneDue:
		return "no lead is due" + next(s.NextDue) + "; "
	case hopper.ForOperators:
		return fmt.Sprintf("all %d leads that are due were promised by operators who have not come to them: ", s.Promised)
	case hopper.HeldElsewhere:
		return "the leads that are due are held by other campaigns or nodes; "
	case hopper.StoreFailed:
		return "the store gives no leads; "
	}
	return "leads are being fetched; "
}

func next(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ", the next at " + t.UTC().Format("2006-01-02 15:04:05 UTC")
}

// idle says why an operator who is ready has no call; empty for one who is not.
func (e *Engine) idle(now time.Time, o *liveOperator) string {
	r := e.campaigns[o.campaign]
	switch {
	case o.State() != operator.Ready:
		return ""
	case o.resting(now):
		return "resting"
	case r == nil:
		return "no campaign that runs takes this operator"
	case o.preview != nil:
		return "a lead is shown: it is for the operator to dial"
	case r.Pacing.Mode == campaigns.Preview && r.State == campaigns.Running && !e.draining:
		return whyNoLeads(r.hopper.Status()) + "preview: no lead is at hand"
	}
	return fmt.Sprintf("%s: %s", e.bound(now, r), e.why(now, r))
}
