package fault

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// imported is what `leads import --json` prints.
type imported struct {
	Rows       int      `json:"rows"`
	Good       int      `json:"good"`
	Duplicates int      `json:"duplicates"`
	BadRows    int      `json:"bad_rows"`
	Bad        []badRow `json:"bad"`
	Encoding   string   `json:"encoding"`
	Delimiter  string   `json:"delimiter"`
	Store      struct{ Added, Updated, Same int }
}

type badRow struct {
	Line                  int
	Column, Value, Reason string
}

// file is a list of leads with what is wrong in it.
type file struct {
	path             string
	rows, duplicates int
	bad              []badRow // without reasons
}

// columns are written in an order that no row of ours is thought in.
var columns = []string{"Uwagi", "Customer ID", "Kraj", "Full name", "Mobile phone", "Interest", "Temperature"}

// wrongNumbers can be no telephone number.
var wrongNumbers = []string{"call me", "+1 212", "+48 000", "12", "+99999999999999999"}

// writeLeads writes n rows of a list: a number by turns Polish, American and
// Chinese, every 500th row bad, every 700th the one before it again.
func writeLeads(t testing.TB, n int, delimiter rune, name string) file {
	t.Helper()
	f := file{path: filepath.Join(t.TempDir(), "leads.csv")}
	out, err := os.Create(f.path)
	if err != nil {
		t.Fatal(err)
	}
	buffered := bufio.NewWriter(out)
	w := csv.NewWriter(buffered)
	w.Comma = delimiter
	write := func(row []string) {
		if err := w.Write(row); err != nil {
			t.Fatal(err)
		}
		f.rows++
	}
	write(columns)
	f.rows = 0
	for i := range n {
		row := leadRow(i, name)
		if i%500 == 499 {
			row[4] = wrongNumbers[i/500%len(wrongNumbers)]
			f.bad = append(f.bad, badRow{Line: f.rows + 2, Column: columns[4], Value: row[4]})
		}
		write(row)
		if i%700 == 300 {
			write(row)
			f.duplicates++
		}
	}
	w.Flush()
	for _, err := range []error{w.Error(), buffered.Flush(), out.Close()} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// leadRow is row i. The cells hold what breaks careless readers: the other
// delimiters and quotes.
func leadRow(i int, name string) []string {
	number, country := fmt.Sprintf("512 %03d %03d", i/1000, i%1000), "PL"
	switch i % 3 {
	case 1:
		number, country = fmt.Sprintf("(212) 5%02d-%04d", 20+i/10_000, i%10_000), "US"
	case 2:
		number, country = fmt.Sprintf("+86 138 %04d %04d", i/10_000, i%10_000), "CN"
	}
	return []string{
		`said "later"; maybe, maybe	not`, fmt.Sprintf("C-%06d", i), country, fmt.Sprintf("%s %d", name, i), number,
		[]string{"fibre", "mobile"}[i%2], []string{"hot", "warm", "cold"}[i%3],
	}
}

// importFile runs the command and reads its report.
func importFile(t testing.TB, p *product, f file, more ...string) imported {
	t.Helper()
	began := time.Now()
	out, bad, status := p.outpace(t, append([]string{"leads", "import", f.path, "--json"}, more...)...)
	if status != 0 {
		t.Fatalf("import: exit status %d: %s", status, bad)
	}
	var got imported
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	t.Logf("%d rows in %v", got.Rows, time.Since(began).Round(time.Millisecond))
	return got
}

// check compares a report with the file.
func (f file) check(t *testing.T, got imported) {
	t.Helper()
	good := f.rows - len(f.bad) - f.duplicates
	if got.Rows != f.rows || got.BadRows != len(f.bad) || got.Duplicates != f.duplicates || got.Good != good {
		t.Errorf("rows %d, bad %d, duplicates %d, good %d; want %d, %d, %d, %d",
			got.Rows, got.BadRows, got.Duplicates, got.Good, f.rows, len(f.bad), f.duplicates, good)
	}
	for i, want := range f.bad {
		if i >= len(got.Bad) {
			t.Fatalf("%d bad rows reported, want %d", len(got.Bad), len(f.bad))
		}
		b := got.Bad[i]
		if b.Reason == "" || b.Line != want.Line || b.Column != want.Column || b.Value != want.Value {
			t.Errorf("bad row %+v, want %+v with a reason", b, want)
		}
	}
}

// TestImportAtSize reads a hundred thousand rows with each delimiter, and then
// the same again: nothing changes.
func TestImportAtSize(t *testing.T) {
	p := newProduct(t, "127.0.0.1:9") // it dials nobody here
	for i, delimiter := range []rune{';', '\t', ','} {
		rows := 100_000
		if i > 0 {
			rows = 10_000
		}
		t.Run(fmt.Sprintf("%q", delimiter), func(t *testing.T) {
			f, name := writeLeads(t, rows, delimiter, "Zażółć gęślą 张伟"), fmt.Sprintf("list-%d", i)
			badFile := filepath.Join(t.TempDir(), "bad.csv")
			first := importFile(t, p, f, "--list", name, "--bad-rows", badFile)
			f.check(t, first)
			good := f.rows - len(f.bad) - f.duplicates
			if first.Store.Added != good || first.Store.Updated != 0 || first.Delimiter != string(delimiter) {
				t.Errorf("added %d, updated %d with delimiter %q, want %d, 0", first.Store.Added, first.Store.Updated, first.Delimiter, good)
			}
			checkBadFile(t, badFile, f)
			again := importFile(t, p, f, "--list", name)
			if again.Store.Added != 0 || again.Store.Updated != 0 || again.Store.Same != good {
				t.Errorf("the second time: %+v, want all %d the same", again.Store, good)
			}
		})
	}
}

// BenchmarkImport is the command end to end, from a file to the store on disk with
// all its indexes, for a list that a campaign dials from.
func BenchmarkImport(b *testing.B) {
	const rows = 200_000
	p := newProduct(b, "127.0.0.1:9")
	store := p.open(b)
	if _, err := store.SaveCampaign(b.Context(), plan(time.Now())); err != nil {
		b.Fatal(err)
	}
	if err := store.Close(); err != nil {
		b.Fatal(err)
	}
	f := writeLeads(b, rows, ';', "Lead")
	began := time.Now()
	importFile(b, p, f, "--list", list)
	b.ReportMetric(float64(f.rows)/time.Since(began).Seconds(), "rows/s")
	b.ReportMetric(0, "ns/op")
}

// checkBadFile: the file of bad rows names line, column and reason, and has
// the row as it was.
func checkBadFile(t *testing.T, path string, f file) {
	t.Helper()
	text, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer text.Close()
	r := csv.NewReader(text)
	r.FieldsPerRecord = -1
	rows, err := r.ReadAll()
	if err != nil || len(rows) != len(f.bad)+1 {
		t.Fatalf("%s: %d rows, %v; want a header and %d", path, len(rows), err, len(f.bad))
	}
	for i, want := range f.bad {
		row := rows[i+1]
		if row[0] != fmt.Sprint(want.Line) || row[1] != want.Column || row[2] == "" || !slices.ContainsFunc(row[3:], func(cell string) bool {
			return strings.TrimPrefix(cell, "'") == want.Value
		}) {
			t.Errorf("bad row %q, want line %d, column %s, a reason, and the row with %q", row, want.Line, want.Column, want.Value)
		}
	}
}

// TestImportEncodings reads the same names from files in other encodings.
func TestImportEncodings(t *testing.T) {
	t.Parallel()
	p := newProduct(t, "127.0.0.1:9")
	const polish, chinese = "Józef Żądło", "欧阳 伟"
	for i, c := range []struct {
		want, name string
		encoding   encoding.Encoding
	}{
		{"utf-8", polish, unicode.UTF8BOM},
		{"utf-16le", chinese, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)},
		{"utf-16be", chinese, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)},
		{"windows-1250", polish, charmap.Windows1250},
		{"gb18030", chinese, simplifiedchinese.GB18030},
	} {
		t.Run(c.want, func(t *testing.T) {
			f, name := writeLeads(t, 300, ';', c.name), fmt.Sprintf("encoding-%d", i)
			recode(t, f.path, c.encoding)
			got := importFile(t, p, f, "--list", name)
			f.check(t, got)
			if got.Encoding != c.want {
				t.Errorf("encoding %q, want %q", got.Encoding, c.want)
			}
			out, bad, status := p.outpace(t, "leads", "export", "--list", name)
			if status != 0 || strings.Count(out, c.name) < f.rows-len(f.bad)-f.duplicates {
				t.Errorf("exit status %d %s: the export has %q %d times in\n%.400s", status, bad, c.name, strings.Count(out, c.name), out)
			}
		})
	}
}

// recode writes a UTF-8 file anew in another encoding.
func recode(t *testing.T, path string, to encoding.Encoding) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	coded, err := to.NewEncoder().Bytes(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, coded, 0o600); err != nil {
		t.Fatal(err)
	}
}
