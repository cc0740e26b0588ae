package plane

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

const (
	// slots spread the legs over the 20 ms, so that they do not all send at once.
	slots    = 4
	slotTime = media.FrameDuration / slots
	// lookEvery is after how many of its ticks a leg does what need not be done in each.
	lookEvery = 5
	// tickLate is when a tick counts as late.
	tickLate = 10 * time.Millisecond
	// tickLost is when the wheel gives up catching up: the machine stood still.
	tickLost = 200 * time.Millisecond
)

// wheel ticks every leg each 20 ms from one goroutine.
type wheel struct {
	mu    sync.Mutex
	slots [slots][]*leg

	late    atomic.Uint64 // ticks later than tickLate
	maxLate atomic.Int64  // nanoseconds, since it was last asked
}

func (w *wheel) add(l *leg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	emptiest := 0
	for i := range w.slots {
		if len(w.slots[i]) < len(w.slots[emptiest]) {
			emptiest = i
		}
	}
	w.slots[emptiest] = append(w.slots[emptiest], l)
}

func (w *wheel) remove(l *leg) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.slots {
		w.slots[i] = slices.DeleteFunc(w.slots[i], func(other *leg) bool { return other == l })
	}
}

// run ticks until ctx ends. The schedule is absolute: a late tick does not
// move those after it.
func (w *wheel) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	var scratch []*leg
	next := time.Now()
	for turn := 0; ; turn = (turn + 1) % (slots * lookEvery) {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		if w.note(now.Sub(next)) {
			next = now
		}
		w.mu.Lock()
		scratch = append(scratch[:0], w.slots[turn%slots]...)
		w.mu.Unlock()
		for i, l := range scratch {
			l.tick(now, (turn/slots+i)%lookEvery == 0)
		}
		next = next.Add(slotTime)
		timer.Reset(time.Until(next))
	}
}

// note counts lateness and says whether it is hopeless.
func (w *wheel) note(late time.Duration) bool {
	if late > tickLate {
		w.late.Add(1)
	}
	if int64(late) > w.maxLate.Load() {
		w.maxLate.Store(int64(late))
	}
	return late > tickLost
}
