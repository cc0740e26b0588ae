package leadfile

import (
	"archive/zip"
	"io"
)

// Limits on the search for the sheet that has the list, so that it takes no longer than the
// reading of a short one.
const (
	sheetsTried = 50
	triedOfEach = 512 << 10 // bytes, unpacked
)

// sheetPart is a sheet of a workbook, with the name that people gave it.
type sheetPart struct {
	name string
	part *zip.File
}

// choose is the first of all sheets where it begins with a lead; else the first whose
// header has a column of numbers; else the first of all, which says what is missing.
func (s *xlsxSource) choose(sheets []sheetPart, o Options) sheetPart {
	if len(sheets) == 1 {
		return sheets[0]
	}
	for i, sheet := range sheets[:min(len(sheets), sheetsTried)] {
		cells, named := s.headerOf(sheet.part, o)
		if named || i == 0 && len(o.Mapping) == 0 && o.numberIn(cells) >= 0 {
			return sheet
		}
	}
	return sheets[0]
}

// headerOf looks for the header at the beginning of a sheet. One that cannot be read has
// none.
func (s *xlsxSource) headerOf(sheet *zip.File, o Options) (cells []string, named bool) {
	p, err := openPart(sheet, maxSheet)
	if err != nil {
		return nil, false
	}
	defer p.in.Close()
	p.only(triedOfEach)
	_, cells, named, err = o.top(&xlsxSource{sheet: p, texts: s.texts, dates: s.dates})
	return cells, named && err == nil
}

// only lets no more than so many bytes of a part be read.
func (p *part) only(most int64) {
	p.in = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(p.in, most), p.in}
}
