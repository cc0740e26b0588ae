package leadfile

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strconv"
	"strings"
)

// Limits on a workbook, in bytes unless another unit is named. A ZIP archive may unpack to
// a thousand times its length, so its rows and texts are unpacked as they are read. A short
// file is held, so that one is read where there is no room for temporary files; others go
// to a temporary one.
const (
	maxWorkbook  = 128 << 20 // of the file
	workbookHeld = 4 << 20   // of the file, in memory
	maxDirectory = 1 << 20   // of the list of its parts
	maxSheet     = 2 << 30   // of the sheet, unpacked
	maxTexts     = 256 << 20 // of the texts that cells share, unpacked
	maxTagged    = 512 << 10 // of a row with its tags, or of a text
	maxLines     = 1 << 20   // rows: no spreadsheet program has more
)

// xlsxSource reads the rows of a sheet of a workbook (ECMA-376, part 1, 18.3).
type xlsxSource struct {
	file  *os.File // nil: the workbook is held
	name  string   // of the sheet
	sheet *part
	texts *texts
	dates dates
	line  int // of the last row
	begun bool
	ended bool
}

// openWorkbook opens a workbook at the first sheet whose header has a column of numbers,
// else at its first.
func openWorkbook(r io.Reader, o Options) (source, Report, error) {
	s := &xlsxSource{texts: &texts{}}
	if err := s.open(r, o); err != nil {
		return nil, Report{Encoding: "xlsx"}, errors.Join(fmt.Errorf("leadfile: workbook: %w", err), s.Close())
	}
	return s, Report{Encoding: "xlsx", Sheet: s.name}, nil
}

func (s *xlsxSource) open(r io.Reader, o Options) error {
	content, size, err := s.keep(r)
	if err != nil {
		return err
	}
	if size > maxWorkbook {
		return fmt.Errorf("larger than %d MiB", maxWorkbook>>20)
	}
	directory := &allowance{in: content, left: maxDirectory}
	archive, err := zip.NewReader(directory, size)
	if err != nil {
		return err
	}
	directory.left = 1 << 62
	book, err := readBook(archive)
	if err != nil {
		return err
	}
	if book.texts != nil {
		if err := s.texts.read(book.texts); err != nil {
			return fmt.Errorf("%s: %w", book.texts.Name, err)
		}
	}
	s.dates = readDates(book.styles, book.from1904)
	chosen := s.choose(book.sheets, o)
	s.name = chosen.name
	if s.sheet, err = openPart(chosen.part, maxSheet); err != nil {
		return fmt.Errorf("%s: %w", chosen.part.Name, err)
	}
	return nil
}

// keep keeps the file where any part of it can be read.
func (s *xlsxSource) keep(r io.Reader) (content io.ReaderAt, size int64, err error) {
	held, err := io.ReadAll(io.LimitReader(r, workbookHeld+1))
	if err != nil || len(held) <= workbookHeld {
		return bytes.NewReader(held), int64(len(held)), err
	}
	if s.file, err = os.CreateTemp("", "outpace-workbook-"); err != nil {
		return nil, 0, err
	}
	size, err = io.Copy(s.file, io.LimitReader(io.MultiReader(bytes.NewReader(held), r), maxWorkbook+1))
	return s.file, size, err
}

// allowance lets left bytes of a file be read.
type allowance struct {
	in   io.ReaderAt
	left int64
}

func (a *allowance) ReadAt(b []byte, at int64) (int, error) {
	if a.left -= int64(len(b)); a.left < 0 {
		return 0, errors.New("too many parts")
	}
	return a.in.ReadAt(b, at)
}

// book is where a workbook has what is read of it.
type book struct {
	sheets   []sheetPart // at least one
	texts    *zip.File   // nil: its cells share none
	styles   *zip.File   // nil: its cells have none
	from1904 bool        // days are counted from there
}

// readBook finds the sheets.
func readBook(archive *zip.Reader) (book, error) {
	parts := map[string]*zip.File{}
	for _, p := range archive.File {
		parts[partName(p.Name)] = p
	}
	name := "xl/workbook.xml"
	if top, err := relations(parts, ""); err != nil {
		return book{}, err
	} else if target, ok := top.first("/officeDocument"); ok {
		name = target
	}
	var content struct {
		Properties struct {
			From1904 string `xml:"date1904,attr"`
		} `xml:"workbookPr"`
		Sheets []struct {
			Attrs []xml.Attr `xml:",any,attr"`
		} `xml:"sheets>sheet"`
	}
	if err := readPart(parts, name, &content); err != nil {
		return book{}, err
	}
	related, err := relations(parts, name)
	if err != nil {
		return book{}, err
	}
	b := book{from1904: content.Properties.From1904 == "1" || content.Properties.From1904 == "true"}
	if target, ok := related.first("/styles"); ok {
		b.styles = parts[partName(target)]
	}
	if target, ok := related.first("/sharedStrings"); ok {
		b.texts = parts[partName(target)]
	}
	for _, sheet := range content.Sheets {
		var found sheetPart
		for _, a := range sheet.Attrs {
			if a.Name.Local == "name" {
				found.name = a.Value
			}
			if r, ok := related[a.Value]; ok && a.Name.Local == "id" && strings.HasSuffix(r.kind, "/worksheet") {
				if found.part = parts[partName(r.target)]; found.part == nil {
					return book{}, fmt.Errorf("there is no %s", r.target)
				}
			}
		}
		if found.part != nil {
			b.sheets = append(b.sheets, found)
		}
	}
	if len(b.sheets) == 0 {
		return book{}, errors.New("it has no sheet")
	}
	return b, nil
}

// partName is a name as it is compared: some programs write it otherwise.
func partName(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(name, `\`, "/"), "/"))
}

// related are the parts that a part names, by their id.
type related map[string]struct{ kind, target string }

// first is the part of a kind.
func (r related) first(kind string) (target string, ok bool) {
	for _, to := range r {
		if strings.HasSuffix(to.kind, kind) {
			return to.target, true
		}
	}
	return "", false
}

// relations reads which parts the one of a name needs; "" is the workbook as a whole.
func relations(parts map[string]*zip.File, name string) (related, error) {
	var content struct {
		All []struct {
			ID     string `xml:"Id,attr"`
			Type   string `xml:"Type,attr"`
			Target string `xml:"Target,attr"`
		} `xml:"Relationship"`
	}
	folder, file := path.Split(name)
	if err := readPart(parts, folder+"_rels/"+file+".rels", &content); err != nil {
		return nil, err
	}
	all := related{}
	for _, r := range content.All {
		target := strings.ReplaceAll(r.Target, `\`, "/")
		if !strings.HasPrefix(target, "/") {
			target = path.Join(folder, target)
		}
		all[r.ID] = struct{ kind, target string }{r.Type, target}
	}
	return all, nil
}

// next reads a row; one without cells is one, behind the first that has some.
func (s *xlsxSource) next() (int, []string, error) {
	for !s.ended {
		if s.begun {
			s.sheet.refill()
		}
		tag, err := s.sheet.tag()
		switch {
		case err == io.EOF:
			return 0, nil, fmt.Errorf("the sheet ends in the middle, behind line %d", s.line)
		case err != nil:
			return 0, nil, fmt.Errorf("line %d: %w", s.line+1, err)
		}
		switch start, isStart := tag.(xml.StartElement); {
		case isStart && start.Name.Local == "row":
			cells, err := s.row(start)
			if refused, ok := errors.AsType[*rowError](err); ok {
				s.begun = true
				return s.line, cells, refused
			}
			if err != nil {
				return 0, nil, fmt.Errorf("line %d: %w", s.line, err)
			}
			if s.begun = s.begun || len(cells) > 0; s.begun {
				return s.line, cells, checkCells(s.line, cells)
			}
		case !isStart && tag.(xml.EndElement).Name.Local == "sheetData":
			s.ended = true
			if err := s.sheet.rest(); err != nil {
				return 0, nil, fmt.Errorf("behind line %d: %w", s.line, err)
			}
		}
	}
	return 0, nil, io.EOF
}

// row reads the cells of a row up to its end.
func (s *xlsxSource) row(start xml.StartElement) ([]string, error) {
	s.line++
	if n, err := strconv.Atoi(attribute(start, "r")); err == nil {
		s.line = n
	}
	if s.line < 1 || s.line > maxLines {
		return nil, fmt.Errorf("a sheet has at most %d lines", maxLines)
	}
	var cells []string
	var refused error
	width, room := 0, maxRecord // the texts that cells share are not in the row
	for at := 0; ; {
		tag, err := s.sheet.tag()
		if err != nil {
			return cells, unexpected(err)
		}
		start, isStart := tag.(xml.StartElement)
		if !isStart {
			if tag.(xml.EndElement).Name.Local != "row" {
				continue
			}
			if width > maxColumns {
				refused = &rowError{line: s.line, column: -1, reason: fmt.Sprintf("%d columns, at most %d", width, maxColumns), wide: true}
			}
			return cells, refused
		}
		if start.Name.Local != "c" {
			continue
		}
		if at++; attribute(start, "r") != "" {
			at = columnOf(attribute(start, "r"))
		}
		text, err := s.cell(start)
		switch wrong, ok := errors.AsType[*rowError](err); {
		case ok:
			wrong.line, wrong.column, refused = s.line, at-1, wrong
			continue
		case err != nil:
			return cells, err
		case text == "":
			continue
		}
		if room -= len(text); room < 0 {
			return cells, errTooLong
		}
		if width = max(width, at); width > maxColumns || at < 1 {
			continue
		}
		for len(cells) < at {
			cells = append(cells, "")
		}
		cells[at-1] = text
	}
}

// cell reads what a cell shows, up to its end.
func (s *xlsxSource) cell(start xml.StartElement) (string, error) {
	kind := attribute(start, "t")
	element := "v"
	if kind == "inlineStr" {
		element = "t"
	}
	text, err := s.sheet.text("c", element)
	if err != nil {
		return "", err
	}
	switch kind {
	case "s":
		i, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err != nil || i < 0 || i >= s.texts.count {
			return "", &rowError{reason: fmt.Sprintf("names a text that the workbook does not have: it has %d", s.texts.count)}
		}
		return s.texts.at(i)
	case "inlineStr", "str":
		return unescape(string(text)), nil
	case "b", "e", "d":
		return strings.TrimSpace(string(text)), nil
	}
	return s.dates.show(attribute(start, "s"), wholeNumber(strings.TrimSpace(string(text)))), nil
}

// columnOf is the column that a place such as AB12 is in, from 1; one past the limit where
// it is further out, 0 where it is no place.
func columnOf(place string) int {
	column := 0
	for _, letter := range strings.TrimRight(strings.ToUpper(place), "0123456789") {
		if letter < 'A' || letter > 'Z' {
			return 0
		}
		column = min(column*26+int(letter-'A')+1, 1<<20)
	}
	return column
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
func (s *xlsxSource) Close() error {
	var err error
	if s.sheet != nil {
		err = s.sheet.in.Close()
	}
	return errors.Join(err, discard(s.texts.file), discard(s.file))
}

// discard removes a temporary file, where there is one.
func discard(file *os.File) error {
	if file == nil {
		return nil
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}
