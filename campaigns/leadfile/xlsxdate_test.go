package leadfile

import (
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
)

// TestWorkbookDates wants dates as they are read, not the days since 1900 that a workbook
// keeps; a number that is none stays as it is.
func TestWorkbookDates(t *testing.T) {
	custom := func(code string) *excelize.Style { return &excelize.Style{CustomNumFmt: &code} }
	moment := time.Date(2026, 3, 1, 14, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		style *excelize.Style
		value any
		want  string
	}{
		{&excelize.Style{NumFmt: 14}, moment.Truncate(24 * time.Hour), "2026-03-01"},
		{&excelize.Style{NumFmt: 22}, moment, "2026-03-01 14:30"},
		{&excelize.Style{NumFmt: 20}, 0.5 + 1.0/86400, "12:00:01"},
		{custom(`yyyy"年"m"月"d"日"`), moment.Truncate(24 * time.Hour), "2026-03-01"},
		{custom(`[$-415]d mmm yyyy`), 46082, "2026-03-01"},
		{custom(`#,##0.00\ "zł dodatkowo"`), 45352, "45352"},
		{custom(`[Red]0`), 45352, "45352"},
		{custom(`[h]:mm`), 1.5, "1.5"},
		{custom(`000\-000\-000`), 601234567, "601234567"},
		{&excelize.Style{NumFmt: 0}, 45352, "45352"},
		{&excelize.Style{NumFmt: 14}, -3, "-3"},
	} {
		for _, from1904 := range []bool{false, true} {
			book := excelize.NewFile()
			check := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			want := tt.want
			if from1904 {
				check(book.SetWorkbookProps(&excelize.WorkbookPropsOptions{Date1904: &from1904}))
				if want == "2026-03-01" && tt.value == 46082 {
					want = "2030-03-02" // the number itself is given
				}
			}
			style, err := book.NewStyle(tt.style)
			check(err)
			check(book.SetSheetRow("Sheet1", "A1", &[]any{"phone", "since"}))
			check(book.SetSheetRow("Sheet1", "A2", &[]any{"+48225550123"}))
			check(book.SetCellValue("Sheet1", "B2", tt.value))
			check(book.SetCellStyle("Sheet1", "B2", "B2", style))
			file, err := book.WriteToBuffer()
			check(err)
			leads, report := read(t, file.Bytes(), "list.xlsx", Options{})
			if len(leads) != 1 || leads[0].Fields["since"] != want {
				t.Errorf("%v in %+v, from 1904 %v: leads %+v, report %+v, want %q", tt.value, tt.style, from1904, leads, report, want)
			}
		}
	}
}
