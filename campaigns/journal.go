package campaigns

import (
	"context"
	"time"
)

// JournalLine is one fact that must outlive the store: a copy of the store that
// is put back has forgotten what came after it. Exactly one field is set.
type JournalLine struct {
	Begun      *Begun       `json:"begun,omitempty"`
	Ended      *Ending      `json:"ended,omitempty"`
	Disposed   *Disposal    `json:"disposed,omitempty"`
	Suppressed *Suppression `json:"suppressed,omitempty"`
	Allowed    string       `json:"allowed,omitempty"` // E.164 taken off do-not-call
}

// Begun is an attempt that was allowed: from here on it may be dialled.
type Begun struct {
	Attempt  AttemptID  `json:"attempt"`
	Lead     LeadID     `json:"lead"`
	Campaign CampaignID `json:"campaign"`
	Segment  string     `json:"segment"`
	Number   string     `json:"number"`
	Node     string     `json:"node"`
	Trunk    string     `json:"trunk"`
	CallerID string     `json:"caller_id"`
	Decision Decision   `json:"decision"`
	Inbound  bool       `json:"inbound,omitempty"`
	At       time.Time  `json:"at"`
}

// JournalMark is a place in a journal: everything before it is in the store.
type JournalMark struct {
	Journal string // which one; empty: none yet
	Segment int
	Offset  int64 // in the segment, in bytes
}

// Replayed says what a replay changed.
type Replayed struct {
	Attempts int                // that the store had forgotten
	Strange  map[CampaignID]int // of them, to people whom the store does not know
}

// Replayer is a store that a journal can bring up to date.
type Replayer interface {
	// JournalMark is the mark that SetJournalMark kept last.
	JournalMark(ctx context.Context) (JournalMark, error)
	SetJournalMark(ctx context.Context, m JournalMark) error
	// Replay writes what lines say where it is not there yet. What is there
	// stays, so the same lines may come again.
	Replay(ctx context.Context, lines []JournalLine) (Replayed, error)
}

// As finds what a store can do besides its contracts, also where another store
// is wrapped around it.
func As[T any](store any) (T, bool) {
	for {
		if can, ok := store.(T); ok {
			return can, true
		}
		wrapped, ok := store.(interface{ Unwrap() any })
		if !ok {
			var none T
			return none, false
		}
		store = wrapped.Unwrap()
	}
}
