package dialer

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/sip"
)

// Deps are the rooms that the engine works with.
type Deps struct {
	Store  campaigns.Store
	Memory Memory
	// SharedBudget says that nodes share what campaigns may abandon: pacing spends
	// nothing of it before ShareBudget gave it a part.
	SharedBudget bool
	Rules        Rules
	Trunks       Trunks
	Phones       Phones
	Audio        Audio
	Observer     Observer
	// NewController makes the pacing of a campaign.
	NewController func(c campaigns.CampaignID, s pacing.Settings, now time.Time) pacing.Controller
	// Callers says who calls us; nil: nobody is taken.
	Callers Callers
	// Term is under which term of this node calls may be placed at a moment: a number
	// that rises, 0 where none may; nil: always. The loop asks before every call, so
	// it must answer at once.
	Term func(now time.Time) int64
	// Behind says whether outcomes that are durable here wait for the store to take
	// them; nil: never. Nothing new is placed then. It must answer at once.
	Behind func() bool
	// Duty notes in the store that an operator is on duty here, or is not any more; nil:
	// no other node has operators. nth rises with each message. An error for on is why
	// the operator cannot begin: *campaigns.OnDutyElsewhere, campaigns.ErrNodeLost.
	Duty func(ctx context.Context, user campaigns.UserID, nth int64, on bool) error
	// Granted are the campaigns that a user may work for, asked for as a shift begins;
	// empty: every one. Nil: everybody may work for every one. The loop never calls it.
	Granted func(ctx context.Context, user campaigns.UserID) ([]campaigns.CampaignID, error)
	// Recorded says whether there is a recording at a path inside the recording
	// folder; nil: there are none.
	Recorded func(path string) bool
	// Transferable says whether an operator may have a number called that their
	// campaign allows: ErrForbidden where it is on do-not-call, or costs more than a
	// call. Nil: no number may be called.
	Transferable func(ctx context.Context, e164 string) error
	// DetectorLoss is the share of live people of a campaign whom the detector loses, as
	// measured, in [0, 1]; nil: Config.DetectorLoss. The loop asks often: it must answer at
	// once.
	DetectorLoss func(c campaigns.CampaignID) float64
	// CheckPIN compares an operator's PIN; it may take its time.
	CheckPIN func(ctx context.Context, user, pin string) bool
	Log      *zap.Logger
}

// Memory is what the store keeps of the pacing of campaigns; see
// campaigns.PacingRecords. The loop never calls it.
type Memory interface {
	LiveCounts(ctx context.Context, c campaigns.CampaignID, since time.Time, within time.Duration) ([]campaigns.LiveCount, error)
	SaveLearnt(ctx context.Context, c campaigns.CampaignID, learnt []byte) error
	Learnt(ctx context.Context, c campaigns.CampaignID) ([]byte, error) // nil: nothing
}

// Route is a reserved way out; see sip.Route.
type Route = sip.Route

// Trunks are the carriers (sip/trunk).
type Trunks interface {
	// Reserve takes a channel, a ringing slot and a CPS token. Any error means
	// not now, but for sip.ErrNoRoute: no trunk takes calls to that number.
	//
	// callerIDs are those that the call may show; none: all of the trunk. A number
	// gets the same one each time, as long as that may be shown.
	Reserve(group, number string, callerIDs []string, callID string) (Route, error)
	Release(r Route)
	// Depart says how long the INVITE must wait for the carrier's rate; 0: it may
	// leave now, and must.
	Depart(r Route) time.Duration
	// Dial sends the INVITE; failures come as sip.Ended, or as sip.Diverted where
	// another target is reserved for the call.
	Dial(leg sip.LegID, r Route, offer []byte)
	Hangup(leg sip.LegID, why sip.Cause)
	// Confirm says that an answered dialog is durable: its ACK may go.
	Confirm(leg sip.LegID)
	Reply(leg sip.LegID, body []byte)
	// Ring and Accept answer somebody who calls us; Hangup refuses them.
	Ring(leg sip.LegID)
	Accept(leg sip.LegID, body []byte)
	Capacity(group string, now time.Time) sip.Capacity
	// RingTimeout is after how long of ringing a call over the group is given up.
	RingTimeout(group string) time.Duration
	// Finish ends a dialog that a dead process left behind.
	Finish(ctx context.Context, d sip.Dialog) error
}

// Phones are the operators' phones (sip/registrar). Legs are named by the
// engine.
type Phones interface {
	// Call calls a user's phone; a nil offer is for one whose audio is there already.
	Call(leg sip.LegID, user string, offer []byte)
	Accept(leg sip.LegID, body []byte)
	Reply(leg sip.LegID, body []byte)
	Hangup(leg string)
	Online(user string) bool
	// Encryption is how the audio of a user's phone is to be encrypted.
	Encryption(user string) media.Encryption
}

// Audio is the sound of every leg (media/plane).
type Audio interface {
	Offer(leg media.LegID, spec media.LegSpec) ([]byte, error) // nil: the leg needs none
	Answer(leg media.LegID, spec media.LegSpec, offer []byte) ([]byte, error)
	Reoffer(leg media.LegID) ([]byte, error)
	Early(leg media.LegID, fork string, sdp []byte) error
	Accept(leg media.LegID, sdp []byte) error
	Detect(leg media.LegID, mode string) // of campaigns.Campaign.Detection
	StopDetect(leg media.LegID)
	// ListenForBeep has the detector know that a machine answered, whether or not it
	// listens still: its beep and the time for a message are told.
	ListenForBeep(leg media.LegID)
	Bridge(customer, operator media.LegID)
	Unbridge(leg media.LegID)
	Confer(legs ...media.LegID)
	Monitor(listener, customer media.LegID, as media.Presence)
	Unmonitor(listener media.LegID)
	Play(leg media.LegID, prompt string)
	StopPlaying(leg media.LegID)
	Loop(leg media.LegID, prompt string) // empty ends it
	Mute(leg media.LegID, on bool)
	SendDigits(leg media.LegID, digits string)
	Record(leg media.LegID, path string)
	StopRecord(leg media.LegID)
	Heard(leg media.LegID) bool // any audio at all came from the leg
	LegStats(leg media.LegID) (media.LegStats, bool)
	Close(leg media.LegID)
}

// Rules say what is allowed (campaigns/eligibility).
type Rules interface {
	Open(w campaigns.WindowClass, c campaigns.Campaign, now time.Time) (open bool, until, opens time.Time)
	Decide(cl campaigns.Claim, c campaigns.Campaign, now time.Time) (campaigns.Decision, bool, time.Time)
	// Allows is Decide for who does not keep why.
	Allows(cl campaigns.Claim, c campaigns.Campaign, now time.Time) bool
	Caps(w campaigns.WindowClass, c campaigns.Campaign, now time.Time) []campaigns.Cap
	Abandonment(regions []string, now time.Time) (limit float64, connectWithin, ringMin time.Duration)
	// AbandonmentWindows are the spans over which the limit holds, 0 for the
	// whole campaign.
	AbandonmentWindows(regions []string, now time.Time) []time.Duration
	// Shift moves the next attempt to another part of the day where the campaign
	// says so.
	Shift(c campaigns.Campaign, cl campaigns.Claim, o campaigns.Outcome, next campaigns.Next, now time.Time) campaigns.Next
	// LocalHour is the hour of the day at numbers of w, 1..24; 0: unknown.
	LocalHour(w campaigns.WindowClass, now time.Time) int
	Recording(regions []string, p campaigns.RecordingPolicy, now time.Time) campaigns.RecordingPolicy
}

// Observer is told what happened: metrics, the live page, the log, webhooks.
// Notice is called by the loop and must return at once.
type Observer interface{ Notice(n Notice) }

// Signal hands an event of signalling to the loop. It never blocks.
func (e *Engine) Signal(ev sip.Event) { e.mail.put(signal{ev}) }

// Sound hands an event of the audio to the loop. It never blocks.
func (e *Engine) Sound(ev media.Event) { e.mail.put(sound{ev}) }
