package campaigns

import "fmt"

// Duty says that an operator is on duty at a node, or is not any more. Where several
// processes share a store, somebody is on duty at one of them at a time; the duty is
// over with the term of the node at the latest.
type Duty struct {
	User       UserID
	Node, Term string // see Member
	// Nth counts what the node says of duties in a term: what comes late changes
	// nothing.
	Nth int64
	On  bool
}

// OnDutyElsewhere means that an operator is on duty at another node, whose lease
// runs.
type OnDutyElsewhere struct {
	User UserID
	Node string
}

func (e *OnDutyElsewhere) Error() string {
	return fmt.Sprintf("operator %q is on duty at node %q: go off duty there first, or try again in some seconds where it is dead", e.User, e.Node)
}

// Unwrap says that it is a conflict.
func (*OnDutyElsewhere) Unwrap() error { return ErrConflict }
