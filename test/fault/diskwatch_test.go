package fault

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

const watchEvery = 50 * time.Millisecond

// diskWatch appends a little to a file of its own, as a recording does, and notes when
// it could not: a busy machine or disk then kept everybody from writing. It is no part
// of the product, so what only the product is slow at stays a fault of the product.
type diskWatch struct {
	mu     sync.Mutex
	stalls []stall
	since  time.Time // of the last write that was done
}

type stall struct{ from, to time.Time }

// watchDisk watches the disk of the tests' folders until the test is over.
func watchDisk(t *testing.T) *diskWatch {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "watch"))
	if err != nil {
		t.Fatal(err)
	}
	d, end := &diskWatch{since: time.Now()}, make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(watchEvery)
		defer ticker.Stop()
		defer file.Close()
		for {
			select {
			case <-ticker.C:
				if _, err := file.Write(make([]byte, 800)); err != nil { // 50 ms of two sides
					t.Errorf("watch the disk: %v", err)
					return
				}
				d.wrote(time.Now())
			case <-end:
				return
			}
		}
	})
	t.Cleanup(func() { close(end); wg.Wait() })
	return d
}

func (d *diskWatch) wrote(now time.Time) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if now.Sub(d.since) > 4*watchEvery {
		d.stalls = append(d.stalls, stall{d.since, now})
	}
	d.since = now
}

// stalled is how long nobody could write just before a kill: the stalls that had not
// been over for long enough that everybody had made up for them.
func (d *diskWatch) stalled(killed time.Time) time.Duration {
	if d == nil {
		return 0
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	sum := time.Duration(0)
	for _, s := range d.stalls {
		if s.from.Before(killed) && s.to.After(killed.Add(-unwritten)) {
			sum += min(s.to.Sub(s.from), killed.Sub(s.from))
		}
	}
	return sum
}
