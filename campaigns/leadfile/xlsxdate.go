package leadfile

import (
	"archive/zip"
	"encoding/xml"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Limits on the styles of a workbook.
const (
	maxStyles  = 64 << 20 // bytes, unpacked
	maxFormats = 64 << 10 // cell formats; a spreadsheet program has no more
)

// dates tells cells that show a date or a time of day: a workbook keeps both as days
// since 1900, and says by the format of the cell what the number is.
type dates struct {
	shown []bool // by the number of a cell's format
	epoch time.Time
}

// readDates reads the formats of cells (ECMA-376, part 1, 18.8). A workbook whose formats
// cannot be read has numbers where dates were; that spoils no row.
func readDates(styles *zip.File, from1904 bool) dates {
	d := dates{epoch: time.Date(1899, time.December, 30, 0, 0, 0, 0, time.UTC)}
	if from1904 {
		d.epoch = time.Date(1904, time.January, 1, 0, 0, 0, 0, time.UTC)
	}
	if styles == nil {
		return d
	}
	p, err := openPart(styles, maxStyles)
	if err != nil {
		return d
	}
	defer p.in.Close()
	custom, inCells := map[string]bool{}, false
	for len(d.shown) < maxFormats && len(custom) < maxFormats {
		p.refill()
		tag, err := p.xml.RawToken()
		if err != nil {
			if err != io.EOF {
				d.shown = nil
			}
			return d
		}
		switch tag := tag.(type) {
		case xml.StartElement:
			id := attribute(tag, "numFmtId")
			switch {
			case tag.Name.Local == "cellXfs":
				inCells = true
			case tag.Name.Local == "numFmt":
				custom[id] = showsDate(attribute(tag, "formatCode"))
			case tag.Name.Local == "xf" && inCells:
				date, known := custom[id]
				d.shown = append(d.shown, known && date || !known && builtInDate(id))
			}
		case xml.EndElement:
			inCells = inCells && tag.Name.Local != "cellXfs"
		}
	}
	return d
}

// builtInDate says whether a format that every workbook has shows a date or a time of day
// (ECMA-376, part 1, 18.8.30); 46 shows how long something took.
func builtInDate(id string) bool {
	n, err := strconv.Atoi(id)
	return err == nil && (n >= 14 && n <= 22 || n >= 27 && n <= 36 || n == 45 || n == 47 || n >= 50 && n <= 58)
}

var (
	elapsed = regexp.MustCompile(`(?i)\[[hms]+\]`)                             // [h]:mm
	literal = regexp.MustCompile(`"[^"]*"|\\.|_.|\*.|\[[^\]]*\]|(?i:general)`) // what is shown as it is, room, fill; colour and currency
)

// showsDate says whether a format has a day, month, year or time of day in it. How long
// something took is none.
func showsDate(format string) bool {
	format, _, _ = strings.Cut(format, ";") // of numbers above 0
	return !elapsed.MatchString(format) && strings.ContainsAny(literal.ReplaceAllString(format, ""), "dmyhsDMYHS")
}

// show writes the number of a cell as the date that it shows: 2026-03-01, 14:30, or both.
// What is no date stays as it is.
func (d dates) show(format, number string) string {
	i, err := strconv.Atoi(format)
	if err != nil || i < 0 || i >= len(d.shown) || !d.shown[i] {
		return number
	}
	days, err := strconv.ParseFloat(number, 64)
	const lastDay = 2958465 // of the year 9999
	if err != nil || !(days >= 0) || days > lastDay {
		return number
	}
	whole, part := math.Modf(days)
	at := d.epoch.AddDate(0, 0, int(whole)).Add(time.Duration(math.Round(part*24*60*60)) * time.Second)
	clock := "15:04"
	if at.Second() != 0 {
		clock = "15:04:05"
	}
	switch {
	case whole == 0 && part > 0:
		return at.Format(clock)
	case part == 0:
		return at.Format(time.DateOnly)
	}
	return at.Format(time.DateOnly + " " + clock)
}
