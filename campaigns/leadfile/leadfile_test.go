package leadfile

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

var update = flag.Bool("update", false, "write the golden files anew")

// read reads a whole file into memory.
func read(t testing.TB, text []byte, name string, o Options) ([]campaigns.Lead, Report) {
	t.Helper()
	var leads []campaigns.Lead
	report, err := Read(t.Context(), bytes.NewReader(text), name, o, func(batch []campaigns.Lead) error {
		leads = append(leads, batch...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return leads, report
}

const polish = "Identyfikator;Imię;Nazwisko;Telefon;Uwagi\n7;Łucja;Żółć;22 555 01 23;późno wieczór, źle słychać\n8;Świętosława;Ćma;601 555 012;śpi\n"
const chinese = "编号,姓名,手机号码,备注\n7,王小明,13912345678,下午联系\n8,李雷,13812345678,北京客户\n"

func TestEncodingsAndDelimiters(t *testing.T) {
	encode := func(e interface{ String(string) (string, error) }, text string) string {
		out, err := e.String(text)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	utf16 := func(order unicode.Endianness, bom unicode.BOMPolicy, text string) string {
		return encode(unicode.UTF16(order, bom).NewEncoder(), text)
	}
	for _, tt := range []struct {
		name, text, region  string
		encoding, delimiter string
		lead, number        string
	}{
		{"utf-8 semicolon", polish, "PL", "utf-8", ";", "Łucja Żółć", "+48225550123"},
		{"utf-8 bom tab", "\xef\xbb\xbf" + strings.ReplaceAll(polish, ";", "\t"), "PL", "utf-8", "\t", "Łucja Żółć", "+48225550123"},
		{"utf-8 crlf", strings.ReplaceAll(polish, "\n", "\r\n"), "PL", "utf-8", ";", "Łucja Żółć", "+48225550123"},
		{"utf-8 sep line", "sep=;\r\n" + polish, "PL", "utf-8", ";", "Łucja Żółć", "+48225550123"},
		{"utf-16le bom", utf16(unicode.LittleEndian, unicode.UseBOM, polish), "PL", "utf-16le", ";", "Łucja Żółć", "+48225550123"},
		{"utf-16be bom", utf16(unicode.BigEndian, unicode.UseBOM, polish), "PL", "utf-16be", ";", "Łucja Żółć", "+48225550123"},
		{"utf-16le", utf16(unicode.LittleEndian, unicode.IgnoreBOM, polish), "PL", "utf-16le", ";", "Łucja Żółć", "+48225550123"},
		{"utf-16be", utf16(unicode.BigEndian, unicode.IgnoreBOM, polish), "PL", "utf-16be", ";", "Łucja Żółć", "+48225550123"},
		{"windows-1250", encode(charmap.Windows1250.NewEncoder(), polish), "PL", "windows-1250", ";", "Łucja Żółć", "+48225550123"},
		{"gb18030", encode(simplifiedchinese.GB18030.NewEncoder(), chinese), "CN", "gb18030", ",", "王小明", "+8613912345678"},
		{"utf-8 chinese", chinese, "CN", "utf-8", ",", "王小明", "+8613912345678"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			leads, report := read(t, []byte(tt.text), "list.csv", Options{DefaultRegion: tt.region})
			if report.Encoding != tt.encoding || report.Delimiter != tt.delimiter {
				t.Errorf("encoding %q delimiter %q, want %q %q", report.Encoding, report.Delimiter, tt.encoding, tt.delimiter)
			}
			if len(leads) != 2 || report.BadRows != 0 {
				t.Fatalf("%d leads, report %+v", len(leads), report)
			}
			if got := leads[0]; got.Name != tt.lead || got.Numbers[0].E164 != tt.number || got.ExternalID != "7" {
				t.Errorf("lead = %+v, want %s %s", got, tt.lead, tt.number)
			}
		})
	}
}

// TestBadRows holds the report, and the file of bad rows, against golden ones.
func TestBadRows(t *testing.T) {
	text, err := os.ReadFile("testdata/bad.csv")
	if err != nil {
		t.Fatal(err)
	}
	var rows bytes.Buffer
	leads, report := read(t, text, "bad.csv", Options{DefaultRegion: "PL", BadRows: &rows})
	got, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "bad.report.json", append(got, '\n'))
	golden(t, "bad.rows.csv", rows.Bytes())
	if report.Good != len(leads) || report.Rows != report.Good+report.BadRows+report.Duplicates {
		t.Errorf("%d leads of %+v: the counts do not add up", len(leads), report)
	}
	if len(leads) != 4 || leads[1].Numbers[0].Kind != campaigns.Mobile || leads[2].Fields != nil {
		t.Errorf("leads = %+v", leads)
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

func TestColumns(t *testing.T) {
	text := "Note,PI,Level,Phone 1,phone_type,Mobile Phone,Favourite colour,Time Zone,State,ZIP Code,Temperature,Progress,Stage,Last Name,First-Name\n" +
		"calls back,4,L2,(212) 555-0123,work,+1 305 555 0123,green,US/Pacific,TX,90001,Hot,15%,acquire,Doe,Jane\n"
	leads, report := read(t, []byte(text), "x.csv", Options{DefaultRegion: "US", List: "spring"})
	if len(leads) != 1 {
		t.Fatalf("report %+v", report)
	}
	want := campaigns.Lead{
		List: "spring", Name: "Jane Doe", Note: "calls back",
		Numbers: []campaigns.Number{
			{E164: "+12125550123", Kind: campaigns.Work, Zones: []string{"America/Chicago", "America/Denver", "America/Los_Angeles", "America/New_York"}, Regions: []string{"US-CA", "US-FED", "US-NY", "US-TX"}, Basis: "area code 212 and address"},
			{E164: "+13055550123", Kind: campaigns.Mobile, Zones: []string{"America/Chicago", "America/Denver", "America/Los_Angeles", "America/New_York"}, Regions: []string{"US-CA", "US-FED", "US-FL", "US-TX"}, Basis: "area code 305 and address"},
		},
		Grades: campaigns.Grades{Stage: campaigns.StageAcquire, PI: 4, Level: 2, Temperature: campaigns.Hot, Progress: 15},
		Fields: map[string]string{"Favourite colour": "green", "zone": "US/Pacific", "state": "TX", "zip": "90001"},
	}
	if diff := cmp.Diff(want, leads[0], cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMapping(t *testing.T) {
	text := "a,b,c,d\n22 555 01 23,Anna,x,y\n"
	leads, report := read(t, []byte(text), "x.csv", Options{DefaultRegion: "PL", Mapping: map[string]string{"a": "work", "b": "name", "c": "field:tier", "d": "-"}})
	if len(leads) != 1 || leads[0].Name != "Anna" || leads[0].Numbers[0].Kind != campaigns.Work || leads[0].Fields["tier"] != "x" || len(leads[0].Fields) != 1 {
		t.Errorf("leads = %+v, report %+v", leads, report)
	}
	for name, o := range map[string]Options{
		"no such column": {Mapping: map[string]string{"z": "name"}},
		"no such field":  {Mapping: map[string]string{"a": "phonez"}},
		"no numbers":     {Mapping: map[string]string{"a": "name"}},
		"no encoding":    {Encoding: "ebcdic"},
		"no delimiter":   {Delimiter: 'x'},
	} {
		if _, err := Read(t.Context(), strings.NewReader(text), "x.csv", o, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestWithoutHeader(t *testing.T) {
	leads, report := read(t, []byte("Anna,22 555 01 23\nJan,22 555 01 24\n"), "x.csv", Options{DefaultRegion: "PL"})
	if len(leads) != 2 || leads[0].Fields["column_1"] != "Anna" || report.Rows != 2 {
		t.Errorf("leads = %+v, report %+v", leads, report)
	}
	_, err := Read(t.Context(), strings.NewReader("colour,size\nred,3\n"), "x.csv", Options{}, nil)
	if !errors.Is(err, ErrNoNumbers) {
		t.Errorf("err = %v, want %v", err, ErrNoNumbers)
	}
}

func TestOptions(t *testing.T) {
	text := []byte("phone,zone,country\n+12125550123,Asia/Calcutta,\n22 555 01 23,,PL\n")
	leads, _ := read(t, text, "x.csv", Options{ZoneConfirmed: true, Regions: []string{"DEMO"}, MaxRows: 1})
	if len(leads) != 1 || leads[0].Numbers[0].Window() != "Asia/Kolkata|DEMO" {
		t.Errorf("leads = %+v", leads)
	}
	if leads, _ = read(t, text, "x.csv", Options{}); len(leads) != 2 || leads[1].Numbers[0].E164 != "+48225550123" {
		t.Errorf("leads = %+v", leads)
	}
}

// TestHostile: what is no list ends with an error or bad rows, in bounded
// memory.
func TestHostile(t *testing.T) {
	long := "phone,name\n+48225550123,\"" + strings.Repeat("x", maxRecord+1<<16)
	if _, err := Read(t.Context(), strings.NewReader(long), "x.csv", Options{}, nil); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Errorf("endless quote: err = %v", err)
	}
	for name, row := range map[string]string{
		"nul":     "+48225550124,a\x00b\n",
		"columns": "+48225550124" + strings.Repeat(",", maxColumns+1) + "\n",
		"letters": "+48225550124,a\xff\xfeb\n",
	} {
		leads, report := read(t, []byte("phone,name\n+48225550123,ok\n"+row+"+48225550125,ok\n"), "x.csv", Options{Encoding: "utf-8"})
		if len(leads) != 2 || report.BadRows != 1 || report.Bad[0].Line != 3 {
			t.Errorf("%s: %d leads, report %+v", name, len(leads), report)
		}
	}
	for name, text := range map[string]string{"empty": "", "zip": "PK\x03\x04 no workbook"} {
		if _, err := Read(t.Context(), strings.NewReader(text), "x", Options{}, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	broken := errors.New("disk gone")
	if _, err := Read(t.Context(), io.MultiReader(strings.NewReader("phone\n+48225550123\n"), iotest.ErrReader(broken)), "x.csv", Options{}, nil); !errors.Is(err, broken) {
		t.Errorf("err = %v, want %v", err, broken)
	}
}

// A quote that is not closed spoils the line that it is in, and none of those up to the
// next quote, the end of the file, or the most that a row may be.
func TestQuoteThatIsNotClosed(t *testing.T) {
	const people = 3000
	row := func(i int) string { return fmt.Sprintf("p%d,+4822555%04d\n", i, i) }
	var many strings.Builder
	for i := range people {
		many.WriteString(row(i))
	}
	const begin = "\r\nname,phone\n\n"
	pad := strings.Repeat("# a line that is no person\n", maxRecord/20)
	for name, tt := range map[string]struct {
		text string
		bad  []int // lines
		good int
	}{
		"to the end":       {begin + "\"Ann,+48225559990\n" + many.String(), []int{4}, people},
		"to the next":      {begin + "\"Ann,+48225559990\n" + many.String() + "\"Ann, Jr\",+48225559991\n", []int{4}, people + 1},
		"two in a row":     {begin + row(1) + "\"Ann,+48225559990\n\"Bob,+48225559991\n" + row(2), []int{5, 6}, 2},
		"behind two lines": {begin + "\"two\nlines\",+48225559990\n\r\n\"Ann,+48225559991\n" + row(1), []int{7}, 2},
		"for too long":     {begin + row(1) + "\"Ann,+48225559990\n" + row(2) + pad, []int{5}, 2},
	} {
		leads, report := read(t, []byte(tt.text), "x.csv", Options{})
		var bad []int
		for _, b := range report.Bad {
			if strings.Contains(b.Reason, "quote") {
				bad = append(bad, b.Line)
			}
		}
		if len(leads) != tt.good || !slices.Equal(bad, tt.bad) || report.Rows != report.Good+report.BadRows+report.Duplicates {
			t.Errorf("%s: %d leads and quotes in lines %v, want %d and %v; %d rows, %d bad", name, len(leads), bad, tt.good, tt.bad, report.Rows, report.BadRows)
		}
	}
}

// Lines end as on old Macs, too, and a zone that there is not is found in its own column.
func TestLinesAndZones(t *testing.T) {
	leads, report := read(t, []byte("name,phone\ra,+48225550123\rb,+48225550124\r"), "x.csv", Options{})
	if len(leads) != 2 || report.Rows != 2 || leads[1].Name != "b" {
		t.Errorf("leads = %+v, report %+v", leads, report)
	}
	_, report = read(t, []byte("phone,time zone\n+48225550123,Europe/Warszawa\n"), "x.csv", Options{})
	if len(report.Bad) != 1 || report.Bad[0].Column != "time zone" || report.Bad[0].Value != "Europe/Warszawa" {
		t.Errorf("report %+v, want the zone", report)
	}
}

func TestStops(t *testing.T) {
	var text strings.Builder
	text.WriteString("phone\n")
	for i := range 2 * batchSize {
		fmt.Fprintf(&text, "+4822555%04d\n", i)
	}
	full := errors.New("store full")
	ctx, cancel := context.WithCancelCause(t.Context())
	for name, tt := range map[string]struct {
		ctx  context.Context
		emit func([]campaigns.Lead) error
		want error
	}{
		"emit fails": {t.Context(), func([]campaigns.Lead) error { return full }, full},
		"cancelled":  {ctx, func([]campaigns.Lead) error { cancel(full); return nil }, full},
	} {
		if _, err := Read(tt.ctx, strings.NewReader(text.String()), "x.csv", Options{}, tt.emit); !errors.Is(err, tt.want) {
			t.Errorf("%s: err = %v, want %v", name, err, tt.want)
		}
	}
}

func TestXLSX(t *testing.T) {
	book := excelize.NewFile()
	defer book.Close()
	for i, row := range [][]any{
		{"电话", "姓名", "Level", "visits"},
		{48225550123.0, "王小明", 3, 12},
		{"+48 22 555 01 24", "Anna", "L1", nil},
		{8613912345678.0, "李雷", 2, 1},
		{"112", "bad", 1, 1},
	} {
		if err := book.SetSheetRow("Sheet1", fmt.Sprintf("A%d", i+1), &row); err != nil {
			t.Fatal(err)
		}
	}
	file, err := book.WriteToBuffer()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"list.XLSX", "upload.bin"} {
		o := Options{Mapping: map[string]string{"电话": "number"}}
		leads, report := read(t, file.Bytes(), name, o)
		if len(leads) != 1 || report.BadRows != 3 || report.Bad[0].Line != 2 {
			t.Errorf("without region: %d leads, report %+v", len(leads), report)
		}
		o.DefaultRegion = "PL"
		leads, report = read(t, file.Bytes(), name, o)
		if len(leads) != 2 || leads[0].Numbers[0].E164 != "+48225550123" || leads[0].Fields["visits"] != "12" || leads[0].Grades.Level != 3 {
			t.Errorf("%d leads %+v, report %+v", len(leads), leads, report)
		}
	}
}

func TestWholeNumber(t *testing.T) {
	for in, want := range map[string]string{
		"4.8225550123E10": "48225550123", "4.8E+10": "48000000000", "48225550123": "48225550123",
		"1.5E-3": "1.5E-3", "E10": "E10", "1.25E1": "1.25E1", "Edam 5": "Edam 5", "1E99": "1E99",
	} {
		if got := wholeNumber(in); got != want {
			t.Errorf("wholeNumber(%q) = %q, want %q", in, got, want)
		}
	}
}

// A score that is none is left out, with where it stood; the lead is kept.
func TestScores(t *testing.T) {
	text := "name,phone,chance,likes\nAnn,(212) 555-0123,0.4,tea\nBen,(212) 555-0124,40%,1.5\nCas,(212) 555-0125,,tea\nDan,no number,7,tea\n"
	leads, report := read(t, []byte(text), "x.csv", Options{DefaultRegion: "US", Scores: []string{"chance"}})
	if len(leads) != 3 || report.BadRows != 1 || report.Warnings != 1 {
		t.Fatalf("%d leads, report %+v", len(leads), report)
	}
	b := report.Bad[0]
	if b.Line != 3 || b.Column != "chance" || b.Value != "40%" || !b.Kept || !strings.Contains(b.Reason, "answer score") {
		t.Errorf("reported %+v", b)
	}
	for i, want := range []string{"0.4", "", ""} {
		if got := leads[i].Fields["chance"]; got != want {
			t.Errorf("lead %d: score %q, want %q", i, got, want)
		}
	}
	if got := leads[1].Fields["likes"]; got != "1.5" {
		t.Errorf("another field was left out: %q", got)
	}
}
