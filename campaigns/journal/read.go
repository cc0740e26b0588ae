package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"path/filepath"

	"github.com/outpace-dialer/outpace/campaigns"
)

// errDamaged means that lines are not as they were written, and that others
// follow them: it was no crash that cut them short.
var errDamaged = errors.New("lines are damaged")

// errMissing means that lines are not there any more.
var errMissing = errors.New("lines are missing")

// after gives the lines behind a mark, up to what was written before this
// opening. Damaged lines are left out and told of at the end of their segment.
func (j *Journal) after(mark campaigns.JournalMark) iter.Seq2[campaigns.JournalLine, error] {
	return func(yield func(campaigns.JournalLine, error) bool) {
		numbers, err := segmentsIn(j.dir)
		if err != nil {
			yield(campaigns.JournalLine{}, err)
			return
		}
		expected := mark.Segment
		for _, n := range numbers {
			if n < mark.Segment {
				continue
			}
			from := int64(0)
			if n == mark.Segment {
				from = mark.Offset
			}
			if mark.Segment > 0 && n != expected && !yield(campaigns.JournalLine{}, fmt.Errorf("segment %d: %w", expected, errMissing)) {
				return
			}
			expected = n + 1
			if !j.readSegment(n, from, yield) {
				return
			}
		}
	}
}

// readSegment gives the lines of a segment; false where nobody wants more.
func (j *Journal) readSegment(number int, from int64, yield func(campaigns.JournalLine, error) bool) bool {
	tell := func(err error) bool {
		return yield(campaigns.JournalLine{}, fmt.Errorf("segment %d: %w", number, err))
	}
	path := filepath.Join(j.dir, segmentName(number))
	id, err := readIdentity(path)
	if err == nil && id != j.id {
		return true // of a store that was here before
	}
	file, err := os.Open(path)
	if err != nil {
		return tell(err)
	}
	defer file.Close()
	if info, err := file.Stat(); err != nil || info.Size() < from {
		return tell(errors.Join(errMissing, err))
	}
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return tell(err)
	}
	in, broken := bufio.NewReaderSize(file, 1<<16), false
	for {
		b, err := in.ReadBytes('\n')
		if len(b) == 0 && err != nil {
			if err == io.EOF {
				return true
			}
			return tell(err)
		}
		text, ok := unsealed(b)
		if !ok {
			broken = true
			continue
		}
		if broken {
			broken = false
			if !tell(errDamaged) {
				return false
			}
		}
		var l campaigns.JournalLine
		if err := json.Unmarshal(text, &l); err != nil {
			if !tell(err) {
				return false
			}
		} else if l != (campaigns.JournalLine{}) && !yield(l, nil) { // the heading is no line
			return false
		}
	}
}
