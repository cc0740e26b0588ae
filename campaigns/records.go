package campaigns

import (
	"context"
	"time"
)

// Records is everything that people change and read: campaigns, leads, users,
// suppression, audit, and what pacing leaves behind. Writes are durable when they return nil.
type Records interface {
	PacingRecords
	Answers

	SaveCampaign(ctx context.Context, c Campaign) (Campaign, error) // creates, or replaces where c.Version is the present one; else ErrConflict. Queues are rebuilt where lists, segments or priorities changed: for few leads before it returns, else in the background (Rebuilder)
	Campaign(ctx context.Context, id CampaignID) (Campaign, error)
	Campaigns(ctx context.Context) ([]Campaign, error)
	SetCampaignState(ctx context.Context, id CampaignID, s CampaignState, reason string) error

	SaveList(ctx context.Context, l List) error
	// ReplaceList is SaveList where the list has this Revision, else ErrConflict; ErrNotFound where there is none.
	ReplaceList(ctx context.Context, l List, revision string) error
	Lists(ctx context.Context) ([]List, error)
	// DeleteList takes a list away that has this Revision, else ErrConflict; ErrNotFound
	// where there is none. Its leads go later, as far as no law keeps them (Keeper); until
	// they all have, SaveList of the id gives ErrDeleted. Attempts and do-not-call entries
	// stay. Whether a campaign dials it is for the caller to ask.
	DeleteList(ctx context.Context, id ListID, revision string) error

	// AddLeads writes leads of one list and puts them into the queues of the
	// campaigns that dial it. A lead that is there already (same external id, or
	// same first number where it has none) is updated where it differs and
	// counted as Same where not.
	AddLeads(ctx context.Context, list ListID, leads []Lead) (AddResult, error)
	Lead(ctx context.Context, id LeadID) (Lead, error)
	// LeadByExternalID is the lead of a list that its source calls so.
	LeadByExternalID(ctx context.Context, list ListID, id string) (Lead, error)
	SaveLead(ctx context.Context, l Lead) error // replaces the lead and re-queues it
	// ReplaceLead is SaveLead where the lead has this Revision, else ErrConflict.
	ReplaceLead(ctx context.Context, l Lead, revision string) error
	FindLeads(ctx context.Context, q LeadQuery) ([]Lead, error) // ordered by id
	// Entries are the places of a lead in queues, one for each campaign.
	Entries(ctx context.Context, id LeadID) ([]Entry, error)

	Attempts(ctx context.Context, q AttemptQuery) ([]Attempt, error) // newest first
	// PersonAttempts are the times of attempts that count against caps, on any
	// number of the lead in any campaign, since a time, oldest first.
	PersonAttempts(ctx context.Context, id LeadID, since time.Time) ([]time.Time, error)
	Tally(ctx context.Context, c CampaignID, from, to time.Time) (Tally, error) // for abandonment windows

	Suppress(ctx context.Context, s Suppression) error
	Unsuppress(ctx context.Context, e164 string, by UserID) error
	Suppressed(ctx context.Context, e164 string) (Suppression, bool, error)
	Suppressions(ctx context.Context, after string, limit int) ([]Suppression, error) // ordered by number

	SaveUser(ctx context.Context, u User) error
	User(ctx context.Context, id UserID) (User, error)
	Users(ctx context.Context) ([]User, error)
	SaveToken(ctx context.Context, t Token) error
	Token(ctx context.Context, hash string) (Token, error)
	DeleteToken(ctx context.Context, hash string) error
	Tokens(ctx context.Context, user UserID) ([]Token, error) // by hash; expired ones too
	// UseToken notes when a token was used; ErrNotFound where it is gone.
	UseToken(ctx context.Context, hash string, at time.Time) error

	// SaveDuty notes that an operator is on duty at a node, or is not any more.
	// *OnDutyElsewhere says that another living node has them, ErrNodeLost that the
	// term of this one is over, ErrStale that something newer was said of them.
	SaveDuty(ctx context.Context, d Duty) error

	Audit(ctx context.Context, a AuditEntry) error
	AuditLog(ctx context.Context, limit int) ([]AuditEntry, error) // newest first
	// Audited are the entries that a query selects, newest first. Each has its ID.
	Audited(ctx context.Context, q AuditQuery) ([]AuditEntry, error)

	Stats(ctx context.Context) (StoreStats, error)
	Ping(ctx context.Context) error
	Close() error
}

// AddResult counts what AddLeads did.
type AddResult struct {
	Added   int `json:"added"`
	Updated int `json:"updated"`
	Same    int `json:"same"` // as they were
}

// LeadQuery selects leads. Zero fields select all.
type LeadQuery struct {
	List   ListID
	Number string // E.164, any of the lead's numbers
	Text   string // part of the name or external id
	After  LeadID // ids above
	Limit  int    // default 100, at most 10,000
}

// EntryState is where a lead stands in a campaign.
type EntryState string

// The states of an entry.
const (
	EntryWaiting EntryState = "waiting" // for its time
	EntryClaimed EntryState = "claimed" // leased, not begun
	EntryCalling EntryState = "calling" // begun
	EntryDone    EntryState = "done"
	EntryNone    EntryState = "no_segment" // no segment matches
)

// Entry is the place of a lead in a campaign.
type Entry struct {
	Queue       QueueID         `json:"queue"`
	State       EntryState      `json:"state"`
	Number      string          `json:"number"`
	Priority    float64         `json:"priority"`
	DueAt       time.Time       `json:"due_at"`
	Attempts    int             `json:"attempts"`
	Callback    *Callback       `json:"callback,omitempty"`
	LastOutcome Outcome         `json:"last_outcome,omitempty"`
	LastAt      time.Time       `json:"last_at,omitzero"`
	Operator    UserID          `json:"operator,omitempty"`   // who talked to the lead last in this campaign
	ByOutcome   map[Outcome]int `json:"by_outcome,omitempty"` // on the number to dial
}

// AttemptQuery selects attempts. Zero fields select all.
type AttemptQuery struct {
	ID       AttemptID
	Lead     LeadID
	Campaign CampaignID
	Operator UserID
	Outcome  Outcome
	Open     bool // only those without outcome
	Since    time.Time
	Before   AttemptID // for paging
	Limit    int       // default 100, at most 10,000
}

// Tally counts what abandonment is made of. Of people who called us only Outcomes
// knows, by the outcomes that they alone have.
type Tally struct {
	Attempts  int
	Live      int // connected + abandoned
	Abandoned int
	Late      int // of the abandoned: an operator had the person after all, but too late for the law
	Outcomes  map[Outcome]int
	Open      int // begun, not ended
}

// Suppression is a do-not-call entry.
type Suppression struct {
	E164   string    `json:"e164"`
	Reason string    `json:"reason"`
	Source string    `json:"source"` // operator, import, api, network
	By     UserID    `json:"by,omitempty"`
	At     time.Time `json:"at"`
}

// User is somebody who signs in.
type User struct {
	ID           UserID `json:"id"`
	Name         string `json:"name"`
	Role         Role   `json:"role"`
	PasswordHash string `json:"-"` // argon2id, PHC string
	SIPMD5       string `json:"-"` // HA1 of the phone's password, MD5
	SIPSHA256    string `json:"-"` // HA1 of the phone's password, SHA-256
	PINHash      string `json:"-"` // argon2id of the PIN for feature codes; empty: none
	Disabled     bool   `json:"disabled,omitempty"`
	SeesNumbers  bool   `json:"sees_numbers"` // unmasked numbers
	// Team is whose calls a team lead may hear and whose attempts they see; empty: of nobody's team.
	Team      string       `json:"team,omitempty"`
	Campaigns []CampaignID `json:"campaigns,omitempty"` // the only ones that they may see and change; none: all
	Rights    []Right      `json:"rights,omitempty"`    // besides those of the role
	Only      []Right      `json:"-"`                   // of all these, what the token in use has; none: all. Not kept
	CreatedAt time.Time    `json:"created_at"`
}

// Token is a signed-in session or an API token; only its hash is kept.
type Token struct {
	Hash      string    `json:"-"` // SHA-256, hex
	User      UserID    `json:"user"`
	Name      string    `json:"name"`
	CreatedAt time.Time `json:"created_at"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero: never
	UsedAt    time.Time `json:"used_at,omitzero"`    // to a minute or so; zero: never
	Scopes    []Right   `json:"scopes,omitempty"`    // what of the user's rights it has; none: all
}

// AuditQuery selects entries of the audit log. Zero fields select all. The stores keep
// no index but that of time: rare entries of a long log take a while to find.
type AuditQuery struct {
	By     UserID
	Action string
	Object string
	Before string // ID of an entry: older ones alone
	Limit  int    // default 100, at most 10,000
}

// Selects says whether an entry is one of those that q asks for, wherever it stands.
func (q AuditQuery) Selects(a AuditEntry) bool {
	return (q.By == "" || a.By == q.By) && (q.Action == "" || a.Action == q.Action) && (q.Object == "" || a.Object == q.Object)
}

// AuditEntry is who changed what.
type AuditEntry struct {
	ID     string    `json:"id,omitempty"` // given by the store; AuditLog leaves it out
	At     time.Time `json:"at"`
	By     UserID    `json:"by"`
	From   string    `json:"from"`   // address
	Action string    `json:"action"` // "campaign.pace"
	Object string    `json:"object"`
	Before string    `json:"before,omitempty"` // JSON
	After  string    `json:"after,omitempty"`
}

// StoreStats are the figures of a store for metrics and health.
type StoreStats struct {
	Kind       string                    // "sqlite", "redis"
	Operations map[string]OperationStats // by name of the operation
	Size       int64                     // bytes on disk, 0 if unknown
}

// OperationStats counts one kind of store operation.
type OperationStats struct {
	Count, Errors uint64
	Seconds       float64 // total
}
