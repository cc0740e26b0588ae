package leadfile

import (
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Shape is which columns an export needs: add every lead, or a sample, then
// make the Writer.
type Shape struct {
	Fields  []string // custom fields, in the order of the columns
	Numbers int      // most numbers that a lead has
}

// Add widens the shape for leads.
func (s *Shape) Add(leads ...campaigns.Lead) {
	known := map[string]bool{}
	for _, name := range s.Fields {
		known[name] = true
	}
	for _, l := range leads {
		s.Numbers = max(s.Numbers, len(l.Numbers))
		for name := range l.Fields {
			known[name] = true
		}
	}
	s.Fields = slices.Sorted(maps.Keys(known))
}

// Writer writes leads as UTF-8 CSV that Read takes back. Cells that a
// spreadsheet would run as a formula get an apostrophe in front, which Read
// takes off again.
type Writer struct {
	out   *guardedCSV
	shape Shape
}

// NewWriter starts an export and writes its header.
func NewWriter(w io.Writer, shape Shape) *Writer {
	header := []string{"external_id", "name"}
	for i := range shape.Numbers {
		n := strconv.Itoa(i + 1)
		header = append(header, "number_"+n, "kind_"+n, "zones_"+n)
	}
	header = append(header, "stage", "cp", "pi", "level", "temperature", "progress", "note")
	out := newGuardedCSV(w)
	out.row(append(header, shape.Fields...))
	return &Writer{out: out, shape: shape}
}

// Write writes leads. A lead that the shape is too narrow for is an error.
func (w *Writer) Write(leads ...campaigns.Lead) error {
	for _, l := range leads {
		if len(l.Numbers) > w.shape.Numbers {
			return fmt.Errorf("leadfile: lead %d has %d numbers, the shape %d", l.ID, len(l.Numbers), w.shape.Numbers)
		}
		cells := []string{l.ExternalID, l.Name}
		for i := range w.shape.Numbers {
			if i >= len(l.Numbers) {
				cells = append(cells, "", "", "")
				continue
			}
			n := l.Numbers[i]
			cells = append(cells, n.E164, string(n.Kind), strings.Join(n.Zones, " "))
		}
		g := l.Grades
		cells = append(cells, string(g.Stage), strconv.Itoa(g.CP), strconv.Itoa(g.PI), strconv.Itoa(g.Level),
			string(g.Temperature), strconv.Itoa(g.Progress), l.Note)
		for _, name := range w.shape.Fields {
			cells = append(cells, l.Fields[name])
		}
		w.out.row(cells)
	}
	return w.out.csv.Error()
}

// Close writes what is buffered. It does not close the underlying writer.
func (w *Writer) Close() error { return w.out.flush() }

// guardedCSV writes CSV that is safe to open in a spreadsheet.
type guardedCSV struct {
	csv     *csv.Writer
	started bool
}

func newGuardedCSV(w io.Writer) *guardedCSV { return &guardedCSV{csv: csv.NewWriter(w)} }

// row writes a row; its error shows at flush.
func (g *guardedCSV) row(cells []string) {
	safe := make([]string, len(cells))
	for i, cell := range cells {
		safe[i] = Guard(cell)
	}
	_ = g.csv.Write(safe) // csv.Writer keeps its first error for flush
}

// badRow writes one bad row, with a header before the first.
func (g *guardedCSV) badRow(b BadRow, cells, headers []string) {
	if !g.started {
		g.started = true
		g.row(append([]string{"line", "column", "reason", "lead_kept"}, headers...))
	}
	g.row(append([]string{strconv.Itoa(b.Line), b.Column, b.Reason, strconv.FormatBool(b.Kept)}, cells...))
}

func (g *guardedCSV) flush() error {
	g.csv.Flush()
	return g.csv.Error()
}

// formulaStarts make a spreadsheet run a cell, also in their full-width forms.
const formulaStarts = "=+-@\t\r\n＝＋－＠"

// Guard disarms a cell of a spreadsheet. A number in E.164 form is left as it is.
func Guard(cell string) string {
	if cell == "" || !startsFormula(cell) || isE164(cell) {
		return cell
	}
	return "'" + cell
}

// unguard takes the apostrophe of Guard off.
func unguard(cell string) string {
	if rest, ok := strings.CutPrefix(cell, "'"); ok && rest != "" && startsFormula(rest) {
		return rest
	}
	return cell
}

// startsFormula says so of a guarded cell too, so that a guard is taken off
// once for each time it was put on.
func startsFormula(cell string) bool {
	for _, r := range strings.TrimLeft(cell, "'") {
		return strings.ContainsRune(formulaStarts, r)
	}
	return false
}

// isE164 says whether a cell is "+" and 7 to 15 digits.
func isE164(cell string) bool {
	digits, ok := strings.CutPrefix(cell, "+")
	return ok && len(digits) >= 7 && len(digits) <= 15 && strings.Trim(digits, "0123456789") == ""
}
