package sqlite

import (
	"context"
	"fmt"

	"github.com/outpace-dialer/outpace/campaigns"
)

// DeleteList takes a list away; see campaigns.Records.
func (s *Store) DeleteList(ctx context.Context, id campaigns.ListID, revision string) error {
	return s.write(ctx, "delete_list", func(w *writer) error {
		l, err := one(list(w.statements, scanList, `SELECT `+listColumns+` FROM list WHERE id = ?`, string(id)))
		if err != nil {
			return err
		}
		if l.Revision() != revision {
			return fmt.Errorf("list %s has changed: %w", id, campaigns.ErrConflict)
		}
		if _, err := w.exec(`INSERT INTO deleted_list (id, name, leads, created_at) VALUES (?, ?, ?, ?)`, string(id), l.Name, l.Leads, stamp(l.CreatedAt)); err != nil {
			return err
		}
		_, err = w.exec(`DELETE FROM list WHERE id = ?`, string(id))
		return err
	})
}

// DeletedLists are those whose leads have not all gone; see campaigns.Keeper.
func (s *Store) DeletedLists(ctx context.Context) ([]campaigns.List, error) {
	scan := func(r scanner) (campaigns.List, error) {
		var l campaigns.List
		var created int64
		err := r.Scan(&l.ID, &l.Name, &l.Leads, &created)
		l.CreatedAt = moment(created)
		return l, err
	}
	return readList(ctx, s, "deleted_lists", scan, `SELECT id, name, leads, created_at FROM deleted_list ORDER BY id`)
}

// ForgetList gives the id of a deleted list free, where its leads have all gone.
func (s *Store) ForgetList(ctx context.Context, id campaigns.ListID) error {
	return s.writeBulk(ctx, "forget_list", func(w *writer) error {
		_, err := w.exec(`DELETE FROM deleted_list WHERE id = ? AND leads <= 0`, string(id))
		return err
	})
}

// notDeleted is campaigns.ErrDeleted where a list was deleted and has leads left.
func (w *writer) notDeleted(id campaigns.ListID) error {
	gone, err := list(w.statements, column[string], `SELECT id FROM deleted_list WHERE id = ?`, string(id))
	if err == nil && len(gone) > 0 {
		err = fmt.Errorf("list %s: %w", id, campaigns.ErrDeleted)
	}
	return err
}
