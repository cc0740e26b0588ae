package campaigns

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Rebuilder is a store that finds the places of leads again in the background after
// lists, segments or priorities of a campaign changed. Dialling goes on: the leads
// that come first are in their new queues at once, a lead that is still in an old
// queue is put into its new one when it is claimed, and claims of the old ones hold
// until they end.
type Rebuilder interface {
	// Rebuilds are those under way, by campaign.
	Rebuilds(ctx context.Context) ([]Rebuild, error)
	// AwaitRebuild returns when this process works on no rebuild of a campaign.
	AwaitRebuild(ctx context.Context, id CampaignID) error
}

// Rebuild is how far a rebuild is.
type Rebuild struct {
	Campaign CampaignID `json:"campaign"`
	Done     int64      `json:"done"`              // leads of the store gone through, as their ids count
	Total    int64      `json:"total"`             // of so many
	Problem  string     `json:"problem,omitempty"` // why it does not go on; it is tried again
}

// Share is how much is done, in [0, 1].
func (r Rebuild) Share() float64 {
	if r.Total <= 0 {
		return 1
	}
	return min(float64(r.Done)/float64(r.Total), 1)
}

// CampaignQueues is how the queues of a campaign are filled, and how far they are
// rebuilt where they are.
type CampaignQueues struct {
	Campaign CampaignID  `json:"campaign"`
	At       time.Time   `json:"at"`
	Queues   []QueueInfo `json:"queues"`
	Rebuild  *Rebuild    `json:"rebuild,omitempty"`
}

// ReadQueues reads the queues of a campaign of a store; ErrNotFound where it has no
// such campaign.
func ReadQueues(ctx context.Context, store Records, id CampaignID, now time.Time) (CampaignQueues, error) {
	view := CampaignQueues{Campaign: id, At: now, Queues: []QueueInfo{}}
	if _, err := store.Campaign(ctx, id); err != nil {
		return view, err
	}
	counts, ok := As[interface {
		Queues(ctx context.Context, c CampaignID, now time.Time) ([]QueueInfo, error)
	}](store)
	if !ok {
		return view, fmt.Errorf("this store has no queues: %w", errors.ErrUnsupported)
	}
	found, err := counts.Queues(ctx, id, now)
	if err != nil {
		return view, err
	}
	view.Queues = append(view.Queues, found...)
	rebuilder, ok := As[Rebuilder](store)
	if !ok {
		return view, nil
	}
	under, err := rebuilder.Rebuilds(ctx)
	for _, r := range under {
		if r.Campaign == id {
			view.Rebuild = &r
		}
	}
	return view, err
}
