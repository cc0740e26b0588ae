// Package leadfile reads lists of leads from CSV and XLSX files and writes them
// as CSV. It maps columns by their names in several languages, finds encoding
// and delimiter, normalises numbers and their zones, drops repeats, and tells
// of each row that it could not take: line, column, reason.
//
// It does not know stores: rows come out in batches, in the order of the file,
// and memory stays bounded however long the file is.
//
//	file ─► decode (encoding, delimiter | XLSX) ─► rows ─► mapping ─► campaigns.Lead ─► emit(batch)
//	                                                          └─► bad rows ─► Report, CSV
package leadfile

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Options say how to read a file. The zero value finds everything out, but
// needs numbers with a country code.
type Options struct {
	List          campaigns.ListID
	DefaultRegion string            // ISO 3166 alpha-2, for numbers without country code
	Encoding      string            // utf-8, utf-16le, utf-16be, windows-1250, gb18030; empty: found
	Delimiter     rune              // ',', ';', '\t', '|'; 0: found
	Mapping       map[string]string // column name -> field, "-" to leave it out; columns that are missing here map by name
	Regions       []string          // rule regions for every number in place of those found; for the demo's fictitious numbers
	ZoneConfirmed bool              // the zone column was confirmed by the persons: it alone decides
	Scores        []string          // custom fields that hold answer scores; a cell that is none is left out and reported
	KeepRepeats   bool              // rows that repeat a lead come all the same
	MaxRows       int               // rows after the header, 0: no limit
	BadRows       io.Writer         // bad rows as CSV: line, column, reason, then the row as it was; nil: none
}

// Limits on what a file may hold.
const (
	batchSize     = 5_000
	batchWeight   = 2 << 20 // bytes of the rows of a batch, with the names of their fields
	maxRecord     = 1 << 20 // bytes of one row
	maxColumns    = 1_000
	maxDelimiters = 50 * maxColumns // of one row, those in quotes too
	maxNames      = 64 << 10        // bytes of all column names: each lead has those of its custom fields
	maxBadKept    = 1_000           // bad rows in a Report; all go to Options.BadRows
	maxNumbers    = 10              // number columns of one lead
)

// Report is what came of a file.
type Report struct {
	Rows       int            `json:"rows"`       // after the header, without empty ones
	Good       int            `json:"good"`       // leads given to emit
	Duplicates int            `json:"duplicates"` // same number and same external id as an earlier row
	BadRows    int            `json:"bad_rows"`   // rows that gave no lead
	Warnings   int            `json:"warnings"`   // cells left out of a lead that was kept
	Bad        []BadRow       `json:"bad"`        // the first thousand of both
	Mapping    []ColumnTarget `json:"mapping"`
	Encoding   string         `json:"encoding"`
	Delimiter  string         `json:"delimiter"`       // empty for XLSX
	Sheet      string         `json:"sheet,omitempty"` // of a workbook, that was read
	HeaderLine int            `json:"header_line"`     // what stands above it was left out; 0: there is no header
}

// BadRow is something that could not be read.
type BadRow struct {
	Line   int    `json:"line"`   // of the file, from 1; a row of several lines counts where it starts
	Column string `json:"column"` // name in the header
	Value  string `json:"value"`
	Reason string `json:"reason"`
	Kept   bool   `json:"kept"` // only the cell was left out; the lead was taken
}

// ColumnTarget says which field a column goes to.
type ColumnTarget struct {
	Column string `json:"column"`
	Field  string `json:"field"` // a field of Fields; "field:<name>" for a custom one; "-" for none
}

// ErrNoNumbers means that no column holds telephone numbers.
var ErrNoNumbers = errors.New("leadfile: no column of telephone numbers; name one in the mapping")

// source gives rows one by one; io.EOF at the end. A *rowError is a row that
// cannot be read; the next call goes on after it.
type source interface {
	next() (line int, cells []string, err error)
}

// rowError is a row that cannot be read.
type rowError struct {
	line   int
	column int // of the row, from 0; -1: the row as a whole
	reason string
	wide   bool // it has more columns than a row may have: no title has
}

func (e *rowError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

// Read reads leads from r. name is the file's name; .xlsx, or content that is a
// ZIP archive, is a workbook. emit gets batches of at most 5,000 leads, and about 2 MiB, and may
// keep them; it runs beside the reading, never twice at a time. An error ends the reading; bad rows do not.
func Read(ctx context.Context, r io.Reader, name string, o Options, emit func(batch []campaigns.Lead) error) (Report, error) {
	src, report, err := open(r, name, o)
	if err != nil {
		return report, err
	}
	if c, ok := src.(io.Closer); ok {
		defer c.Close()
	}
	rd := &reader{opts: o, report: &report, emit: emit, seen: newRepeats()}
	if o.BadRows != nil {
		rd.bad = newGuardedCSV(o.BadRows)
	}
	err = rd.run(ctx, src)
	err = errors.Join(err, rd.emitted())
	if rd.bad != nil {
		err = errors.Join(err, rd.bad.flush())
	}
	return report, err
}

// reader turns rows into leads.
type reader struct {
	opts    Options
	report  *Report
	emit    func([]campaigns.Lead) error
	columns []column
	headers []string
	batch   []campaigns.Lead
	weight  int        // of batch, bytes
	emits   chan error // holds the result of the emit that was begun last
	bad     *guardedCSV
	seen    *repeats

	headerless bool // the first row is a lead
}

// run reads the header and then every row.
func (rd *reader) run(ctx context.Context, src source) error {
	first, cells, _, err := rd.opts.top(src)
	if err == io.EOF {
		return errors.New("leadfile: the file is empty")
	}
	if err != nil {
		return fmt.Errorf("leadfile: header: %w", err)
	}
	if err := rd.header(first, cells); err != nil {
		return err
	}
	if rd.headerless {
		if err := rd.row(first, cells); err != nil {
			return err
		}
	}
	for {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		line, cells, err := src.next()
		if err == io.EOF {
			return rd.flush()
		}
		if unreadable, ok := errors.AsType[*rowError](err); ok {
			rd.report.Rows++
			rd.refuse(BadRow{Line: unreadable.line, Column: rd.headerOf(unreadable.column), Reason: unreadable.reason}, cells)
			continue
		}
		if err != nil {
			return fmt.Errorf("leadfile: %w", err)
		}
		if rd.opts.MaxRows > 0 && rd.report.Rows >= rd.opts.MaxRows {
			return rd.flush()
		}
		if err := rd.row(line, cells); err != nil {
			return err
		}
	}
}

// row takes one row: a lead, a repeat or a bad row.
func (rd *reader) row(line int, cells []string) error {
	if empty(cells) {
		return nil
	}
	rd.report.Rows++
	lead, problems := rd.lead(line, cells)
	for _, p := range problems {
		rd.refuse(p, cells)
		if !p.Kept {
			return nil
		}
	}
	if !rd.opts.KeepRepeats && rd.seen.again(lead.Numbers[0].E164+"\x00"+lead.ExternalID) {
		rd.report.Duplicates++
		return nil
	}
	rd.report.Good++
	rd.batch = append(rd.batch, lead)
	rd.weight += weight(cells, lead)
	if len(rd.batch) < batchSize && rd.weight < batchWeight {
		return nil
	}
	return rd.flush()
}

// flush emits the batch while the next one is read: whoever writes it works
// beside us. It gives the error of the one before.
func (rd *reader) flush() error {
	if err := rd.emitted(); err != nil || len(rd.batch) == 0 {
		return err
	}
	batch := rd.batch
	rd.batch, rd.weight, rd.emits = nil, 0, make(chan error, 1)
	go func() { rd.emits <- rd.emit(batch) }()
	return nil
}

// emitted waits for the emit that was begun last.
func (rd *reader) emitted() error {
	if rd.emits == nil {
		return nil
	}
	err := <-rd.emits
	rd.emits = nil
	return err
}

// refuse notes a bad row or cell.
func (rd *reader) refuse(b BadRow, cells []string) {
	if b.Kept {
		rd.report.Warnings++
	} else {
		rd.report.BadRows++
	}
	if len(b.Value) > 200 {
		b.Value = strings.ToValidUTF8(b.Value[:200], "") + "…"
	}
	b.Value = strings.Clone(b.Value) // a cell holds its whole row
	if len(rd.report.Bad) < maxBadKept {
		rd.report.Bad = append(rd.report.Bad, b)
	}
	if rd.bad != nil {
		rd.bad.badRow(b, cells, rd.headers)
	}
}

// weight is what a lead holds in memory, about, in bytes: a cell holds its whole row.
func weight(cells []string, l campaigns.Lead) int {
	const lead, field = 300, 64
	bytes := lead
	for _, cell := range cells {
		bytes += len(cell)
	}
	for name := range l.Fields {
		bytes += field + len(name)
	}
	return bytes
}

func empty(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}
