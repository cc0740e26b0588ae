package pacing

import "time"

// ledgerStep is how finely the ledger remembers when calls were answered.
const ledgerStep = 15 * time.Minute

// ledger counts live answers and abandoned calls over every window at once.
type ledger struct {
	entries []entry // the oldest first; only steps in which something happened
	windows []window
}

// entry is what one step saw.
type entry struct {
	step            int64 // of ledgerStep since the zero of Unix time
	live, abandoned float64
}

// window is a running sum over the entries from first on.
type window struct {
	span            time.Duration // 0: since ever
	first           int           // index of the oldest entry inside
	live, abandoned float64
	oldest          entry // a step may be partly outside: what it holds
}

func newLedger(spans []time.Duration) ledger {
	if len(spans) == 0 {
		spans = []time.Duration{0}
	}
	var l ledger
	for _, span := range spans {
		l.windows = append(l.windows, window{span: max(0, span)})
	}
	return l
}

func stepOf(t time.Time) int64 { return t.UnixNano() / int64(ledgerStep) }

// book counts at a time that is not before any booked.
func (l *ledger) book(at time.Time, live, abandoned float64) {
	step := stepOf(at)
	if n := len(l.entries); n == 0 || l.entries[n-1].step < step {
		l.entries = append(l.entries, entry{step: step})
	}
	last := &l.entries[len(l.entries)-1]
	last.live += live
	last.abandoned += abandoned
	for i := range l.windows {
		l.windows[i].live += live
		l.windows[i].abandoned += abandoned
	}
}

// advance drops what has left the windows.
func (l *ledger) advance(now time.Time) {
	everybody := len(l.entries)
	for i := range l.windows {
		w := &l.windows[i]
		if w.span == 0 {
			continue
		}
		begins := stepOf(now.Add(-w.span))
		for w.first < len(l.entries) && l.entries[w.first].step < begins {
			w.live -= l.entries[w.first].live
			w.abandoned -= l.entries[w.first].abandoned
			w.first++
		}
		w.oldest = entry{}
		if w.first < len(l.entries) && l.entries[w.first].step == begins {
			w.oldest = l.entries[w.first]
		}
		everybody = min(everybody, w.first)
	}
	l.forget(everybody)
}

// forgetAt is how many entries outside every window are kept before they are
// dropped together.
const forgetAt = 256

// forget drops entries that no window looks at: the whole campaign looks at its
// sums only.
func (l *ledger) forget(n int) {
	if n < forgetAt {
		return
	}
	l.entries = append(l.entries[:0], l.entries[n:]...)
	for i := range l.windows {
		l.windows[i].first = max(0, l.windows[i].first-n)
	}
}

// credit is the live answers of the window and how many more of them may be
// abandoned; with the oldest step or without it, whichever is less.
func (w *window) credit(allowed float64) (live, credit float64) {
	credit = allowed*w.live - w.abandoned
	without := allowed*(w.live-w.oldest.live) - (w.abandoned - w.oldest.abandoned)
	if without < credit {
		return w.live - w.oldest.live, without
	}
	return w.live, credit
}

// respan changes the windows and sums anew. Entries that were dropped stay lost,
// so the whole campaign keeps its sums.
func (l *ledger) respan(spans []time.Duration) {
	before := l.windows
	*l = ledger{entries: l.entries, windows: newLedger(spans).windows}
	for i := range l.windows {
		w := &l.windows[i]
		for _, e := range l.entries {
			w.live += e.live
			w.abandoned += e.abandoned
		}
		for _, old := range before {
			if old.span == w.span {
				w.live, w.abandoned, w.first = old.live, old.abandoned, old.first
			}
		}
	}
}
