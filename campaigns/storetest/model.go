package storetest

import (
	"cmp"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// model is a slow store in memory: what a store must do, said as plainly as
// possible. It knows leads, places and attempts; not lists, people or disks.
type model struct {
	leads      map[campaigns.LeadID]*campaigns.Lead
	places     []*modelPlace
	attempts   []*modelAttempt
	suppressed map[string]bool
	matchers   map[campaigns.CampaignID]*campaigns.Matcher
	campaigns  map[campaigns.CampaignID]campaigns.Campaign
}

// modelPlace is a lead in a campaign.
type modelPlace struct {
	lead     campaigns.LeadID
	campaign campaigns.CampaignID
	state    campaigns.EntryState
	segment  string
	priority float64
	number   string
	due      time.Time
	attempts int
	outcome  campaigns.Outcome
	lastAt   time.Time
	last     campaigns.AttemptID
	promise  *campaigns.Callback
	operator campaigns.UserID
	queue    campaigns.QueueID
	claim    campaigns.Claim // the present one, where claimed
	fence    int64           // the highest seen
}

type modelAttempt struct {
	id      campaigns.AttemptID
	place   *modelPlace
	number  string
	node    string
	began   time.Time
	ended   bool
	outcome campaigns.Outcome
	counts  bool
}

func newModel(leads []campaigns.Lead, cs []campaigns.Campaign) (*model, error) {
	m := &model{leads: map[campaigns.LeadID]*campaigns.Lead{}, suppressed: map[string]bool{}, matchers: map[campaigns.CampaignID]*campaigns.Matcher{},
		campaigns: map[campaigns.CampaignID]campaigns.Campaign{}}
	for _, c := range cs {
		matcher, err := c.Matcher()
		if err != nil {
			return nil, err
		}
		m.matchers[c.ID], m.campaigns[c.ID] = matcher, c
	}
	for _, l := range leads {
		m.leads[l.ID] = &l
		for _, c := range cs {
			p := &modelPlace{lead: l.ID, campaign: c.ID, due: l.CreatedAt}
			m.put(p)
			m.places = append(m.places, p)
		}
	}
	return m, nil
}

// put finds where a place belongs now.
func (m *model) put(p *modelPlace) {
	l := m.leads[p.lead]
	n, ok := l.NumberToDial(p.number)
	segment, priority, matches := m.matchers[p.campaign].Place(*l)
	if !ok || !matches {
		p.state, p.segment, p.priority = campaigns.EntryNone, "", 0
		return
	}
	if p.promise != nil {
		priority = campaigns.CallbackPriority
	}
	p.state, p.segment, p.priority, p.number = campaigns.EntryWaiting, segment, priority, n.E164
	p.queue = m.campaigns[p.campaign].QueueOf(segment, n.Window(), p.promise, p.last != "")
}

func (m *model) place(id campaigns.LeadID, c campaigns.CampaignID) *modelPlace {
	i := slices.IndexFunc(m.places, func(p *modelPlace) bool { return p.lead == id && p.campaign == c })
	return m.places[i]
}

// claimable says whether a place may be claimed.
func (m *model) claimable(p *modelPlace, now time.Time) bool {
	if p.state != campaigns.EntryWaiting || p.due.After(now) {
		return false
	}
	return !slices.ContainsFunc(m.places, func(o *modelPlace) bool {
		return o.lead == p.lead && (o.state == campaigns.EntryClaimed || o.state == campaigns.EntryCalling)
	})
}

// best are the places that a claim should give, best first.
func (m *model) best(q campaigns.ClaimRequest) []*modelPlace {
	var all []*modelPlace
	for _, p := range m.places {
		if slices.Contains(q.Queues, p.queue) && m.claimable(p, q.Due()) {
			all = append(all, p)
		}
	}
	slices.SortStableFunc(all, func(a, b *modelPlace) int {
		return cmp.Or(cmp.Compare(b.priority, a.priority), a.due.Compare(b.due))
	})
	return all
}

// choose says why a chosen lead may not be claimed; else where it belongs now, and which
// number of it is dialled.
func (m *model) choose(p *modelPlace, number string) (modelPlace, campaigns.Number, campaigns.RefusalReason) {
	taken := slices.ContainsFunc(m.places, func(o *modelPlace) bool {
		return o.lead == p.lead && (o.state == campaigns.EntryClaimed || o.state == campaigns.EntryCalling)
	})
	now := *p
	switch {
	case taken:
		return now, campaigns.Number{}, campaigns.RefusedTaken
	case p.state == campaigns.EntryDone:
		return now, campaigns.Number{}, campaigns.RefusedDone
	}
	m.put(&now)
	n, ok := m.leads[p.lead].NumberToDial(cmp.Or(number, now.number))
	switch {
	case !ok || now.state != campaigns.EntryNone && number != "" && n.E164 != number:
		return now, n, campaigns.RefusedGone
	case now.state == campaigns.EntryNone:
		return now, n, campaigns.RefusedPlace
	}
	return now, n, ""
}

// holds says whether a claim is still good.
func (m *model) holds(c campaigns.Claim) bool {
	p := m.place(c.Lead.ID, c.Queue.Campaign)
	return p.state == campaigns.EntryClaimed && p.claim.Fence == c.Fence
}

// persons are the times of counting attempts to the person of a lead.
func (m *model) persons(id campaigns.LeadID, after time.Time) []time.Time {
	var times []time.Time
	for _, a := range m.attempts {
		theirs := a.place.lead == id || slices.ContainsFunc(m.leads[id].Numbers, func(n campaigns.Number) bool { return n.E164 == a.number })
		if theirs && a.counts && a.began.After(after) {
			times = append(times, a.began)
		}
	}
	slices.SortFunc(times, time.Time.Compare)
	return times
}

// begin says what Begin must: an error, a refusal, or neither.
func (m *model) begin(in campaigns.Intent) (*campaigns.Refusal, error) {
	if !m.holds(in.Claim) || in.At.After(in.Claim.Until) {
		return nil, campaigns.ErrStale
	}
	p := m.place(in.Claim.Lead.ID, in.Claim.Queue.Campaign)
	if r := m.refusal(p, in); r != nil {
		p.state = campaigns.EntryDone
		if !r.Next.IsZero() {
			if r.Next.After(p.due) {
				p.due = r.Next
			}
			m.put(p)
		}
		return r, nil
	}
	p.state, p.last = campaigns.EntryCalling, in.Attempt
	m.attempts = append(m.attempts, &modelAttempt{id: in.Attempt, place: p, number: in.Claim.Number.E164, node: in.Claim.Node, began: in.At, counts: true})
	return nil, nil
}

func (m *model) refusal(p *modelPlace, in campaigns.Intent) *campaigns.Refusal {
	number := in.Claim.Number.E164
	n, ok := m.leads[p.lead].NumberToDial(number)
	if !ok {
		return &campaigns.Refusal{Reason: campaigns.RefusedGone}
	}
	if n.E164 != number {
		return &campaigns.Refusal{Reason: campaigns.RefusedGone, Next: in.At}
	}
	for _, a := range m.attempts {
		if a.number == number && !a.ended {
			return &campaigns.Refusal{Reason: campaigns.RefusedLocked, Next: in.At.Add(time.Minute)}
		}
	}
	if m.suppressed[number] {
		return &campaigns.Refusal{Reason: campaigns.RefusedDoNotCall}
	}
	var free time.Time
	for _, c := range in.Caps {
		times := m.persons(p.lead, in.At.Add(-c.Period))
		if len(times) < c.N {
			continue
		}
		if at := times[len(times)-c.N].Add(c.Period); at.After(free) {
			free = at
		}
	}
	if free.IsZero() {
		return nil
	}
	return &campaigns.Refusal{Reason: campaigns.RefusedCap, Next: free}
}

func (m *model) end(a *modelAttempt, e campaigns.Ending) {
	if a.ended {
		return
	}
	a.ended, a.outcome, a.counts = true, e.Outcome, e.Count
	if e.BadNumber {
		for _, l := range m.leads {
			markBad(l, a.number)
		}
	}
	if e.Suppress {
		m.suppressed[a.number] = true
	}
	p := a.place
	if e.Count {
		p.attempts++
	}
	p.outcome, p.lastAt, p.operator = e.Outcome, e.At, cmp.Or(e.Operator, p.operator)
	m.follow(p, e.Next, e.At)
}

func markBad(l *campaigns.Lead, number string) {
	l.Numbers = slices.Clone(l.Numbers)
	for i := range l.Numbers {
		if l.Numbers[i].E164 == number {
			l.Numbers[i].Bad = true
		}
	}
}

func (m *model) follow(p *modelPlace, next campaigns.Next, now time.Time) {
	p.promise = next.Callback
	if next.Done {
		p.promise = nil
		p.state = campaigns.EntryDone
		return
	}
	p.due, p.number = next.At, next.Number
	if p.due.IsZero() {
		p.due = now
	}
	m.put(p)
}

func (m *model) dispose(a *modelAttempt, d campaigns.Disposal) {
	l := m.leads[a.place.lead]
	l.Grades = d.Grades
	if d.BadNumber {
		markBad(l, a.number)
	}
	if d.Suppress {
		for _, n := range l.Numbers {
			m.suppressed[n.E164] = true
		}
	}
	if a.place.last == a.id && a.place.state != campaigns.EntryCalling {
		m.follow(a.place, d.Next, d.At)
	}
	for _, p := range m.places {
		if p.lead == l.ID && (p.state == campaigns.EntryWaiting || p.state == campaigns.EntryNone) {
			m.put(p)
		}
	}
}

// reclaim gives claims back and says how many.
func (m *model) reclaim(node string, now time.Time) int {
	n := 0
	for _, p := range m.places {
		if p.state == campaigns.EntryClaimed && (p.claim.Until.Before(now) || (node != "" && p.claim.Node == node)) {
			m.put(p)
			n++
		}
	}
	return n
}
