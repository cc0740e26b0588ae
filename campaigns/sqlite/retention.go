package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Keeper = (*Store)(nil)

// lawful is a condition on attempts that no law asks to keep; table is what the
// query calls them.
func lawful(table string, r campaigns.Retention) (condition string, values []any) {
	all := []string{"1"}
	for _, law := range r.Laws {
		all = append(all, `(`+table+`.began_at < ? OR NOT EXISTS (SELECT 1 FROM json_each(`+table+`.decision, '$.regions') g WHERE g.value = ? OR g.value LIKE ?))`)
		values = append(values, stamp(law.Before), law.Region, law.Region+"-%")
	}
	return strings.Join(all, " AND "), values
}

// sweep looks at up to limit rows of a table behind a cursor, reads which of
// them may go past the writer, and lets them go in one small write. Whether they
// may is asked again there.
func (s *Store) sweep(ctx context.Context, name, table, may string, values []any, cursor int64, limit int, drop func(*writer, int64) error) (deleted int, next int64, err error) {
	var ids []int64
	err = s.reading(ctx, name, func(r *statements) error {
		var last sql.NullInt64
		err := r.get(`SELECT max(rowid) FROM (SELECT rowid FROM `+table+` WHERE rowid > ? ORDER BY rowid LIMIT ?)`, args(cursor, limit), &last)
		if err != nil || !last.Valid {
			return err
		}
		next = last.Int64
		ids, err = list(r, column[int64], `SELECT a.rowid FROM `+table+` a WHERE a.rowid > ? AND a.rowid <= ? AND `+may,
			append(args(cursor, next), values...)...)
		return err
	})
	if err != nil || len(ids) == 0 {
		return 0, next, err
	}
	err = s.writeBulk(ctx, name, func(w *writer) error {
		deleted = 0
		for _, id := range ids {
			still, err := list(w.statements, column[int64], `SELECT a.rowid FROM `+table+` a WHERE a.rowid = ? AND `+may, append(args(id), values...)...)
			if err != nil {
				return err
			}
			if len(still) == 0 {
				continue
			}
			if err := drop(w, id); err != nil {
				return fmt.Errorf("delete %s %d: %w", table, id, err)
			}
			deleted++
		}
		return nil
	})
	return deleted, next, err
}

// DeleteAttempts deletes old attempts; see campaigns.Keeper. Those stay that are
// open, have a recording, or are counted by retry rules of a lead that is still
// to be dialled.
func (s *Store) DeleteAttempts(ctx context.Context, r campaigns.Retention, cursor int64, limit int) (int, int64, error) {
	condition, values := lawful("a", r)
	may := `a.began_at < ? AND a.ended_at > 0 AND a.recording = '' AND ` + condition + `
		AND NOT EXISTS (SELECT 1 FROM entry e WHERE e.lead = a.lead AND e.campaign = (SELECT id FROM word WHERE word = a.campaign) AND e.state < 4)`
	return s.sweep(ctx, "delete_attempts", "attempt", may, append(args(stamp(r.Before)), values...), cursor, limit, func(w *writer, id int64) error {
		_, err := w.exec(`DELETE FROM attempt WHERE rowid = ?`, id)
		return err
	})
}

// DeleteLeads deletes leads that neither changed nor were called for long and
// that no campaign is to dial; see campaigns.Keeper. Waiting in a campaign that
// is stopped keeps nobody. Their attempts stay, without a name.
func (s *Store) DeleteLeads(ctx context.Context, r campaigns.Retention, cursor int64, limit int) (int, int64, error) {
	condition, values := lawful("t", r)
	may := `coalesce(a.updated_at, a.created_at) < ? AND a.created_at < ? AND NOT EXISTS (SELECT 1 FROM entry e LEFT JOIN campaign c ON c.id = (SELECT word FROM word WHERE id = e.campaign) WHERE e.lead = a.id
			AND (e.state IN (2, 3) OR e.last_at >= ? OR e.state < 2 AND json_extract(c.body, '$.state') <> 'stopped'))
		AND NOT EXISTS (SELECT 1 FROM attempt t WHERE t.lead = a.id AND (t.began_at >= ? OR t.ended_at = 0
			OR NOT (` + condition + `)))`
	before := stamp(r.Before)
	values = append(args(before, before, before, before), values...)
	if len(r.Lists) > 0 {
		may += ` AND a.list IN (SELECT id FROM word WHERE word IN (SELECT value FROM json_each(?)))`
		of, err := json.Marshal(r.Lists)
		if err != nil {
			return 0, 0, err // texts
		}
		values = append(values, string(of))
	}
	return s.sweep(ctx, "delete_leads", "lead", may, values, cursor, limit, func(w *writer, id int64) error {
		for _, of := range []string{"list", "deleted_list"} { // it is in one of the two
			if _, err := w.exec(`UPDATE `+of+` SET leads = leads - 1 WHERE id = (SELECT w.word FROM lead l JOIN word w ON w.id = l.list WHERE l.id = ?)`, id); err != nil {
				return err
			}
		}
		for _, from := range []string{"entry WHERE lead", "lead_number WHERE lead", "lead WHERE id"} {
			if _, err := w.exec(`DELETE FROM `+from+` = ?`, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// OldRecordings lists attempts with a recording; see campaigns.Keeper.
func (s *Store) OldRecordings(ctx context.Context, before time.Time, cursor int64, limit int) (old []campaigns.Attempt, next int64, err error) {
	err = s.reading(ctx, "old_recordings", func(r *statements) error {
		var last sql.NullInt64
		err := r.get(`SELECT max(rowid) FROM (SELECT rowid FROM attempt WHERE rowid > ? ORDER BY rowid LIMIT ?)`, args(cursor, limit), &last)
		if err != nil || !last.Valid {
			return err
		}
		next = last.Int64
		old, err = list(r, scanAttempt, `SELECT `+attemptColumns+` WHERE a.rowid > ? AND a.rowid <= ? AND a.recording <> '' AND a.ended_at > 0 AND a.began_at < ?`,
			cursor, next, stamp(before))
		return err
	})
	return old, next, err
}

// ForgetRecordings notes that recordings are gone.
func (s *Store) ForgetRecordings(ctx context.Context, ids []campaigns.AttemptID) error {
	return s.writeBulk(ctx, "forget_recordings", func(w *writer) error {
		for _, id := range ids {
			if _, err := w.exec(`UPDATE attempt SET recording = '' WHERE id = ?`, string(id)); err != nil {
				return err
			}
		}
		return nil
	})
}
