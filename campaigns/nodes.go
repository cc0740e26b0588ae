package campaigns

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Nodes is what a store does besides its contracts where several processes share
// it: who of them is there. A node has its name by a lease, which runs by the
// clock of the store. Without one it places nothing; once it has been over for a
// while, another node settles what was left.
type Nodes interface {
	// Join gives m its name for a lease. *NodeTaken says who has it.
	Join(ctx context.Context, m Member, lease time.Duration) error
	// Renew makes the lease begin anew and gives the node its share of limits, in the
	// order of wants. ErrNodeLost means that the lease was over, or is somebody
	// else's: whoever goes on joins again, under another Term. nth counts the
	// renewals of a term from 1: what comes late is ignored.
	Renew(ctx context.Context, m Member, nth int64, lease time.Duration, wants []Want) ([]Share, error)
	// Leave gives the name back, with all shares. Where it is not m's any more, nothing changes.
	Leave(ctx context.Context, m Member) error
	// Members lists the nodes that joined and did not leave, by name.
	Members(ctx context.Context) ([]MemberState, error)
	// Show puts what a node does now where all nodes see it, for as long as it lasts.
	Show(ctx context.Context, node string, state []byte, lasts time.Duration) error
	// Shown is what the members show, by name; who shows nothing is left out.
	Shown(ctx context.Context) (map[string][]byte, error)
}

// ErrNodeLost means that a node does not have its name any more.
var ErrNodeLost = errors.New("campaigns: the lease of this node is over")

// Member is a process under the name of a node.
type Member struct {
	Node string
	// Term is random, new with each Join. Only who can read the store knows it, so it
	// is the secret between nodes as well: it is never shown, nor sent.
	Term string
	// Home is a place that only one living process can have, empty if there is none
	// such: who joins from the same one follows a dead process, and need not wait.
	Home  string
	About string // host and process, for people
	URL   string // where other nodes reach it over HTTP; empty: nowhere
	// For is the node that settles what Node left; empty: Node itself joins.
	For string
	// Over is how long the lease of who was there must have been over; 0: it is
	// enough that it is.
	Over time.Duration
}

// MemberState is a node as the store knows it.
type MemberState struct {
	Node, Term, About string
	For, URL          string        // see Member
	Left              time.Duration // until the lease is over; below zero: so long ago
}

// NodeTaken means that a name is somebody else's.
type NodeTaken struct{ MemberState }

func (e *NodeTaken) Error() string {
	if e.For != "" {
		return fmt.Sprintf("node %q is being settled by node %q", e.Node, e.For)
	}
	return fmt.Sprintf("another process is node %q on this store: %s", e.Node, e.About)
}

// Want is what a node asks of a limit that holds for all nodes together. The
// shares never add up to more than the limit, whichever nodes die or answers are
// lost: of what is lowered, a node counts with what it had until it says that it
// obeys.
type Want struct {
	Limit string  // its name
	Total float64 // the limit itself
	Need  float64 // how much of it the node has a use for now, at least 0
	Obeys float64 // what the node keeps to now: its last share, or what it has in use where that is more
	Whole bool    // shares are whole numbers
	// Lasts says that what the node has outlives its lease: calls that are up. It
	// counts until the node leaves or is settled; else until its lease is over.
	Lasts bool
	// Credit says that this is the credit of a campaign: it may be below zero, and
	// parts of it are in proportion to need. It was worked out from the book of live
	// answers at version AsOf; where others have counted since, the share stays what
	// the node obeys.
	Credit CampaignID
	AsOf   int64
}

// Share is what a node has of a limit until its lease is over.
type Share struct {
	Amount float64
	Nodes  int     // that share the limit
	Part   float64 // of what all need that this node needs, (0, 1]
	Stale  bool    // it stays what the node obeys; see Want.AsOf
}
