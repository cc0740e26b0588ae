package campaigns

import (
	"context"
	"errors"
	"time"
)

// ErrStale means that a fence was overtaken: somebody else has the lead now.
var ErrStale = errors.New("campaigns: stale fence")

// ErrFull means that the store has no room left for what was to be written, and that it is
// not written. It goes on as soon as there is room.
var ErrFull = errors.New("campaigns: no room left")

// ErrDeleted means that a list was deleted and leads of it are still there, because a law
// keeps them or because they go a little at a time.
var ErrDeleted = errors.New("campaigns: the list was deleted, and leads of it are kept still")

// ErrNotFound means that there is no such record.
var ErrNotFound = errors.New("campaigns: not found")

// ErrConflict means that the record changed since it was read, or exists.
var ErrConflict = errors.New("campaigns: conflict")

// Store is the dial path. Every method is durable when it returns nil, safe
// for concurrent use, and takes the present time as an argument (store time
// where several nodes share one store).
//
// Guarantees, tested by storetest: a lead is in at most one claim; a write with
// an old fence changes nothing (ErrStale); an attempt is begun at most once per
// claim; every begun attempt ends exactly once; a number that is being called
// is locked for every campaign and node.
type Store interface {
	// Queues lists the queues of a campaign that hold leads, with how many are
	// due or will be.
	Queues(ctx context.Context, c CampaignID, now time.Time) ([]QueueInfo, error)

	// Claim leases up to q.Limit due leads of the given queues, best first: by
	// priority, then by the time they became due. It may give fewer, or none.
	Claim(ctx context.Context, q ClaimRequest) ([]Claim, error)

	// ClaimLead leases one chosen lead, due or not: what else keeps a lead from being
	// claimed does here. A *Refusal says why not, and changes nothing; ErrNotFound means
	// that there is no such lead, or not in this campaign.
	ClaimLead(ctx context.Context, q ClaimLeadRequest) (Claim, error)

	// Release gives claimed leads back that were not begun. at is the earliest
	// next time; zero leaves the time as it was.
	Release(ctx context.Context, claims []Claim, at time.Time) error

	// Begin makes an attempt durable before its INVITE. In one atomic step it
	// checks the fence, the number lock, do-not-call and the caps. A *Refusal
	// error says why not and until when; the lead then waits until Refusal.Next, or its
	// own time where that is later, and the claim is over.
	//
	// The attempt of somebody who called us (Intent.Inbound) needs no claim, counts
	// against no cap, and may be one of several on a number. While it is open, its number
	// and all numbers of its lead are locked for calls of ours.
	Begin(ctx context.Context, in Intent) error

	// SaveDialog replaces the dialog state of a begun attempt.
	SaveDialog(ctx context.Context, a AttemptID, dialog []byte) error

	// End writes the one outcome of a begun attempt, frees its number lock and
	// puts the lead where its Next says. Ending twice with the same attempt id
	// changes nothing and is not an error.
	//
	// A lead who called us and is in no queue of the campaign gets a place there that is
	// done, for the disposition to move; one that is done stays so, but where Next has a
	// Callback; one that is being called goes where that call says.
	End(ctx context.Context, e Ending) error

	// Dispose writes the operator's disposition of an ended attempt and its
	// effects, resolved by the caller into Next, Grades and Suppress. It may be
	// written again (a correction); the last one counts.
	Dispose(ctx context.Context, d Disposal) error

	// Open lists attempts of a node that are begun and not ended: those that a
	// dead process left behind. On start they are settled as Interrupted.
	Open(ctx context.Context, node string) ([]Attempt, error)

	// Reclaim gives back the claims of a node that are not begun, and claims of
	// any node whose lease ran out before now. It returns how many.
	Reclaim(ctx context.Context, node string, now time.Time) (int, error)
}

// QueueID names a queue: the leads of one campaign x segment x window class. Calls
// promised to be made by one operator have queues of their own, and so have leads
// that were never tried where the campaign mixes them in (Campaign.NthNew).
type QueueID struct {
	Campaign CampaignID  `json:"campaign"`
	Segment  string      `json:"segment"`
	Window   WindowClass `json:"window"`
	New      bool        `json:"new,omitempty"`      // only leads never tried in this campaign
	Operator UserID      `json:"operator,omitempty"` // whose promised calls these are; empty: anybody's
}

// QueueOf is the queue of a lead in c. callback is what was promised to it, if
// anything; tried says whether an attempt of c on it ever began.
func (c Campaign) QueueOf(segment string, window WindowClass, callback *Callback, tried bool) QueueID {
	q := QueueID{Campaign: c.ID, Segment: segment, Window: window}
	if callback != nil {
		q.Operator = callback.User
		return q
	}
	q.New = c.NthNew > 0 && !tried
	return q
}

// QueueInfo says how full a queue is.
type QueueInfo struct {
	QueueID
	Ready   int       `json:"ready"`    // due now
	Waiting int       `json:"waiting"`  // due later
	NextDue time.Time `json:"next_due"` // when the first waiting lead is due; zero if none waits
}

// LockedFor is when to ask again for a number that is being called.
const LockedFor = time.Minute

// ClaimRequest asks for leads.
type ClaimRequest struct {
	Queues []QueueID // only these, in the order of preference
	Limit  int
	Node   string        // who claims
	Lease  time.Duration // how long the claim holds unless begun
	Now    time.Time
	DueBy  time.Time // only leads that were due by then; zero: by Now
}

// Due is the time by which a lead must be due to be claimed.
func (q ClaimRequest) Due() time.Time {
	if q.DueBy.IsZero() {
		return q.Now
	}
	return q.DueBy
}

// Claim is a leased lead, ready to be dialled.
type Claim struct {
	Lead        Lead
	Queue       QueueID
	Number      Number // the one to dial
	Fence       int64
	Node        string
	Priority    float64
	DueAt       time.Time
	Early       bool                       // chosen before DueAt (ClaimLead)
	Until       time.Time                  // end of the lease
	Attempts    int                        // attempts of this campaign so far that reached the network
	ByOutcome   map[Outcome]int            // how often attempts on this number ended so
	ByNumber    map[string]map[Outcome]int // the same of the other numbers of the lead that were tried
	LastOutcome Outcome
	LastAt      time.Time // end of the last attempt on any number of the lead
	Callback    *Callback // set where an operator promised this call
	Operator    UserID    // who talked to the lead last in this campaign; empty: nobody did
}

// NoteNumber notes how attempts on another number of the lead ended.
func (c *Claim) NoteNumber(e164 string, counts map[Outcome]int) {
	if len(counts) == 0 {
		return
	}
	if c.ByNumber == nil {
		c.ByNumber = map[string]map[Outcome]int{}
	}
	c.ByNumber[e164] = counts
}

// Callback is a promised call.
type Callback struct {
	At   time.Time `json:"at"`
	User UserID    `json:"user,omitempty"` // personal; empty: anyone
}

// Decision is why a call was allowed: kept with each attempt.
type Decision struct {
	RulePack string    `json:"rule_pack"` // id and version
	Regions  []string  `json:"regions"`
	Zones    []string  `json:"zones"`
	Basis    string    `json:"basis"`  // where the zones come from
	Window   string    `json:"window"` // the hours that were open
	Closes   time.Time `json:"closes"` // when the window closes
	At       time.Time `json:"at"`
	By       UserID    `json:"by,omitempty"` // who asked for this call, for themselves; empty: pacing did
}

// Intent is an attempt about to be made.
type Intent struct {
	Attempt  AttemptID
	Claim    Claim
	Trunk    string
	CallerID string
	Caps     []Cap // of the person: all numbers of the lead, all campaigns
	Decision Decision
	Dialog   []byte // opaque; enough to CANCEL after a crash
	At       time.Time
	Inbound  bool // the lead called us: nobody has claimed it, and nothing forbids it
}

// Refusal is why Begin or ClaimLead said no.
type Refusal struct {
	Reason RefusalReason
	Detail string
	Next   time.Time // when to ask again; zero: never
}

// RefusalReason is the gate that refused.
type RefusalReason string

// The gates of Begin.
const (
	RefusedLocked    RefusalReason = "number_locked" // being called now, by whomever
	RefusedDoNotCall RefusalReason = "do_not_call"
	RefusedCap       RefusalReason = "cap"
	RefusedGone      RefusalReason = "lead_gone" // deleted, or its number is marked bad
)

// The gates of ClaimLead, besides RefusedGone.
const (
	RefusedTaken RefusalReason = "lead_taken" // claimed or being called, for whichever campaign
	RefusedDone  RefusalReason = "lead_done"  // no further attempts in this campaign
	RefusedPlace RefusalReason = "lead_place" // no segment of the campaign matches it
)

func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "refused: " + string(r.Reason)
	}
	return "refused: " + string(r.Reason) + ": " + r.Detail
}

// Next says where a lead goes after an attempt or a disposition.
type Next struct {
	Done     bool      // no further attempts in this campaign
	At       time.Time // earliest next attempt
	Number   string    // E.164 to try next; empty: the first that is not bad
	Callback *Callback
	MoveTo   CampaignID
}

// Ending is the one durable write at the end of a call.
type Ending struct {
	Attempt                                                  AttemptID
	Outcome                                                  Outcome
	Code, Q850                                               int // of the network, 0 if none
	Reason                                                   string
	Operator                                                 UserID    // who took it, if anyone
	RingingAt, AnsweredAt, VerdictAt, GreetingEnd, BridgedAt time.Time // zero where it did not happen
	Recording                                                string    // path inside the recording folder
	Audio                                                    *Audio    // of an answered call; nil: there was none
	Next                                                     Next
	BadNumber                                                bool // the number is marked as bad
	Suppress                                                 bool // the number goes to do-not-call
	Count                                                    bool // counts against caps (Outcome.Reached unless the engine knows better)
	At                                                       time.Time
}

// Disposal is a disposition with its effects worked out.
type Disposal struct {
	Attempt     AttemptID
	Disposition string
	By          UserID
	Note        string
	Next        Next
	Grades      Grades // the lead's grades from now on
	// Fields are written into the lead's custom fields; an empty value takes one out.
	Fields    map[string]string `json:",omitempty"`
	Suppress  bool              // every number of the lead goes to do-not-call
	BadNumber bool
	At        time.Time
}

// Attempt is one dial of one number of one lead, as it is kept.
type Attempt struct {
	ID          AttemptID  `json:"id"`
	Lead        LeadID     `json:"lead"`
	LeadName    string     `json:"lead_name,omitempty"`
	Campaign    CampaignID `json:"campaign"`
	Segment     string     `json:"segment"`
	Inbound     bool       `json:"inbound,omitempty"` // the lead called us, at CallerID
	Number      string     `json:"number"`
	Node        string     `json:"node"`
	Trunk       string     `json:"trunk"`
	CallerID    string     `json:"caller_id"`
	Decision    Decision   `json:"decision"`
	Dialog      []byte     `json:"-"`
	BeganAt     time.Time  `json:"began_at"`
	RingingAt   time.Time  `json:"ringing_at,omitzero"`
	AnsweredAt  time.Time  `json:"answered_at,omitzero"`
	VerdictAt   time.Time  `json:"verdict_at,omitzero"`
	GreetingEnd time.Time  `json:"greeting_end,omitzero"`
	BridgedAt   time.Time  `json:"bridged_at,omitzero"`
	EndedAt     time.Time  `json:"ended_at,omitzero"`
	Outcome     Outcome    `json:"outcome,omitempty"` // empty while it is open
	Code        int        `json:"code,omitempty"`
	Q850        int        `json:"q850,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	Operator    UserID     `json:"operator,omitempty"`
	Recording   string     `json:"recording,omitempty"`
	Audio       *Audio     `json:"audio,omitempty"` // how it was
	Disposition string     `json:"disposition,omitempty"`
	DisposedBy  UserID     `json:"disposed_by,omitempty"`
	Note        string     `json:"note,omitempty"`
	// ByOutcome is how often earlier attempts of this campaign on this number
	// ended so; filled by Store.Open.
	ByOutcome map[Outcome]int `json:"-"`
}
