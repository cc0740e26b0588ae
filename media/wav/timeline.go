package wav

import (
	"bytes"
	"io"
	"math"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

const (
	// late is how far behind its arrival a side may lie before the gap is
	// silence; less is jitter and is closed up.
	late = 60 * media.SampleRate / 1000
	// early is how far ahead of its arrival a side may lie: a burst. More is
	// dropped, else the two sides would drift apart.
	early   = 200 * media.SampleRate / 1000
	silence = 0xFF
)

// timeline lays the packets of both sides out by arrival. Positions are
// samples since the start.
type timeline struct {
	written int64    // everything before is in the file
	next    [2]int64 // end of the last packet of a side
	open    []byte   // from written on, left and right in turn
}

// place puts one packet behind its predecessor, or on the 20 ms grid where a
// gap lies between them.
func (t *timeline) place(side Channel, c *chunk) {
	arrival := int64(media.Samples(c.at))
	at := t.next[side]
	switch {
	case c.gap || arrival-at > late:
		at = max(at, arrival-arrival%media.SamplesPerFrame)
	case at-arrival > early:
		return
	}
	audio := c.audio
	t.next[side] = at + int64(len(audio))
	codec.Convert(media.ULaw, c.law, audio, audio)
	if behind := t.written - at; behind > 0 { // the disk stalled: its place is gone
		audio = audio[min(behind, int64(len(audio))):]
		at = t.written
	}
	if len(audio) == 0 {
		return
	}
	t.reach(at + int64(len(audio)))
	open := t.open[(at-t.written)*blockAlign+int64(side):]
	for i, b := range audio {
		open[i*blockAlign] = b
	}
}

// silent is what reach opens with.
var silent = bytes.Repeat([]byte{silence}, chunkSize*blockAlign)

// reach opens the timeline up to position, silent.
func (t *timeline) reach(position int64) {
	for more := (position-t.written)*blockAlign - int64(len(t.open)); more > 0; {
		n := min(more, int64(len(silent)))
		t.open = append(t.open, silent[:n]...)
		more -= n
	}
}

// end is where the last packet ends, in samples.
func (t *timeline) end() int { return int(max(t.next[Left], t.next[Right])) }

// flush writes everything before position.
func (t *timeline) flush(w io.Writer, position int) error {
	n := int64(position) - t.written
	if n <= 0 {
		return nil
	}
	if (t.written+n)*blockAlign > math.MaxUint32-headerSize {
		return ErrTooLong
	}
	t.reach(t.written + n)
	wrote, err := w.Write(t.open[:n*blockAlign])
	t.written += int64(wrote / blockAlign)
	t.open = t.open[:copy(t.open, t.open[wrote/blockAlign*blockAlign:])]
	return err
}
