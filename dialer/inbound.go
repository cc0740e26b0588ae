package dialer

import (
	"context"
	"errors"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// ErrUnknownCaller says that a caller is in no list, and the campaign takes none such.
var ErrUnknownCaller = errors.New("the caller is not known")

// Callers says who it is that calls (the store).
type Callers interface {
	// Caller finds the lead of a number for a campaign that was called, or makes one
	// where the campaign takes unknown people; else ErrUnknownCaller.
	Caller(ctx context.Context, c campaigns.Campaign, e164 string, now time.Time) (Caller, error)
	// Place is where a lead waits in a campaign; Done where it does not.
	Place(ctx context.Context, c campaigns.CampaignID, lead campaigns.LeadID) (campaigns.Next, error)
}

// Caller is a lead who called us.
type Caller struct {
	Claim     campaigns.Claim // what is known of the lead in the campaign; nobody has claimed it
	New       bool            // was in no list before
	DoNotCall bool            // may not be called: no call is promised
	CalledAt  time.Time       // of our last call to them; zero if there was none
	CalledFor campaigns.Outcome
	Place     campaigns.Next // where the lead waits in the campaign, as of Callers.Place
}

// caller is what a call has that came in.
type caller struct {
	who    Caller
	dialed string // our number
	at     time.Time
	offer  []byte // nil: the caller's side made none
}

// Why a call that came in is refused, besides what the trunks know; the reasons of
// CallerRefused.
const (
	refusedNumber   = "number"   // no campaign has the number
	refusedStopped  = "stopped"  // the campaign does not run, or the product stops
	refusedStore    = "store"    // the store does not take it
	refusedFull     = "full"     // too many wait
	refusedWithheld = "withheld" // the caller does not say who they are
	refusedUnknown  = "unknown"  // and is in no list
	refusedAudio    = "audio"    // no codec in common, or no port
)

// refusals are what a caller's carrier is told: the status, and the cause and words of a
// Reason header (RFC 6432).
var refusals = map[string]sip.Cause{
	refusedNumber:   {Code: 404, Q850: 1, Text: "no such number here"},
	refusedStopped:  {Code: 480, Q850: 20, Text: "nobody takes calls now"},
	refusedStore:    {Code: 480, Q850: 41, Text: "not possible now", RetryAfter: 30 * time.Second},
	refusedFull:     {Code: 486, Q850: 17, Text: "all lines are taken", RetryAfter: time.Minute},
	refusedWithheld: {Code: 433, Q850: 21, Text: "callers without a number are not taken"}, // RFC 5079
	refusedUnknown:  {Code: 603, Q850: 21, Text: "this line takes calls of people we called"},
	refusedAudio:    {Code: 488, Q850: 65, Text: "no usable audio"},
}

// onCaller takes a call that a trunk brings. Nothing in it can place one.
func (e *Engine) onCaller(now time.Time, ev sip.Incoming) {
	if e.early.keep(ev) {
		return
	}
	r, reason := e.campaignCalled(ev.Dialed)
	switch {
	case reason != "":
	case e.deps.Callers == nil || e.term(now) == 0 || e.storeDown():
		reason = refusedStore
	case ev.Caller == "":
		reason = refusedWithheld
	case len(r.callers) >= r.Inbound.MostWaiting():
		reason = refusedFull
	}
	if reason != "" {
		e.refuseCaller(now, r, ev.Leg, ev.Route.Trunk, reason)
		return
	}
	id := campaigns.AttemptID(ev.Leg)
	c := &liveCall{
		Call:     call.New(call.Spec{ID: id, Inbound: true, MaxWait: r.Inbound.MaxWait}, now),
		campaign: r, route: ev.Route, dialog: ev.Route.Dialog, placed: true,
		caller: &caller{dialed: ev.Dialed, at: now, offer: ev.Body},
	}
	c.claim.Number.E164 = ev.Caller
	e.calls[id] = c
	r.calls++
	r.callers = append(r.callers, c)
	e.deps.Trunks.Ring(ev.Leg)
	e.touch(r)
	e.welcome(c, campaigns.Intent{
		Attempt: id, Trunk: ev.Route.Trunk, CallerID: ev.Dialed, Dialog: c.dialogs(), At: now, Inbound: true,
	})
}

// campaignCalled is the campaign that a number of ours is for, or why nobody takes it.
func (e *Engine) campaignCalled(number string) (r *campaignRun, reason string) {
	reason = refusedNumber
	for _, each := range e.campaigns {
		switch {
		case !slices.Contains(each.Inbound.Numbers, number):
		case each.State != campaigns.Running || e.draining:
			if r == nil {
				r, reason = each, refusedStopped
			}
		case reason != "" || each.ID < r.ID:
			r, reason = each, ""
		}
	}
	return r, reason
}

func (e *Engine) refuseCaller(now time.Time, r *campaignRun, leg sip.LegID, trunk, reason string) {
	e.deps.Trunks.Hangup(leg, refusals[reason])
	n := CallerRefused{At: now, Trunk: trunk, Reason: reason}
	if r != nil {
		n.Campaign = r.ID
		r.inbound.Refused++
	}
	e.deps.Observer.Notice(n)
}

// welcome finds out who calls and makes the attempt durable.
func (e *Engine) welcome(c *liveCall, intent campaigns.Intent) {
	campaign, number := c.campaign.Campaign, c.claim.Number.E164
	e.later(func(ctx context.Context) func(time.Time) {
		who, err := e.deps.Callers.Caller(ctx, campaign, number, intent.At)
		known := err == nil
		if known {
			who.Claim.Node = e.cfg.Node
			intent.Claim = who.Claim
			err = e.deps.Store.Begin(ctx, intent)
		}
		return func(now time.Time) {
			if known {
				c.caller.who, c.claim, c.beganAt = who, who.Claim, intent.At
			}
			e.onWelcomed(now, c, known, err)
		}
	})
}

func (e *Engine) onWelcomed(now time.Time, c *liveCall, known bool, err error) {
	reason := refusedStore
	switch {
	case err == nil:
		c.campaign.inbound.Taken++
		e.deps.Observer.Notice(CallerArrived{At: now, Attempt: c.ID(), Campaign: c.campaign.ID, Trunk: c.route.Trunk, Number: c.claim.Number.E164})
		e.step(now, c, call.Begun{})
		return
	case errors.Is(err, ErrUnknownCaller):
		reason = refusedUnknown
	default:
		e.log.Error("a caller is not taken", zap.String("call", string(c.ID())), zap.Error(err))
	}
	if known { // it may be durable or not: end it, so that no attempt stays open
		e.writeEnding(c.ending(now, campaigns.CallerTurnedAway, nextStep{next: c.caller.who.Place}), nil)
	}
	if c.State() == call.Arriving {
		e.refuseCaller(now, c.campaign, sip.LegID(c.ID()), c.route.Trunk, reason)
	}
	e.step(now, c, call.Refused{Reason: reason})
}

// acceptCaller answers a caller.
func (e *Engine) acceptCaller(now time.Time, c *liveCall) {
	leg := media.LegID(c.ID())
	var answer []byte
	var err error
	if c.caller.offer == nil {
		answer, err = e.deps.Audio.Offer(leg, customerSpec(c.route))
	} else {
		answer, err = e.deps.Audio.Answer(leg, customerSpec(c.route), c.caller.offer)
	}
	if err != nil {
		e.log.Warn("a caller's offer refused", zap.String("call", string(c.ID())), zap.String("trunk", c.route.Trunk), zap.Error(err))
		e.refuseCaller(now, c.campaign, sip.LegID(c.ID()), c.route.Trunk, refusedAudio)
		return // sip.Ended follows
	}
	e.deps.Trunks.Accept(sip.LegID(c.ID()), answer)
}

// callerAnswered goes on when our answer is acknowledged.
func (e *Engine) callerAnswered(now time.Time, c *liveCall, ev sip.Answered) {
	if c.caller.offer == nil { // the answer to our offer is in the ACK
		if err := e.deps.Audio.Accept(media.LegID(ev.Leg), ev.Body); err != nil {
			e.log.Warn("a caller's answer refused", zap.String("call", string(ev.Leg)), zap.String("trunk", c.route.Trunk), zap.Error(err))
			e.deps.Trunks.Hangup(ev.Leg, refusals[refusedAudio])
			return
		}
	}
	e.step(now, c, call.Answered{At: ev.At})
}

// followCaller counts callers off who do not wait any more.
func (e *Engine) followCaller(now time.Time, c *liveCall) {
	if !c.Inbound() || c.waitsAsCaller() {
		return
	}
	at := slices.Index(c.campaign.callers, c)
	if at < 0 {
		return
	}
	c.campaign.callers = slices.Delete(c.campaign.callers, at, at+1)
	if c.State() == call.Bridged {
		e.deps.Observer.Notice(CallerServed{At: now, Campaign: c.campaign.ID, Waited: c.waited()})
	}
}

// waitsAsCaller says that an operator is wanted for somebody who called, now or at
// once.
func (c *liveCall) waitsAsCaller() bool {
	s := c.State()
	return s == call.Arriving || s == call.Accepting || s == call.Waiting
}

// waited is how long a caller waited for the operator.
func (c *liveCall) waited() time.Duration { return c.BridgedAt().Sub(c.AnsweredAt()) }

// afterCaller is where a lead goes who called us and was not served. No call comes of
// a call by itself: who was unknown, or may not be called, is not called back. Who was
// abandoned by us rests as long as that asks, unless they are promised a call.
func (e *Engine) afterCaller(now time.Time, c *liveCall, o campaigns.Outcome) nextStep {
	if !c.mayBePromised() {
		return nextStep{next: campaigns.Next{Done: true}}
	}
	n := e.nextAfter(c, o, now)
	n.badNumber, n.suppress = false, false
	if rest := c.caller.who.Place; c.caller.who.CalledFor == campaigns.Abandoned && !c.promised && n.next.At.Before(rest.At) {
		n.next.At = rest.At
	}
	if o == campaigns.CallerTurnedAway && c.promised {
		if n.next.Done {
			n.next = campaigns.Next{At: now.Add(promisedWithin), Number: c.claim.Number.E164}
		}
		n.next.Callback = &campaigns.Callback{At: n.next.At}
	}
	return n
}

// promisedWithin is when somebody is called back where the campaign's rules say never.
const promisedWithin = 15 * time.Minute

// mayBePromised says whether a caller may be called back.
func (c *liveCall) mayBePromised() bool { return !c.caller.who.New && !c.caller.who.DoNotCall }

// playPutOff tells a caller that nobody is free, and that we call back if we do.
func (e *Engine) playPutOff(now time.Time, c *liveCall) {
	e.playMusic(now, c, false)
	c.promised = c.mayBePromised()
	e.deps.Audio.StopPlaying(media.LegID(c.ID()))
	e.deps.Audio.Play(media.LegID(c.ID()), c.putOff())
}

func (c *liveCall) putOff() string {
	switch own := c.campaign.Inbound.PutOff; {
	case own != "":
		return own
	case c.promised:
		return media.PromptCallBack
	}
	return media.PromptSorry
}

// announcement is what a caller hears first.
func (r *campaignRun) announcement() string {
	if r.Inbound.Announcement == "" {
		return media.PromptWait
	}
	return r.Inbound.Announcement
}

// queueMusic is what a caller hears after it.
func (r *campaignRun) queueMusic() string {
	if r.Inbound.Music == "" {
		return r.holdMusic()
	}
	return r.Inbound.Music
}
