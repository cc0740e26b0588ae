package leadfile

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/bomb"
)

// sheet is the beginning of a sheet, with a lead in line 2.
const sheet = `<worksheet><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>phone</t></is></c><c r="B1" t="inlineStr"><is><t>name</t></is></c></row>` +
	`<row r="2"><c r="A2"><v>48601100200</v></c><c r="B2" t="s"><v>0</v></c></row>`

// TestS19Workbooks: what unpacks to a thousand times its length is read piece by piece, and
// a sheet that does not come to its end is no list that did.
func TestS19Workbooks(t *testing.T) {
	size, count := int64(32*mib), int(2e4)
	if bomb.Full() {
		size, count = gib, 1e5
	}
	const end = "</sheetData></worksheet>"
	const row3 = `<row r="3"><c r="A3"><v>48601100201</v></c><c r="B3" t="s"><v>%d</v></c></row>`
	inSheet := func(head, fill, tail string) []bomb.Part {
		return []bomb.Part{{Name: "xl/worksheets/sheet1.xml", Head: sheet + head, Fill: fill, Size: size, Tail: tail}}
	}
	inTexts := func(head, fill, tail string) []bomb.Part {
		return []bomb.Part{{Name: "xl/sharedStrings.xml", Head: "<sst>" + head, Fill: fill, Size: min(size, 200*mib), Tail: tail + "</sst>"}}
	}
	short := func(tail string) []bomb.Part {
		return []bomb.Part{{Name: "xl/worksheets/sheet1.xml", Head: sheet + tail}}
	}
	for _, tt := range []struct {
		name  string
		parts []bomb.Part
		err   string
		lines []int // of bad rows
		good  int
		slow  bool
	}{
		{name: "as it should be", parts: short(fmt.Sprintf(row3, 0) + end), good: 2},
		{name: "a cell", parts: inSheet(`<row r="3"><c r="A3"><v>`, "x", "</v></c></row>"+end), err: "line 3: longer than", good: 1},
		{name: "a tag", slow: true, parts: inSheet(`<row r="3`, "3", `"/>`+end), err: "line 3: longer than", good: 1},
		{name: "a comment", slow: true, parts: inSheet("<!--", "x<", "-->"+end), err: "line 3: longer than", good: 1},
		{name: "attributes", parts: inSheet(`<row r="3" `, `a="" `, "/>"+end), err: "line 3: longer than", good: 1},
		{name: "cells", slow: true, parts: inSheet(`<row r="3">`, `<c><v>1</v></c>`, "</row>"+end), err: "line 3: longer than", good: 1},
		{name: "what is opened and not closed", parts: inSheet(`<row r="3">`, "<a>", end), err: "line 3: longer than", good: 1},
		{name: "a part that is not read", parts: append(short(end), bomb.Part{Name: "xl/media/image1.png", Fill: "\x00", Size: size}), good: 1},
		{name: "a part of the book", parts: []bomb.Part{{Name: "xl/workbook.xml", Head: "<workbook>", Fill: " ", Size: size}}, err: "xl/workbook.xml: larger than 512 KiB"},
		{name: "a text", parts: inTexts("<si><t>", "x", "</t></si>"), err: "sharedStrings.xml: text 0: longer than"},
		{name: "texts", slow: true, parts: []bomb.Part{{Name: "xl/sharedStrings.xml", Head: "<sst>", Fill: "<si/>", Size: 30 * mib, Tail: "</sst>"}}, err: "more than 4194304 texts"},
		{name: "a sheet of 3 GB", parts: []bomb.Part{{Name: "xl/worksheets/sheet1.xml", Head: sheet, Fill: "<row/>", Size: 3 * gib, Tail: end}}, err: "sheet1.xml: larger than 2097152 KiB"},
		{name: "many parts", parts: make([]bomb.Part, count), err: "too many parts"},
		{name: "columns", parts: short(`<row r="3"><c r="A3"><v>48601100201</v></c><c r="ZZZZZZZ3"><v>1</v></c></row>` + end), lines: []int{3}, good: 1},
		{name: "a text that there is not", parts: short(fmt.Sprintf(row3, 7) + end), lines: []int{3}, good: 1},
		{name: "a NUL", parts: short(`<row r="3"><c t="inlineStr"><is><t>_x0000_</t></is></c></row>` + end), lines: []int{3}, good: 1},
		{name: "entities", parts: []bomb.Part{{Name: "xl/worksheets/sheet1.xml", Head: `<!DOCTYPE a [<!ENTITY a "phone">]>` + strings.Replace(sheet, "phone", "&a;", 1) + end}}, err: "line 1: XML syntax error"},
		{name: "no end", parts: short(""), err: "ends in the middle, behind line 2"},
		{name: "no end of a row", parts: short(`<row r="3"><c><v>48`), err: "line 3: unexpected EOF"},
		{name: "no end of texts", parts: []bomb.Part{{Name: "xl/sharedStrings.xml", Head: "<sst><si><t>first</t></si>"}}, err: "text 1: unexpected EOF"},
		{name: "lines", parts: short(`<row r="9000000"/>` + end), err: "at most 1048576 lines"},
		{name: "no sheet", parts: []bomb.Part{{Name: "xl/workbook.xml", Head: "<workbook/>"}}, err: "no sheet"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.slow && !bomb.Full() {
				t.Skip("only in full size: make security runs it (OUTPACE_SECURITY=1)")
			}
			for i := range tt.parts {
				if tt.parts[i].Name == "" {
					tt.parts[i].Name = fmt.Sprintf("%064d", i)
				}
			}
			file := bomb.Workbook(t, tt.parts...)
			got := explode(t.Context(), bytes.NewReader(file), Options{DefaultRegion: "PL"})
			if got.err != nil { // the batch was not full, so that nothing came of it
				tt.good = 0
			}
			check(t, got, tt.err, tt.good)
			if len(got.report.Bad) != len(tt.lines) || len(tt.lines) > 0 && got.report.Bad[0].Line != tt.lines[0] {
				t.Errorf("bad rows %+v, want lines %v", got.report.Bad, tt.lines)
			}
		})
	}
}

// A workbook that was changed on its way is not one that was read.
func TestS19WorkbookChanged(t *testing.T) {
	file := bomb.Workbook(t, bomb.Part{Name: "xl/worksheets/sheet1.xml", Head: sheet + "</sheetData></worksheet>"})
	directory := bytes.Index(file, []byte("PK\x01\x02"))
	file[directory+16] ^= 1 // checksum of the first part, which is the sheet
	check(t, explode(t.Context(), bytes.NewReader(file), Options{DefaultRegion: "PL"}), "behind line 2: zip: checksum error", 0)
}

// Texts that do not fit into memory are read from where they were put.
func TestS19SharedTexts(t *testing.T) {
	var rows, names strings.Builder
	const count = 200
	pad := strings.Repeat("x", textsHeld*5/4/count)
	for i := range count {
		fmt.Fprintf(&rows, `<row><c><v>486011%05d</v></c><c t="s"><v>%d</v></c></row>`, i, count-1-i)
		fmt.Fprintf(&names, "<si><r><t>n%d_x002D_</t></r><rPh><t>spoken</t></rPh><r><t>%s</t></r></si>", i, pad)
	}
	file := bomb.Workbook(t,
		bomb.Part{Name: "xl/worksheets/sheet1.xml", Head: `<worksheet><sheetData><row><c t="str"><v>phone</v></c><c t="str"><v>name</v></c></row>` + rows.String() + "</sheetData></worksheet>"},
		bomb.Part{Name: "xl/sharedStrings.xml", Head: "<sst>" + names.String() + "</sst>"})
	names.Reset()
	rows.Reset()
	i := 0
	memory := bomb.Watch()
	report, err := Read(t.Context(), bytes.NewReader(file), "x.xlsx", Options{DefaultRegion: "PL"}, func(batch []campaigns.Lead) error {
		memory.Look()
		for _, l := range batch {
			if want := fmt.Sprintf("n%d-%s", count-1-i, pad); l.Name != want {
				return fmt.Errorf("lead %d: name %.20q, want %.20q", i, l.Name, want)
			}
			i++
		}
		return nil
	})
	if err != nil || i != count {
		t.Errorf("%d leads of %+v (%v), want %d", i, report, err, count)
	}
	if grew := memory.Grew(); grew > mostMemory {
		t.Errorf("the heap grew by %d MiB", grew>>20)
	}
}

// FuzzSheet reads workbooks of made-up XML.
func FuzzSheet(f *testing.F) {
	f.Add(sheet+`<row r="3"><c r="A3"><v>4.86E10</v></c><c r="B3" t="s"><v>1</v></c></row></sheetData>`, "<sst><si><t>a</t><rPh><t>b</t></rPh></si><si/></sst>")
	f.Add(sheet+`<row><c r="ZZ"/><c r="1" t="inlineStr"><is><t>_x000D_<![CDATA[<]]></t></is></c></row><row r="-1"/>`, "<sst/>")
	f.Fuzz(func(t *testing.T, rows, shared string) {
		file := bomb.Workbook(t, bomb.Part{Name: "xl/worksheets/sheet1.xml", Head: rows}, bomb.Part{Name: "xl/sharedStrings.xml", Head: shared})
		n := 0
		report, err := Read(t.Context(), bytes.NewReader(file), "x.xlsx", Options{DefaultRegion: "PL"}, func(batch []campaigns.Lead) error {
			n += len(batch)
			return nil
		})
		if err == nil && report.Good != n || report.Rows != report.Good+report.BadRows+report.Duplicates {
			t.Errorf("%d leads, report %+v (%v)", n, report, err)
		}
	})
}

// No temporary file stays, and a short workbook needs none.
func TestS19TemporaryFiles(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	long := bytes.Repeat([]byte("x"), workbookHeld)
	text := "<si><t>" + strings.Repeat("x", textsHeld/10) + "</t></si>"
	for _, shared := range []string{"</sst>", strings.Repeat(text, 11)} { // read, and refused
		file := bomb.Workbook(t, bomb.Part{Name: "xl/media/image1.png", Head: string(long)},
			bomb.Part{Name: "xl/worksheets/sheet1.xml", Head: sheet + "</sheetData>"},
			bomb.Part{Name: "xl/sharedStrings.xml", Head: "<sst><si><t>first</t></si>" + shared})
		out := explode(t.Context(), bytes.NewReader(file), Options{DefaultRegion: "PL"})
		if refused := shared != "</sst>"; (out.err != nil) != refused {
			t.Errorf("err = %v, want one: %t", out.err, refused)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Errorf("left are %v (%v), want nothing", left, err)
	}
	t.Setenv("TMPDIR", filepath.Join(folder, "none"))
	short := explode(t.Context(), bytes.NewReader(bomb.Workbook(t, bomb.Part{Name: "xl/worksheets/sheet1.xml", Head: sheet + "</sheetData>"})), Options{DefaultRegion: "PL"})
	check(t, short, "", 1)
}
