package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// The states of an entry, as they are kept. Waiting and ready are both
// campaigns.EntryWaiting: ready says that the time has come.
const (
	waiting = 0
	ready   = 1
	claimed = 2
	calling = 3
	done    = 4
	nowhere = 5 // no segment matches, or no number may be dialled
)

var stateNames = map[int]campaigns.EntryState{
	waiting: campaigns.EntryWaiting, ready: campaigns.EntryWaiting, claimed: campaigns.EntryClaimed,
	calling: campaigns.EntryCalling, done: campaigns.EntryDone, nowhere: campaigns.EntryNone,
}

// entry is the place of a lead in a campaign.
type entry struct {
	there        bool // in the store
	lead         campaigns.LeadID
	campaign     campaigns.CampaignID
	key          int64 // the word of campaign
	queue        int64
	state        int
	rank         float64
	due          time.Time
	number       string
	fence        int64
	attempts     int
	lastAttempt  campaigns.AttemptID
	lastOutcome  campaigns.Outcome
	lastAt       time.Time
	callbackAt   time.Time
	callbackUser campaigns.UserID
	operator     campaigns.UserID // who talked to it last
	moved        bool
}

const entryColumns = `lead, campaign, queue, state, rank, due_at, number, fence, attempts, last_attempt, last_outcome, last_at, callback_at, callback_user, last_operator, moved`

func scanEntry(r scanner) (entry, error) {
	var e entry
	var due, last, callback int64
	var number e164
	err := r.Scan(&e.lead, &e.key, &e.queue, &e.state, &e.rank, &due, &number, &e.fence, &e.attempts,
		&e.lastAttempt, &e.lastOutcome, &last, &callback, &e.callbackUser, &e.operator, &e.moved)
	e.there, e.number = true, string(number)
	e.due, e.lastAt, e.callbackAt = moment(due), moment(last), moment(callback)
	return e, err
}

// entries reads the entries of a query that selects entryColumns.
func entries(s *statements, query string, a ...any) ([]entry, error) {
	all, err := list(s, scanEntry, query, a...)
	if err != nil {
		return nil, err
	}
	for i := range all {
		campaign, err := s.wordOf(all[i].key)
		if err != nil {
			return nil, err
		}
		all[i].campaign = campaigns.CampaignID(campaign)
	}
	return all, nil
}

func (e entry) callback() *campaigns.Callback {
	if e.callbackAt.IsZero() {
		return nil
	}
	return &campaigns.Callback{At: e.callbackAt, User: e.callbackUser}
}

// held says whether somebody has the lead: it stays as it is until that ends.
func (e entry) held() bool { return e.state == claimed || e.state == calling }

// findEntry reads the entry of a lead in a campaign; not there where there is none.
func findEntry(s *statements, lead campaigns.LeadID, c campaigns.CampaignID) (entry, error) {
	key, err := s.numberOf(string(c))
	if err != nil || key == unknownWord {
		return entry{}, err
	}
	st, err := s.prepare(`SELECT ` + entryColumns + ` FROM entry WHERE lead = ? AND campaign = ?`)
	if err != nil {
		return entry{}, err
	}
	e, err := scanEntry(st.QueryRow(int64(lead), key))
	if errors.Is(err, sql.ErrNoRows) {
		return entry{}, nil
	}
	if err != nil {
		return entry{}, fmt.Errorf("read entry of lead %d in %s: %w", lead, c, err)
	}
	e.campaign = c
	return e, nil
}

func entriesOf(s *statements, lead campaigns.LeadID) ([]entry, error) {
	all, err := entries(s, `SELECT `+entryColumns+` FROM entry WHERE lead = ?`, int64(lead))
	slices.SortFunc(all, func(a, b entry) int { return strings.Compare(string(a.campaign), string(b.campaign)) })
	return all, err
}

// saveEntry writes an entry back. The fence rises with every write, so that a
// claim that is held elsewhere is over.
func (w *writer) saveEntry(e entry) error {
	_, err := w.exec(`UPDATE entry SET queue = ?, state = ?, rank = ?, due_at = ?, number = ?, fence = fence + 1, node = '', lease_until = 0,
		attempts = ?, last_attempt = ?, last_outcome = ?, last_at = ?, callback_at = ?, callback_user = ?, last_operator = ?, moved = ? WHERE lead = ? AND campaign = ?`,
		e.queue, e.state, e.rank, stamp(e.due), phone(e.number), e.attempts, string(e.lastAttempt), string(e.lastOutcome), stamp(e.lastAt),
		stamp(e.callbackAt), string(e.callbackUser), string(e.operator), e.moved, int64(e.lead), e.key)
	if err != nil {
		return fmt.Errorf("save entry of lead %d in %s: %w", e.lead, e.campaign, err)
	}
	return nil
}

// place finds the queue of a lead in a campaign: which segment, which window
// class (that of the number to dial) and which rank. An entry without a place
// keeps its time for when it has one again.
func (w *writer) place(e *entry, l campaigns.Lead, p *plan, state int) error {
	n, ok := l.NumberToDial(e.number)
	segment, priority, matches := p.matcher.Place(l)
	if !ok || !matches || !p.dials(l.List, *e) {
		e.state, e.queue, e.rank = nowhere, 0, 0
		return nil
	}
	if !e.callbackAt.IsZero() {
		priority = campaigns.CallbackPriority
	}
	queue, err := w.queueID(p.campaign.QueueOf(segment, n.Window(), e.callback(), e.lastAttempt != ""))
	if err != nil {
		return err
	}
	e.state, e.queue, e.rank, e.number = state, queue, -priority, n.E164
	return nil
}

// dueState is ready or waiting.
func dueState(due, now time.Time) int {
	if due.After(now) {
		return waiting
	}
	return ready
}

// queueID returns the key of a queue, making it where there is none yet.
func (w *writer) queueID(q campaigns.QueueID) (int64, error) {
	if id, ok := w.queues[q]; ok {
		return id, nil
	}
	key := args(string(q.Campaign), q.Segment, string(q.Window), q.New, string(q.Operator))
	var id int64
	err := w.get(`SELECT id FROM queue WHERE campaign = ? AND segment = ? AND window_class = ? AND untried = ? AND operator = ?`, key, &id)
	if errors.Is(err, sql.ErrNoRows) {
		err = w.get(`INSERT INTO queue (campaign, segment, window_class, untried, operator) VALUES (?, ?, ?, ?, ?) RETURNING id`, key, &id)
	}
	if err != nil {
		return 0, fmt.Errorf("queue %v: %w", q, err)
	}
	w.queues[q] = id
	return id, nil
}

// addEntries puts leads into campaigns that they are not in.
func (w *writer) addEntries(leads []campaigns.Lead, plans []*plan, now time.Time) error {
	added := make([]entry, 0, len(leads)*len(plans))
	for _, p := range plans {
		for _, l := range leads {
			e := entry{lead: l.ID, campaign: p.campaign.ID, due: l.CreatedAt}
			if err := w.place(&e, l, p, dueState(e.due, now)); err != nil {
				return err
			}
			added = append(added, e)
		}
	}
	return w.insertEntries(added...)
}

// insertEntries adds new entries and counts them in their queues.
func (w *writer) insertEntries(added ...entry) error {
	const columns = 8
	values := make([]any, 0, len(added)*columns)
	type count struct{ ready, waiting int }
	counts := map[int64]count{}
	for _, e := range added {
		key, err := w.number(string(e.campaign))
		if err != nil {
			return err
		}
		values = append(values, int64(e.lead), key, e.queue, e.state, e.rank, stamp(e.due), phone(e.number), e.moved)
		c := counts[e.queue]
		switch e.state {
		case ready:
			c.ready++
		case waiting:
			c.waiting++
		}
		counts[e.queue] = c
	}
	_, err := w.insertRows(`INSERT OR FAIL INTO entry (lead, campaign, queue, state, rank, due_at, number, moved)`, "", columns, values)
	if err != nil {
		return fmt.Errorf("add leads to campaigns: %w", err)
	}
	for queue, c := range counts {
		if c == (count{}) {
			continue
		}
		if _, err := w.exec(`UPDATE queue SET ready = ready + ?, waiting = waiting + ? WHERE id = ?`, c.ready, c.waiting, queue); err != nil {
			return err
		}
	}
	return nil
}

// requeueLead finds the places of a lead again in all its campaigns, after the
// lead changed.
func (w *writer) requeueLead(id campaigns.LeadID, now time.Time) error {
	l, err := loadLead(w.statements, id)
	if err != nil {
		return err
	}
	entries, err := entriesOf(w.statements, id)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := w.requeue(e, l, now); err != nil {
			return err
		}
	}
	return nil
}

// requeue finds the place of an entry that nobody holds and that is not done.
func (w *writer) requeue(e entry, l campaigns.Lead, now time.Time) error {
	if e.held() || e.state == done {
		return nil
	}
	p, err := w.planOf(e.campaign)
	if err != nil {
		return err
	}
	state := e.state
	if state == nowhere {
		// Its time may still come: a waiting entry is made ready when it has.
		state = waiting
		if e.attempts == 0 && e.due.Equal(l.CreatedAt) {
			state = dueState(e.due, now)
		}
	}
	before := e
	if err := w.place(&e, l, p, state); err != nil || e == before {
		return err
	}
	return w.saveEntry(e)
}

// putBack ends a claim or a call: the entry goes where its lead belongs now,
// which may have changed meanwhile.
func (w *writer) putBack(e *entry, state int) error {
	l, err := loadLead(w.statements, e.lead)
	if err != nil {
		return err
	}
	p, err := w.planOf(e.campaign)
	if err != nil {
		return err
	}
	if err := w.place(e, l, p, state); err != nil {
		return err
	}
	return w.saveEntry(*e)
}

// follow puts an entry where the next says.
func (w *writer) follow(e *entry, next campaigns.Next, now time.Time) error {
	e.callbackAt, e.callbackUser = time.Time{}, ""
	if next.MoveTo != "" && next.MoveTo != e.campaign {
		if err := w.join(e.lead, next, now); err != nil {
			return err
		}
		next.Done = true
	}
	if next.Done {
		e.state, e.queue = done, 0
		return w.saveEntry(*e)
	}
	e.due = next.At
	if e.due.IsZero() {
		e.due = now
	}
	e.number = next.Number
	if next.Callback != nil {
		e.callbackAt, e.callbackUser = next.Callback.At, next.Callback.User
	}
	return w.putBack(e, dueState(e.due, now))
}

// join puts a lead into another campaign, where it starts again even if it was
// done there. A campaign that does not exist (any more) takes nobody.
func (w *writer) join(lead campaigns.LeadID, next campaigns.Next, now time.Time) error {
	p, err := w.planOf(next.MoveTo)
	if errors.Is(err, campaigns.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	l, err := loadLead(w.statements, lead)
	if err != nil {
		return err
	}
	e, err := findEntry(w.statements, lead, next.MoveTo)
	if err != nil || e.held() {
		return err
	}
	e.lead, e.campaign, e.moved, e.number = lead, next.MoveTo, true, next.Number
	e.due = next.At
	if e.due.IsZero() {
		e.due = now
	}
	if next.Callback != nil {
		e.callbackAt, e.callbackUser = next.Callback.At, next.Callback.User
	}
	if err := w.place(&e, l, p, dueState(e.due, now)); err != nil {
		return err
	}
	if !e.there {
		if err := w.insertEntries(entry{lead: lead, campaign: next.MoveTo, state: nowhere, due: e.due}); err != nil {
			return err
		}
		if e.key, err = w.number(string(next.MoveTo)); err != nil {
			return err
		}
	}
	return w.saveEntry(e)
}
