package leadfile

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// csvSource reads the rows of a CSV file.
type csvSource struct {
	in    *csv.Reader
	quota *quota
	line  int // of the last row
}

// openCSV makes a source of decoded text. skip leaves out the first line,
// "sep=;".
func openCSV(text io.Reader, delimiter rune, skip bool) (source, error) {
	if !strings.ContainsRune(",;\t|", delimiter) {
		return nil, fmt.Errorf("leadfile: delimiter %q: known are , ; tab |", delimiter)
	}
	q := &quota{in: text, left: maxRecord}
	in := csv.NewReader(q)
	in.Comma, in.FieldsPerRecord = delimiter, -1
	s := &csvSource{in: in, quota: q}
	if skip {
		if _, _, err := s.next(); err != nil {
			return nil, fmt.Errorf("leadfile: %w", err)
		}
	}
	return s, nil
}

// next reads a row. Quoting that cannot be read spoils its own line only.
func (s *csvSource) next() (int, []string, error) {
	s.quota.left = maxRecord
	cells, err := s.in.Read()
	if broken, ok := errors.AsType[*csv.ParseError](err); ok {
		return broken.StartLine, cells, &rowError{line: broken.StartLine, column: -1, reason: fmt.Sprintf("%v at line %d, byte %d", broken.Err, broken.Line, broken.Column)}
	}
	if errors.Is(err, errTooLong) {
		return 0, nil, fmt.Errorf("after line %d: a row is longer than %d bytes; is a quote missing?", s.line, maxRecord)
	}
	if err != nil {
		return 0, nil, err
	}
	s.line, _ = s.in.FieldPos(0)
	return s.line, cells, checkCells(s.line, cells)
}

// checkCells refuses what no text file holds.
func checkCells(line int, cells []string) error {
	if len(cells) > maxColumns {
		return &rowError{line: line, column: -1, reason: fmt.Sprintf("%d columns, at most %d", len(cells), maxColumns)}
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

// errTooLong means that one row took more than its share.
var errTooLong = errors.New("row too long")

// quota lets at most left bytes through; the reader of rows refills it for each
// row. Rows are buffered ahead, which only makes the limit a little wider.
type quota struct {
	in   io.Reader
	left int
}

func (q *quota) Read(b []byte) (int, error) {
	if q.left <= 0 {
		return 0, errTooLong
	}
	n, err := q.in.Read(b[:min(len(b), q.left)])
	q.left -= n
	return n, err
}
