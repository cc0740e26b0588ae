package leadfile

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode"

	"github.com/outpace-dialer/outpace/campaigns/number"
)

// headerWithin is how many rows from the first the header is looked for in: reports have a
// title and a few remarks above it.
const headerWithin = 20

// top is the header of a file. What stands above is passed over: a title, remarks, empty
// lines. Where no row names a column of numbers it is the first row that is not empty:
// named is false then. io.EOF: there is none; a *rowError: that row cannot be read.
func (o Options) top(src source) (line int, cells []string, named bool, err error) {
	var unreadable error // above the header, such as a title with a quote in it
	first := 0
	for range headerWithin {
		n, row, err := src.next()
		if row, ok := errors.AsType[*rowError](err); ok && !row.wide {
			unreadable = cmp.Or(unreadable, err)
			continue
		}
		if err == io.EOF && (first > 0 || unreadable != nil) {
			break
		}
		if err != nil {
			return 0, nil, false, err
		}
		if empty(row) {
			continue
		}
		if o.isHeader(row) && (first == 0 || !holdsDigits(row)) {
			return n, row, true, nil
		}
		if first > 0 {
			continue
		}
		if first, cells = n, row; len(o.Mapping) == 0 && o.numberIn(row) >= 0 {
			break // a lead: there is no header
		}
	}
	if first == 0 && unreadable == nil {
		unreadable = fmt.Errorf("the first %d lines are empty", headerWithin)
	}
	return first, cells, false, unreadable
}

// isHeader says whether a row names a column of numbers, and all columns that are mapped.
func (o Options) isHeader(row []string) bool {
	numbers := false
	var mapped []string
	for _, cell := range row {
		name := headerName(cell)
		field, given := o.Mapping[name]
		if !given {
			field = byName[plainName(name)]
		} else if !slices.Contains(mapped, name) {
			mapped = append(mapped, name)
		}
		numbers = numbers || column{field: field}.numbers()
	}
	return numbers && len(mapped) == len(o.Mapping)
}

// holdsDigits says whether a cell has as many digits as a telephone number: a row of which
// another cell says "mobile" is a lead then, under a header that is not known.
func holdsDigits(row []string) bool {
	return slices.ContainsFunc(row, func(cell string) bool {
		digits := 0
		for _, letter := range cell {
			if unicode.IsDigit(letter) {
				digits++
			}
		}
		return digits >= 6
	})
}

// numberIn is the first cell of a row that is a number that may be dialled; -1: none is.
func (o Options) numberIn(row []string) int {
	return slices.IndexFunc(row, func(cell string) bool {
		_, err := number.Parse(cell, o.DefaultRegion)
		return err == nil
	})
}

// headerName is the name of a column as it is compared and shown.
func headerName(cell string) string { return strings.TrimSpace(unguard(cell)) }
