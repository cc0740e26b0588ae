package wav

import (
	"encoding/binary"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// chunk is one packet, or a part of it, on its way to the writer.
type chunk struct {
	at    time.Duration // since the start of the recording
	gap   bool          // what came before it on its side was dropped
	law   media.Law
	audio []byte // chunkSize at most
}

const (
	chunkSize  = 240
	chunkExtra = 10 // bytes of a chunk in a queue besides its audio
)

// queue holds the chunks of one side for the writer, packed. It is no larger than what
// waits: a recording would else keep room for all that a disk which stands still may
// have to catch up with. The lock is held for one copy at most.
type queue struct {
	mu     sync.Mutex
	packed []byte
	n      int
	gap    bool // the last one was dropped
}

// usual is what a queue may keep to be filled again: a second.
const usual = 50 * (160 + chunkExtra)

// put adds a copy of c; false where the queue is full.
func (q *queue) put(c *chunk) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.n == queueLength {
		q.gap = true
		return false
	}
	flags := byte(c.law) << 1
	if q.gap {
		flags |= 1
	}
	q.packed = binary.NativeEndian.AppendUint64(q.packed, uint64(c.at))
	q.packed = append(q.packed, flags, byte(len(c.audio)))
	q.packed = append(q.packed, c.audio...)
	q.n, q.gap = q.n+1, false
	return true
}

// take empties the queue; it fills the given buffer, whose content is of the past, from
// now on.
func (q *queue) take(buffer []byte) []byte {
	if cap(buffer) > usual {
		buffer = nil
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	packed := q.packed
	q.packed, q.n = buffer[:0], 0
	return packed
}

func (q *queue) length() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.n
}

// unpack reads the first chunk; its audio is part of packed.
func unpack(packed []byte) (c chunk, rest []byte) {
	flags, end := packed[8], chunkExtra+int(packed[9])
	c = chunk{at: time.Duration(binary.NativeEndian.Uint64(packed)), gap: flags&1 != 0, law: media.Law(flags >> 1)}
	c.audio = packed[chunkExtra:end:end]
	return c, packed[end:]
}
