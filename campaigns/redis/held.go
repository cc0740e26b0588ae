package redis

import (
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// held is who has a lead now. A lead has at most one, whichever campaign it is
// for: that is what makes a claim exclusive.
type held struct {
	calling bool // begun; else claimed
	fence   int64
	until   time.Time // end of the lease
	node    string
	queue   campaigns.QueueID
	attempt campaigns.AttemptID // where begun
}

func (s *Store) heldKey(shard int) string { return s.keys.leads(shard) + "held" }

// String is the form in which it is kept; take.lua writes the same.
func (h held) String() string {
	state := "claimed"
	if h.calling {
		state = "calling"
	}
	return strings.Join([]string{state, strconv.FormatInt(h.fence, 10), strconv.FormatInt(stamp(h.until), 10), h.node,
		string(h.queue.Campaign), h.queue.Segment, windowName(h.queue), string(h.attempt)}, "\x1f")
}

// parseHeld reads what String made; nil where nobody has the lead.
func parseHeld(text string) *held {
	f := strings.Split(text, "\x1f")
	if len(f) != 8 {
		return nil
	}
	fence, _ := strconv.ParseInt(f[1], 10, 64) // ours and take.lua's own writing
	until, _ := strconv.ParseInt(f[2], 10, 64)
	queue := campaigns.QueueID{Campaign: campaigns.CampaignID(f[4]), Segment: f[5]}
	readWindowName(f[6], &queue)
	return &held{
		calling: f[0] == "calling", fence: fence, until: moment(until), node: f[3], attempt: campaigns.AttemptID(f[7]),
		queue: queue,
	}
}

// by says whether a claim is the one that holds the lead. The node is asked too: a
// fence that was lost with a master may be given again.
func (h *held) by(c campaigns.Claim) bool {
	return h != nil && !h.calling && h.queue.Campaign == c.Queue.Campaign && h.fence == c.Fence && h.node == c.Node
}
