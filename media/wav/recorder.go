package wav

import (
	"errors"
	"fmt"
	"os"
	"path"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Channel is a side of a recording.
type Channel uint8

// Left is the customer, Right is what the customer hears.
const (
	Left Channel = iota
	Right
)

const (
	// queueLength is how many packets of a side may wait for the disk: 5 s.
	queueLength = 256
	// writeInterval is how often the writer empties the queues.
	writeInterval = 250 * time.Millisecond
	// settle is how long a moment stays open for packets of both sides.
	settle = 300 * time.Millisecond
)

// ErrTooLong means a recording of 4 GB, which is the end of a WAV file: three
// days.
var ErrTooLong = errors.New("wav: recording is full")

// Recorder is the recording of one call. Hear never blocks: when the disk does not keep
// up the packet is dropped, counted, and silent in the file.
type Recorder struct {
	start   time.Time
	queues  [2]queue
	dropped atomic.Uint64

	writer *Writer
	ended  func(*Recorder)
	stop   sync.Once
	opened chan struct{} // closed when the file is there, or never will be
	done   chan struct{}

	mu       sync.Mutex // of what follows, held while the file is written
	file     *os.File   // nil before it is there and when all is over
	timeline timeline
	turn     int // of the writer

	duration time.Duration // after done
	err      error         // after done
}

// Hear takes the audio of one packet that came at now. Each side has one
// caller at a time.
func (r *Recorder) Hear(side Channel, now time.Time, law media.Law, payload []byte) {
	c := chunk{at: now.Sub(r.start), law: law}
	for len(payload) > 0 {
		n := min(len(payload), chunkSize)
		c.audio, payload = payload[:n], payload[n:]
		if !r.queues[side].put(&c) {
			r.dropped.Add(1)
		}
		c.at += media.Span(n)
	}
}

// Stop ends the recording at now. It does not wait; Done tells when the file
// is complete. Only the first call counts.
func (r *Recorder) Stop(now time.Time) {
	r.stop.Do(func() { go r.finish(now) })
}

// Done is closed when the file is complete or has failed.
func (r *Recorder) Done() <-chan struct{} { return r.done }

// Result is the length of the recording and what stopped it early, after Done.
func (r *Recorder) Result() (time.Duration, error) { return r.duration, r.err }

// Dropped is how many packets did not reach the disk.
func (r *Recorder) Dropped() uint64 { return r.dropped.Load() }

// Queued is how many packets wait for the disk.
func (r *Recorder) Queued() int { return r.queues[Left].length() + r.queues[Right].length() }

// open makes the file.
func (r *Recorder) open(root *os.Root, name string) {
	defer close(r.opened)
	file, err := create(root, name)
	if err != nil {
		r.over(fmt.Errorf("record: %w", err))
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.file = file
	r.turn = r.writer.add(r)
}

// write moves audio from the queues into the file. taken is a buffer to put into a
// queue; another one comes back.
func (r *Recorder) write(taken []byte) []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.file == nil {
		return taken
	}
	taken = r.drain(taken)
	if err := r.timeline.flush(r.file, media.Samples(time.Since(r.start)-settle)); err != nil {
		go r.close(r.file, err)
		r.file = nil
	}
	return taken
}

func (r *Recorder) drain(taken []byte) []byte {
	for side := range r.queues {
		taken = r.queues[side].take(taken)
		for rest := taken; len(rest) > 0; {
			var c chunk
			c, rest = unpack(rest)
			r.timeline.place(Channel(side), &c)
		}
	}
	return taken
}

// finish writes what there is up to end, and what came before it in a burst, and closes
// the file.
func (r *Recorder) finish(end time.Time) {
	<-r.opened
	r.mu.Lock()
	file := r.file
	r.file = nil
	if file == nil { // it never was, or is closed after an error
		r.mu.Unlock()
		return
	}
	r.drain(nil)
	err := r.timeline.flush(file, max(media.Samples(end.Sub(r.start)), r.timeline.end()))
	r.mu.Unlock()
	r.close(file, err)
}

// close completes the file; err is what kept it from being longer.
func (r *Recorder) close(file *os.File, err error) {
	r.mu.Lock()
	turn, moments := r.turn, r.timeline.written
	r.mu.Unlock()
	r.writer.remove(r, turn)
	if e := finish(file, moments); err == nil {
		err = e
	}
	r.duration = media.Span(int(moments))
	r.over(err)
}

// over tells everybody that the recording is complete or has failed.
func (r *Recorder) over(err error) {
	r.err = err
	if r.ended != nil {
		r.ended(r)
	}
	close(r.done)
}

func create(root *os.Root, name string) (*os.File, error) {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o700); err != nil {
			return nil, err
		}
	}
	file, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600) // what people said: for us alone
	if err != nil {
		return nil, err
	}
	if _, err := file.Write(header(0)); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// finish writes the sizes into the header and closes the file.
func finish(file *os.File, moments int64) error {
	_, err := file.WriteAt(header(uint32(moments*blockAlign)), 0)
	return errors.Join(err, file.Sync(), file.Close())
}
