package sqlite

import (
	"context"
	"fmt"
	"iter"
	"math"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// AppendPacingLog adds a chunk; see campaigns.PacingRecords.
func (s *Store) AppendPacingLog(ctx context.Context, c campaigns.PacingChunk) error {
	return s.write(ctx, "append_pacing_log", func(w *writer) error {
		_, err := w.exec(`INSERT INTO pacing_log (campaign, run, node, seq, from_at, to_at, lines, gzip) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			string(c.Campaign), stamp(c.Run), c.Node, c.Seq, stamp(c.From), stamp(c.To), c.Lines, c.Gzip)
		if err != nil {
			return fmt.Errorf("pacing log of %s: %w", c.Campaign, err)
		}
		return nil
	})
}

// run names a run of a campaign.
type run struct {
	began int64
	node  string
}

// PacingLog reads one chunk after another, so that whoever reads slowly keeps
// no connection; see campaigns.PacingRecords.
func (s *Store) PacingLog(ctx context.Context, c campaigns.CampaignID, from, to time.Time) iter.Seq2[campaigns.PacingChunk, error] {
	end := int64(math.MaxInt64)
	if !to.IsZero() {
		end = stamp(to)
	}
	return func(yield func(campaigns.PacingChunk, error) bool) {
		runs, err := s.pacingRuns(ctx, c, stamp(from), end)
		if err != nil {
			yield(campaigns.PacingChunk{}, err)
			return
		}
		for _, r := range runs {
			for seq, more := 0, true; more; {
				chunks, err := s.pacingChunk(ctx, c, r, seq, end)
				if err != nil {
					yield(campaigns.PacingChunk{}, err)
					return
				}
				if more = len(chunks) > 0; more {
					if !yield(chunks[0], nil) {
						return
					}
					seq = chunks[0].Seq
				}
			}
		}
	}
}

// pacingRuns are the runs that have lines between two times.
func (s *Store) pacingRuns(ctx context.Context, c campaigns.CampaignID, from, to int64) ([]run, error) {
	scan := func(r scanner) (run, error) {
		var one run
		err := r.Scan(&one.began, &one.node)
		return one, err
	}
	return readList(ctx, s, "pacing_runs", scan, `SELECT DISTINCT run, node FROM pacing_log
		WHERE campaign = ? AND from_at < ? AND to_at >= ? ORDER BY run, node`, string(c), to, from)
}

// pacingChunk is the chunk after one of a run, none after the last.
func (s *Store) pacingChunk(ctx context.Context, c campaigns.CampaignID, of run, after int, to int64) ([]campaigns.PacingChunk, error) {
	scan := func(r scanner) (campaigns.PacingChunk, error) {
		one := campaigns.PacingChunk{Campaign: c, Run: moment(of.began), Node: of.node}
		var from, to int64
		err := r.Scan(&one.Seq, &from, &to, &one.Lines, &one.Gzip)
		one.From, one.To = moment(from), moment(to)
		return one, err
	}
	return readList(ctx, s, "pacing_log", scan, `SELECT seq, from_at, to_at, lines, gzip FROM pacing_log
		WHERE campaign = ? AND run = ? AND node = ? AND seq > ? AND from_at < ? ORDER BY seq LIMIT 1`,
		string(c), of.began, of.node, after, to)
}

// prunedAtOnce is how many chunks go in one transaction.
const prunedAtOnce = 500

// PrunePacingLog deletes old chunks; see campaigns.PacingRecords.
func (s *Store) PrunePacingLog(ctx context.Context, before time.Time) (int, error) {
	all := 0
	for {
		n := int64(0)
		err := s.writeBulk(ctx, "prune_pacing_log", func(w *writer) error {
			var err error
			n, err = w.exec(`DELETE FROM pacing_log WHERE rowid IN (SELECT rowid FROM pacing_log WHERE to_at < ? ORDER BY to_at LIMIT ?)`,
				stamp(before), prunedAtOnce)
			return err
		})
		all += int(n)
		if err != nil || n < prunedAtOnce {
			return all, err
		}
	}
}

// LiveCounts counts live answers; see campaigns.PacingRecords. The words of the
// outcomes are in the text of the query, so that the index is used.
func (s *Store) LiveCounts(ctx context.Context, c campaigns.CampaignID, since time.Time, within time.Duration) ([]campaigns.LiveCount, error) {
	scan := func(r scanner) (campaigns.LiveCount, error) {
		var one campaigns.LiveCount
		var at int64
		err := r.Scan(&at, &one.Live, &one.Abandoned)
		one.At = moment(at)
		return one, err
	}
	return readList(ctx, s, "live_counts", scan, `SELECT max(began_at), count(*),
		  sum(outcome = 'abandoned' OR bridged_at > ?1 + CASE greeting_end WHEN 0 THEN answered_at ELSE greeting_end END)
		FROM attempt INDEXED BY attempt_live
		WHERE campaign = ?2 AND began_at >= ?3 AND outcome IN ('connected', 'abandoned')
		GROUP BY began_at / ?4 ORDER BY 1`, int64(within), string(c), stamp(since), int64(campaigns.LiveStep))
}

// SaveLearnt keeps what pacing learnt; see campaigns.PacingRecords.
func (s *Store) SaveLearnt(ctx context.Context, c campaigns.CampaignID, learnt []byte) error {
	return s.write(ctx, "save_learnt", func(w *writer) error {
		_, err := w.exec(`INSERT INTO pacing_learnt (campaign, learnt) VALUES (?, ?)
			ON CONFLICT (campaign) DO UPDATE SET learnt = excluded.learnt`, string(c), learnt)
		if err != nil {
			return fmt.Errorf("learnt of %s: %w", c, err)
		}
		return nil
	})
}

// Learnt is what SaveLearnt kept; see campaigns.PacingRecords.
func (s *Store) Learnt(ctx context.Context, c campaigns.CampaignID) ([]byte, error) {
	found, err := readList(ctx, s, "learnt", column[[]byte], `SELECT learnt FROM pacing_learnt WHERE campaign = ?`, string(c))
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}
