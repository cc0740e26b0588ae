package dialer

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
)

// shift is how tired an operator is. It begins rested with every sign-in: after
// a restart of the product too, because occupancy is bounded anew from the first
// call on, and signing in again takes longer than a breath.
type shift struct {
	rest   pacing.Rest    // up to since
	state  operator.State // since then
	since  time.Time
	worked time.Time // when the work on the last call ended; zero: no call yet
	until  time.Time // no call before; zero: none is too early
}

// works says whether a state counts as work on a call.
func works(s operator.State) bool {
	return s == operator.Reserved || s == operator.Talking || s == operator.Wrapping
}

// book books the time of the state that ended.
func (s *shift) book(now time.Time, state operator.State) {
	if state == s.state {
		return
	}
	switch {
	case works(s.state):
		s.rest.Spent(now.Sub(s.since), true)
		if !works(state) {
			s.worked = now
		}
	case s.state == operator.Ready:
		s.rest.Spent(now.Sub(s.since), false)
	}
	if state == operator.Offline {
		*s = shift{}
	}
	s.state, s.since = state, now
}

// rested is when an operator who is ready may take the next call. The breath
// counts from the end of the work, so that a pause is one; occupancy is that of
// the time without pauses.
func (s *shift) rested(f pacing.Fatigue) time.Time {
	if s.worked.IsZero() {
		return time.Time{}
	}
	occupied := s.rest.Until(s.since, pacing.Fatigue{MaxOccupancy: f.MaxOccupancy})
	if breath := s.worked.Add(f.MinBreath); breath.After(occupied) {
		return breath
	}
	return occupied
}

// fatigue are the bounds of a campaign.
func fatigue(p campaigns.Pacing) pacing.Fatigue {
	return pacing.Fatigue{MaxOccupancy: p.MaxOccupancy, MinBreath: p.Breath()}
}

// resting says whether an operator takes no call yet.
func (o *liveOperator) resting(now time.Time) bool { return now.Before(o.shift.until) }

// followRest books what an operator did, and finds until when they rest, by the
// bounds of their campaign as they are now.
func (e *Engine) followRest(now time.Time, o *liveOperator) {
	o.shift.book(now, o.State())
	o.shift.until = time.Time{}
	r := e.campaigns[o.campaign]
	if r == nil || o.State() != operator.Ready {
		return
	}
	until := o.shift.rested(fatigue(r.Pacing))
	if !until.After(now) {
		return
	}
	o.shift.until = until
	e.after(until.Sub(now), func(now time.Time) {
		if o.shift.until.Equal(until) { // else another rest, or none
			e.restOver(now, o)
		}
	})
}

// restOver hands the operator out again: pacing need not wait for the tick.
func (e *Engine) restOver(now time.Time, o *liveOperator) {
	o.shift.until = time.Time{}
	e.offerPreview(now, o)
	e.tellOperator(now, o)
	e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
}

// Who waits is given to an operator who rests so long before they would be lost;
// handOver is how long the customer of a broken leg waits for that.
const (
	lastMoment = 250 * time.Millisecond
	handOver   = 2 * time.Second
)

// lostAt is from when on a person who waits is given to an operator who rests.
func lostAt(c *liveCall) time.Time {
	switch c.State() {
	case call.Stranded:
		return c.Since().Add(handOver)
	case call.Waiting:
		return c.Since().Add(ServedInTime)
	}
	return c.ConnectBy().Add(-lastMoment)
}

// leastTired is the operator of a campaign whose rest ends soonest. The law and
// the customer come first: a person who would be abandoned otherwise is not, and
// the operator rests after that call.
func (e *Engine) leastTired(now time.Time, r *campaignRun) (string, bool) {
	soonest := ""
	e.ready.First(func(user string) bool {
		o := e.operators[user]
		if o.campaign == r.ID && (soonest == "" || o.shift.until.Before(e.operators[soonest].shift.until)) {
			soonest = user
		}
		return false
	})
	if soonest == "" {
		return "", false
	}
	e.deps.Observer.Notice(RestBroken{At: now, Campaign: r.ID, Left: e.operators[soonest].shift.until.Sub(now)})
	return soonest, true
}
