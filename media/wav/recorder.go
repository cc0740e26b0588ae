package wav

import (
	"errors"
	"fmt"
	"os"
	"path"
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

// Recorder writes one call. Hear never blocks: when the disk does not keep up
// the packet is dropped, counted, and silent in the file.
type Recorder struct {
	start   time.Time
	queues  [2]queue
	taken   []byte // of the writer: what it took out of a queue
	dropped atomic.Uint64
	stop    chan time.Time
	done    chan struct{}

	duration time.Duration // after done
	err      error         // after done
}

// Record starts a recording in a new file. It does not touch the disk itself:
// that a file cannot be made shows in Result. name may not leave root.
func Record(root *os.Root, name string, start time.Time) *Recorder {
	r := &Recorder{start: start, stop: make(chan time.Time, 1), done: make(chan struct{})}
	go r.run(root, name)
	return r
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
	select {
	case r.stop <- now:
	default:
	}
}

// Done is closed when the file is complete or has failed.
func (r *Recorder) Done() <-chan struct{} { return r.done }

// Result is the length of the recording and what stopped it early, after Done.
func (r *Recorder) Result() (time.Duration, error) { return r.duration, r.err }

// Dropped is how many packets did not reach the disk.
func (r *Recorder) Dropped() uint64 { return r.dropped.Load() }

// Queued is how many packets wait for the disk.
func (r *Recorder) Queued() int { return r.queues[Left].length() + r.queues[Right].length() }

func (r *Recorder) run(root *os.Root, name string) {
	defer close(r.done)
	file, err := create(root, name)
	if err != nil {
		r.err = fmt.Errorf("record: %w", err)
		return
	}
	t := &timeline{}
	r.err = r.write(file, t)
	r.duration = media.Span(int(t.written))
	if err := finish(file, t.written); r.err == nil {
		r.err = err
	}
}

// write moves audio from the queues into file until Stop.
func (r *Recorder) write(file *os.File, t *timeline) error {
	ticker := time.NewTicker(writeInterval)
	defer ticker.Stop()
	for {
		select {
		case now := <-ticker.C:
			r.drain(t)
			if err := t.flush(file, media.Samples(now.Sub(r.start)-settle)); err != nil {
				return err
			}
		case end := <-r.stop:
			r.drain(t)
			return t.flush(file, media.Samples(end.Sub(r.start)))
		}
	}
}

func (r *Recorder) drain(t *timeline) {
	for side := range r.queues {
		r.taken = r.queues[side].take(r.taken)
		for rest := r.taken; len(rest) > 0; {
			var c chunk
			c, rest = unpack(rest)
			t.place(Channel(side), &c)
		}
	}
}

func create(root *os.Root, name string) (*os.File, error) {
	if dir := path.Dir(name); dir != "." {
		if err := root.MkdirAll(dir, 0o750); err != nil {
			return nil, err
		}
	}
	file, err := root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o640)
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
