package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// promoteAtOnce is how many entries of a queue become ready in one step: more
// would keep a call waiting that wants to begin.
const promoteAtOnce = 1000

// queuesQuery counts the queues of a campaign: two times, then the campaign.
const queuesQuery = `SELECT q.segment, q.window_class, q.untried, q.operator, q.ready, q.waiting,
	(SELECT count(*) FROM entry e WHERE e.queue = q.id AND e.state = 0 AND e.due_at <= ?),
	(SELECT min(due_at) FROM entry e WHERE e.queue = q.id AND e.state = 0 AND e.due_at > ?)
	FROM queue q WHERE q.campaign = ? AND (q.ready > 0 OR q.waiting > 0) ORDER BY q.segment, q.window_class, q.untried, q.operator`

// countedQueue is a queue with those that are due though they are kept as
// waiting.
type countedQueue struct {
	info campaigns.QueueInfo
	due  int
}

func scanCounted(c campaigns.CampaignID) func(scanner) (countedQueue, error) {
	return func(r scanner) (countedQueue, error) {
		q := countedQueue{info: campaigns.QueueInfo{QueueID: campaigns.QueueID{Campaign: c}}}
		var next sql.NullInt64
		err := r.Scan(&q.info.Segment, &q.info.Window, &q.info.New, &q.info.Operator, &q.info.Ready, &q.info.Waiting, &q.due, &next)
		q.info.NextDue = moment(next.Int64)
		q.info.Ready += q.due
		q.info.Waiting -= q.due
		return q, err
	}
}

// Queues lists the queues of a campaign that hold leads. The counts are kept by
// triggers; only entries that became due since the last claim are counted anew.
func (s *Store) Queues(ctx context.Context, c campaigns.CampaignID, now time.Time) ([]campaigns.QueueInfo, error) {
	counted, err := readList(ctx, s, "queues", scanCounted(c), queuesQuery, stamp(now), stamp(now), string(c))
	if err != nil {
		return nil, err
	}
	infos := make([]campaigns.QueueInfo, 0, len(counted))
	var crowded []campaigns.QueueID
	for _, q := range counted {
		infos = append(infos, q.info)
		if q.due >= promoteAtOnce {
			crowded = append(crowded, q.info.QueueID)
		}
	}
	if len(crowded) > 0 { // a closed queue, which nobody claims from: keep the count cheap
		err = s.promote(ctx, crowded, now)
	}
	return infos, err
}

func (s *Store) promote(ctx context.Context, queues []campaigns.QueueID, now time.Time) error {
	return s.writeBulk(ctx, "promote", func(w *writer) error {
		for _, q := range queues {
			id, err := w.queueID(q)
			if err != nil {
				return err
			}
			if err := w.promote(id, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// promote makes waiting entries ready whose time has come.
func (w *writer) promote(queue int64, now time.Time) error {
	_, err := w.exec(`UPDATE entry SET state = 1 WHERE (lead, campaign) IN
		(SELECT lead, campaign FROM entry WHERE queue = ? AND state = 0 AND due_at <= ? ORDER BY due_at LIMIT ?)`, queue, stamp(now), promoteAtOnce)
	return err
}

// lease is a claimed entry, before its lead is read.
type lease struct {
	entry
	queue campaigns.QueueID
}

// Claim leases due leads; see campaigns.Store. A lead that another campaign has
// claimed or calls is passed over. Equal priority and time are settled by the
// order of the queues, then by lead id.
func (s *Store) Claim(ctx context.Context, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	var leases []lease
	err := s.write(ctx, "claim", func(w *writer) error {
		var err error
		leases, err = w.claim(q)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The leads are read past the writer: they are ours now, and Begin checks
	// again what may change.
	var claims []campaigns.Claim
	err = s.reading(context.WithoutCancel(ctx), "claimed_leads", func(r *statements) error {
		var err error
		claims, err = loadClaims(r, leases, q)
		return err
	})
	return claims, err
}

func (w *writer) claim(q campaigns.ClaimRequest) ([]lease, error) {
	line, err := w.lineUp(q)
	if err != nil {
		return nil, err
	}
	var leases []lease
	for moved := 0; len(leases) < q.Limit && moved < promoteAtOnce; {
		best, err := line.next()
		if err != nil || best == nil {
			return leases, err
		}
		if best.due.After(q.Due()) { // the clock was set back since it became ready, or who may claim sooner made it so
			if _, err := w.exec(`UPDATE entry SET state = 0 WHERE lead = ? AND campaign = ?`, int64(best.lead), best.key); err != nil {
				return nil, err
			}
			continue
		}
		if wrong, err := w.misplaced(best.entry, q.Due()); err != nil {
			return nil, err
		} else if wrong {
			moved++
			continue
		}
		err = w.get(`UPDATE entry SET state = 2, fence = fence + 1, node = ?1, lease_until = ?2 WHERE lead = ?3 AND campaign = ?4
			AND NOT EXISTS (SELECT 1 FROM entry other WHERE other.lead = ?3 AND other.state IN (2, 3)) RETURNING fence`,
			args(q.Node, stamp(q.Now.Add(q.Lease)), int64(best.lead), best.key), &best.fence)
		if errors.Is(err, sql.ErrNoRows) { // another campaign has it
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("claim lead %d: %w", best.lead, err)
		}
		leases = append(leases, *best)
	}
	return leases, nil
}

// outcomesOf counts how the attempts of a campaign on a number ended; nil where
// there are none.
func outcomesOf(r *statements, c campaigns.CampaignID, number string) (map[campaigns.Outcome]int, error) {
	outcomes, err := list(r, column[campaigns.Outcome], `SELECT outcome FROM attempt INDEXED BY attempt_number
		WHERE number = ? AND campaign = ? AND ended_at > 0`, number, string(c))
	if err != nil || len(outcomes) == 0 {
		return nil, err
	}
	counts := map[campaigns.Outcome]int{}
	for _, o := range outcomes {
		counts[o]++
	}
	return counts, nil
}

// Release gives claims back; see campaigns.Store. Claims that are over are left
// alone and reported as ErrStale, the others are released all the same.
func (s *Store) Release(ctx context.Context, claims []campaigns.Claim, at time.Time) error {
	stale := false
	err := s.write(ctx, "release", func(w *writer) error {
		stale = false
		for _, c := range claims {
			e, err := findEntry(w.statements, c.Lead.ID, c.Queue.Campaign)
			if err != nil {
				return err
			}
			if e.state != claimed || e.fence != c.Fence {
				stale = true
				continue
			}
			state := ready
			if c.Early { // made ready when its time has come
				state = waiting
			}
			if !at.IsZero() {
				e.due, state = at, waiting
			}
			if err := w.putBack(&e, state); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil && stale {
		err = campaigns.ErrStale
	}
	return err
}

// Reclaim gives back claims; see campaigns.Store. With an empty node it takes
// only those whose lease ran out.
func (s *Store) Reclaim(ctx context.Context, node string, now time.Time) (int, error) {
	count := 0
	err := s.write(ctx, "reclaim", func(w *writer) error {
		over, err := entries(w.statements, `SELECT `+entryColumns+` FROM entry INDEXED BY entry_claimed
			WHERE state = 2 AND lease_until < ?`, stamp(now))
		if err != nil {
			return err
		}
		if node != "" {
			own, err := entries(w.statements, `SELECT `+entryColumns+` FROM entry INDEXED BY entry_claimed
				WHERE state = 2 AND lease_until >= ? AND node = ?`, stamp(now), node)
			if err != nil {
				return err
			}
			over = append(over, own...)
		}
		for _, e := range over {
			if err := w.putBack(&e, dueState(e.due, now)); err != nil {
				return err
			}
		}
		count = len(over)
		return nil
	})
	return count, err
}
