package sqlite

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A bulk request writes leads in pieces, and looks after each whether it is to stop.
// At most so many leads share a commit, while nobody calls and while calls are made
// (see writer.mayGoOn): a call that comes meanwhile waits for a piece, and for the
// flush of what was written.
const (
	piece         = 50
	pieceInCalls  = 5
	atOnce        = 4000
	atOnceInCalls = 15
)

// piece is how many leads to write before somebody may be let by.
func (w *writer) piece() int {
	if w.calling() {
		return pieceInCalls
	}
	return piece
}

// SaveList creates or replaces a list; the number of its leads is our own count.
func (s *Store) SaveList(ctx context.Context, l campaigns.List) error {
	if !campaigns.ValidID(string(l.ID)) {
		return &campaigns.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not a list id", l.ID)}
	}
	if l.CreatedAt.IsZero() {
		l.CreatedAt = time.Now()
	}
	return s.write(ctx, "save_list", func(w *writer) error {
		if err := w.notDeleted(l.ID); err != nil {
			return err
		}
		_, err := w.exec(`INSERT INTO list (id, name, source, cost, consent_basis, verified, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, source = excluded.source, cost = excluded.cost,
			consent_basis = excluded.consent_basis, verified = excluded.verified`,
			string(l.ID), l.Name, l.Source, l.Cost, l.ConsentBasis, l.Verified, stamp(l.CreatedAt))
		return err
	})
}

const listColumns = `id, name, source, cost, consent_basis, verified, leads, created_at`

func scanList(r scanner) (campaigns.List, error) {
	var l campaigns.List
	var created int64
	err := r.Scan(&l.ID, &l.Name, &l.Source, &l.Cost, &l.ConsentBasis, &l.Verified, &l.Leads, &created)
	l.CreatedAt = moment(created)
	return l, err
}

// ReplaceList is SaveList where the list has this revision, else campaigns.ErrConflict;
// campaigns.ErrNotFound where there is none.
func (s *Store) ReplaceList(ctx context.Context, l campaigns.List, revision string) error {
	return s.write(ctx, "replace_list", func(w *writer) error {
		present, err := one(list(w.statements, scanList, `SELECT `+listColumns+` FROM list WHERE id = ?`, string(l.ID)))
		if err != nil {
			return err
		}
		if present.Revision() != revision {
			return fmt.Errorf("list %s has changed: %w", l.ID, campaigns.ErrConflict)
		}
		_, err = w.exec(`UPDATE list SET name = ?, source = ?, cost = ?, consent_basis = ?, verified = ? WHERE id = ?`,
			l.Name, l.Source, l.Cost, l.ConsentBasis, l.Verified, string(l.ID))
		return err
	})
}

// Lists returns all lists, by id.
func (s *Store) Lists(ctx context.Context) ([]campaigns.List, error) {
	return readList(ctx, s, "lists", scanList, `SELECT `+listColumns+` FROM list ORDER BY id`)
}

// AddLeads writes leads of a list in chunks; each chunk is durable by itself,
// so after an error the import is simply run again.
func (s *Store) AddLeads(ctx context.Context, id campaigns.ListID, leads []campaigns.Lead) (campaigns.AddResult, error) {
	var total campaigns.AddResult
	rows, err := importRows(id, leads)
	for err == nil && len(rows) > 0 {
		var done campaigns.AddResult
		n := 0
		s.untilEmptied()
		err = s.writeBulk(ctx, "add_leads", func(w *writer) error {
			done, n = campaigns.AddResult{}, 0
			for part := range slices.Chunk(rows, w.piece()) {
				some, err := w.addLeads(id, part, time.Now())
				if err != nil {
					return err
				}
				done = sum(done, some)
				if n += len(part); !w.mayGoOn(n) {
					break
				}
			}
			return nil
		})
		if err == nil {
			total, rows = sum(total, done), rows[n:]
		}
	}
	if err != nil {
		return total, fmt.Errorf("add leads to %s: %w", id, err)
	}
	return total, nil
}

func sum(a, b campaigns.AddResult) campaigns.AddResult {
	return campaigns.AddResult{Added: a.Added + b.Added, Updated: a.Updated + b.Updated, Same: a.Same + b.Same}
}

// Lead returns a lead, or campaigns.ErrNotFound.
func (s *Store) Lead(ctx context.Context, id campaigns.LeadID) (campaigns.Lead, error) {
	var l campaigns.Lead
	err := s.reading(ctx, "lead", func(r *statements) error {
		var err error
		l, err = loadLead(r, id)
		return err
	})
	return l, err
}

// SaveLead replaces a lead and finds its places again, except where it is
// claimed or being called: there it stays until that ends. A lead never leaves
// its list, and takes the external id or first number of no other lead there
// (campaigns.ErrConflict).
func (s *Store) SaveLead(ctx context.Context, l campaigns.Lead) error {
	return s.ReplaceLead(ctx, l, "")
}

// ReplaceLead is SaveLead where the lead has this revision, else campaigns.ErrConflict;
// empty: whatever it has.
func (s *Store) ReplaceLead(ctx context.Context, l campaigns.Lead, revision string) error {
	if _, err := l.Identity(); err != nil {
		return err
	}
	return s.write(ctx, "save_lead", func(w *writer) error {
		present, err := loadLead(w.statements, l.ID)
		if err != nil {
			return err
		}
		if revision != "" && revision != present.Revision() {
			return fmt.Errorf("lead %d has changed: %w", l.ID, campaigns.ErrConflict)
		}
		if l.List != present.List {
			return fmt.Errorf("lead %d is of list %s: %w", l.ID, present.List, campaigns.ErrConflict)
		}
		if twin, err := w.findSource(l); err != nil || (twin.id != 0 && twin.id != l.ID) {
			return orConflict(err)
		}
		now := time.Now()
		if l.CreatedAt.IsZero() {
			l.CreatedAt = present.CreatedAt
		}
		if l.UpdatedAt.IsZero() {
			l.UpdatedAt = now
		}
		if err := w.replaceLead(l); err != nil {
			return err
		}
		if err := w.requeueLead(l.ID, now); err != nil {
			return err
		}
		return w.tell(func() ([]campaigns.Event, error) { return []campaigns.Event{campaigns.EventOfLead(l, now)}, nil })
	})
}

// FindLeads returns leads by id; see campaigns.LeadQuery.
func (s *Store) FindLeads(ctx context.Context, q campaigns.LeadQuery) ([]campaigns.Lead, error) {
	where, a := []string{"id > ?"}, []any{int64(q.After)}
	if q.List != "" {
		where, a = append(where, "list = (SELECT id FROM word WHERE word = ?)"), append(a, string(q.List))
	}
	if q.Number != "" {
		where, a = append(where, "id IN (SELECT lead FROM lead_number WHERE e164 = ?)"), append(a, phone(q.Number))
	}
	if q.Text != "" {
		where = append(where, `(instr(lower(name), lower(?)) OR instr(lower(external_id), lower(?)))`)
		a = append(a, q.Text, q.Text)
	}
	query := `SELECT id FROM lead WHERE ` + strings.Join(where, " AND ") + ` ORDER BY id LIMIT ?`
	var found []campaigns.Lead
	err := s.reading(ctx, "find_leads", func(r *statements) error {
		ids, err := list(r, column[campaigns.LeadID], query, append(a, limited(q.Limit))...)
		for _, id := range ids {
			l, err := loadLead(r, id)
			if err != nil {
				return err
			}
			found = append(found, l)
		}
		return err
	})
	return found, err
}

// limited is the number of rows that a query may give: default 100, at most 10,000.
func limited(n int) int {
	if n <= 0 {
		return 100
	}
	return min(n, 10_000)
}
