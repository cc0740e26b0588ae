package leadfile

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/outpace-dialer/outpace/campaigns"
	"pgregory.net/rapid"
)

func TestGuard(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Anna": "Anna", "=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "-5": "'-5", "+48225550123": "+48225550123",
		"+cmd|x": "'+cmd|x", "＝1": "'＝1", "\tx": "'\tx", "'=1": "''=1", "'quoted'": "'quoted'", "+48 22": "'+48 22",
	} {
		got := Guard(in)
		if got != want {
			t.Errorf("Guard(%q) = %q, want %q", in, got, want)
		}
		if back := unguard(got); back != in {
			t.Errorf("unguard(Guard(%q)) = %q", in, back)
		}
	}
}

// TestRoundTrip: what is exported comes back as it was.
func TestRoundTrip(t *testing.T) {
	text := "id,name,phone,mobile,zone,state,colour,note,cp\n" +
		"1,=HYPERLINK(1),+12125550123,+13055550123,US/Pacific,TX,-red,\"two\nlines\",3\n" +
		"2,Łucja,+48225550123,,,,'=x,,0\n"
	leads, _ := read(t, []byte(text), "x.csv", Options{List: "a"})
	var shape Shape
	shape.Add(leads...)
	var file bytes.Buffer
	w := NewWriter(&file, shape)
	if err := w.Write(leads...); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(file.String()) {
		for cell := range strings.SplitSeq(strings.TrimSpace(line), ",") {
			if startsFormula(cell) && !strings.HasPrefix(cell, "'") && !isE164(cell) {
				t.Errorf("cell %q would run", cell)
			}
		}
	}
	again, report := read(t, file.Bytes(), "export.csv", Options{List: "a"})
	if diff := cmp.Diff(leads, again, cmpopts.EquateEmpty()); diff != "" || report.BadRows != 0 {
		t.Errorf("report %+v (-first +again):\n%s", report, diff)
	}
	if err := w.Write(campaigns.Lead{Numbers: make([]campaigns.Number, 9)}); err == nil {
		t.Error("a lead with more numbers than columns was written")
	}
}

// TestCountsAddUp: each row is a lead, a repeat or a bad row, and no row is
// given out twice.
func TestCountsAddUp(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rows := rapid.SliceOfN(rapid.Custom(func(rt *rapid.T) string {
			return fmt.Sprintf("%d,%s,%s", rapid.IntRange(1, 5).Draw(rt, "id"),
				rapid.SampledFrom([]string{"+48225550123", "22 555 01 24", "112", "", "+1 212 555 0123", "x"}).Draw(rt, "phone"),
				rapid.SampledFrom([]string{"a", `"a ""b"""`, "\"two\nlines\"", `a"b`, "="}).Draw(rt, "name"))
		}), 0, 30).Draw(rt, "rows")
		text := "id,phone,name\n" + strings.Join(rows, "\n") + "\n"
		leads, r := read(t, []byte(text), "x.csv", Options{DefaultRegion: "PL"})
		if r.Rows != len(rows) || r.Good != len(leads) || r.Rows != r.Good+r.Duplicates+r.BadRows {
			rt.Fatalf("%d rows, report %+v", len(rows), r)
		}
		seen := map[string]bool{}
		for _, l := range leads {
			key := l.ExternalID + l.Numbers[0].E164
			if seen[key] {
				rt.Fatalf("lead %+v came twice", l)
			}
			seen[key] = true
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(polish), "PL")
	f.Add([]byte("\xff\xfep\x00h\x00o\x00n\x00e\x00\n\x00+\x004\x00"), "")
	f.Add([]byte("phone;\"a\"b\n\"+48225550123\n;x\"\x00"), "PL")
	f.Add([]byte("PK\x03\x04"), "")
	f.Fuzz(func(t *testing.T, text []byte, region string) {
		var bad bytes.Buffer
		n := 0
		report, err := Read(t.Context(), bytes.NewReader(text), "x.csv", Options{DefaultRegion: region, BadRows: &bad}, func(batch []campaigns.Lead) error {
			n += len(batch)
			for _, l := range batch {
				if len(l.Numbers) == 0 || len(l.Numbers[0].Zones) == 0 {
					t.Errorf("lead without number or zone: %+v", l)
				}
			}
			return nil
		})
		if err == nil && (report.Good != n || report.Rows != report.Good+report.BadRows+report.Duplicates) {
			t.Errorf("%d leads, report %+v", n, report)
		}
	})
}

// BenchmarkRead100k is the size a campaign manager imports.
func BenchmarkRead100k(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("id,name,phone,mobile,zip,cp,note\n")
	for i := range 100_000 {
		fmt.Fprintf(&text, "%d,Person %d,+1212%07d,+1305%07d,10001,%d,hello\n", i, i, 2000000+i, 3000000+i, i%6)
	}
	for b.Loop() {
		_, report := read(b, text.Bytes(), "x.csv", Options{})
		if report.Good != 100_000 {
			b.Fatalf("%+v", report)
		}
	}
}
