package campaigns

import (
	"context"
	"time"
)

// Counter is a store that can count a campaign for a waterfall.
type Counter interface {
	// Census counts the leads of a campaign. Each is counted once, as it is at one
	// moment; that of all together may be as long as it takes to go through them, where
	// there are many nodes. Leads that were called since a time are given one by one.
	Census(ctx context.Context, c CampaignID, since, now time.Time) (Census, error)
}

// Census is how the leads of a campaign stand.
type Census struct {
	Total int
	Done  int // no further attempts in this campaign
	// DoneAfter are those that are done by the outcome of their last attempt; "" where
	// there was none.
	DoneAfter map[Outcome]int
	Nowhere   int         // no segment matches, or no number may be dialled
	Queues    []QueueInfo // the others that wait, by queue
	// Special are those of which more must be known: held by somebody, called
	// lately, or on do-not-call, in no order. Who waits among them is counted in Queues as well.
	Special []Standing
}

// Standing is a lead in a campaign that is not done.
type Standing struct {
	Entry      Entry // without ByOutcome
	Suppressed bool  // its number is on do-not-call
	Held       bool  // somebody else has claimed or calls the lead or its number
	// Attempts are the times of attempts that count against caps, oldest first.
	Attempts    []time.Time
	LastOutcome Outcome   // of the last attempt on the lead in any campaign
	LastAt      time.Time // its end
}
