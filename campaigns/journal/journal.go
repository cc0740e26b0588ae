// Package journal keeps what was dialled outside of the store: a copy of the
// store that is put back has forgotten the calls made since, and must not make
// them again. It is not a second store: it is only read when a store is opened.
//
//	Begin ─► store ─► journal ─► answer ─► INVITE
//	open: mark in the store ─► lines behind it ─► store.Replay ─► new mark
//
// A line is durable before its INVITE leaves: a group of waiting lines shares
// one flush, as in the store. How attempts ended is written without waiting:
// where such a line is lost, the attempt counts as interrupted, which is the
// careful guess. Lines lie in numbered segments, each with a checksum; every
// opening begins a new one, so a line that a crash cut short is always the last
// of its segment.
package journal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/outpace-dialer/outpace/campaigns"
)

// ErrClosed means that the journal was closed.
var ErrClosed = errors.New("journal: closed")

// Journal is a folder of segments. Use Open.
type Journal struct {
	dir   string
	id    string
	fresh bool // nothing was in the folder

	sending sync.RWMutex // held while a line is handed over; closed is under it
	closed  bool
	lines   chan *line
	written sync.WaitGroup
	lost    atomic.Uint64

	mu sync.Mutex // guards at
	at campaigns.JournalMark

	// Of the writer alone.
	out  *segment
	text []byte // of the last group
}

// line waits to be written.
type line struct {
	text []byte
	err  error
	done chan struct{} // nil: nobody waits
}

// usualBytes is more than the line of a begin or an end has.
const usualBytes = 768

// maxGroup is how many lines share a flush at most.
const maxGroup = 512

// Open opens the journal in a folder and makes it where there is none.
func Open(dir string) (*Journal, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	j := &Journal{dir: dir, lines: make(chan *line, maxGroup)}
	segments, err := segmentsIn(dir)
	if err != nil {
		return nil, err
	}
	last := 0
	if len(segments) > 0 {
		last = segments[len(segments)-1]
		j.id = identityOf(dir, segments)
	}
	j.fresh = j.id == ""
	if j.fresh {
		j.id = rand.Text()
	}
	if j.out, err = createSegment(dir, last+1, j.id); err != nil {
		return nil, err
	}
	j.moved()
	j.written.Go(j.write)
	return j, nil
}

// identityOf is the identity in the newest segment that has one.
func identityOf(dir string, segments []int) string {
	for i := len(segments) - 1; i >= 0; i-- {
		if id, err := readIdentity(filepath.Join(dir, segmentName(segments[i]))); err == nil {
			return id
		}
	}
	return ""
}

// Append writes a line and returns when it is durable.
func (j *Journal) Append(l campaigns.JournalLine) error {
	waiting, err := j.hand(l, make(chan struct{}))
	if err != nil {
		return err
	}
	<-waiting.done
	return waiting.err
}

// Note writes a line that nobody waits for. One that cannot be written is
// counted in Lost.
func (j *Journal) Note(l campaigns.JournalLine) {
	if _, err := j.hand(l, nil); err != nil {
		j.lost.Add(1)
	}
}

// Lost is how many notes were not written.
func (j *Journal) Lost() uint64 { return j.lost.Load() }

func (j *Journal) hand(l campaigns.JournalLine, done chan struct{}) (*line, error) {
	text, err := appendLine(append(make([]byte, 0, usualBytes), unsummed...), l)
	if err != nil {
		return nil, fmt.Errorf("journal: %w", err)
	}
	waiting := &line{text: seal(text), done: done}
	j.sending.RLock()
	defer j.sending.RUnlock()
	if j.closed {
		return nil, ErrClosed
	}
	j.lines <- waiting
	return waiting, nil
}

// Mark is the place behind the last line.
func (j *Journal) Mark() campaigns.JournalMark {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.at
}

func (j *Journal) moved() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.at = campaigns.JournalMark{Journal: j.id, Segment: j.out.number, Offset: j.out.size}
}

// Close writes what waits and closes the file.
func (j *Journal) Close() error {
	j.sending.Lock()
	already := j.closed
	if !already {
		j.closed = true
		close(j.lines)
	}
	j.sending.Unlock()
	j.written.Wait()
	if already {
		return nil
	}
	return errors.Join(j.out.file.Sync(), j.out.file.Close())
}
