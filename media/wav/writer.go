package wav

import (
	"os"
	"slices"
	"sync"
	"time"
)

// turns are how many goroutines write, each at its own moment of writeInterval: not all
// recordings are written at once, and a file that keeps one of them waiting keeps
// no more than its share of the others.
const turns = 8

// Writer writes many recordings. To wake up for each of them would cost more than to
// write them. The zero value is ready for use; it holds goroutines only while something
// is recorded.
type Writer struct {
	mu    sync.Mutex
	turns [turns]turn
}

// turn is the recordings that one goroutine writes.
type turn struct {
	recorders []*Recorder
	empty     chan struct{} // closed when the last recording is over; nil: no goroutine
}

// Record starts a recording in a new file. It does not touch the disk itself:
// that a file cannot be made shows in Result. name may not leave root. ended, which may
// be nil, is called before Done is closed, by a goroutine of its own.
func (w *Writer) Record(root *os.Root, name string, start time.Time, ended func(*Recorder)) *Recorder {
	r := &Recorder{writer: w, start: start, ended: ended, opened: make(chan struct{}), done: make(chan struct{})}
	go r.open(root, name)
	return r
}

// add has a recording written from now on; it gives back which turn it is in.
func (w *Writer) add(r *Recorder) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	emptiest := 0
	for i := range w.turns {
		if len(w.turns[i].recorders) < len(w.turns[emptiest].recorders) {
			emptiest = i
		}
	}
	t := &w.turns[emptiest]
	t.recorders = append(t.recorders, r)
	if t.empty == nil {
		t.empty = make(chan struct{})
		go w.run(emptiest, t.empty)
	}
	return emptiest
}

// remove forgets a recording that is over.
func (w *Writer) remove(r *Recorder, from int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := &w.turns[from]
	t.recorders = slices.DeleteFunc(t.recorders, func(other *Recorder) bool { return other == r })
	if len(t.recorders) == 0 {
		close(t.empty)
		*t = turn{}
	}
}

// run writes what a turn has, until it is empty.
func (w *Writer) run(turn int, empty <-chan struct{}) {
	timer := time.NewTimer(untilTurn(turn, time.Now()))
	defer timer.Stop()
	var recorders []*Recorder
	var taken []byte
	for {
		select {
		case <-timer.C:
		case <-empty:
			return
		}
		w.mu.Lock()
		recorders = append(recorders[:0], w.turns[turn].recorders...)
		w.mu.Unlock()
		for _, r := range recorders {
			taken = r.write(taken)
		}
		clear(recorders)
		timer.Reset(untilTurn(turn, time.Now()))
	}
}

// untilTurn is when a turn comes next.
func untilTurn(turn int, now time.Time) time.Duration {
	at := now.Truncate(writeInterval).Add(time.Duration(turn) * writeInterval / turns)
	if !at.After(now) {
		at = at.Add(writeInterval)
	}
	return at.Sub(now)
}
