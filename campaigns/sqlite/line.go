package sqlite

import (
	"math"

	"github.com/outpace-dialer/outpace/campaigns"
)

// line merges the ready entries of several queues, best first, reading only as
// many as are asked for.
type line struct {
	queues []*lineQueue
}

// lineQueue reads one queue in portions, each starting behind the last.
type lineQueue struct {
	w       *writer
	key     int64
	name    campaigns.QueueID
	portion int
	read    []lease
	rank    float64 // of the last one read
	due     int64
	lead    campaigns.LeadID
	empty   bool
}

// lineUp promotes what is due and readies the queues for reading.
func (w *writer) lineUp(q campaigns.ClaimRequest) (*line, error) {
	l := &line{}
	portion := max(4, 2*q.Limit/max(1, len(q.Queues)))
	for _, name := range q.Queues {
		key, err := w.queueID(name)
		if err != nil {
			return nil, err
		}
		if err := w.promote(key, q.Due()); err != nil {
			return nil, err
		}
		l.queues = append(l.queues, &lineQueue{w: w, key: key, name: name, portion: portion, rank: math.Inf(-1)})
	}
	return l, nil
}

// next takes the best entry; nil where there is none.
func (l *line) next() (*lease, error) {
	var best *lineQueue
	for _, q := range l.queues {
		if err := q.fill(); err != nil {
			return nil, err
		}
		if len(q.read) == 0 {
			continue
		}
		if best == nil || before(q.read[0].entry, best.read[0].entry) {
			best = q
		}
	}
	if best == nil {
		return nil, nil
	}
	head := best.read[0]
	best.read = best.read[1:]
	return &head, nil
}

func before(a, b entry) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.due.Before(b.due)
}

func (q *lineQueue) fill() error {
	if len(q.read) > 0 || q.empty {
		return nil
	}
	found, err := entries(q.w.statements, `SELECT `+entryColumns+` FROM entry
		WHERE queue = ? AND state = 1 AND (rank, due_at, lead) > (?, ?, ?) ORDER BY rank, due_at, lead LIMIT ?`,
		q.key, q.rank, q.due, int64(q.lead), q.portion)
	if err != nil {
		return err
	}
	q.empty = len(found) < q.portion
	for _, e := range found {
		q.read = append(q.read, lease{entry: e, queue: q.name})
		q.rank, q.due, q.lead = e.rank, stamp(e.due), e.lead
	}
	return nil
}
