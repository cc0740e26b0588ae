package dialer

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
)

// Notice is a fact, told to observers. The set is closed: AttemptBegan,
// CallChanged, CallEnded, OperatorChanged, RestBroken, CampaignChanged, Paced,
// Refused, Disposed, AudioReached, AudioOneWay, RecordingDone, Transferred,
// CallerArrived, CallerRefused, CallerServed.
type Notice interface{ notice() }

// AttemptBegan says that an attempt is durable and its INVITE leaves.
type AttemptBegan struct {
	At       time.Time
	Attempt  campaigns.AttemptID
	Campaign campaigns.CampaignID
	Trunk    string
	Number   string
}

// CallChanged says that a call entered another state.
type CallChanged struct {
	At       time.Time
	Attempt  campaigns.AttemptID
	Campaign campaigns.CampaignID
	Trunk    string
	From, To call.State
}

// CallEnded says that the outcome of an attempt is settled.
type CallEnded struct {
	Ending   campaigns.Ending
	Campaign campaigns.CampaignID
	Trunk    string
	CallerID string // E.164
	Number   string
	BeganAt  time.Time
	Lead     campaigns.LeadID
	Heard    Heard // of an answered call
	Inbound  bool  // it came in
}

// OperatorChanged says what an operator does now, with the call on the screen.
type OperatorChanged struct{ Operator OperatorView }

// RestBroken says that an operator who rested got a person who would have been
// abandoned otherwise.
type RestBroken struct {
	At       time.Time
	Campaign campaigns.CampaignID
	Left     time.Duration // of the rest
}

// CampaignChanged says that a campaign started, paused, or was changed.
type CampaignChanged struct {
	At       time.Time
	Campaign campaigns.Campaign
}

// Paced is a pacing decision.
type Paced struct {
	At       time.Time
	Campaign campaigns.CampaignID
	Decision pacing.Decision
	Bound    pacing.Bound // one of Bounds: what binds the campaign
	Limit    float64      // abandonment limit in force
	Took     time.Duration
}

// Refused says that a lead was not dialled after all, and which rule said so.
type Refused struct {
	At       time.Time
	Campaign campaigns.CampaignID
	Rule     string
}

// Disposed says that a disposition is written.
type Disposed struct {
	Disposal campaigns.Disposal
	Campaign campaigns.CampaignID
	Lead     campaigns.LeadID
	Nobody   bool // no person was there, the operator says
}

// AudioReached says when the first customer packet reached the operator.
type AudioReached struct {
	Attempt  campaigns.AttemptID
	Campaign campaigns.CampaignID
	Since    time.Duration // since the verdict
	Answer   time.Duration // since the answer
}

// AudioOneWay says that the audio of a talk passes one way only, and because of whom.
type AudioOneWay struct {
	At       time.Time
	Attempt  campaigns.AttemptID
	Campaign campaigns.CampaignID
	Trunk    string
	Operator campaigns.UserID
	Side     campaigns.Side
	Cause    string // a media.OneWayCause
	Browser  bool   // the side is an operator in the browser
}

// RecordingDone says that a recording is complete.
type RecordingDone struct {
	Attempt  campaigns.AttemptID
	Path     string
	Duration time.Duration
	Err      error
}

// Transferred says that an operator gave a customer to somebody else.
type Transferred struct {
	At       time.Time
	Attempt  campaigns.AttemptID
	Campaign campaigns.CampaignID
	From     campaigns.UserID
	To       Target
}

// CallerArrived says that somebody called us and is taken.
type CallerArrived struct {
	At       time.Time
	Attempt  campaigns.AttemptID
	Campaign campaigns.CampaignID
	Trunk    string
	Number   string
}

// CallerRefused says that somebody called us in vain; Campaign is empty where none has
// the number.
type CallerRefused struct {
	At       time.Time
	Campaign campaigns.CampaignID
	Trunk    string
	Reason   string
}

// CallerServed says that an operator has somebody who called us.
type CallerServed struct {
	At       time.Time
	Campaign campaigns.CampaignID
	Waited   time.Duration
}

func (CallerArrived) notice()   {}
func (CallerRefused) notice()   {}
func (CallerServed) notice()    {}
func (AttemptBegan) notice()    {}
func (CallChanged) notice()     {}
func (CallEnded) notice()       {}
func (OperatorChanged) notice() {}
func (RestBroken) notice()      {}
func (CampaignChanged) notice() {}
func (Paced) notice()           {}
func (Refused) notice()         {}
func (Disposed) notice()        {}
func (AudioReached) notice()    {}
func (AudioOneWay) notice()     {}
func (RecordingDone) notice()   {}
func (Transferred) notice()     {}

// OperatorView is an operator as others see them.
type OperatorView struct {
	User      campaigns.UserID `json:"user"`
	State     operator.State   `json:"state"`
	Since     time.Time        `json:"since"`
	Reason    string           `json:"reason,omitempty"`
	Stage     string           `json:"stage,omitempty"` // how far the talk or wrap-up is
	Talk      call.State       `json:"talk,omitempty" doc:"how the talk stands while the operator is in one: bridged, held, asking (a third party is called), consulting, conferring"`
	HeldSince time.Time        `json:"held_since,omitzero"` // the customer is on hold
	Third     *ThirdView       `json:"third,omitempty"`     // whom the operator asked into the talk
	AskedBy   campaigns.UserID `json:"asked_by,omitempty"`  // the operator whose talk it is, where this one was asked into it
	// TransferNumbers are what Campaign.TransferNumbers says of the talk's campaign.
	TransferNumbers []string                `json:"transfer_numbers,omitempty"`
	LeavesMessage   bool                    `json:"leaves_message,omitempty" doc:"on a machine that answered, where the operator of the talk says so"`
	Muted           bool                    `json:"muted,omitempty"`           // nobody hears the operator
	ListensTo       campaigns.AttemptID     `json:"listens_to,omitempty"`      // the call that a manager listens in on
	Presence        Presence                `json:"presence,omitempty"`        // who hears them there: listen (nobody), whisper (the operator), barge (all)
	Leaves          bool                    `json:"pause_requested,omitempty"` // pauses or goes off duty after the call
	Away            bool                    `json:"phone_away,omitempty"`      // nothing comes from the leg, which is up: it may be back in a moment
	Leg             string                  `json:"-"`                         // of the phone; empty: there is none
	RestUntil       time.Time               `json:"rest_until,omitzero"`       // ready, but no call before: breath and occupancy
	Idle            string                  `json:"idle,omitempty"`            // why a ready operator has no call; not in notices
	TakenBack       string                  `json:"taken_back,omitempty"`      // why the last call went away by itself, or what follows where the operator said that a machine answered, in words; until the next one
	Line            string                  `json:"line,omitempty" doc:"what is wrong with the audio of the talk, in words"`
	Campaign        campaigns.CampaignID    `json:"campaign,omitempty"`
	Attempt         campaigns.AttemptID     `json:"attempt,omitempty"`
	CallID          string                  `json:"call_id,omitempty"` // SIP Call-ID of the customer's leg
	Number          string                  `json:"number,omitempty"`
	Lead            *campaigns.Lead         `json:"lead,omitempty"`
	Zones           []string                `json:"zones,omitempty"`      // of Number: every one that is plausible
	CalledFor       *CalledFor              `json:"called_for,omitempty"` // why the lead is called now
	VerdictAt       time.Time               `json:"verdict_at,omitzero"`
	BridgedAt       time.Time               `json:"bridged_at,omitzero"`
	WrapUntil       time.Time               `json:"wrap_until,omitzero"`
	Dispositions    []campaigns.Disposition `json:"dispositions,omitempty"`
	Script          string                  `json:"script,omitempty"`
	Objections      string                  `json:"objections,omitempty"` // of the lead's segment; see campaigns.ParseScript
	Form            []campaigns.FormField   `json:"form,omitempty"`
	CRM             campaigns.CRM           `json:"crm,omitzero" doc:"the person's page elsewhere, with what is known of them put in"`
	Preview         bool                    `json:"preview,omitempty"`   // the lead waits to be dialled
	CalledIn        *CalledIn               `json:"called_in,omitempty"` // the lead called us
	Own             *OwnCall                `json:"own_call,omitempty" doc:"to a lead of the operator's choice, until it is answered; then, where nobody answered, what it came to, until the next call"`
	MayDial         bool                    `json:"may_dial,omitempty" doc:"the campaign lets operators call leads of their choice"`
}

// CalledIn is what is known of somebody who called us.
type CalledIn struct {
	At        time.Time         `json:"at"`
	Number    string            `json:"number"`                   // of ours, which they called
	Waited    float64           `json:"waited"`                   // seconds, for the operator
	CalledAt  time.Time         `json:"called_at,omitzero"`       // our last call to them
	CalledFor campaigns.Outcome `json:"called_outcome,omitempty"` // what it came to
	New       bool              `json:"new,omitempty"`            // they were in no list
	DoNotCall bool              `json:"do_not_call,omitempty"`    // they may not be called; talking is fine
}

// ThirdView is the third party of a talk: an operator, somebody of a campaign's
// queue, or a number.
type ThirdView struct {
	Operator campaigns.UserID     `json:"operator,omitempty"`
	Campaign campaigns.CampaignID `json:"campaign,omitempty"`
	Number   string               `json:"number,omitempty"`
	Since    time.Time            `json:"since"` // when they were asked for
	Up       bool                 `json:"up"`    // they are there
}

// CalledFor is why a lead is called now.
type CalledFor struct {
	Segment     string              `json:"segment"`
	Priority    float64             `json:"priority"`
	Attempts    int                 `json:"attempts"` // of this campaign so far that reached the network
	LastOutcome campaigns.Outcome   `json:"last_outcome,omitempty"`
	LastAt      time.Time           `json:"last_at,omitzero"`    // of LastOutcome
	Callback    *campaigns.Callback `json:"callback,omitempty"`  // this call was promised
	TalkedTo    campaigns.UserID    `json:"talked_to,omitempty"` // who talked to the lead last in this campaign
}

// CampaignView is a campaign as the live page shows it.
type CampaignView struct {
	ID        campaigns.CampaignID      `json:"id"`
	Name      string                    `json:"name"`
	State     campaigns.CampaignState   `json:"state"`
	Reason    string                    `json:"reason,omitempty"`
	Pacing    campaigns.Pacing          `json:"pacing"`
	Limit     float64                   `json:"limit"` // in force: the lower of the campaign's and the law's
	Calls     map[call.State]int        `json:"calls"`
	Live      int                       `json:"live"`
	Abandoned int                       `json:"abandoned"`
	Late      int                       `json:"connected_late"` // of the abandoned: an operator had them, too late for the law
	Attempts  int                       `json:"attempts"`
	Outcomes  map[campaigns.Outcome]int `json:"outcomes"`
	Bound     pacing.Bound              `json:"bound"` // what binds it now: one of Bounds
	Why       string                    `json:"why"`   // in words and numbers
	Resting   int                       `json:"resting"`
	Decision  pacing.Decision           `json:"decision"`
	Leads     LeadsView                 `json:"leads"`
	Inbound   InboundView               `json:"inbound"`
}

// InboundView is the people who call a campaign. What is counted is counted since this
// node began.
type InboundView struct {
	Waiting    int       `json:"waiting"`                // for an operator, now
	Since      time.Time `json:"waiting_since,omitzero"` // the longest of them
	Taken      int       `json:"taken"`
	Refused    int       `json:"refused"` // told that it is busy, or not known
	Served     int       `json:"served"`
	InTime     int       `json:"served_in_time"` // of these: within ServedInTime, 20 s
	GaveUp     int       `json:"gave_up"`
	TurnedAway int       `json:"turned_away"`
}

// LeadsView says how many leads there are to dial.
type LeadsView struct {
	Held         int       `json:"held"` // claimed by this node
	Ready        int       `json:"ready"`
	Waiting      int       `json:"waiting"`
	QueuesOpen   int       `json:"queues_open"`
	QueuesClosed int       `json:"queues_closed"`
	NextOpen     time.Time `json:"next_open,omitzero"`
	NextDue      time.Time `json:"next_due,omitzero"`
	Empty        string    `json:"empty,omitempty"` // why there is nothing to dial
}

// Snapshot is everything that is live at one moment.
type Snapshot struct {
	At        time.Time      `json:"at"`
	Node      string         `json:"node"`
	Draining  bool           `json:"draining"`
	Campaigns []CampaignView `json:"campaigns"`
	Operators []OperatorView `json:"operators"`
	Calls     int            `json:"calls"`
	Mailbox   int            `json:"mailbox"` // messages that wait for the loop
	StoreDown bool           `json:"store_down"`
}
