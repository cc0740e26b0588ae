package journal

import (
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() }) // mostly the second time
	return j
}

func allowed(e164 string) campaigns.JournalLine { return campaigns.JournalLine{Allowed: e164} }

// readAll is what lies behind a mark, and what is wrong with it.
func readAll(j *Journal, mark campaigns.JournalMark) (found []string, damage error) {
	for l, err := range j.after(mark) {
		if err != nil {
			damage = errors.Join(damage, err)
			continue
		}
		found = append(found, l.Allowed)
	}
	return found, damage
}

// Many at a time, over several openings: each line is there once, in the order
// of who waited, and a mark leaves out what is before it.
func TestLinesAreKept(t *testing.T) {
	dir := t.TempDir()
	want := map[string]int{}
	var mark campaigns.JournalMark
	for opening := range 3 {
		j := open(t, dir)
		if opening == 2 {
			mark = j.Mark()
		}
		var wg sync.WaitGroup
		for i := range 50 {
			number := string(rune('a'+opening)) + string(rune('A'+i))
			want[number]++
			wg.Go(func() {
				if err := j.Append(allowed(number)); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		j.Note(allowed("note"))
		want["note"]++
		if err := j.Close(); err != nil {
			t.Fatal(err)
		}
	}
	j := open(t, dir)
	found, damage := readAll(j, campaigns.JournalMark{})
	if damage != nil || len(found) != 153 {
		t.Errorf("%d lines, %v; want 153", len(found), damage)
	}
	for _, number := range found {
		want[number]--
	}
	for number, missing := range want {
		if missing != 0 {
			t.Errorf("%s: %d missing", number, missing)
		}
	}
	if found, damage := readAll(j, mark); damage != nil || len(found) != 51 || found[50] != "note" {
		t.Errorf("behind the mark: %d lines, %v; want the 51 of the last opening", len(found), damage)
	}
}

// What a crash cut short is left out; damage in the middle is told.
func TestDamage(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	mark := j.Mark()
	for _, number := range []string{"a", "b", "c"} {
		if err := j.Append(allowed(number)); err != nil {
			t.Fatal(err)
		}
	}
	if err := j.Close(); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, segmentName(1))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	line := len(sealed([]byte(`{"allowed":"a"}`)))
	for _, c := range []struct {
		name  string
		bytes []byte
		lines int
		want  error
	}{
		{"cut short", whole[:len(whole)-3], 2, nil},
		{"garbage at the end", append([]byte(string(whole)), "0000"...), 3, nil},
		{"bit flip in the middle", flipped(whole, len(whole)-line-8), 2, errDamaged},
		{"shorter than the mark", whole[:5], 0, errMissing},
	} {
		if err := os.WriteFile(path, c.bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		again := open(t, dir)
		again.id = mark.Journal // where its only name was damaged too
		found, damage := readAll(again, mark)
		if len(found) != c.lines || !errors.Is(damage, c.want) {
			t.Errorf("%s: %v, %v; want %d lines and %v", c.name, found, damage, c.lines, c.want)
		}
		if err := again.Close(); err != nil {
			t.Fatal(err)
		}
		os.Remove(filepath.Join(dir, segmentName(again.out.number)))
	}
}

func flipped(b []byte, at int) []byte {
	b = []byte(string(b))
	b[at] ^= 1
	return b
}

// After a write that failed the next goes into a new segment, and all that was
// acknowledged can be read.
func TestGoesOnAfterAFailure(t *testing.T) {
	dir := t.TempDir()
	j := open(t, dir)
	mark := j.Mark()
	if err := j.Append(allowed("a")); err != nil {
		t.Fatal(err)
	}
	j.out.file.Close() // as a disk that went away; nobody writes now
	if err := j.Append(allowed("b")); err == nil {
		t.Fatal("no error")
	}
	j.Note(allowed("c"))
	if err := j.Append(allowed("d")); err != nil {
		t.Fatal(err)
	}
	found, damage := readAll(j, mark)
	if damage != nil || len(found) != 3 || found[0] != "a" || found[2] != "d" {
		t.Errorf("found %v, %v", found, damage)
	}
}

func TestClosed(t *testing.T) {
	j := open(t, t.TempDir())
	if err := errors.Join(j.Close(), j.Close()); err != nil {
		t.Fatal(err)
	}
	if err := j.Append(allowed("a")); !errors.Is(err, ErrClosed) {
		t.Errorf("error = %v", err)
	}
	if j.Note(allowed("b")); j.Lost() != 1 {
		t.Errorf("%d lost, want 1", j.Lost())
	}
}
