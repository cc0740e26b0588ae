package campaigns

import (
	"context"
	"time"
)

// Keeper is a store that can delete what is old, in batches: each call does a
// little and says where to go on. Do-not-call entries and the audit log are
// never deleted.
type Keeper interface {
	// DeleteAttempts looks at up to limit attempts behind a cursor (0: from the
	// oldest) and deletes those that r lets go. next is 0 at the end.
	DeleteAttempts(ctx context.Context, r Retention, cursor int64, limit int) (deleted int, next int64, err error)
	// DeleteLeads is the same for leads that nobody is to dial any more.
	DeleteLeads(ctx context.Context, r Retention, cursor int64, limit int) (deleted int, next int64, err error)
	// OldRecordings lists attempts that began before a time and have a recording.
	OldRecordings(ctx context.Context, before time.Time, cursor int64, limit int) (old []Attempt, next int64, err error)
	// ForgetRecordings notes that the recordings of attempts are gone.
	ForgetRecordings(ctx context.Context, ids []AttemptID) error
}

// Retention says what may be deleted.
type Retention struct {
	Before time.Time // what began, or changed last, at this time or later stays
	// Laws keep attempts, and the leads that were called, for longer: by what the
	// name of a region of the attempt begins with.
	Laws []KeepLaw
}

// KeepLaw asks to keep records of calls.
type KeepLaw struct {
	Region string // "US" is every region whose id is US or begins with US-
	Before time.Time
}
