package campaigns

import (
	"context"
	"slices"
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
	// DeletedLists are those that DeleteList took away and whose leads have not all gone:
	// DeleteLeads deletes them. ForgetList gives the id of one that has none left free; it
	// does nothing where there is one.
	DeletedLists(ctx context.Context) ([]List, error)
	ForgetList(ctx context.Context, id ListID) error
	// OldRecordings lists attempts that began before a time and have a recording.
	OldRecordings(ctx context.Context, before time.Time, cursor int64, limit int) (old []Attempt, next int64, err error)
	// ForgetRecordings notes that the recordings of attempts are gone.
	ForgetRecordings(ctx context.Context, ids []AttemptID) error
}

// Retention says what may be deleted.
type Retention struct {
	Before time.Time // what began, or changed last, at this time or later stays
	// Lists are those whose leads alone may be deleted; none: of all lists.
	Lists []ListID
	// Laws keep attempts, and the leads that were called, for longer: by what the
	// name of a region of the attempt begins with.
	Laws []KeepLaw
}

// Of says whether leads of a list may be deleted.
func (r Retention) Of(list ListID) bool {
	return len(r.Lists) == 0 || slices.Contains(r.Lists, list)
}

// KeepLaw asks to keep records of calls.
type KeepLaw struct {
	Region string // "US" is every region whose id is US or begins with US-
	Before time.Time
}
