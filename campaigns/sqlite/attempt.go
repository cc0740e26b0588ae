package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Begin makes an attempt durable; see campaigns.Store. A claim whose lease ran
// out is stale, even if nobody took it yet.
func (s *Store) Begin(ctx context.Context, in campaigns.Intent) error {
	var refusal *campaigns.Refusal
	err := s.write(ctx, "begin", func(w *writer) error {
		var err error
		refusal, err = w.begin(in)
		return err
	})
	if err == nil && refusal != nil {
		return refusal
	}
	return err
}

func (w *writer) begin(in campaigns.Intent) (*campaigns.Refusal, error) {
	if in.Inbound {
		return nil, w.receive(in)
	}
	campaign, err := w.numberOf(string(in.Claim.Queue.Campaign))
	if err != nil {
		return nil, err
	}
	refusal, err := w.gates(in, campaign)
	if err != nil {
		return nil, err
	}
	if refusal != nil {
		return refusal, w.refuse(in.Claim, refusal, in.At)
	}
	if err := w.addAttempt(in); err != nil {
		return nil, err
	}
	_, err = w.exec(`UPDATE entry SET state = 3, last_attempt = ? WHERE lead = ? AND campaign = ?`, string(in.Attempt), int64(in.Claim.Lead.ID), campaign)
	return nil, err
}

func (w *writer) addAttempt(in campaigns.Intent) error {
	decision, err := json.Marshal(in.Decision)
	if err != nil {
		return err
	}
	n, err := w.exec(`INSERT INTO attempt (id, lead, campaign, segment, number, node, trunk, caller_id, decision, dialog, began_at, inbound, counts)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING`,
		string(in.Attempt), int64(in.Claim.Lead.ID), string(in.Claim.Queue.Campaign), in.Claim.Queue.Segment, in.Claim.Number.E164, in.Claim.Node,
		in.Trunk, in.CallerID, string(decision), in.Dialog, stamp(in.At), in.Inbound, !in.Inbound)
	if err != nil {
		return fmt.Errorf("begin attempt %s: %w", in.Attempt, err)
	}
	if n == 0 {
		return fmt.Errorf("attempt %s was begun before: %w", in.Attempt, campaigns.ErrConflict)
	}
	return nil
}

// refuse ends a claim whose attempt may not begin.
func (w *writer) refuse(c campaigns.Claim, r *campaigns.Refusal, now time.Time) error {
	e, err := findEntry(w.statements, c.Lead.ID, c.Queue.Campaign)
	if err != nil {
		return err
	}
	if r.Next.IsZero() {
		e.state, e.queue = done, 0
		return w.saveEntry(e)
	}
	if r.Next.After(e.due) { // a lead that was chosen may have been claimed before its time
		e.due = r.Next
	}
	return w.putBack(&e, dueState(e.due, now))
}

// gates asks everything that may forbid the call. nil allows it; the error is
// campaigns.ErrStale where the claim is over.
func (w *writer) gates(in campaigns.Intent, campaign int64) (*campaigns.Refusal, error) {
	lead, number := campaigns.Lead{ID: in.Claim.Lead.ID}, in.Claim.Number.E164
	var held bool
	var called, calling, suppressed sql.NullString // calling: the person may be calling us from another number
	err := w.get(`SELECT EXISTS (SELECT 1 FROM entry WHERE lead = ?1 AND campaign = ?2 AND state = 2 AND fence = ?3),
		(SELECT id FROM attempt WHERE number = ?4 AND ended_at = 0),
		(SELECT id FROM attempt WHERE lead = ?1 AND ended_at = 0 AND inbound = 1),
		(SELECT reason FROM suppression WHERE e164 = ?4)`,
		args(int64(lead.ID), campaign, in.Claim.Fence, number), &held, &called, &calling, &suppressed)
	if err != nil {
		return nil, err
	}
	if !held || in.At.After(in.Claim.Until) {
		return nil, campaigns.ErrStale
	}
	if lead.Numbers, err = w.numbersOfLead(lead.ID); err != nil {
		return nil, err
	}
	n, ok := lead.NumberToDial(number)
	switch {
	case !ok:
		return &campaigns.Refusal{Reason: campaigns.RefusedGone, Detail: "no number may be dialled"}, nil
	case n.E164 != number:
		return &campaigns.Refusal{Reason: campaigns.RefusedGone, Detail: "the number may not be dialled any more", Next: in.At}, nil
	case called.Valid || calling.Valid:
		return &campaigns.Refusal{Reason: campaigns.RefusedLocked, Detail: "attempt " + cmp.Or(called.String, calling.String), Next: in.At.Add(campaigns.LockedFor)}, nil
	case suppressed.Valid:
		return &campaigns.Refusal{Reason: campaigns.RefusedDoNotCall, Detail: suppressed.String}, nil
	}
	return w.capGate(lead.ID, in)
}

// capGate counts the attempts to the person: on any number of the lead, also
// where it belongs to other leads, and on numbers that the lead had before. A
// cap of N in a period lets the next attempt go when the Nth newest is a full
// period old.
func (w *writer) capGate(lead campaigns.LeadID, in campaigns.Intent) (*campaigns.Refusal, error) {
	var longest time.Duration
	for _, c := range in.Caps {
		longest = max(longest, c.Period)
	}
	if longest == 0 {
		return nil, nil
	}
	times, err := personAttempts(w.statements, lead, in.At.Add(-longest))
	if err != nil {
		return nil, err
	}
	var refusal *campaigns.Refusal
	for _, c := range in.Caps {
		if c.N > len(times) {
			continue
		}
		free := in.At.Add(c.Period) // N below 1 allows nothing
		if c.N > 0 {
			free = times[len(times)-c.N].Add(c.Period)
		}
		if !free.After(in.At) || (refusal != nil && !free.After(refusal.Next)) {
			continue
		}
		refusal = &campaigns.Refusal{Reason: campaigns.RefusedCap, Detail: fmt.Sprintf("%d in %s %s", c.N, c.Period, c.Source), Next: free}
	}
	return refusal, nil
}

// personAttempts are the times of counting attempts after since, oldest first.
func personAttempts(s *statements, lead campaigns.LeadID, since time.Time) ([]time.Time, error) {
	scan := func(r scanner) (time.Time, error) {
		ns, err := column[int64](r)
		return moment(ns), err
	}
	return list(s, scan, `SELECT began_at FROM (
		  SELECT id, began_at FROM attempt WHERE lead = ?1 AND began_at > ?2 AND counts = 1
		  UNION
		  SELECT a.id, a.began_at FROM lead_number n CROSS JOIN attempt a ON a.number = iif(typeof(n.e164) = 'integer', '+' || n.e164, n.e164)
		  WHERE n.lead = ?1 AND a.began_at > ?2 AND a.counts = 1)
		ORDER BY began_at`, int64(lead), stamp(since))
}

// PersonAttempts are the times of counting attempts; see campaigns.Records.
func (s *Store) PersonAttempts(ctx context.Context, id campaigns.LeadID, since time.Time) ([]time.Time, error) {
	var times []time.Time
	err := s.reading(ctx, "person_attempts", func(r *statements) error {
		var err error
		times, err = personAttempts(r, id, since.Add(-1)) // since is included
		return err
	})
	return times, err
}

// SaveDialog replaces the dialog of an open attempt. An attempt that has ended
// keeps none; that it came too late is no error.
func (s *Store) SaveDialog(ctx context.Context, a campaigns.AttemptID, dialog []byte) error {
	return s.write(ctx, "save_dialog", func(w *writer) error {
		n, err := w.exec(`UPDATE attempt SET dialog = ? WHERE id = ? AND ended_at = 0`, dialog, string(a))
		if err != nil || n > 0 {
			return err
		}
		_, err = w.attempt(a)
		return err
	})
}

// attempt reads one attempt, or campaigns.ErrNotFound.
func (w *writer) attempt(id campaigns.AttemptID) (campaigns.Attempt, error) {
	found, err := list(w.statements, scanAttempt, `SELECT `+attemptColumns+` WHERE a.id = ?`, string(id))
	if err == nil && len(found) == 0 {
		err = campaigns.ErrNotFound
	}
	if err != nil {
		return campaigns.Attempt{}, fmt.Errorf("attempt %s: %w", id, err)
	}
	return found[0], nil
}

// End writes the outcome of an attempt; see campaigns.Store.
func (s *Store) End(ctx context.Context, e campaigns.Ending) error {
	return s.write(ctx, "end", func(w *writer) error { return w.end(e) })
}

func (w *writer) end(in campaigns.Ending) error {
	open, err := w.settle(in)
	if err != nil {
		return err
	}
	if !open { // it has ended, which is no error, or is not known
		_, err = w.attempt(in.Attempt)
		return err
	}
	return w.tell(func() ([]campaigns.Event, error) {
		a, err := w.attempt(in.Attempt)
		if err != nil {
			return nil, err
		}
		l, err := w.leadTold(a.Lead)
		return campaigns.EventsOfEnding(a.Ended(in), l), err
	})
}

// settle writes the ending of an attempt, and tells nobody; false where none is open.
func (w *writer) settle(in campaigns.Ending) (open bool, err error) {
	audio, err := packAudio(in.Audio)
	if err != nil {
		return false, err
	}
	a := campaigns.Attempt{ID: in.Attempt}
	err = w.get(`UPDATE attempt SET outcome = ?, code = ?, q850 = ?, reason = ?, operator = ?, ringing_at = ?, answered_at = ?, verdict_at = ?,
		greeting_end = ?, bridged_at = ?, recording = ?, audio = ?, counts = ? AND NOT inbound, ended_at = ?, dialog = NULL
		WHERE id = ? AND ended_at = 0 RETURNING lead, campaign, number, inbound`,
		args(string(in.Outcome), in.Code, in.Q850, in.Reason, string(in.Operator), stamp(in.RingingAt), stamp(in.AnsweredAt), stamp(in.VerdictAt),
			stamp(in.GreetingEnd), stamp(in.BridgedAt), in.Recording, audio, in.Count, stamp(in.At), string(in.Attempt)),
		&a.Lead, &a.Campaign, &a.Number, &a.Inbound)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("end attempt %s: %w", in.Attempt, err)
	}
	return true, w.settled(a, in)
}

// settled does what the ending of an attempt means for its number and its lead.
func (w *writer) settled(a campaigns.Attempt, in campaigns.Ending) error {
	if in.BadNumber {
		if _, err := w.exec(`UPDATE lead_number SET bad = 1 WHERE e164 = ?`, phone(a.Number)); err != nil {
			return err
		}
	}
	if in.Suppress {
		err := w.suppress(campaigns.Suppression{E164: a.Number, Reason: string(in.Outcome), Source: "network", At: in.At})
		if err != nil {
			return err
		}
	}
	e, err := findEntry(w.statements, a.Lead, a.Campaign)
	if a.Inbound && err == nil {
		return w.endReceived(e, a, in)
	}
	if err != nil || e.state != calling || e.lastAttempt != a.ID {
		return err
	}
	if in.Count {
		e.attempts++
	}
	e.lastOutcome, e.lastAt = in.Outcome, in.At
	e.operator = cmp.Or(in.Operator, e.operator)
	return w.follow(&e, in.Next, in.At)
}

// attemptColumns are those of scanAttempt, with their tables.
const attemptColumns = `a.id, a.lead, coalesce(l.name, ''), a.campaign, a.segment, a.number, a.node, a.trunk, a.caller_id, a.decision, a.dialog,
	a.began_at, a.ringing_at, a.answered_at, a.verdict_at, a.greeting_end, a.bridged_at, a.ended_at, a.outcome, a.code, a.q850, a.reason,
	a.operator, a.recording, a.audio, a.disposition, a.disposed_by, a.note, a.inbound FROM attempt a LEFT JOIN lead l ON l.id = a.lead`

func scanAttempt(r scanner) (campaigns.Attempt, error) {
	var a campaigns.Attempt
	var decision string
	var audio sql.NullString
	var began, ringing, answered, verdict, greeting, bridged, ended int64
	err := r.Scan(&a.ID, &a.Lead, &a.LeadName, &a.Campaign, &a.Segment, &a.Number, &a.Node, &a.Trunk, &a.CallerID, &decision, &a.Dialog,
		&began, &ringing, &answered, &verdict, &greeting, &bridged, &ended, &a.Outcome, &a.Code, &a.Q850, &a.Reason,
		&a.Operator, &a.Recording, &audio, &a.Disposition, &a.DisposedBy, &a.Note, &a.Inbound)
	if err != nil {
		return campaigns.Attempt{}, err
	}
	a.BeganAt, a.RingingAt, a.AnsweredAt, a.VerdictAt = moment(began), moment(ringing), moment(answered), moment(verdict)
	a.GreetingEnd, a.BridgedAt, a.EndedAt = moment(greeting), moment(bridged), moment(ended)
	if audio.Valid {
		err = json.Unmarshal([]byte(audio.String), &a.Audio)
	}
	return a, errors.Join(err, json.Unmarshal([]byte(decision), &a.Decision))
}

// packAudio is what is kept of the audio of an attempt.
func packAudio(a *campaigns.Audio) (sql.NullString, error) {
	if a == nil {
		return sql.NullString{}, nil
	}
	body, err := json.Marshal(a)
	return sql.NullString{String: string(body), Valid: true}, err
}

// Open lists the attempts of a node that are begun and not ended; see
// campaigns.Store.
func (s *Store) Open(ctx context.Context, node string) ([]campaigns.Attempt, error) {
	var open []campaigns.Attempt
	err := s.reading(ctx, "open", func(r *statements) error {
		var err error
		open, err = list(r, scanAttempt, `SELECT `+attemptColumns+` WHERE a.ended_at = 0 AND a.node = ? ORDER BY a.id`, node)
		for i := range open {
			a := &open[i]
			if err == nil {
				a.ByOutcome, err = outcomesOf(r, a.Campaign, a.Number)
			}
		}
		return err
	})
	return open, err
}

// Attempts lists attempts, newest first; see campaigns.AttemptQuery.
func (s *Store) Attempts(ctx context.Context, q campaigns.AttemptQuery) ([]campaigns.Attempt, error) {
	where, a := []string{"1"}, []any{}
	add := func(use bool, condition string, values ...any) {
		if use {
			where, a = append(where, condition), append(a, values...)
		}
	}
	add(q.ID != "", "a.id = ?", string(q.ID))
	add(q.Lead != 0, "a.lead = ?", int64(q.Lead))
	add(q.Campaign != "", "a.campaign = ?", string(q.Campaign))
	add(q.Operator != "", "a.operator = ?", string(q.Operator))
	add(q.Outcome != "", "a.outcome = ?", string(q.Outcome))
	add(q.Open, "a.ended_at = 0")
	add(!q.Since.IsZero(), "a.began_at >= ?", stamp(q.Since))
	add(q.Before != "", "a.id < ?", string(q.Before))
	query := `SELECT ` + attemptColumns + ` WHERE ` + strings.Join(where, " AND ") + ` ORDER BY a.id DESC LIMIT ?`
	return readList(ctx, s, "attempts", scanAttempt, query, append(a, limited(q.Limit))...)
}

// Tally counts the attempts of a campaign that began in [from, to).
func (s *Store) Tally(ctx context.Context, c campaigns.CampaignID, from, to time.Time) (campaigns.Tally, error) {
	type count struct {
		outcome    campaigns.Outcome
		inbound    bool
		n, bridged int
	}
	scan := func(r scanner) (count, error) {
		var c count
		err := r.Scan(&c.outcome, &c.inbound, &c.n, &c.bridged)
		return c, err
	}
	counts, err := readList(ctx, s, "tally", scan, `SELECT outcome, inbound, count(*), sum(bridged_at > 0) FROM attempt
		WHERE campaign = ? AND began_at >= ? AND began_at < ? GROUP BY outcome, inbound`, string(c), stamp(from), stamp(to))
	t := campaigns.Tally{Outcomes: map[campaigns.Outcome]int{}}
	for _, c := range counts {
		if c.inbound {
			if c.outcome.OfCaller() {
				t.Outcomes[c.outcome] = c.n
			}
			continue
		}
		t.Attempts += c.n
		if c.outcome == "" {
			t.Open = c.n
			continue
		}
		t.Outcomes[c.outcome] = c.n
		if c.outcome.Live() {
			t.Live += c.n
		}
		if c.outcome == campaigns.Abandoned {
			t.Late = c.bridged
		}
	}
	t.Abandoned = t.Outcomes[campaigns.Abandoned]
	return t, err
}
