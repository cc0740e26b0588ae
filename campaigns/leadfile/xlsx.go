package leadfile

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"
)

// Limits on a workbook, in bytes: of the file, and unpacked.
const (
	maxWorkbook = 256 << 20
	maxUnpacked = 2 << 30
)

// xlsxSource reads the rows of the first sheet of a workbook.
type xlsxSource struct {
	book *excelize.File
	rows *excelize.Rows
	line int
}

// openXLSX opens a workbook. Large sheets are unpacked to temporary files, so
// memory stays bounded.
func openXLSX(r io.Reader) (source, error) {
	limited := &io.LimitedReader{R: r, N: maxWorkbook + 1}
	book, err := excelize.OpenReader(limited, excelize.Options{UnzipSizeLimit: maxUnpacked, UnzipXMLSizeLimit: 16 << 20, RawCellValue: true})
	if limited.N <= 0 {
		return nil, fmt.Errorf("leadfile: the workbook is larger than %d MB", maxWorkbook>>20)
	}
	if err != nil {
		return nil, fmt.Errorf("leadfile: workbook: %w", err)
	}
	sheets := book.GetSheetList()
	if len(sheets) == 0 {
		return nil, errors.Join(errors.New("leadfile: the workbook has no sheet"), book.Close())
	}
	rows, err := book.Rows(sheets[0])
	if err != nil {
		return nil, errors.Join(fmt.Errorf("leadfile: sheet %q: %w", sheets[0], err), book.Close())
	}
	return &xlsxSource{book: book, rows: rows}, nil
}

func (s *xlsxSource) next() (int, []string, error) {
	for s.rows.Next() {
		s.line++
		cells, err := s.rows.Columns()
		if err != nil {
			return s.line, nil, &rowError{line: s.line, column: -1, reason: err.Error()}
		}
		if len(cells) == 0 {
			continue
		}
		for i, cell := range cells {
			cells[i] = wholeNumber(cell)
		}
		return s.line, cells, checkCells(s.line, cells)
	}
	if err := s.rows.Error(); err != nil {
		return 0, nil, err
	}
	return 0, nil, io.EOF
}

// wholeNumber writes a large number out: a workbook may keep 48225550123 as
// 4.8225550123E10. Unlike a CSV file made from one, it keeps every digit.
func wholeNumber(cell string) string {
	mantissa, exponent, ok := strings.Cut(strings.ToUpper(cell), "E")
	exp, err := strconv.Atoi(exponent)
	whole, fraction, _ := strings.Cut(mantissa, ".")
	if !ok || err != nil || exp < len(fraction) || exp > 20 || len(whole) != 1 || strings.Trim(whole+fraction, "0123456789") != "" {
		return cell
	}
	return whole + fraction + strings.Repeat("0", exp-len(fraction))
}

// Close removes the temporary files.
func (s *xlsxSource) Close() error { return errors.Join(s.rows.Close(), s.book.Close()) }
