package phone

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The wheel turns once in 20 ms, in slots of 5 ms, so that the packets of many
// calls do not leave in one burst.
const (
	slotTime  = 5 * time.Millisecond
	slotCount = 4
	frameTime = slotTime * slotCount
)

// Wheel is the clock that all the calls of a process send by: one goroutine
// and one timer for any number of streams.
type Wheel struct {
	mu    sync.Mutex
	slots [slotCount]atomic.Pointer[[]*Audio]
	worst atomic.Int64
}

// NewWheel makes a wheel at rest; Run turns it.
func NewWheel() *Wheel {
	w := &Wheel{}
	for i := range w.slots {
		w.slots[i].Store(&[]*Audio{})
	}
	return w
}

// Run sends a frame of each stream every 20 ms until ctx ends. A late slot is
// made up for at once, as the jitter of a real line would be; after more than
// 200 ms the lost time is left out.
func (w *Wheel) Run(ctx context.Context) {
	timer := time.NewTimer(slotTime)
	defer timer.Stop()
	due := time.Now().Add(slotTime)
	for slot := 0; ; slot = (slot + 1) % slotCount {
		wait := time.Until(due)
		if wait > 0 {
			timer.Reset(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				return
			}
		} else if ctx.Err() != nil {
			return
		}
		late := time.Since(due)
		w.worst.Store(max(w.worst.Load(), int64(late)))
		if late > 200*time.Millisecond {
			due = due.Add(late)
		}
		for _, a := range *w.slots[slot].Load() {
			a.tick()
		}
		due = due.Add(slotTime)
	}
}

// Late is the longest time that a slot has been late so far.
func (w *Wheel) Late() time.Duration { return time.Duration(w.worst.Load()) }

// add puts a stream into the emptiest slot.
func (w *Wheel) add(a *Audio) {
	w.mu.Lock()
	defer w.mu.Unlock()
	best := 0
	for i := range w.slots {
		if len(*w.slots[i].Load()) < len(*w.slots[best].Load()) {
			best = i
		}
	}
	grown := append(slices.Clone(*w.slots[best].Load()), a)
	w.slots[best].Store(&grown)
}

// remove takes a stream out; a turn that has begun may tick it once more.
func (w *Wheel) remove(a *Audio) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.slots {
		old := *w.slots[i].Load()
		if at := slices.Index(old, a); at >= 0 {
			rest := slices.Delete(slices.Clone(old), at, at+1)
			w.slots[i].Store(&rest)
			return
		}
	}
}
