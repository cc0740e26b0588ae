package sqlite

import (
	"context"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// trimmedAtOnce is how many deliveries are deleted in one transaction.
const trimmedAtOnce = 500

// TrimDeliveries keeps bounds; see campaigns.Outbox.
func (s *Store) TrimDeliveries(ctx context.Context, t campaigns.Trim) (campaigns.Trimmed, error) {
	var done campaigns.Trimmed
	err := s.writeBulk(ctx, "trim_deliveries", func(w *writer) error {
		done = campaigns.Trimmed{Dropped: map[campaigns.EndpointID]int{}}
		return w.trim(t, &done)
	})
	return done, err
}

func (w *writer) trim(t campaigns.Trim, done *campaigns.Trimmed) error {
	var waiting, over int64
	err := w.get(`SELECT coalesce(sum(bytes) FILTER (WHERE waiting = 1), 0), coalesce(sum(bytes) FILTER (WHERE waiting = 0), 0) FROM webhook_count`, nil, &waiting, &over)
	if err != nil {
		return err
	}
	left := trimmedAtOnce
	drop := func(query string, enough func(d trimmable) bool, dropped func(trimmable) error) error {
		rows, err := list(w.statements, scanTrimmable, query, left)
		if err != nil {
			return err
		}
		for _, d := range rows {
			if enough(d) {
				return nil
			}
			if _, err := w.exec(`DELETE FROM webhook_delivery WHERE seq = ?`, d.seq); err != nil {
				return err
			}
			if err := dropped(d); err != nil {
				return err
			}
			left--
		}
		done.More = left == 0
		return nil
	}
	const columns = `SELECT seq, endpoint, key, size, last_at FROM webhook_delivery `
	err = drop(columns+`INDEXED BY webhook_over WHERE state > 1 ORDER BY seq LIMIT ?`, func(d trimmable) bool {
		return over <= t.Finished && over+waiting <= t.Most && d.lastAt >= stamp(t.Before)
	}, func(d trimmable) error {
		over -= d.size
		done.Finished++
		return nil
	})
	if err != nil || over+waiting <= t.Most || left == 0 {
		return err
	}
	return drop(columns+`INDEXED BY webhook_waiting WHERE state < 2 ORDER BY seq LIMIT ?`, func(trimmable) bool {
		return over+waiting <= t.Most
	}, func(d trimmable) error {
		waiting -= d.size
		done.Dropped[d.endpoint]++
		if err := w.lineUpKey(d.endpoint, d.key); err != nil {
			return err
		}
		_, err := w.exec(`UPDATE webhook_endpoint SET dropped = dropped + 1, dropped_at = ? WHERE id = ?`, stamp(time.Now()), string(d.endpoint))
		return err
	})
}

// trimmable is a delivery that may be deleted.
type trimmable struct {
	seq, size, lastAt int64
	endpoint          campaigns.EndpointID
	key               string
}

func scanTrimmable(r scanner) (trimmable, error) {
	var d trimmable
	err := r.Scan(&d.seq, &d.endpoint, &d.key, &d.size, &d.lastAt)
	return d, err
}
