package leadfile

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
)

// listBelow is a list below some lines, with a delimiter.
func listBelow(above, delimiter string) string {
	return above + strings.ReplaceAll("Name;Phone;Note\nAnn;+48225550123;likes tea, and, say, cake\nBen;+48225550124;\n", ";", delimiter)
}

func TestHeaderBelowTitle(t *testing.T) {
	for name, tt := range map[string]struct {
		text      string
		delimiter string
		header    int
	}{
		"none":              {listBelow("", ","), ",", 1},
		"title":             {listBelow("Spring list\n", ";"), ";", 2},
		"title with commas": {listBelow("Spring, summer, autumn, winter, all, of, them\n", ";"), ";", 2},
		"empty lines":       {listBelow("\n\n", ";"), ";", 3},
		"empty cells":       {listBelow(";;\n;;\n", ";"), ";", 3},
		"title and remarks": {listBelow("Spring list;;\n;;\nas of;2026-03-01;\n\n", ";"), ";", 5},
		"title with quote":  {listBelow("The \"best\" list\n", ";"), ";", 2},
		"bar":               {listBelow("", "|"), "|", 1},
		"bar below title":   {listBelow("Spring list\n", "|"), "|", 2},
		"bar by sep":        {listBelow("sep=|\n", "|"), "|", 2},
	} {
		t.Run(name, func(t *testing.T) {
			text := tt.text
			if tt.delimiter == "," {
				text = strings.Replace(text, "likes tea, and, say, cake", "likes tea", 1)
			}
			leads, report := read(t, []byte(text), "x.csv", Options{})
			if report.Delimiter != tt.delimiter || report.HeaderLine != tt.header {
				t.Errorf("delimiter %q, header in line %d, want %q and %d", report.Delimiter, report.HeaderLine, tt.delimiter, tt.header)
			}
			if len(leads) != 2 || report.Rows != 2 || leads[0].Name != "Ann" || leads[1].Numbers[0].E164 != "+48225550124" {
				t.Errorf("leads = %+v, report %+v", leads, report)
			}
		})
	}
}

// What the user maps is looked for below a title too, and a name in another place is no header.
func TestMappedHeaderBelowTitle(t *testing.T) {
	o := Options{DefaultRegion: "PL", Mapping: map[string]string{"kontakt 1": "mobile"}}
	leads, report := read(t, []byte("Telefon\n\nkto;kontakt 1\nAnna;601 555 012\n"), "x.csv", o)
	if len(leads) != 1 || report.HeaderLine != 3 || report.Delimiter != ";" || leads[0].Fields["kto"] != "Anna" {
		t.Errorf("leads = %+v, report %+v", leads, report)
	}
}

// A row is no header because one of its cells happens to be the name of a column, and a
// header that is far down, or above which there are leads, is none.
func TestNoHeader(t *testing.T) {
	for name, text := range map[string]string{
		"a lead":   "who;how to reach;by what\nAnna;601 555 01x;mobile\n",
		"far down": strings.Repeat("a remark;\n", headerWithin) + "name;phone\nAnna;601 555 012\n",
	} {
		if _, err := Read(t.Context(), strings.NewReader(text), "x.csv", Options{DefaultRegion: "PL"}, nil); !errors.Is(err, ErrNoNumbers) {
			t.Errorf("%s: err = %v, want %v", name, err, ErrNoNumbers)
		}
	}
	text := "The \"best\" list\nAnna;601 555 012\n"
	if _, err := Read(t.Context(), strings.NewReader(text), "x.csv", Options{DefaultRegion: "PL"}, nil); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("a row that cannot be read is passed over: %v", err)
	}
	leads, report := read(t, []byte("Anna;601 555 012\nJan;601 555 013\nname;phone\n"), "x.csv", Options{DefaultRegion: "PL"})
	if len(leads) != 2 || report.HeaderLine != 0 || report.BadRows != 1 {
		t.Errorf("leads = %+v, report %+v", leads, report)
	}
}

// workbook has sheets in order, each with its rows.
func workbook(t *testing.T, sheets ...[][]any) []byte {
	t.Helper()
	book := excelize.NewFile()
	defer book.Close()
	for i, rows := range sheets {
		name := fmt.Sprintf("Sheet%d", i+1)
		if _, err := book.NewSheet(name); err != nil {
			t.Fatal(err)
		}
		for k, row := range rows {
			if err := book.SetSheetRow(name, fmt.Sprintf("A%d", k+1), &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	file, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func TestSheetWithTheList(t *testing.T) {
	about := [][]any{{"Spring list"}, {"made by", "Jan"}}
	list := [][]any{{"Spring list"}, {}, {"Name", "Phone"}, {"Ann", "+48225550123"}}
	other := [][]any{{"Name", "Phone"}, {"Ben", "+48225550124"}}
	bare := [][]any{{"Cas", "+48225550125"}}
	for name, tt := range map[string]struct {
		sheets [][][]any
		sheet  string
		header int
		lead   string
	}{
		"only one":         {[][][]any{list}, "Sheet1", 3, "Ann"},
		"on the second":    {[][][]any{about, list, other}, "Sheet2", 3, "Ann"},
		"behind empty one": {[][][]any{{}, other, list}, "Sheet2", 1, "Ben"},
		"without header":   {[][][]any{bare, other}, "Sheet1", 0, ""},
	} {
		t.Run(name, func(t *testing.T) {
			leads, report := read(t, workbook(t, tt.sheets...), "x.xlsx", Options{})
			if report.Sheet != tt.sheet || report.HeaderLine != tt.header || len(leads) != 1 || leads[0].Name != tt.lead {
				t.Errorf("sheet %q, header in line %d, leads %+v; want %q, %d and %q", report.Sheet, report.HeaderLine, leads, tt.sheet, tt.header, tt.lead)
			}
		})
	}
	_, err := Read(t.Context(), strings.NewReader(string(workbook(t, about, about))), "x.xlsx", Options{}, nil)
	if !errors.Is(err, ErrNoNumbers) {
		t.Errorf("no sheet has one: %v, want %v", err, ErrNoNumbers)
	}
}
