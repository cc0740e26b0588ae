package wav

import (
	"bytes"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Many recordings at once take a few goroutines, each file has all but what may still
// change and the last turn, and whoever asked is told of each end.
func TestWriterOfMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls = 24
		root, start, before := openRoot(t), time.Now(), runtime.NumGoroutine()
		var w Writer
		var ended atomic.Int32
		var recorders []*Recorder
		for i := range calls {
			recorders = append(recorders, w.Record(root, fmt.Sprintf("%d.wav", i), start, func(*Recorder) { ended.Add(1) }))
		}
		for range 100 { // 2 s
			for i, r := range recorders {
				r.Hear(Left, time.Now(), media.ULaw, frame(byte(i)))
			}
			time.Sleep(media.FrameDuration)
		}
		if n := runtime.NumGoroutine() - before; n > turns+2 { // the runtime may have begun some of its own
			t.Errorf("%d goroutines for %d recordings, want some %d", n, calls, turns)
		}
		for i := range recorders { // as if we were killed now
			b, err := root.ReadFile(fmt.Sprintf("%d.wav", i))
			if err != nil {
				t.Fatal(err)
			}
			least := media.Samples(time.Since(start) - settle - writeInterval)
			if n := bytes.Count(b[headerSize:], []byte{byte(i)}); n < least {
				t.Errorf("recording %d has %d samples of its side, want %d at least", i, n, least)
			}
		}
		for i, r := range recorders {
			r.Stop(time.Now())
			<-r.Done()
			if d, err := r.Result(); err != nil || d != 2*time.Second || r.Dropped() != 0 {
				t.Errorf("recording %d: %v, %v, dropped %d", i, d, err, r.Dropped())
			}
		}
		synctest.Wait()
		if n := ended.Load(); n != calls {
			t.Errorf("%d ends told, want %d", n, calls)
		}
	}) // fails where a goroutine is left
}

// What came in a burst right before the end is in the file.
func TestBurstBeforeTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := openRoot(t)
		r := record(root, "a.wav", time.Now())
		for i := range byte(4) { // the line stood still for the first three
			r.Hear(Left, time.Now(), media.ULaw, frame(i+1))
		}
		r.Stop(time.Now().Add(media.FrameDuration))
		<-r.Done()
		left, _ := read(t, root, "a.wav")
		for i := range 4 {
			if !bytes.Equal(left[160*i:160*(i+1)], frame(byte(i+1))) {
				t.Errorf("frame %d is not in its place", i)
			}
		}
	})
}

// A recording that fails while others go on ends alone.
func TestOneOfManyFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := openRoot(t)
		var w Writer
		good, bad := w.Record(root, "good.wav", time.Now(), nil), w.Record(root, "bad.wav", time.Now(), nil)
		time.Sleep(writeInterval)
		bad.mu.Lock()
		bad.file.Close() // as a disk that is gone
		bad.mu.Unlock()
		for range 50 {
			good.Hear(Left, time.Now(), media.ULaw, frame(1))
			bad.Hear(Left, time.Now(), media.ULaw, frame(1))
			time.Sleep(media.FrameDuration)
		}
		<-bad.Done()
		if _, err := bad.Result(); err == nil {
			t.Error("a recording without a file has no error")
		}
		bad.Stop(time.Now()) // too late for anything
		good.Stop(time.Now())
		<-good.Done()
		if d, err := good.Result(); err != nil || d < time.Second {
			t.Errorf("the other one: %v, %v", d, err)
		}
	})
}
