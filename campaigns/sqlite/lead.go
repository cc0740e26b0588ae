package sqlite

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

const leadColumns = `id, list, external_id, name, stage, cp, pi, level, temperature, progress, fields, note, created_at, updated_at`

func scanLead(r scanner) (campaigns.Lead, error) {
	var l campaigns.Lead
	var fields string
	var created, updated int64
	g := &l.Grades
	err := r.Scan(&l.ID, &l.List, &l.ExternalID, &l.Name, &g.Stage, &g.CP, &g.PI, &g.Level, &g.Temperature, &g.Progress,
		&fields, &l.Note, &created, &updated)
	if err != nil {
		return campaigns.Lead{}, err
	}
	l.CreatedAt, l.UpdatedAt = moment(created), moment(updated)
	if fields != "" {
		err = json.Unmarshal([]byte(fields), &l.Fields)
	}
	return l, err
}

func scanNumber(r scanner) (campaigns.Number, error) {
	var n campaigns.Number
	var class campaigns.WindowClass
	err := r.Scan(&n.E164, &n.Kind, &class, &n.Bad)
	n.Zones, n.Regions = class.Zones(), class.Regions()
	return n, err
}

// loadLead reads a lead with its numbers; campaigns.ErrNotFound where there is none.
func loadLead(s *statements, id campaigns.LeadID) (campaigns.Lead, error) {
	leads, err := list(s, scanLead, `SELECT `+leadColumns+` FROM lead WHERE id = ?`, int64(id))
	if err != nil {
		return campaigns.Lead{}, fmt.Errorf("read lead %d: %w", id, err)
	}
	if len(leads) == 0 {
		return campaigns.Lead{}, fmt.Errorf("lead %d: %w", id, campaigns.ErrNotFound)
	}
	l := leads[0]
	l.Numbers, err = list(s, scanNumber, `SELECT e164, kind, window_class, bad FROM lead_number WHERE lead = ? ORDER BY position`, int64(id))
	if err != nil {
		return campaigns.Lead{}, fmt.Errorf("read numbers of lead %d: %w", id, err)
	}
	return l, nil
}

// source is the row of a list that a lead was last imported from.
type source struct {
	id     campaigns.LeadID
	row    []byte
	grades string
}

// findSource looks for a lead of a list by its identity; id 0 where there is none.
func (w *writer) findSource(id campaigns.ListID, identity string) (source, error) {
	var s source
	err := w.get(`SELECT id, source_row, source_grades FROM lead WHERE list = ? AND identity = ?`, args(string(id), identity), &s.id, &s.row, &s.grades)
	if errors.Is(err, sql.ErrNoRows) {
		return source{}, nil
	}
	return s, err
}

// importResult is what became of one imported lead.
type importResult int

const (
	leadSame importResult = iota
	leadAdded
	leadUpdated
)

// importRow is a lead on its way into the store, with what can be worked out
// before the writer has it.
type importRow struct {
	campaigns.Lead
	who    string // its identity
	row    []byte
	grades string
}

func importRows(list campaigns.ListID, leads []campaigns.Lead) ([]importRow, error) {
	rows := make([]importRow, len(leads))
	for i, l := range leads {
		l.List = list
		who, err := l.Identity()
		if err != nil {
			return nil, err
		}
		told, err := l.SourceSum()
		if err != nil {
			return nil, err
		}
		rows[i] = importRow{Lead: l, who: who, row: told[:16], grades: fmt.Sprint(l.Grades)}
	}
	return rows, nil
}

// importLead writes one row of a list. Grades that calls have changed stay
// unless the source itself says something new.
func (w *writer) importLead(r importRow, now time.Time) (campaigns.LeadID, importResult, error) {
	l, who, row, grades := r.Lead, r.who, r.row, r.grades
	id, err := w.insertLead(l, who, row, grades, now)
	if err != nil || id != 0 {
		return id, leadAdded, err
	}
	old, err := w.findSource(l.List, who)
	if err != nil {
		return 0, 0, err
	}
	if bytes.Equal(old.row, row) && old.grades == grades {
		return old.id, leadSame, nil
	}
	present, err := loadLead(w.statements, old.id)
	if err != nil {
		return 0, 0, err
	}
	merged := present.Overlaid(l, old.grades != grades)
	merged.UpdatedAt = now
	if err := w.replaceLead(merged, who); err != nil {
		return 0, 0, err
	}
	_, err = w.exec(`UPDATE lead SET source_row = ?, source_grades = ? WHERE id = ?`, row, grades, int64(old.id))
	return old.id, leadUpdated, err
}

// insertLead adds a lead; id 0 where the list has one with its identity.
func (w *writer) insertLead(l campaigns.Lead, identity string, row []byte, grades string, now time.Time) (campaigns.LeadID, error) {
	if l.CreatedAt.IsZero() {
		l.CreatedAt = now
	}
	if l.UpdatedAt.IsZero() {
		l.UpdatedAt = l.CreatedAt
	}
	fields, err := fieldsJSON(l.Fields)
	if err != nil {
		return 0, err
	}
	g := l.Grades
	var id campaigns.LeadID
	err = w.get(`INSERT INTO lead (list, identity, external_id, name, stage, cp, pi, level, temperature, progress, fields, note, source_row, source_grades, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (list, identity) DO NOTHING RETURNING id`,
		args(string(l.List), identity, l.ExternalID, l.Name, string(g.Stage), g.CP, g.PI, g.Level, string(g.Temperature), g.Progress,
			fields, l.Note, row, grades, stamp(l.CreatedAt), stamp(l.UpdatedAt)), &id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("add lead: %w", err)
	}
	return id, w.insertNumbers(id, l.Numbers)
}

// replaceLead writes all of a lead but its list and where it came from.
func (w *writer) replaceLead(l campaigns.Lead, identity string) error {
	fields, err := fieldsJSON(l.Fields)
	if err != nil {
		return err
	}
	g := l.Grades
	_, err = w.exec(`UPDATE lead SET identity = ?, external_id = ?, name = ?, stage = ?, cp = ?, pi = ?, level = ?, temperature = ?, progress = ?,
		fields = ?, note = ?, created_at = ?, updated_at = ? WHERE id = ?`,
		identity, l.ExternalID, l.Name, string(g.Stage), g.CP, g.PI, g.Level, string(g.Temperature), g.Progress,
		fields, l.Note, stamp(l.CreatedAt), stamp(l.UpdatedAt), int64(l.ID))
	if err != nil {
		return fmt.Errorf("replace lead %d: %w", l.ID, err)
	}
	if _, err := w.exec(`DELETE FROM lead_number WHERE lead = ?`, int64(l.ID)); err != nil {
		return err
	}
	return w.insertNumbers(l.ID, l.Numbers)
}

func (w *writer) insertNumbers(id campaigns.LeadID, numbers []campaigns.Number) error {
	if len(numbers) == 0 {
		return nil
	}
	const row = `, (?, ?, ?, ?, ?, ?)`
	var values []any
	for i, n := range numbers {
		values = append(values, int64(id), i, n.E164, string(n.Kind), string(n.Window()), n.Bad)
	}
	_, err := w.exec(`INSERT INTO lead_number (lead, position, e164, kind, window_class, bad) VALUES `+strings.Repeat(row, len(numbers))[2:], values...)
	if err != nil {
		return fmt.Errorf("add the numbers of lead %d: %w", id, err)
	}
	return nil
}

func fieldsJSON(fields map[string]string) (string, error) {
	if len(fields) == 0 {
		return "", nil
	}
	body, err := json.Marshal(fields)
	return string(body), err
}
