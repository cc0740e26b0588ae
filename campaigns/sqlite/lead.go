package sqlite

import (
	"encoding/json"
	"fmt"

	"github.com/outpace-dialer/outpace/campaigns"
)

// columnsOfLead are those of scanLead.
const columnsOfLead = `id, list, coalesce(external_id, ''), name, stage, cp, pi, level, temperature, progress,
	coalesce(fields, ''), coalesce(note, ''), created_at, coalesce(updated_at, created_at)`

// leadRow is a lead as it is kept, without its numbers.
type leadRow struct {
	campaigns.Lead
	list, stage, temperature int64 // words
	fields                   string
}

func scanLead(r scanner) (leadRow, error) {
	var l leadRow
	var created, updated int64
	g := &l.Grades
	err := r.Scan(&l.ID, &l.list, &l.ExternalID, &l.Name, &l.stage, &g.CP, &g.PI, &g.Level, &l.temperature, &g.Progress,
		&l.fields, &l.Note, &created, &updated)
	l.CreatedAt, l.UpdatedAt = moment(created), moment(updated)
	return l, err
}

// lead is the lead of a row.
func (s *statements) lead(r leadRow) (campaigns.Lead, error) {
	from, err := s.wordOf(r.list)
	if err != nil {
		return campaigns.Lead{}, err
	}
	stage, err := s.wordOf(r.stage)
	if err != nil {
		return campaigns.Lead{}, err
	}
	temperature, err := s.wordOf(r.temperature)
	if err != nil {
		return campaigns.Lead{}, err
	}
	l := r.Lead
	l.List, l.Grades.Stage, l.Grades.Temperature = campaigns.ListID(from), campaigns.Stage(stage), campaigns.Temperature(temperature)
	if r.fields != "" {
		err = json.Unmarshal([]byte(r.fields), &l.Fields)
	}
	return l, err
}

// numberRow is a number of a lead as it is kept.
type numberRow struct {
	e164        e164
	kind, class int64 // words
	bad         bool
}

func scanNumber(r scanner) (numberRow, error) {
	var n numberRow
	err := r.Scan(&n.e164, &n.kind, &n.class, &n.bad)
	return n, err
}

// numbersOfLead reads the numbers of a lead, in their order.
func (s *statements) numbersOfLead(id campaigns.LeadID) ([]campaigns.Number, error) {
	rows, err := list(s, scanNumber, `SELECT e164, kind, window_class, bad FROM lead_number WHERE lead = ? ORDER BY position`, int64(id))
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	numbers := make([]campaigns.Number, len(rows))
	for i, r := range rows {
		if numbers[i], err = s.numberOfLead(r); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

// numberOfLead is the number of a row.
func (s *statements) numberOfLead(r numberRow) (campaigns.Number, error) {
	kind, err := s.wordOf(r.kind)
	if err != nil {
		return campaigns.Number{}, err
	}
	text, err := s.wordOf(r.class)
	class := campaigns.WindowClass(text)
	return campaigns.Number{E164: string(r.e164), Kind: campaigns.NumberKind(kind), Zones: class.Zones(), Regions: class.Regions(), Bad: r.bad}, err
}

// loadLead reads a lead with its numbers; campaigns.ErrNotFound where there is none.
func loadLead(s *statements, id campaigns.LeadID) (campaigns.Lead, error) {
	rows, err := list(s, scanLead, `SELECT `+columnsOfLead+` FROM lead WHERE id = ?`, int64(id))
	if err != nil {
		return campaigns.Lead{}, fmt.Errorf("read lead %d: %w", id, err)
	}
	if len(rows) == 0 {
		return campaigns.Lead{}, fmt.Errorf("lead %d: %w", id, campaigns.ErrNotFound)
	}
	l, err := s.lead(rows[0])
	if err != nil {
		return campaigns.Lead{}, fmt.Errorf("read lead %d: %w", id, err)
	}
	if l.Numbers, err = s.numbersOfLead(id); err != nil {
		return campaigns.Lead{}, fmt.Errorf("read numbers of lead %d: %w", id, err)
	}
	return l, nil
}

func fieldsJSON(fields map[string]string) (string, error) {
	if len(fields) == 0 {
		return "", nil
	}
	body, err := json.Marshal(fields)
	return string(body), err
}
