package campaigns

import "time"

// Outcome is what the network and our ears say of an attempt. Each begun
// attempt has exactly one.
type Outcome string

// The outcomes of an attempt.
const (
	Connected     Outcome = "connected"     // a person talked to an operator
	Abandoned     Outcome = "abandoned"     // a person answered and no operator came in time
	HungUpEarly   Outcome = "hung_up_early" // a person answered and left before the time was over
	MachineHeard  Outcome = "machine"       // an answering machine
	ScreenedCall  Outcome = "screening"     // an assistant asked who is calling
	FaxHeard      Outcome = "fax"           // a fax or modem
	Announcement  Outcome = "announcement"  // the network spoke instead of a person
	SilentAnswer  Outcome = "silence"       // answered, nobody spoke
	Busy          Outcome = "busy"
	NoAnswer      Outcome = "no_answer"
	Absent        Outcome = "absent" // phone switched off
	InvalidNumber Outcome = "invalid_number"
	NumberChanged Outcome = "number_changed"
	BadFormat     Outcome = "bad_format"
	OutOfOrder    Outcome = "out_of_order"
	Declined      Outcome = "declined"
	Blocked       Outcome = "blocked"  // analytics of the carrier blocked us
	Unwanted      Outcome = "unwanted" // the person told the carrier so: do not call
	FalseAnswer   Outcome = "false_answer"
	Cancelled     Outcome = "cancelled" // we hung up while it rang (pacing, drain)
	Congestion    Outcome = "congestion"
	TrunkRejected Outcome = "trunk_rejected"
	TrunkDown     Outcome = "trunk_down"
	Redirected    Outcome = "redirected"
	Failed        Outcome = "failed"      // protocol failure or media mismatch
	NotPlaced     Outcome = "not_placed"  // begun, refused before the INVITE: nothing left this machine
	Interrupted   Outcome = "interrupted" // our process died between begin and end

	// Of those who called us. None of them counts for the law: nobody was called.
	CallerServed     Outcome = "caller_served"      // a caller talked to an operator
	CallerGaveUp     Outcome = "caller_gave_up"     // a caller hung up while they waited
	CallerTurnedAway Outcome = "caller_turned_away" // a caller waited as long as the campaign lets them, or we had to hang up
)

// Reached says whether the attempt came to the called party's network, so
// that it counts against the caps of the person. When in doubt it counts.
func (o Outcome) Reached() bool {
	switch o {
	case Congestion, TrunkRejected, TrunkDown, Redirected, Failed, NotPlaced, BadFormat:
		return false
	}
	return !o.OfCaller()
}

// OfCaller says that o is of somebody who called us.
func (o Outcome) OfCaller() bool {
	return o == CallerServed || o == CallerGaveUp || o == CallerTurnedAway
}

// Known says whether o is one of the outcomes above.
func (o Outcome) Known() bool {
	for _, r := range DefaultRetry {
		if r.Outcome == o {
			return true
		}
	}
	return false
}

// Live says whether a live person answered: the denominator of abandonment.
func (o Outcome) Live() bool { return o == Connected || o == Abandoned }

// RetryRule says what follows an outcome.
type RetryRule struct {
	Outcome   Outcome       `json:"outcome" yaml:"outcome"`
	After     time.Duration `json:"after" yaml:"after"`             // earliest next attempt; ignored where Max is 0
	Max       int           `json:"max" yaml:"max"`                 // attempts that may end so before the number is given up; 0 = never again
	Next      bool          `json:"next" yaml:"next"`               // try the lead's next number instead, where it has one
	Shift     bool          `json:"shift" yaml:"shift"`             // and in another part of the day than this one: see eligibility.Rules.Shift
	BadNumber bool          `json:"bad_number" yaml:"bad_number"`   // mark the number as bad
	DoNotCall bool          `json:"do_not_call" yaml:"do_not_call"` // and suppress it
}

// DefaultRetry is used for outcomes that a campaign has no rule for.
var DefaultRetry = []RetryRule{
	{Outcome: Busy, After: 10 * time.Minute, Max: 3},
	{Outcome: NoAnswer, After: 2 * time.Hour, Max: 5, Next: true},
	{Outcome: Absent, After: 3 * time.Hour, Max: 5, Next: true},
	{Outcome: MachineHeard, After: 4 * time.Hour, Max: 5, Next: true},
	{Outcome: ScreenedCall, After: 24 * time.Hour, Max: 2},
	{Outcome: SilentAnswer, After: 4 * time.Hour, Max: 2},
	{Outcome: Abandoned, After: 72 * time.Hour, Max: 2}, // Ofcom 2010: 72 h without a guaranteed operator
	{Outcome: HungUpEarly, After: 24 * time.Hour, Max: 2},
	{Outcome: Cancelled, After: time.Hour, Max: 5},
	{Outcome: Declined, After: 24 * time.Hour, Max: 1},
	{Outcome: OutOfOrder, After: 24 * time.Hour, Max: 2, Next: true},
	{Outcome: Announcement, After: 24 * time.Hour, Max: 2, Next: true},
	{Outcome: FaxHeard, Next: true, BadNumber: true},
	{Outcome: InvalidNumber, Next: true, BadNumber: true},
	{Outcome: NumberChanged, Next: true, BadNumber: true},
	{Outcome: BadFormat, Next: true, BadNumber: true},
	{Outcome: Unwanted, DoNotCall: true},
	{Outcome: Blocked, After: 24 * time.Hour, Max: 1},
	{Outcome: FalseAnswer, After: time.Hour, Max: 3},
	{Outcome: Interrupted, After: 4 * time.Hour, Max: 2},
	{Outcome: Congestion, After: 2 * time.Minute, Max: 20},
	{Outcome: TrunkDown, After: 2 * time.Minute, Max: 20},
	{Outcome: TrunkRejected, After: 30 * time.Minute, Max: 10},
	{Outcome: Redirected, After: 24 * time.Hour, Max: 2},
	{Outcome: Failed, After: 30 * time.Minute, Max: 5},
	{Outcome: NotPlaced, After: time.Second, Max: 1000},
	{Outcome: CallerGaveUp, After: 15 * time.Minute, Max: 3},
	{Outcome: CallerTurnedAway, After: 15 * time.Minute, Max: 5},
	{Outcome: CallerServed}, // the disposition decides, as of the next
	{Outcome: Connected},
}

// Disposition is what the operator says of a talk, with its effects.
type Disposition struct {
	Code   string `json:"code" yaml:"code"`               // "sale"
	Label  string `json:"label" yaml:"label"`             // "Sale"
	Digit  string `json:"digit" yaml:"digit"`             // for operators by phone alone, "1"
	Nobody bool   `json:"nobody,omitempty" yaml:"nobody"` // no person was there: a machine, a fax
	Effect Effect `json:"effect" yaml:"effect"`
}

// Effect is what a disposition does to the lead. Zero fields change nothing.
type Effect struct {
	Final       bool          `json:"final" yaml:"final"`             // no further attempts in this campaign
	DoNotCall   bool          `json:"do_not_call" yaml:"do_not_call"` // every number of the lead is suppressed everywhere
	Callback    bool          `json:"callback" yaml:"callback"`       // the operator names the time
	RetryAfter  time.Duration `json:"retry_after" yaml:"retry_after"` // where not final and no callback
	BadNumber   bool          `json:"bad_number" yaml:"bad_number"`   // the number that was dialled is wrong
	Stage       Stage         `json:"stage" yaml:"stage"`
	Progress    int           `json:"progress" yaml:"progress"` // at least this many percent
	Temperature Temperature   `json:"temperature" yaml:"temperature"`
	CP          *int          `json:"cp,omitempty" yaml:"cp"`
	PI          *int          `json:"pi,omitempty" yaml:"pi"`
	Level       *int          `json:"level,omitempty" yaml:"level"`
	MoveTo      CampaignID    `json:"move_to,omitempty" yaml:"move_to"` // leave this campaign, join that one
}

// DefaultDispositions are given to a campaign that names none.
func DefaultDispositions() []Disposition {
	five, zero := 5, 0
	return []Disposition{
		{Code: "sale", Label: "Sale", Digit: "1", Effect: Effect{Final: true, Stage: StageRetain, Progress: 100, Temperature: Hot, PI: &five}},
		{Code: "not_interested", Label: "Not interested", Digit: "2", Effect: Effect{Final: true, Temperature: Cold, PI: &zero}},
		{Code: "callback", Label: "Call back", Digit: "3", Effect: Effect{Callback: true, Progress: 50, Temperature: Warm}},
		{Code: "wrong_number", Label: "Wrong number", Digit: "4", Effect: Effect{BadNumber: true, RetryAfter: time.Hour}},
		{Code: "do_not_call", Label: "Do not call", Digit: "5", Effect: Effect{Final: true, DoNotCall: true}},
		{Code: "no_decision", Label: "No decision yet", Digit: "6", Effect: Effect{RetryAfter: 24 * time.Hour, Progress: 15}},
		{Code: "machine", Label: "Answering machine", Digit: "7", Nobody: true, Effect: Effect{RetryAfter: 4 * time.Hour}},
	}
}
