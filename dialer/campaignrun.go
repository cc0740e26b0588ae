package dialer

import (
	"context"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/hopper"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
)

// campaignRun is a campaign that this node dials, or has calls of.
type campaignRun struct {
	campaigns.Campaign
	controller pacing.Controller
	hopper     *hopper.Hopper
	stopHopper func()
	regions    []string    // rule regions of the leads dialled so far, sorted
	limit      float64     // abandonment limit in force
	loss       float64     // share of people lost to the detector, as pacing knows it
	closes     time.Time   // when the last open calling window closes; zero if unknown
	calls      int         // live calls, from begin to end
	callers    []*liveCall // who called and waits for an operator, the longest first
	tally      campaigns.Tally
	inbound    InboundView // what is counted of it
	decision   pacing.Decision
	part       float64            // of a budget that nodes share
	share      string             // of the trunks' limits, in words, where that is what binds
	trunkWhy   string             // why trunks take no call, or fewer than their limits, in words
	learntAt   time.Time          // what was learnt is kept since then
	paceAt     time.Time          // a pacing question is due then: a CPS token returns
	choices    []*campaigns.Claim // leads that may be dialled next
	records    []pacing.Record    // the same, as pacing is shown them
}

// safeHarbor is the prompt for people whom no operator can take.
func (r *campaignRun) safeHarbor() string {
	if r.SafeHarbor == "" {
		return media.PromptSafeHarbor
	}
	return r.SafeHarbor
}

// holdMusic is what a customer on hold hears.
func (r *campaignRun) holdMusic() string {
	if r.HoldMusic == "" {
		return media.PromptHoldMusic
	}
	return r.HoldMusic
}

// count counts an attempt that ended. A person whom an operator had too late for
// the law is abandoned, and counted as that, however long they talked.
func (r *campaignRun) count(o campaigns.Outcome, bridged bool) {
	r.tally.Outcomes[o]++
	if o != campaigns.NotPlaced && !o.OfCaller() {
		r.tally.Attempts++
	}
	if o.Live() {
		r.tally.Live++
	}
	if o == campaigns.Abandoned {
		r.tally.Abandoned++
		if bridged {
			r.tally.Late++
		}
	}
}

// run returns the runtime of a campaign, making it of its past if it is new to
// this node.
func (e *Engine) run(now time.Time, c campaigns.Campaign, tally campaigns.Tally, past pacing.Past) *campaignRun {
	r := e.campaigns[c.ID]
	if r == nil {
		r = &campaignRun{Campaign: c, tally: tally, learntAt: now}
		if r.tally.Outcomes == nil {
			r.tally.Outcomes = map[campaigns.Outcome]int{}
		}
		r.controller = e.deps.NewController(c.ID, e.settings(now, r), now)
		r.controller.Recall(now, past)
		if e.deps.SharedBudget {
			r.controller.Observe(now, pacing.Shared{Part: 1})
		}
		r.hopper = e.newHopper(r)
		r.stopHopper = func() {}
		e.campaigns[c.ID] = r
	}
	r.Campaign = c
	r.controller.Adjust(now, e.settings(now, r))
	r.hopper.Update(c)
	e.touch(r)
	return r
}

func (e *Engine) newHopper(r *campaignRun) *hopper.Hopper {
	return hopper.New(hopper.Config{
		Campaign: r.Campaign, Node: e.cfg.Node, Size: e.cfg.HopperSize, Lease: e.cfg.Lease,
		Filled: func() { e.mail.put(result{func(time.Time) { e.touch(r) }}) },
	}, e.deps.Store, e.deps.Rules)
}

// startHopper claims leads while the campaign runs, into a new hopper: one that
// was drained when the campaign paused fills no more.
func (e *Engine) startHopper(r *campaignRun) {
	h := e.newHopper(r)
	r.hopper = h
	for _, o := range e.operators {
		e.followPresence(o)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	e.running.Go(func() {
		_ = h.Run(ctx) // ends with ctx
		release, stop := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
		defer stop()
		h.Drain(release)
	})
	r.stopHopper = func() { cancel(); r.stopHopper = func() {} }
}

// meet adds the rule regions of a lead that is about to be dialled: the strictest
// of all regions holds for the campaign.
func (e *Engine) meet(now time.Time, r *campaignRun, regions []string) {
	known := len(r.regions)
	for _, region := range regions {
		if at, found := slices.BinarySearch(r.regions, region); !found {
			r.regions = slices.Insert(r.regions, at, region)
		}
	}
	if len(r.regions) > known {
		r.controller.Adjust(now, e.settings(now, r))
	}
}

// followWindows tells pacing when the calling windows that are open now are over:
// what may be abandoned until then is to be spent by then.
func (e *Engine) followWindows(now time.Time) {
	for _, r := range e.campaigns {
		if closes := r.hopper.Status().Closes; !closes.Equal(r.closes) {
			r.closes = closes
			r.controller.Adjust(now, e.settings(now, r))
		}
	}
}

// settings are the manager's controls under the law's limits.
func (e *Engine) settings(now time.Time, r *campaignRun) pacing.Settings {
	s := e.settingsOf(now, r, r.Pacing)
	r.limit, r.loss = s.Limit, s.DetectorLoss
	return s
}

// settingsOf are the settings that other controls of the campaign would give.
func (e *Engine) settingsOf(now time.Time, r *campaignRun, p campaigns.Pacing) pacing.Settings {
	limit, connectWithin, ringMin := e.deps.Rules.Abandonment(r.regions, now)
	if own := p.AbandonmentLimit; own > 0 && own < limit {
		limit = own
	}
	return pacing.Settings{
		Mode: pacing.Mode(p.Mode), Ratio: p.Ratio, MinRatio: p.MinRatio, MaxRatio: p.MaxRatio,
		Limit: limit, ConnectWithin: connectWithin, Clock: pacing.FromVerdict,
		DetectorLoss: e.loss(r), TargetUtilisation: p.TargetUtilisation,
		RingTimeout: e.deps.Trunks.RingTimeout(r.Trunks), RingMin: max(ringMin, e.cfg.RingMin), Cancel: p.Cancel,
		WindowEnd: r.closes,
		Fatigue:   fatigue(p),
		Windows:   e.deps.Rules.AbandonmentWindows(r.regions, now),
	}
}

// leaveCampaign tells the pacing of a campaign that an operator is not theirs
// any more.
func (e *Engine) leaveCampaign(now time.Time, r *campaignRun, o *liveOperator) {
	r.controller.Observe(now, pacing.Operator{ID: o.ID(), State: pacing.Off})
	e.touch(r)
}
