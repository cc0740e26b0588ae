package leadfile

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/unicode"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/bomb"
)

const (
	mib = 1 << 20
	gib = 1 << 30
	// mostMemory is what a reading may take, bytes, with what is not collected yet.
	mostMemory = 64 * mib
)

// outcome is what came of a hostile file.
type outcome struct {
	report  Report
	err     error
	emitted int   // leads
	read    int64 // bytes
	grew    int64 // bytes of the heap
}

// explode reads a hostile file.
func explode(ctx context.Context, in io.Reader, o Options) outcome {
	memory := bomb.Watch()
	counted := &bomb.Counted{In: in}
	var out outcome
	out.report, out.err = Read(ctx, bomb.Looking{In: counted, Memory: memory}, "upload", o, func(batch []campaigns.Lead) error {
		memory.Look()
		out.emitted += len(batch)
		return nil
	})
	out.read, out.grew = counted.Bytes(), memory.Grew()
	return out
}

// people are rows that each give a lead, size bytes in all or a row more.
type people struct {
	size int64
	pad  string // of the note
	n    int
	rest []byte
}

func (p *people) Read(b []byte) (int, error) {
	for len(p.rest) < len(b) && p.size > 0 {
		begin := len(p.rest)
		p.rest = fmt.Appendf(p.rest, "+48601100201,%d,%s\n", p.n, p.pad)
		p.n, p.size = p.n+1, p.size-int64(len(p.rest)-begin)
	}
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.rest)
	p.rest = append(p.rest[:0], p.rest[n:]...)
	return n, nil
}

const head = "phone,id,note\n+48601100200,first,\n"

// after is a file of a header, a lead in line 2, and what comes then.
func after(parts ...io.Reader) io.Reader {
	return io.MultiReader(append([]io.Reader{strings.NewReader(head)}, parts...)...)
}

func text(s string) io.Reader { return strings.NewReader(s) }

// utf16 is text in UTF-16 as it is read, with a byte order mark.
func utf16(order unicode.Endianness, in io.Reader) io.Reader {
	r, w := io.Pipe()
	go func() {
		_, err := io.Copy(unicode.UTF16(order, unicode.UseBOM).NewEncoder().Writer(w), in)
		w.CloseWithError(err)
	}()
	return r
}

// TestS19Bombs: files that are far too large are refused with the line, and what can be read
// is read, in less than 64 MiB of memory.
func TestS19Bombs(t *testing.T) {
	long, wide, many := int64(2*mib), int64(mib/2), int64(mib/8)
	if bomb.Full() {
		long, wide, many = 2*gib, 16*mib, 64*mib
	}
	const last = "+48601100299,last,\n"
	for _, tt := range []struct {
		name  string
		in    func() io.Reader
		lines []int  // of the first bad rows; the reading goes on behind them
		bad   int    // rows, where they are more than those of lines
		err   string // why it does not
		good  int    // leads; -1: as many as were read
		most  int64  // bytes read; 0: all
	}{
		{name: "2 GB of rows", in: func() io.Reader { return after(&people{size: long, pad: strings.Repeat("x", 1000)}) }, good: -1},
		{name: "short rows", in: func() io.Reader { return after(&people{size: many}) }, good: -1},
		{name: "rows of 1 MB", in: func() io.Reader { return after(&people{size: max(64*mib, long/2), pad: strings.Repeat("x", 1000_000)}) }, good: -1},
		{
			name: "rows of 1,000 columns", good: -1,
			in: func() io.Reader {
				header := "phone,id"
				for i := range maxColumns - 2 {
					header += fmt.Sprint(",c", i)
				}
				return io.MultiReader(text(header+"\n"), &people{size: wide, pad: strings.Repeat("x,", maxColumns-3)})
			},
		},
		{name: "10^6 columns in the header", in: func() io.Reader { return io.MultiReader(text("phone"), bomb.Repeat(",", 1e6), text("\n")) }, err: "line 1: more than 50000 delimiters", most: 2 * mib},
		{name: "10^6 named columns", in: func() io.Reader { return io.MultiReader(text("phone"), bomb.Repeat(",name", 5e6), text("\n")) }, err: "line 1: ", most: 2 * mib},
		{name: "10^6 columns in a row", in: func() io.Reader { return after(bomb.Repeat(",", 1e6), text("\n"+last)) }, lines: []int{3}, good: 2},
		{name: "10^6 columns at the end", in: func() io.Reader { return after(bomb.Repeat(",", 1e6)) }, lines: []int{3}, good: 1},
		{name: "columns in row after row", in: func() io.Reader { return after(bomb.Repeat(strings.Repeat(",", 999_999)+"\n", 3e6), text(last)) }, lines: []int{3, 4, 5}, good: 2},
		{name: "10^6 delimiters in quotes", in: func() io.Reader { return after(text(`+48601100201,"`), bomb.Repeat(",", 1e6), text("\"\n"+last)) }, lines: []int{3}, good: 2},
		{name: "1 line of 1 GB", in: func() io.Reader { return bomb.Repeat("x", gib) }, err: "line 1: longer than", most: 2 * mib},
		{name: "1 line of 1 GB behind others", in: func() io.Reader { return after(text("\n"), bomb.Repeat("x", gib)) }, err: "line 4: longer than", most: 2 * mib},
		{name: "1 line of 1 GB in quotes", in: func() io.Reader { return after(text(`+48601100201,"`), bomb.Repeat("x", gib)) }, err: "line 3: longer than", most: 2 * mib},
		{name: "1 line of 1 GB with quotes", in: func() io.Reader { return after(bomb.Repeat(`x"x`, gib)) }, err: "line 3: longer than", most: 2 * mib},
		{name: "1 line of 1 GB with delimiters", in: func() io.Reader { return after(bomb.Repeat("x,", gib)) }, err: "line 3: longer than", most: 2 * mib},
		{name: "1 line of 1 GB, old Mac", in: func() io.Reader {
			return io.MultiReader(text("phone,id,note\r+48601100200,first,\r"), bomb.Repeat("x", gib))
		}, err: "line 3: longer than", most: 2 * mib},
		{name: "1 GB of NULs", in: func() io.Reader { return bomb.Repeat("\x00", gib) }, err: "line 1: longer than", most: 2 * mib},
		{name: "NULs in the header", in: func() io.Reader { return text("phone,\x00\n" + last) }, err: "line 1: NUL", most: mib},
		{name: "NULs in a row", in: func() io.Reader { return after(text("+48601100201,\x00,\n" + last)) }, lines: []int{3}, good: 2},
		{name: "NULs in rows", in: func() io.Reader { return after(bomb.Repeat("\x00\x00\n", 3e5), text(last)) }, lines: []int{3, 4, 5}, bad: 1e5, good: 2},
		{name: "UTF-16", in: func() io.Reader {
			return utf16(unicode.LittleEndian, after(&people{size: many, pad: strings.Repeat("ż", 200)}))
		}, good: -1},
		{name: "UTF-16, 1 line of 1 GB", in: func() io.Reader {
			return io.MultiReader(utf16(unicode.BigEndian, text(head)), bomb.Repeat("\x00x", gib))
		}, err: "line 3: longer than", most: 4 * mib},
		{name: "UTF-16, 10^6 columns", in: func() io.Reader {
			return utf16(unicode.LittleEndian, after(bomb.Repeat(",", 1e6), text("\n"+last)))
		}, lines: []int{3}, good: 2},
		{name: "UTF-16, half a letter", in: func() io.Reader {
			return io.MultiReader(utf16(unicode.LittleEndian, text(head)), text("x\x00\x3d\xd8\n\x00x"))
		}, lines: []int{3, 4}, good: 1},
		{name: "gzip", in: func() io.Reader {
			return io.MultiReader(text("\x1f\x8b\x08\x00\x00\x00\x00\x00"), bomb.Repeat("\x00\xff\x0a", gib))
		}, err: "line 1: ", most: mib},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := explode(t.Context(), tt.in(), Options{})
			check(t, got, tt.err, tt.good)
			var lines []int
			for _, b := range got.report.Bad {
				lines = append(lines, b.Line)
			}
			if bad := max(tt.bad, len(tt.lines)); got.report.BadRows != bad || !slices.Equal(lines[:min(len(lines), len(tt.lines))], tt.lines) {
				t.Errorf("%d bad rows, the first in lines %v, want %d and %v", got.report.BadRows, lines[:min(len(lines), 5)], bad, tt.lines)
			}
			if tt.most > 0 && got.read > tt.most {
				t.Errorf("%d bytes were read, want %d at most", got.read, tt.most)
			}
		})
	}
}

// check holds an outcome against the error that it should have, or none, and the leads.
func check(t *testing.T, got outcome, want string, good int) {
	t.Helper()
	if (got.err == nil) != (want == "") || got.err != nil && !strings.Contains(got.err.Error(), want) {
		t.Errorf("err = %v, want %q", got.err, want)
	}
	if got.err != nil && len(got.err.Error()) > 4096 {
		t.Errorf("the error has %d bytes", len(got.err.Error()))
	}
	if r := got.report; r.Rows != r.Good+r.BadRows+r.Duplicates || good >= 0 && got.emitted != good || got.err == nil && got.emitted != r.Good {
		t.Errorf("%d leads, want %d; %d rows, %d good, %d bad, %d again", got.emitted, good, r.Rows, r.Good, r.BadRows, r.Duplicates)
	}
	if got.grew > mostMemory {
		t.Errorf("the heap grew by %d MiB, want %d at most", got.grew>>20, mostMemory>>20)
	}
	t.Logf("%d KiB read, %d leads, %d bad rows, heap %.1f MiB more: %v", got.read>>10, got.report.Good, got.report.BadRows, float64(got.grew)/mib, got.err)
}
