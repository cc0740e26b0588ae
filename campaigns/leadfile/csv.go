package leadfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// csvSource reads the rows of a CSV file.
type csvSource struct {
	in        *csv.Reader
	quota     *quota
	delimiter rune
	line      int // of the last row
	before    int // lines that in does not know of: what it reads begins behind them
	ended     int // lines up to the end of the last row
}

// openCSV makes a source of decoded text. skip leaves out the first line,
// "sep=;".
func openCSV(text io.Reader, delimiter rune, skip bool) (source, error) {
	if !strings.ContainsRune(",;\t|", delimiter) {
		return nil, fmt.Errorf("leadfile: delimiter %q: known are , ; tab |", delimiter)
	}
	s := &csvSource{delimiter: delimiter}
	s.begin(text)
	if skip {
		if _, _, err := s.next(); err != nil {
			return nil, fmt.Errorf("leadfile: %w", err)
		}
	}
	return s, nil
}

// begin reads text that comes behind the rows so far.
func (s *csvSource) begin(text io.Reader) {
	s.quota = &quota{in: text, delimiter: byte(s.delimiter)}
	s.in = csv.NewReader(s.quota)
	s.in.Comma, s.in.FieldsPerRecord = s.delimiter, -1
	s.before = s.ended
}

// next reads a row. Quoting that cannot be read spoils its own line only, and so do too
// many columns; a line without an end is the end of the reading.
func (s *csvSource) next() (int, []string, error) {
	s.quota.refill()
	cells, err := s.in.Read()
	broken, isBroken := errors.AsType[*csv.ParseError](err)
	if s.quota.over != nil || isBroken && broken.Line > broken.StartLine {
		reason := "a quote is opened in this line and not closed where its cell ends"
		wide := s.quota.over == errTooWide && s.quota.readLine()
		if wide {
			reason = fmt.Sprintf("more than %d delimiters: at most %d columns", maxDelimiters, maxColumns)
		}
		line, text, ok := s.skipLine()
		if !ok {
			return 0, nil, fmt.Errorf("line %d: %w; is a quote missing?", line, errTooLong)
		}
		return line, []string{text}, &rowError{line: line, column: -1, reason: reason, wide: wide}
	}
	if err != nil && !isBroken {
		return 0, nil, err
	}
	s.ended += s.quota.forget(s.in.InputOffset())
	if isBroken {
		line := s.before + broken.StartLine
		return line, cells, &rowError{line: line, column: -1, reason: fmt.Sprintf("%v at line %d, byte %d", broken.Err, s.before+broken.Line, broken.Column)}
	}
	s.line, _ = s.in.FieldPos(0)
	s.line += s.before
	return s.line, cells, checkCells(s.line, cells)
}

// skipLine goes on behind the line in which a row begins that cannot be read: the lines
// that it ran on into are rows of their own. False where the line has no end in what was
// read.
func (s *csvSource) skipLine() (line int, text string, ok bool) {
	rest := s.quota.behind()
	for {
		first, after, found := bytes.Cut(rest, []byte("\n"))
		if !found {
			return s.ended + 1, "", false
		}
		s.ended++
		rest = after
		if text = string(bytes.TrimRight(first, "\r")); text != "" { // empty lines are no rows
			break
		}
	}
	s.begin(io.MultiReader(bytes.NewReader(rest), s.quota.in))
	return s.ended, text, true
}

// checkCells refuses what no text file holds.
func checkCells(line int, cells []string) error {
	if len(cells) > maxColumns {
		return &rowError{line: line, column: -1, reason: fmt.Sprintf("%d columns, at most %d", len(cells), maxColumns), wide: true}
	}
	for i, cell := range cells {
		switch {
		case strings.IndexByte(cell, 0) >= 0:
			return &rowError{line: line, column: i, reason: "NUL byte"}
		case !utf8.ValidString(cell) || strings.ContainsRune(cell, utf8.RuneError):
			return &rowError{line: line, column: i, reason: "letters that are not in the file's encoding; name the encoding"}
		}
	}
	return nil
}

// A row that took more than its share.
var (
	errTooLong = fmt.Errorf("longer than %d bytes", maxRecord)
	errTooWide = errors.New("row of too many columns")
)

// quota lets a row's share of bytes and delimiters through; the reader of rows refills it
// for each row. Rows are buffered ahead, which only makes the limits a little wider. It
// keeps what the reader took and did not make rows of.
//
// Delimiters in quotes count too: a reader of CSV keeps 40 bytes for each cell, so that a
// row may be short enough and take fifty times its length.
type quota struct {
	in        io.Reader
	delimiter byte
	left      int   // bytes
	cells     int   // delimiters
	over      error // why it let no more through
	kept      []byte
	from      int64 // where kept begins in what went through
	rows      int   // of kept, what was made rows of
}

func (q *quota) refill() { q.left, q.cells, q.over = maxRecord, maxDelimiters, nil }

func (q *quota) Read(b []byte) (int, error) {
	switch {
	case q.left <= 0:
		q.over = errTooLong
	case q.cells <= 0:
		q.over = errTooWide
	}
	if q.over != nil {
		return 0, q.over
	}
	n, err := q.in.Read(b[:min(len(b), q.left)])
	q.left -= n
	q.cells -= bytes.Count(b[:n], []byte{q.delimiter})
	q.kept = append(slices.Delete(q.kept, 0, q.rows), b[:n]...)
	q.from, q.rows = q.from+int64(q.rows), 0
	return n, err
}

// readLine reads on to the end of the line, as far as a row may be long, where that is not
// read yet. False where a row ran over more lines than this one.
func (q *quota) readLine() bool {
	if bytes.IndexByte(bytes.TrimLeft(q.behind(), "\r\n"), '\n') >= 0 {
		return false
	}
	q.cells, q.over = q.left, nil
	for b := make([]byte, 4096); ; {
		n, err := q.Read(b)
		if bytes.IndexByte(b[:n], '\n') >= 0 {
			return true
		}
		if err == io.EOF {
			q.kept = append(q.kept, '\n') // the last line ends too
			return true
		}
		if err != nil {
			return true
		}
	}
}

// forget says that what is before a place was made rows of, and how many lines that was.
func (q *quota) forget(place int64) (lines int) {
	before := q.rows
	q.rows = int(place - q.from)
	return bytes.Count(q.kept[before:q.rows], []byte("\n"))
}

// behind is what was not made rows of. It stays as it is while nothing is read.
func (q *quota) behind() []byte { return q.kept[q.rows:] }
