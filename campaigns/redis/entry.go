package redis

import (
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// dials says whether a campaign takes leads of a list, or this one because it
// was moved here.
func (p *plan) dials(list campaigns.ListID, e entry) bool {
	return e.moved || slices.Contains(p.campaign.Lists, list)
}

// place finds the queue of an entry: which segment, which window class (that of
// the number to dial) and which priority. An entry without a place keeps its
// time for when it has one again.
func (w *work) place(x *seat, e *entry) {
	p := w.plans.byID[e.campaign]
	if p == nil { // a campaign that does not exist (any more) dials nobody
		e.state, e.segment, e.priority = nowhere, "", 0
		return
	}
	n, ok := x.lead.NumberToDial(e.number)
	segment, priority, matches := p.matcher.Place(x.lead)
	if !ok || !matches || !p.dials(x.lead.List, *e) {
		e.state, e.segment, e.priority = nowhere, "", 0
		return
	}
	if !e.callbackAt.IsZero() {
		priority = campaigns.CallbackPriority
	}
	e.state, e.segment, e.priority, e.number = waiting, segment, priority, n.E164
	e.untried = p.campaign.QueueOf(segment, n.Window(), e.callback(), e.lastAttempt != "").New
}

// enter puts a lead into a campaign that it is not in.
func (w *work) enter(x *seat, c campaigns.CampaignID) {
	w.place(x, x.join(c, x.lead.CreatedAt))
}

// requeue finds the places of a lead again after it changed, where nobody holds
// it and it is not done.
func (w *work) requeue(x *seat) {
	for i := range x.entries {
		e := &x.entries[i]
		if !x.holds(*e) && e.state != done {
			w.place(x, e)
		}
	}
}

// putBack ends a claim or a call: the entry goes where its lead belongs now,
// which may have changed meanwhile.
func (w *work) putBack(x *seat, e *entry) {
	if x.holds(*e) {
		x.held = nil
	}
	w.place(x, e)
}

// finish takes an entry out of its campaign for good.
func (w *work) finish(x *seat, e *entry) {
	if x.holds(*e) {
		x.held = nil
	}
	e.state, e.segment = done, ""
}

// follow puts an entry where the next says.
func (w *work) follow(x *seat, c campaigns.CampaignID, next campaigns.Next, now time.Time) {
	if next.MoveTo != "" && next.MoveTo != c {
		w.moveTo(x, next, now)
		next.Done = true
	}
	e := x.entry(c)
	e.callbackAt, e.callbackUser = time.Time{}, ""
	if next.Done {
		w.finish(x, e)
		return
	}
	e.takeUp(next, now)
	w.putBack(x, e)
}

func (e *entry) takeUp(next campaigns.Next, now time.Time) {
	e.due, e.number = next.At, next.Number
	if e.due.IsZero() {
		e.due = now
	}
	if next.Callback != nil {
		e.callbackAt, e.callbackUser = next.Callback.At, next.Callback.User
	}
}

// moveTo puts a lead into another campaign, where it starts again even if it was
// done there. A campaign that does not exist (any more) takes nobody.
func (w *work) moveTo(x *seat, next campaigns.Next, now time.Time) {
	if w.plans.byID[next.MoveTo] == nil {
		return
	}
	e := x.join(next.MoveTo, now)
	if x.holds(*e) {
		return
	}
	e.moved = true
	e.takeUp(next, now)
	w.place(x, e)
}
