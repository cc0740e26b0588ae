package operators

import (
	"testing"
	"time"
)

// TestLateness: each leg is held against its own fastest packets of a second, and what
// was told is told once.
func TestLateness(t *testing.T) {
	room := &Operators{}
	for leg := range 2 {
		e := newEar(700)
		for i := range 1000 {
			late := time.Duration(leg) * 50 * time.Millisecond // a way that is longer is no jitter
			if i%50 == 0 {
				late += 30 * time.Millisecond // two of a hundred
			}
			if i >= 500 {
				late += 3 * time.Second // it stood still once
			}
			e.now.lately.add(time.Unix(int64(i)*20/1000, 0), late)
		}
		room.people = append(room.people, &operator{ear: e})
	}
	if p99, packets := room.Lateness(); p99 != 30*time.Millisecond || packets != 2000 {
		t.Errorf("99 of 100 of %d packets came within %s, want 2000 within 30 ms", packets, p99)
	}
	if p99, packets := room.Lateness(); p99 != 0 || packets != 0 {
		t.Errorf("once more: %d packets within %s", packets, p99)
	}
}
