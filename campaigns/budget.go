package campaigns

import (
	"context"
	"time"
)

// LiveBook is what a store does besides its contracts where several nodes dial for a
// campaign: it counts live answers and abandoned calls of all of them as they
// happen, long before their attempts end.
type LiveBook interface {
	// OpenLive gives the counts so far, by quarters of an hour, the oldest first. A
	// node that has the campaign alone makes the book of base, which is what the
	// attempts say; what an earlier book said is forgotten.
	OpenLive(ctx context.Context, c CampaignID, node string, base func() ([]LiveCount, error)) (LiveBookState, []LiveCount, error)
	// CountLive tells what a run has counted since it began, in all, and returns what
	// everybody has. Telling the same again changes nothing.
	CountLive(ctx context.Context, c CampaignID, run LiveRun) (LiveBookState, error)
}

// LiveRun is what the controller of one node has counted of a campaign.
type LiveRun struct {
	Run             string // random: one controller
	Book            string // that the run has seen; see LiveBookState
	Live, Abandoned int
	At              time.Time
}

// LiveBookState is what the runs of a book counted together.
type LiveBookState struct {
	Book            string // which one: a new one knows the runs before it by its base
	Version         int64  // rises with each count
	Live, Abandoned int    // besides the base
}

// BudgetLimit names the limit that nodes share out as the credit of a campaign; see
// Want.
func BudgetLimit(c CampaignID) string { return "budget/" + string(c) }
