package leadfile

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/number"
)

// blanks are cells that mean nothing.
var blanks = []string{"-", "--", "n/a", "na", "null", "none", "nil", "brak", "无"}

// value is a cell without spaces around it and without the guard of an export.
func value(cells []string, i int) string {
	if i >= len(cells) {
		return ""
	}
	return strings.TrimSpace(unguard(strings.TrimSpace(cells[i])))
}

// numberCell is a telephone number of a row.
type numberCell struct {
	column int
	kind   campaigns.NumberKind
}

// lead makes a lead of a row. Problems that are not Kept spoil the row.
func (rd *reader) lead(line int, cells []string) (campaigns.Lead, []BadRow) {
	l := campaigns.Lead{
		List:   rd.opts.List,
		Grades: campaigns.Grades{Stage: campaigns.StageClean, Temperature: campaigns.Cold},
	}
	bad := func(i int, reason string) []BadRow {
		return []BadRow{{Line: line, Column: rd.headerOf(i), Value: value(cells, i), Reason: reason}}
	}
	if len(cells) > len(rd.columns) && !empty(cells[len(rd.columns):]) {
		return l, bad(len(rd.columns), fmt.Sprintf("%d cells, the header has %d", len(cells), len(rd.columns)))
	}
	var first, last, country, code string
	var hints number.Hints
	var numbers []numberCell
	var leftOut []BadRow
	for i, c := range rd.columns {
		v := value(cells, i)
		if v == "" {
			continue
		}
		switch c.field {
		case "-":
		case "number", "mobile", "home", "work":
			if !slices.Contains(blanks, strings.ToLower(v)) {
				numbers = append(numbers, numberCell{i, kinds[c.field]})
			}
		case "kind":
			if k := campaigns.NumberKind(strings.ToLower(v)); len(numbers) > 0 && slices.Contains(numberKinds, k) {
				numbers[len(numbers)-1].kind = k
			}
		case "external_id":
			l.ExternalID = v
		case "name":
			l.Name = v
		case "first_name":
			first = v
		case "last_name":
			last = v
		case "note":
			l.Note = v
		case "country":
			country = v
			l.Fields = with(l.Fields, "country", v)
		case "calling_code":
			code = v
		case "zone":
			hints.Zone = v
			l.Fields = with(l.Fields, "zone", v)
		case "zip":
			hints.ZIP = v
			l.Fields = with(l.Fields, "zip", v)
		case "state":
			hints.State = v
			l.Fields = with(l.Fields, "state", v)
		case "stage", "cp", "pi", "level", "temperature", "progress":
			if err := grade(&l.Grades, c.field, v); err != nil {
				return l, bad(i, err.Error())
			}
		default:
			if _, err := campaigns.ParseScore(v); err != nil && slices.Contains(rd.opts.Scores, c.custom) {
				leftOut = append(leftOut, BadRow{Line: line, Column: rd.headerOf(i), Value: v, Reason: err.Error(), Kept: true})
				continue
			}
			l.Fields = with(l.Fields, c.custom, v)
		}
	}
	l.Name = cmp.Or(l.Name, strings.TrimSpace(first+" "+last))
	hints.Confirmed = rd.opts.ZoneConfirmed && hints.Zone != ""
	if slices.Contains(blanks, strings.ToLower(country)) {
		country = ""
	}
	problems := rd.numbers(&l, line, cells, numbers, cmp.Or(code, country), hints)
	return l, append(problems, leftOut...)
}

// kinds are the number columns that tell a kind; "number" leaves it to the
// number's range.
var kinds = map[string]campaigns.NumberKind{"mobile": campaigns.Mobile, "home": campaigns.Home, "work": campaigns.Work}

var numberKinds = []campaigns.NumberKind{campaigns.Mobile, campaigns.Home, campaigns.Work, campaigns.Other}

// numbers reads the telephone numbers of a row. A bad one beside a good one is
// left out and reported; a row without a good one is bad.
func (rd *reader) numbers(l *campaigns.Lead, line int, cells []string, found []numberCell, country string, hints number.Hints) []BadRow {
	region := rd.opts.DefaultRegion
	if country != "" {
		region = countryOf(country)
	}
	var problems []BadRow
	for _, cell := range found {
		n, err := rd.number(value(cells, cell.column), region, cell.kind, hints)
		if err != nil {
			at := cell.column
			if wrong, ok := errors.AsType[*number.Error](err); ok && wrong.Reason == number.NoCountry && country != "" {
				// Whose numbers these are is not guessed: somebody else would be called.
				wrong.Detail = fmt.Sprintf("%q is no country that we know; write two letters such as PL, or the number with + and country code", country)
			}
			if wrong, ok := errors.AsType[*number.Error](err); ok && wrong.Reason == number.BadZone {
				at = slices.IndexFunc(rd.columns, func(c column) bool { return c.field == "zone" })
			}
			problems = append(problems, BadRow{
				Line: line, Column: rd.headerOf(at), Value: value(cells, at), Reason: strings.TrimPrefix(err.Error(), "number: "),
			})
			continue
		}
		same := func(other campaigns.Number) bool { return other.E164 == n.E164 }
		if !slices.ContainsFunc(l.Numbers, same) && len(l.Numbers) < maxNumbers {
			l.Numbers = append(l.Numbers, n)
		}
	}
	if len(l.Numbers) > 0 {
		for i := range problems {
			problems[i].Kept = true
		}
		return problems
	}
	if len(problems) > 0 {
		return problems[:1]
	}
	i := slices.IndexFunc(rd.columns, column.numbers)
	return []BadRow{{Line: line, Column: rd.headerOf(i), Value: value(cells, i), Reason: "no telephone number"}}
}

// number reads one telephone number and places it.
func (rd *reader) number(raw, region string, kind campaigns.NumberKind, hints number.Hints) (campaigns.Number, error) {
	p, err := number.Parse(raw, region)
	if err != nil {
		return campaigns.Number{}, err
	}
	n, err := p.Number(kind, hints)
	if err != nil {
		return campaigns.Number{}, err
	}
	if len(rd.opts.Regions) > 0 {
		n.Regions = slices.Clone(rd.opts.Regions)
	}
	return n, nil
}

// with sets a custom field.
func with(fields map[string]string, name, v string) map[string]string {
	if fields == nil {
		fields = map[string]string{}
	}
	fields[name] = v
	return fields
}

// grade reads a grade: cp, pi and level 0..5 (level also "L3"), progress 0..100
// with or without %, stage and temperature by name.
func grade(g *campaigns.Grades, field, v string) error {
	switch field {
	case "stage":
		g.Stage = campaigns.Stage(strings.ToLower(v))
		if !slices.Contains([]campaigns.Stage{campaigns.StageClean, campaigns.StageAcquire, campaigns.StageRetain}, g.Stage) {
			return fmt.Errorf("stage is clean, acquire or retain")
		}
		return nil
	case "temperature":
		g.Temperature = campaigns.Temperature(strings.ToLower(v))
		if !slices.Contains([]campaigns.Temperature{campaigns.Hot, campaigns.Warm, campaigns.Cold}, g.Temperature) {
			return fmt.Errorf("temperature is hot, warm or cold")
		}
		return nil
	}
	limit, into := 5, &g.CP
	switch field {
	case "pi":
		into = &g.PI
	case "level":
		v, into = strings.TrimPrefix(strings.ToUpper(v), "L"), &g.Level
	case "progress":
		v, limit, into = strings.TrimSuffix(v, "%"), 100, &g.Progress
	}
	n, err := strconv.Atoi(strings.TrimSpace(v))
	if err != nil || n < 0 || n > limit {
		return fmt.Errorf("%s is a number from 0 to %d", field, limit)
	}
	*into = n
	return nil
}
