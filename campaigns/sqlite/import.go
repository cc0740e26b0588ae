package sqlite

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// source is the row of a list that a lead was last imported from.
type source struct {
	id     campaigns.LeadID
	row    []byte
	grades int64 // a word
}

// rowSum is how much of the hash of a row is kept, in bytes: it only tells whether
// the row changed.
const rowSum = 8

// findSource looks for the lead that l is by its identity (campaigns.Lead.Identity)
// in its list; id 0 where there is none.
func (w *writer) findSource(l campaigns.Lead) (source, error) {
	var s source
	from, err := w.number(string(l.List))
	if err != nil {
		return s, err
	}
	if l.ExternalID != "" {
		err = w.get(`SELECT id, source_row, source_grades FROM lead WHERE list = ? AND external_id = ?`, args(from, l.ExternalID), &s.id, &s.row, &s.grades)
	} else {
		err = w.get(`SELECT l.id, l.source_row, l.source_grades FROM lead_number n CROSS JOIN lead l ON l.id = n.lead
			WHERE n.e164 = ? AND n.position = 0 AND l.list = ? AND l.external_id IS NULL`, args(phone(l.Numbers[0].E164), from), &s.id, &s.row, &s.grades)
	}
	if errors.Is(err, sql.ErrNoRows) {
		return source{}, nil
	}
	return s, err
}

// importRow is a lead on its way into the store, with what can be worked out
// before the writer has it.
type importRow struct {
	campaigns.Lead
	row    []byte
	grades string
}

func importRows(list campaigns.ListID, leads []campaigns.Lead) ([]importRow, error) {
	rows := make([]importRow, len(leads))
	for i, l := range leads {
		l.List = list
		if _, err := l.Identity(); err != nil {
			return nil, err
		}
		told, err := l.SourceSum()
		if err != nil {
			return nil, err
		}
		rows[i] = importRow{Lead: l, row: told[:rowSum], grades: fmt.Sprint(l.Grades)}
	}
	return rows, nil
}

// addLeads writes rows of a list. Those of leads that are new, mostly all, go in
// together; the others one by one.
func (w *writer) addLeads(id campaigns.ListID, rows []importRow, now time.Time) (campaigns.AddResult, error) {
	var done campaigns.AddResult
	var known int
	if err := w.get(`SELECT 1 FROM list WHERE id = ?`, args(string(id)), &known); err != nil {
		return done, orNotFound(err)
	}
	plans, err := w.plansOf(id)
	if err != nil {
		return done, err
	}
	fresh, others, err := w.insertNew(rows, now)
	if err != nil {
		return done, err
	}
	if err := w.addEntries(fresh, plans, now); err != nil {
		return done, err
	}
	done.Added = len(fresh)
	for _, row := range others {
		lead, changed, err := w.importAgain(row, now)
		if err != nil {
			return done, err
		}
		if !changed {
			done.Same++
			continue
		}
		done.Updated++
		if err := w.requeueLead(lead, now); err != nil {
			return done, err
		}
	}
	_, err = w.exec(`UPDATE list SET leads = leads + ? WHERE id = ?`, done.Added, string(id))
	return done, err
}

// insertNew adds the leads that their list does not have, with their numbers. The
// other rows are returned as they are.
func (w *writer) insertNew(rows []importRow, now time.Time) (added []campaigns.Lead, others []importRow, err error) {
	rows, others, err = w.withoutKnownNumbers(rows)
	if err != nil || len(rows) == 0 {
		return nil, others, err
	}
	if w.nextLead == 0 { // also after leads that are gone, whose attempts stay
		if err := w.get(`SELECT 1 + max(coalesce((SELECT max(id) FROM lead), 0), coalesce((SELECT max(lead) FROM attempt), 0))`, nil, &w.nextLead); err != nil {
			return nil, nil, err
		}
	}
	first := w.nextLead
	values := make([]any, 0, len(rows)*leadColumns)
	for i := range rows {
		l := &rows[i].Lead
		l.ID = campaigns.LeadID(first + int64(i))
		if l.CreatedAt.IsZero() {
			l.CreatedAt = now
		}
		if l.UpdatedAt.IsZero() {
			l.UpdatedAt = l.CreatedAt
		}
		if values, err = w.appendLead(values, rows[i]); err != nil {
			return nil, nil, err
		}
	}
	n, err := w.insertRows(`INSERT OR FAIL INTO lead (id, list, external_id, name, stage, cp, pi, level, temperature, progress, fields, note,
		source_row, source_grades, created_at, updated_at)`, ` ON CONFLICT (list, external_id) WHERE external_id IS NOT NULL DO NOTHING`, leadColumns, values)
	if err != nil {
		return nil, nil, fmt.Errorf("add leads: %w", err)
	}
	there := map[campaigns.LeadID]bool{}
	if n < int64(len(rows)) {
		ids, err := list(w.statements, column[campaigns.LeadID], `SELECT id FROM lead WHERE id >= ?`, first)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range ids {
			there[id] = true
		}
	}
	added = make([]campaigns.Lead, 0, len(rows))
	for _, row := range rows {
		if n < int64(len(rows)) && !there[row.ID] {
			others = append(others, row)
			continue
		}
		added = append(added, row.Lead)
		w.nextLead = int64(row.ID) + 1
	}
	return added, others, w.insertNumbers(added...)
}

// withoutKnownNumbers takes out the rows without an external id whose first number
// is that of such a lead of the list already, or of an earlier row.
func (w *writer) withoutKnownNumbers(rows []importRow) (fresh, others []importRow, err error) {
	fresh = make([]importRow, 0, len(rows))
	earlier := map[string]bool{}
	for _, row := range rows {
		if row.ExternalID != "" {
			fresh = append(fresh, row)
			continue
		}
		first := row.Numbers[0].E164
		found, err := w.findSource(row.Lead)
		if err != nil {
			return nil, nil, err
		}
		if found.id != 0 || earlier[first] {
			others = append(others, row)
			continue
		}
		earlier[first] = true
		fresh = append(fresh, row)
	}
	return fresh, others, nil
}

// leadColumns is how many values appendLead appends.
const leadColumns = 16

// appendLead appends what is kept of a new lead.
func (w *writer) appendLead(values []any, r importRow) ([]any, error) {
	n, err := w.numbersOf(string(r.List), string(r.Grades.Stage), string(r.Grades.Temperature), r.grades)
	if err != nil {
		return nil, err
	}
	fields, err := fieldsJSON(r.Fields)
	if err != nil {
		return nil, err
	}
	g := r.Grades
	return append(values, int64(r.ID), n[0], given(r.ExternalID), r.Name, n[1], g.CP, g.PI, g.Level, n[2], g.Progress, given(fields), given(r.Note),
		r.row, n[3], stamp(r.CreatedAt), changedAt(r.Lead)), nil
}

// given is a text, or NULL where there is none.
func given(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// changedAt is when a lead was changed after it was created, or NULL.
func changedAt(l campaigns.Lead) any {
	if l.UpdatedAt.Equal(l.CreatedAt) {
		return nil
	}
	return stamp(l.UpdatedAt)
}

// importAgain writes a row of a lead that is there. Grades that calls have changed
// stay unless the source itself says something new.
func (w *writer) importAgain(r importRow, now time.Time) (id campaigns.LeadID, changed bool, err error) {
	old, err := w.findSource(r.Lead)
	if err != nil {
		return 0, false, err
	}
	grades, err := w.number(r.grades)
	if err != nil {
		return 0, false, err
	}
	if bytes.Equal(old.row, r.row) && old.grades == grades {
		return old.id, false, nil
	}
	present, err := loadLead(w.statements, old.id)
	if err != nil {
		return 0, false, err
	}
	merged := present.Overlaid(r.Lead, old.grades != grades)
	merged.UpdatedAt = now
	if err := w.replaceLead(merged); err != nil {
		return 0, false, err
	}
	_, err = w.exec(`UPDATE lead SET source_row = ?, source_grades = ? WHERE id = ?`, r.row, grades, int64(old.id))
	return old.id, true, err
}

// replaceLead writes all of a lead but its list and where it came from.
func (w *writer) replaceLead(l campaigns.Lead) error {
	fields, err := fieldsJSON(l.Fields)
	if err != nil {
		return err
	}
	n, err := w.numbersOf(string(l.Grades.Stage), string(l.Grades.Temperature))
	if err != nil {
		return err
	}
	g := l.Grades
	_, err = w.exec(`UPDATE lead SET external_id = ?, name = ?, stage = ?, cp = ?, pi = ?, level = ?, temperature = ?, progress = ?,
		fields = ?, note = ?, created_at = ?, updated_at = ? WHERE id = ?`,
		given(l.ExternalID), l.Name, n[0], g.CP, g.PI, g.Level, n[1], g.Progress,
		given(fields), given(l.Note), stamp(l.CreatedAt), changedAt(l), int64(l.ID))
	if err != nil {
		return fmt.Errorf("replace lead %d: %w", l.ID, err)
	}
	if _, err := w.exec(`DELETE FROM lead_number WHERE lead = ?`, int64(l.ID)); err != nil {
		return err
	}
	return w.insertNumbers(l)
}

// insertNumbers adds the numbers of leads that have none yet.
func (w *writer) insertNumbers(leads ...campaigns.Lead) error {
	const columns = 6
	var values []any
	for _, l := range leads {
		for i, n := range l.Numbers {
			words, err := w.numbersOf(string(n.Kind), string(n.Window()))
			if err != nil {
				return err
			}
			values = append(values, int64(l.ID), i, phone(n.E164), words[0], words[1], n.Bad)
		}
	}
	_, err := w.insertRows(`INSERT OR FAIL INTO lead_number (lead, position, e164, kind, window_class, bad)`, "", columns, values)
	if err != nil {
		return fmt.Errorf("add numbers: %w", err)
	}
	return nil
}

// insertRows inserts many rows with few statements; it says how many went in. head
// names the table and its columns, tail comes after the values. An error undoes the
// whole request, so that head says OR FAIL: else SQLite would keep a copy of each page
// to undo the one statement with.
func (w *writer) insertRows(head, tail string, columns int, values []any) (int64, error) {
	row := `, (?` + strings.Repeat(`, ?`, columns-1) + `)`
	var total int64
	for _, rows := range []int{50, 5, 1} { // few sizes: each is a statement that is kept prepared
		query := head + ` VALUES ` + strings.Repeat(row, rows)[2:] + tail
		for n := rows * columns; len(values) >= n; values = values[n:] {
			done, err := w.exec(query, values[:n]...)
			if err != nil {
				return total, err
			}
			total += done
		}
	}
	return total, nil
}
