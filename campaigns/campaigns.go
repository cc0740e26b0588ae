// Package campaigns is the room of what outlives a call: leads and their
// numbers, lists, campaigns, segments, attempts, outcomes, dispositions, users.
// It declares two contracts: Store (the dial path, shaped by what the engine
// needs) and Records (everything else that people change and read). Small ones
// beside them are asked for with As, as a store may lack them: Outbox, Nodes,
// LiveBook, Keeper, Counter, Rebuilder, Replayer.
//
// It does no I/O. Stores are campaigns/sqlite and campaigns/redis; both pass
// campaigns/storetest. Segment filters and priorities are compiled here, so
// that every store evaluates them alike.
//
//	leadfile ─► Records.AddLeads ─► entries in queues ─► Store.Claim ─► hopper
//	                                       ▲                             │
//	      Store.Dispose ◄─ operator ◄─ Store.End ◄─ call ◄─ Store.Begin ◄┘
package campaigns

import "time"

// Identifiers. Campaign, list and user ids are short names that people chose
// ([a-z0-9-]+); attempt ids are UUIDv7, so they sort by time.
type (
	LeadID     int64
	ListID     string
	CampaignID string
	AttemptID  string
	UserID     string
)

// Stage is how far a lead has come in the customer base.
type Stage string

// The stages of a lead, in order.
const (
	StageClean   Stage = "clean"   // being verified
	StageAcquire Stage = "acquire" // being won
	StageRetain  Stage = "retain"  // a customer to keep
)

// Temperature is how ready a lead is to buy.
type Temperature string

// The temperatures of a lead.
const (
	Hot  Temperature = "hot"
	Warm Temperature = "warm"
	Cold Temperature = "cold"
)

// Grades is what we think of a lead; it grows truer with each call.
type Grades struct {
	Stage       Stage       `json:"stage"`
	CP          int         `json:"cp"`    // customer potential, 0..5
	PI          int         `json:"pi"`    // purchase intent, 0..5
	Level       int         `json:"level"` // L0..L5
	Temperature Temperature `json:"temperature"`
	Progress    int         `json:"progress"` // percent: 0, 15, 50, 75, 100
}

// NumberKind is the type of a line.
type NumberKind string

// The kinds of numbers a lead may have.
const (
	Mobile NumberKind = "mobile"
	Home   NumberKind = "home"
	Work   NumberKind = "work"
	Other  NumberKind = "other"
)

// Number is one way to reach a lead. Zones and Regions were found when the
// number came in (campaigns/number) and are never empty for a number that may
// be dialled.
type Number struct {
	E164    string     `json:"e164"` // "+48225550123"
	Kind    NumberKind `json:"kind"`
	Zones   []string   `json:"zones"`           // every plausible IANA zone, sorted
	Regions []string   `json:"regions"`         // rule regions that apply, sorted: "US-FED", "US-FL"; "STRICT" where unknown
	Basis   string     `json:"basis,omitempty"` // where Zones come from: "area code 212"; kept with each attempt's Decision
	Bad     bool       `json:"bad,omitempty"`   // proven invalid; never dialled again
}

// Window returns the window class of n: all numbers in it may be called at
// exactly the same times.
func (n Number) Window() WindowClass { return NewWindowClass(n.Zones, n.Regions) }

// Lead is a person or an organisation to call.
type Lead struct {
	ID         LeadID            `json:"id"`
	List       ListID            `json:"list"`
	ExternalID string            `json:"external_id"` // of the source; unique within a list where given
	Name       string            `json:"name"`
	Numbers    []Number          `json:"numbers"` // in the order to try
	Grades     Grades            `json:"grades"`
	Fields     map[string]string `json:"fields,omitempty"` // what else the source told
	Note       string            `json:"note,omitempty"`
	CreatedAt  time.Time         `json:"created_at"`
	UpdatedAt  time.Time         `json:"updated_at"`
}

// List is where leads came from: one source, with what is known of it.
type List struct {
	ID           ListID    `json:"id"`
	Name         string    `json:"name"`
	Source       string    `json:"source"`
	Cost         string    `json:"cost,omitempty"`
	ConsentBasis string    `json:"consent_basis,omitempty"`
	Verified     bool      `json:"verified"`
	Leads        int       `json:"leads"`
	CreatedAt    time.Time `json:"created_at"`
}

// Segment is a named filter over leads. A lead sits in the first segment of its
// campaign that matches it; one that matches none is not dialled.
type Segment struct {
	Name     string `json:"name" yaml:"name"`
	Filter   string `json:"filter" yaml:"filter"`     // expression over a lead; empty matches all
	Priority string `json:"priority" yaml:"priority"` // expression giving a number, higher is sooner; empty is the campaign's
	Weight   int    `json:"weight" yaml:"weight"`     // share among open queues; 0 counts as 1
	// Objections are what people like these object, and what to say then; see ParseScript.
	Objections string `json:"objections,omitempty" yaml:"objections"`
}

// Callbacks says what becomes of calls that one operator promised to make
// themselves, where that operator does not come to them: because of absence, a break
// or another call.
type Callbacks struct {
	Grace time.Duration `json:"grace" yaml:"grace"` // after the promised time the call is anyone's; 0 is 15 min
	Wait  bool          `json:"wait" yaml:"wait"`   // it never is: it waits for its operator
}

// DefaultGrace is how long a promised call waits for its operator.
const DefaultGrace = 15 * time.Minute

// ForAnyone is when a promised call may be made by any operator; zero: never.
func (c Callbacks) ForAnyone(promised Callback) time.Time {
	switch {
	case promised.User == "":
		return promised.At
	case c.Wait:
		return time.Time{}
	}
	return promised.At.Add(c.grace())
}

func (c Callbacks) grace() time.Duration {
	if c.Grace == 0 {
		return DefaultGrace
	}
	return c.Grace
}

// DueForAnyone is the time by which a call must have been promised for to be
// anyone's now.
func (c Callbacks) DueForAnyone(now time.Time) time.Time { return now.Add(-c.grace()) }

// PacingMode is how a campaign decides when to dial.
type PacingMode string

// The pacing modes.
const (
	Preview     PacingMode = "preview"     // an operator sees the lead, then asks for the call
	Progressive PacingMode = "progressive" // one call for one ready operator
	Ratio       PacingMode = "ratio"       // a fixed number of calls for each ready operator
	Predictive  PacingMode = "predictive"  // as many as the abandonment limit allows
)

// CampaignState is whether a campaign dials.
type CampaignState string

// The states of a campaign.
const (
	Stopped CampaignState = "stopped"
	Running CampaignState = "running"
	Paused  CampaignState = "paused" // no new calls; calls in progress go on
	OnHold  CampaignState = "hold"   // held by the product: see HoldReason
)

// Campaign is what dials: whom, how fast, when, with which numbers.
type Campaign struct {
	ID         CampaignID    `json:"id"`
	Name       string        `json:"name"`
	State      CampaignState `json:"state"`
	HoldReason string        `json:"hold_reason,omitempty"`
	Lists      []ListID      `json:"lists"`
	Segments   []Segment     `json:"segments"`            // in order of match; none means one that matches all
	Priority   string        `json:"priority,omitempty"`  // of segments that have none; empty is DefaultPriority
	NthNew     int           `json:"nth_new,omitempty"`   // of so many leads dialled in a segment one was never tried before, the others were; 0: as priorities say
	Operators  []UserID      `json:"operators,omitempty"` // empty: every operator
	Trunks     string        `json:"trunks"`              // trunk group
	CallerIDs  []string      `json:"caller_ids"`          // E.164, owned numbers only
	Pacing     Pacing        `json:"pacing"`
	Detection  string        `json:"detection"` // before (a verdict), with (the first speech: no dead air, and operators hear machines until they are known for what they are), off (the answer); empty: as the configuration says
	// DetectionCheck is the share of answered calls, [0, 0.2], that go to a ready operator
	// whatever is heard, so that it comes out how often the detector is wrong.
	DetectionCheck float64 `json:"detection_check,omitempty"`
	// DetectionFeatures keeps the times in which people and machines spoke, without audio
	// and without words, beside what the detector made of them.
	DetectionFeatures bool        `json:"detection_features,omitempty"`
	Windows           []Hours     `json:"windows,omitempty"` // narrower than the law, in the customer's local time; empty: the law alone
	Retry             []RetryRule `json:"retry,omitempty"`   // per outcome; outcomes that are missing use DefaultRetry
	Caps              []Cap       `json:"caps,omitempty"`    // besides those of the rule pack
	Callbacks         Callbacks   `json:"callbacks"`
	// StickyOperator gives a person who answers to the operator who talked to them
	// last, where that one is ready; else, and by default, to the longest ready.
	StickyOperator bool          `json:"sticky_operator,omitempty"`
	Wrap           Wrap          `json:"wrap"`
	Dispositions   []Disposition `json:"dispositions"`
	Script         string        `json:"script,omitempty"` // see ParseScript
	// Form is what operators write down of a person besides notes.
	Form       []FormField `json:"form,omitempty"`
	CRM        CRM         `json:"crm,omitzero"`
	SafeHarbor string      `json:"safe_harbor,omitempty"` // prompt played to a person whom no operator can take; needed for ratio and predictive
	Voicemail  string      `json:"voicemail,omitempty"`   // prompt left on a machine after its beep; empty: none. The law may want consent to it
	HoldMusic  string      `json:"hold_music,omitempty"`  // prompt looped to a customer on hold; empty: the product's own
	// TransferNumbers are whom operators may have called into a talk: E.164 numbers,
	// or how they begin, with a * ("+4822555*"). None: operators and queues alone.
	TransferNumbers []string `json:"transfer_numbers,omitempty"`
	// ManualDial lets operators with RightManual call a lead of their own choice.
	ManualDial bool            `json:"manual_dial,omitempty"`
	Inbound    Inbound         `json:"inbound,omitzero"` // people who call the campaign
	Recording  RecordingPolicy `json:"recording"`
	CreatedAt  time.Time       `json:"created_at"`
	Version    int64           `json:"version"` // rises with each change; for If-Match
}

// Pacing are the manager's controls.
type Pacing struct {
	Mode              PacingMode `json:"mode" yaml:"mode"`
	Ratio             float64    `json:"ratio" yaml:"ratio"`                           // calls per ready operator in mode ratio, >= 1
	MinRatio          float64    `json:"min_ratio" yaml:"min_ratio"`                   // floor of the predictive ratio, 0 = none
	MaxRatio          float64    `json:"max_ratio" yaml:"max_ratio"`                   // ceiling of the predictive ratio, 0 = 10
	AbandonmentLimit  float64    `json:"abandonment_limit" yaml:"abandonment_limit"`   // share of live answers, (0, 0.03]; never above the rule pack's
	TargetUtilisation float64    `json:"target_utilisation" yaml:"target_utilisation"` // 0 = as high as the limit allows
	Cancel            bool       `json:"cancel" yaml:"cancel"`                         // may hang up calls past the legal ring minimum
	// RecordChoice lets pacing take a lead out of turn, within the bounds of
	// hopper.Take; nil is yes.
	RecordChoice *bool `json:"record_choice,omitempty" yaml:"record_choice"`
	// AnswerScoreField is a custom field of the leads with the chance of a live
	// answer in (0, 1], by somebody else's model; empty: there is none.
	AnswerScoreField string  `json:"answer_score_field,omitempty" yaml:"answer_score_field"`
	MaxOccupancy     float64 `json:"max_occupancy,omitempty" yaml:"max_occupancy"` // most of an operator's time in calls and wrap-up, (0, 1]; 0 = no bound
	MinBreath        float64 `json:"min_breath,omitempty" yaml:"min_breath"`       // seconds between the end of the work on one call and the next call
}

// Wrap says how long an operator may wrap up, and what is written when the
// time is over without a disposition.
type Wrap struct {
	Timeout time.Duration `json:"timeout" yaml:"timeout"` // default 60 s
	Default string        `json:"default" yaml:"default"` // disposition; default "no_decision"
}

// RecordingPolicy is whether talks are recorded.
type RecordingPolicy string

// The recording policies of a region or campaign. Unknown means announce.
const (
	RecordNever    RecordingPolicy = "never"
	RecordAnnounce RecordingPolicy = "announce" // the person is told at the start
	RecordAlways   RecordingPolicy = "always"
)

// Hours are calling hours in the customer's local time on some weekdays.
type Hours struct {
	Days []time.Weekday `json:"days" yaml:"days"`
	From string         `json:"from" yaml:"from"` // "09:00"
	To   string         `json:"to" yaml:"to"`     // "20:00", not included
}

// Cap limits attempts to one person: at most N in each Period.
type Cap struct {
	N      int           `json:"n" yaml:"n"`
	Period time.Duration `json:"period" yaml:"period"`
	Source string        `json:"source,omitempty" yaml:"source,omitempty"` // rule that asks for it
}
