package hopper

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Status is what a hopper holds and what the store has behind it, as of the
// last look (at most a second ago while Run runs).
type Status struct {
	Held         int       // leads at hand
	QueuesOpen   int       // inside their calling window
	QueuesClosed int       // outside
	Ready        int       // due now, in open queues, not at hand
	Promised     int       // due now, in open queues, promised by operators who have not come to them
	Closed       int       // due now, in closed queues
	Waiting      int       // due later
	Closes       time.Time // when the last window of leads that may be dialled now closes; zero if unknown or none is open
	NextOpen     time.Time // when the first closed queue with leads opens; zero if none
	NextDue      time.Time // when the first waiting lead of an open queue is due; zero if none
	Empty        Reason    // why Held is 0; "" where it is not
	Err          error     // of the store, at the last look
}

// Reason is why a hopper is empty.
type Reason string

// The reasons, in the order of asking.
const (
	NotLookedYet    Reason = "not_looked_yet"
	StoreFailed     Reason = "store_failed"     // see Status.Err
	CampaignStopped Reason = "campaign_stopped" // or paused, held, drained
	NoLeads         Reason = "no_leads"         // all done, or none matches a segment
	WindowsClosed   Reason = "windows_closed"   // see Status.NextOpen
	NoneDue         Reason = "none_due"         // see Status.NextDue
	ForOperators    Reason = "for_operators"    // all that is due was promised by operators who have not come to it
	HeldElsewhere   Reason = "held_elsewhere"   // due, but other campaigns or nodes have them
	Filling         Reason = "filling"          // leads are due and will be at hand with the next look
)

// Status says how full the hopper is, and why it is empty where it is.
func (h *Hopper) Status() Status {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.seen
	s.Held = h.held()
	if s.Held > 0 {
		s.Empty = ""
	}
	return s
}

func (s *Status) count(q campaigns.QueueInfo, open bool, until, opens time.Time) {
	s.Waiting += q.Waiting
	if !open {
		s.QueuesClosed++
		s.Closed += q.Ready
		s.NextOpen = earlier(s.NextOpen, opens)
		return
	}
	s.closes(until)
	s.QueuesOpen++
	s.Ready += q.Ready
	s.NextDue = earlier(s.NextDue, q.NextDue)
}

// closes counts an open window.
func (s *Status) closes(until time.Time) {
	if until.After(s.Closes) {
		s.Closes = until
	}
}

// earlier is the earlier of two times; zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func (s *Status) why() Reason {
	switch {
	case s.QueuesOpen+s.QueuesClosed == 0:
		return NoLeads
	case s.QueuesOpen == 0:
		return WindowsClosed
	case s.Ready == 0 && s.Promised > 0:
		return ForOperators
	case s.Ready == 0 && s.Closed > 0 && s.NextDue.IsZero():
		return WindowsClosed
	case s.Ready == 0:
		return NoneDue
	}
	return Filling
}
