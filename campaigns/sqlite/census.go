package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Counter = (*Store)(nil)

// Census counts the leads of a campaign; see campaigns.Counter. Queues are
// counted by their triggers; only special leads are read one by one.
func (s *Store) Census(ctx context.Context, c campaigns.CampaignID, since, now time.Time) (campaigns.Census, error) {
	var found campaigns.Census
	start := time.Now()
	err := s.atOneMoment(ctx, func(r *statements) error {
		var err error
		if found, err = countStates(r, c); err != nil {
			return err
		}
		counted, err := list(r, scanCounted(c), queuesQuery, stamp(now), stamp(now), string(c))
		if err != nil {
			return err
		}
		for _, q := range counted {
			found.Queues = append(found.Queues, q.info)
		}
		found.Special, err = specials(r, c, since)
		return err
	})
	s.stats.Add("census", time.Since(start), err)
	if err != nil {
		return campaigns.Census{}, fmt.Errorf("census of %s: %w", c, err)
	}
	return found, nil
}

// atOneMoment reads as the store is now, whatever is written meanwhile.
func (s *Store) atOneMoment(ctx context.Context, do func(*statements) error) error {
	return s.whileOpen(func(*statements) error {
		conn, err := s.readDB.Conn(ctx)
		if err != nil {
			return err
		}
		defer conn.Close()
		if _, err := conn.ExecContext(ctx, "BEGIN"); err != nil {
			return err
		}
		r := newStatements(conn, s.read.words)
		err = do(r)
		r.close()
		_, errEnd := conn.ExecContext(context.WithoutCancel(ctx), "COMMIT")
		return errors.Join(err, errEnd)
	})
}

func countStates(r *statements, c campaigns.CampaignID) (campaigns.Census, error) {
	type count struct {
		state, n int
		after    campaigns.Outcome
	}
	counts, err := list(r, func(row scanner) (x count, err error) {
		err = row.Scan(&x.state, &x.after, &x.n)
		return x, err
	}, `SELECT state, CASE state WHEN 4 THEN last_outcome ELSE '' END AS after, count(*) FROM entry WHERE campaign = (SELECT id FROM word WHERE word = ?) GROUP BY state, after`, string(c))
	found := campaigns.Census{DoneAfter: map[campaigns.Outcome]int{}}
	for _, x := range counts {
		found.Total += x.n
		switch x.state {
		case done:
			found.Done += x.n
			found.DoneAfter[x.after] = x.n
		case nowhere:
			found.Nowhere = x.n
		}
	}
	return found, err
}

// specials reads the leads that a count of queues says too little of.
func specials(r *statements, c campaigns.CampaignID, since time.Time) ([]campaigns.Standing, error) {
	ids, err := list(r, column[campaigns.LeadID], `
		WITH recent AS (SELECT a.lead, a.number FROM campaign c CROSS JOIN attempt a ON a.campaign = c.id WHERE a.began_at > ?1),
		some (lead) AS (
		  SELECT lead FROM recent
		  UNION SELECT n.lead FROM recent a CROSS JOIN lead_number n ON n.e164 = `+phoneOf("a.number")+`
		  UNION SELECT n.lead FROM suppression s CROSS JOIN lead_number n ON n.e164 = `+phoneOf("s.e164")+`
		  UNION SELECT lead FROM entry INDEXED BY entry_claimed WHERE state = 2
		  UNION SELECT lead FROM attempt INDEXED BY attempt_open WHERE ended_at = 0
		  UNION SELECT n.lead FROM attempt a CROSS JOIN lead_number n ON n.e164 = `+phoneOf("a.number")+` WHERE a.ended_at = 0)
		SELECT e.lead FROM some CROSS JOIN entry e ON e.lead = some.lead AND e.campaign = (SELECT id FROM word WHERE word = ?2) WHERE e.state < 4 ORDER BY e.lead`, stamp(since), string(c))
	if err != nil {
		return nil, err
	}
	var all []campaigns.Standing
	for _, id := range ids {
		s, err := standing(r, id, c, since)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func standing(r *statements, lead campaigns.LeadID, c campaigns.CampaignID, since time.Time) (campaigns.Standing, error) {
	e, err := findEntry(r, lead, c)
	if err != nil {
		return campaigns.Standing{}, err
	}
	s := campaigns.Standing{Entry: campaigns.Entry{
		Queue: campaigns.QueueID{Campaign: c}, State: stateNames[e.state], Number: e.number, Priority: -e.rank, DueAt: e.due,
		Attempts: e.attempts, Callback: e.callback(), LastOutcome: e.lastOutcome, LastAt: e.lastAt, Operator: e.operator,
	}}
	err = r.get(`SELECT q.segment, q.window_class, q.untried, q.operator,
		EXISTS (SELECT 1 FROM suppression WHERE e164 = ?1),
		EXISTS (SELECT 1 FROM entry WHERE lead = ?2 AND campaign <> ?3 AND state IN (2, 3)) OR
		EXISTS (SELECT 1 FROM attempt WHERE number = ?1 AND ended_at = 0 AND id <> ?4)
		FROM queue q WHERE q.id = ?5`, args(e.number, int64(lead), e.key, string(e.lastAttempt), e.queue),
		&s.Entry.Queue.Segment, &s.Entry.Queue.Window, &s.Entry.Queue.New, &s.Entry.Queue.Operator, &s.Suppressed, &s.Held)
	if err != nil {
		return s, err
	}
	if s.Attempts, err = personAttempts(r, lead, since); err != nil {
		return s, err
	}
	s.LastOutcome, s.LastAt, err = lastEnding(r, lead)
	return s, err
}

// lastEnding is how the last attempt on a lead ended, in any campaign.
func lastEnding(r *statements, lead campaigns.LeadID) (o campaigns.Outcome, at time.Time, err error) {
	var ns int64
	err = r.get(`SELECT outcome, ended_at FROM attempt WHERE lead = ? AND ended_at > 0 ORDER BY ended_at DESC, id DESC LIMIT 1`, args(int64(lead)), &o, &ns)
	if errors.Is(err, sql.ErrNoRows) {
		err = nil
	}
	return o, moment(ns), err
}

// LastBegun is when the attempt was begun that was written last, by the clock of
// that time; zero where there is none.
func (s *Store) LastBegun(ctx context.Context) (time.Time, error) {
	found, err := readList(ctx, s, "last_begun", column[int64], `SELECT began_at FROM attempt ORDER BY rowid DESC LIMIT 1`)
	if err != nil || len(found) == 0 {
		return time.Time{}, err
	}
	return moment(found[0]), nil
}
