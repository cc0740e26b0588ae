package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/bomb"
)

// upload sends a file and counts what of it was sent, bytes. length is what the request says
// of it; -1: nothing, it comes in chunks.
func (w *world) upload(t *testing.T, list string, in io.Reader, length int64, header http.Header) (reply, int64) {
	t.Helper()
	sent := &bomb.Counted{In: in}
	req, err := http.NewRequestWithContext(t.Context(), "POST", w.URL+"/api/v1/lists/"+list+"/import?region=pl", io.NopCloser(sent))
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = length
	for name, values := range header {
		req.Header[name] = values
	}
	req.Header.Set("Authorization", "Bearer "+w.tokens["max"])
	res, err := w.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(text)}, sent.Bytes()
}

// TestS19Uploads: a file that is far too large is refused with the line, in less than 64 MiB
// of memory, and no more of it is read.
func TestS19Uploads(t *testing.T) {
	const (
		mib  = 1 << 20
		gib  = 1 << 30
		head = "phone,note\n+48601100200,first\n"
		// buffers are what both ends of a connection may hold, and the server reads on to
		// answer on it, bytes.
		buffers = 16 * mib
	)
	w := newWorld(t)
	after := func(in io.Reader) io.Reader { return io.MultiReader(strings.NewReader(head), in) }
	packed := bomb.Zip(t, bomb.Part{Name: "list.csv", Head: head, Fill: "x", Size: gib})
	if ratio := gib / len(packed); ratio < 900 {
		t.Errorf("the archive has %d bytes, a %dth of its content: want a thousandth", len(packed), ratio)
	}
	book := bomb.Workbook(t, bomb.Part{
		Name: "xl/worksheets/sheet1.xml", Fill: "x", Size: gib, Tail: "</v></c></row></sheetData></worksheet>",
		Head: `<worksheet><sheetData><row><c t="str"><v>phone</v></c></row><row><c><v>48601100200</v></c></row><row><c><v>`,
	})
	packing := http.Header{"Content-Encoding": {"gzip"}}
	for _, tt := range []struct {
		name   string
		in     io.Reader
		length int64
		header http.Header
		status int
		want   string
		most   int64 // bytes sent, without buffers
	}{
		{"2 GB", bomb.Repeat("x", 2*gib), 2 * gib, nil, 413, "longer than 64 MiB", 0},
		{"2 GB in chunks", after(bomb.Repeat(strings.Repeat(" ", 1<<18)+"\n", 2*gib)), -1, nil, 413, "longer than 64 MiB", maxBody},
		{"10^6 columns", io.MultiReader(strings.NewReader("phone"), bomb.Repeat(",", 1e6), bomb.Repeat("\n", gib)), -1, nil, 422, "line 1: more than 50000 delimiters", mib},
		{"1 line of 1 GB", after(bomb.Repeat("x", gib)), -1, nil, 422, "line 3: longer than", mib},
		{"1 line of 64 MB", after(bomb.Repeat("x", maxBody)), maxBody, nil, 422, "line 3: longer than", mib},
		{"NULs", bomb.Repeat("\x00", gib), -1, nil, 422, "line 1: longer than", mib},
		{"NULs in the header", io.MultiReader(strings.NewReader("phone,\x00\n"), bomb.Repeat("+48601100200,\n", gib)), -1, nil, 422, "line 1: NUL byte", mib},
		{"UTF-16", io.MultiReader(strings.NewReader("\xff\xfe"), bomb.Repeat("x\x00", gib)), -1, nil, 422, "line 1: longer than", 2 * mib},
		{"zip", bytes.NewReader(packed), int64(len(packed)), http.Header{"Content-Type": {"text/csv"}}, 422, "workbook: there is no ", int64(len(packed))},
		{"workbook", bytes.NewReader(book), int64(len(book)), nil, 422, "line 3: longer than", int64(len(book))},
		{"gzip", bomb.Repeat("\x1f\x8b\x08\x00", gib), -1, packing, 415, "unsupported_media_type", 0},
		{"gzip of a length", bomb.Repeat("\x1f\x8b\x08\x00", maxBody), maxBody, packing, 415, "without Content-Encoding", 0},
		{"gzip unsaid", bomb.Repeat("\x1f\x8b\x08\x00\n", gib), -1, nil, 422, "line 1: ", mib},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.most == maxBody && !bomb.Full() {
				t.Skip("only in full size (make security, OUTPACE_SECURITY=1): TestImportTooLong holds the same bound in every run")
			}
			memory := bomb.Watch()
			got, sent := w.upload(t, "bomb", bomb.Looking{In: tt.in, Memory: memory}, tt.length, tt.header)
			if got.status != tt.status || !strings.Contains(got.body, tt.want) || len(got.body) > 4096 {
				t.Errorf("%d %.500s, want %d and %q", got.status, got.body, tt.status, tt.want)
			}
			if sent > tt.most+buffers {
				t.Errorf("%d MiB were sent, want %d at most", sent>>20, (tt.most+buffers)>>20)
			}
			grew := memory.Grew()
			if grew > 64*mib {
				t.Errorf("the heap grew by %d MiB, want 64 at most", grew>>20)
			}
			t.Logf("%d KiB sent, heap %.1f MiB more: %d %.200s", sent>>10, float64(grew)/mib, got.status, got.body)
			w.as(t, "max", "GET", "/api/v1/me", nil).want(t, 200)
		})
	}
	if lists, err := w.store.Lists(t.Context()); err != nil || len(lists) != 0 {
		t.Errorf("lists = %v (%v), want none", lists, err)
	}
	if entries := w.audited(t, "leads.import"); len(entries) != 0 {
		t.Errorf("audited %+v, want nothing", entries)
	}
}

// TestS19Half: of a file that ends the reading half way the answer and the audit log say
// what is in, and which rows are not.
func TestS19Half(t *testing.T) {
	w := newWorld(t)
	var rows strings.Builder
	const people = 120
	rows.WriteString("phone,id,note\nno number,,\n")
	for i := range people {
		fmt.Fprintf(&rows, "+48601100201,%d,%s\n", i, strings.Repeat("x", 20_000)) // so that some batches are full
	}
	for name, in := range map[string]io.Reader{
		"csv": io.MultiReader(strings.NewReader(rows.String()), bomb.Repeat("x", 1<<30)),
		"workbook": func() io.Reader {
			var cells strings.Builder
			for line := range strings.Lines(rows.String()) {
				cells.WriteString("<row>")
				for cell := range strings.SplitSeq(strings.TrimSpace(line), ",") {
					fmt.Fprintf(&cells, `<c t="str"><v>%s</v></c>`, cell)
				}
				cells.WriteString("</row>")
			}
			return bytes.NewReader(bomb.Workbook(t, bomb.Part{
				Name: "xl/worksheets/sheet1.xml", Head: "<worksheet><sheetData>" + cells.String() + "<row><c><v>", Fill: "x", Size: 1 << 30,
			}))
		}(),
	} {
		got, _ := w.upload(t, name, in, -1, nil)
		got.want(t, 422)
		var told campaigns.AddResult
		entries := w.audited(t, "leads.import")
		if i := slices.IndexFunc(entries, func(e campaigns.AuditEntry) bool { return e.Object == name }); i >= 0 {
			var after struct {
				Rows, Good, Bad int
				Store           campaigns.AddResult
			}
			if err := json.Unmarshal([]byte(entries[i].After), &after); err != nil || after.Rows != people+1 || after.Good != people || after.Bad != 1 {
				t.Errorf("%s: audited %+v (%v)", name, entries[i], err)
			}
			told = after.Store
		}
		if told.Added < 1 || told.Added >= people {
			t.Errorf("%s: audited are %+v, want some but not all", name, told)
		}
		for _, want := range []string{"line 123: longer than", fmt.Sprint(told.Added, " leads of it are written"), "121 rows, of which 1 are bad", `"location":"line 2, column phone"`} {
			if !strings.Contains(got.body, want) {
				t.Errorf("%s: %s, want %q", name, got.body, want)
			}
		}
		if name != "csv" {
			continue
		}
		var again ImportReport
		w.as(t, "max", "POST", "/api/v1/lists/"+name+"/import", rows.String()).want(t, 200).into(t, &again)
		if want := (campaigns.AddResult{Added: people - told.Added, Same: told.Added}); again.Store != want {
			t.Errorf("%s: what can be read of it, again: %+v, want %+v", name, again.Store, want)
		}
	}
}
