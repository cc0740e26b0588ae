package plane

import (
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/media/detect"
)

const tick = media.FrameDuration

// frames keeps the frames that a detector is given.
type frames struct{ got [][]int16 }

func (f *frames) Answered()  {}
func (f *frames) Connected() {}
func (f *frames) Machine()   {}

func (f *frames) Features(*detect.Features) bool { return false }

func (f *frames) Hear(pcm media.Frame) (detect.Finding, bool) {
	f.got = append(f.got, slices.Clone(pcm))
	return detect.Finding{}, false
}

// earing plays packets to an ear on a clock of its own: frame number n, from 0,
// is full of samples of one value and is spoken until 20 ms × (n+1).
type earing struct {
	ear
	frames
	begin time.Time
}

func newEaring() *earing {
	e := &earing{begin: time.Unix(1000, 0)}
	e.listen(&e.frames)
	return e
}

func noFinding(detect.Finding, time.Time) {}

// value is the sample of a frame: one that µ-law has, no two neighbours the same.
func value(frame int) int16 {
	var pcm [1]int16
	codec.DecodeULaw(pcm[:], []byte{byte(0x80 + frame%64)})
	return pcm[0]
}

// packet has frame n of a stream whose timestamps begin near their end.
func packet(n int) *media.Packet {
	return &media.Packet{Sequence: uint16(65530 + n), Timestamp: uint32(1<<32 - 700 + n*media.SamplesPerFrame), Payload: slices.Repeat([]byte{byte(0x80 + n%64)}, media.SamplesPerFrame)}
}

// at gives the ear a packet at a time of the stream.
func (e *earing) at(d time.Duration, p *media.Packet) { e.hear(e.begin.Add(d), p, noFinding) }

// tickUntil turns the wheel from one time of the stream to another.
func (e *earing) tickUntil(from, to time.Duration) {
	for d := from; d <= to; d += tick {
		e.tick(e.begin.Add(d), noFinding)
	}
}

// wantFrames wants that the frames are those with the numbers, -1 for any.
func (e *earing) wantFrames(t *testing.T, numbers ...int) {
	t.Helper()
	if len(e.got) != len(numbers) {
		t.Fatalf("heard %d frames, want %d", len(e.got), len(numbers))
	}
	for i, n := range numbers {
		if n >= 0 && (e.got[i][0] != value(n) || e.got[i][media.SamplesPerFrame-1] != value(n)) {
			t.Errorf("frame %d is of %d to %d, want packet %d (%d)", i, e.got[i][0], e.got[i][media.SamplesPerFrame-1], n, value(n))
		}
	}
}

func due(n int) time.Duration { return time.Duration(n+1) * tick }

// What comes in order is heard at once, however it is packed.
func TestEarHearsAtOnce(t *testing.T) {
	e := newEaring()
	for n := range 6 {
		p := packet(n)
		half := *p
		half.Payload = p.Payload[:80]
		e.at(due(n)-tick/2, &half)
		half.Payload, half.Timestamp = p.Payload[80:], p.Timestamp+80
		e.at(due(n), &half)
		if len(e.got) != n+1 {
			t.Fatalf("heard %d frames after %d", len(e.got), n+1)
		}
	}
	long := packet(6)
	long.Payload = slices.Repeat(long.Payload, 3)
	e.at(due(8), long)
	e.wantFrames(t, 0, 1, 2, 3, 4, 5, 6, 6, 6)
}

// 40 ms of jitter change nothing of what is heard.
func TestEarPutsPacketsInOrder(t *testing.T) {
	e := newEaring()
	e.tickUntil(due(-9), due(-5))
	for _, n := range []int{0, 2, 1, 3, 5, 6, 4, 6, 7} { // one of them twice
		e.at(due(n)+time.Duration(n%3)*tick, packet(n))
	}
	e.tickUntil(due(-4), due(8))
	e.wantFrames(t, 0, 1, 2, 3, 4, 5, 6, 7)
}

// The first packet may be the slowest: times are those of the fastest.
func TestEarTimesByTheFastestPacket(t *testing.T) {
	e := newEaring()
	e.at(due(0)+40*time.Millisecond, packet(0))
	e.at(due(1)+20*time.Millisecond, packet(1))
	e.at(due(2), packet(2))
	e.at(due(3)+40*time.Millisecond, packet(3))
	if !e.start.Equal(e.begin) {
		t.Errorf("the stream starts %v after it was spoken", e.start.Sub(e.begin))
	}
	e.wantFrames(t, 0, 1, 2, 3)
}

// A lost packet leaves its place to sound like the one before it.
func TestEarMakesUpForLostPackets(t *testing.T) {
	e := newEaring()
	e.tickUntil(due(-3), due(0))
	for n := range 12 {
		if n != 3 && n != 7 {
			e.at(due(n), packet(n))
		}
		e.tick(e.begin.Add(due(n)), noFinding)
	}
	e.tickUntil(due(12), due(14))
	e.wantFrames(t, 0, 1, 2, 2, 4, 5, 6, 6, 8, 9, 10, 11)
}

// A far end that stops in a pause is silent, and what it says then is in its place;
// where its timestamps stood still, right after what was made up.
func TestEarPauses(t *testing.T) {
	for name, stood := range map[string]int{"timestamps go on": 0, "timestamps stand still": 30} {
		t.Run(name, func(t *testing.T) {
			e := newEaring()
			e.tickUntil(due(0), due(3))
			for n := range 10 {
				e.at(due(n), packet(n))
			}
			e.tickUntil(due(4), due(39))
			if n := len(e.got); n < 36 || n > 40 {
				t.Errorf("%d frames heard at frame 40", n)
			}
			if last := e.got[len(e.got)-1]; slices.Max(last) != 0 {
				t.Errorf("the pause sounds of %d", slices.Max(last))
			}
			made := len(e.got)
			for n := 40; n < 50; n++ {
				p := packet(n - stood)
				p.Sequence = packet(n - 30).Sequence
				e.at(due(n), p)
				e.tick(e.begin.Add(due(n)), noFinding)
			}
			if stood == 0 {
				made = 40
			}
			for n := range 10 {
				if got, want := e.got[made+n][0], value(40-stood+n); got != want {
					t.Errorf("packet %d after the pause: heard %d, want %d", n, got, want)
				}
			}
		})
	}
}

// Where we stood still ourselves, nothing was lost: packets wait in the socket.
func TestEarWaitsAfterAStall(t *testing.T) {
	e := newEaring()
	for n := range 10 {
		e.at(due(n), packet(n))
		e.tick(e.begin.Add(due(n)), noFinding)
	}
	e.tickUntil(due(40), due(41)) // 0.6 s later
	for n := 10; n < 42; n++ {
		e.at(due(41), packet(n))
	}
	e.tickUntil(due(42), due(44))
	if len(e.got) != 42 || e.got[25][0] != value(25) {
		t.Errorf("%d frames heard, want the 42 that were sent", len(e.got))
	}
}

// The noise of a line goes on while nothing is sent.
func TestEarGoesOnWithNoise(t *testing.T) {
	e := newEaring()
	noise := packet(0)
	for i := range noise.Payload {
		noise.Payload[i] = []byte{0xFA, 0x7C, 0xFD, 0x78, 0xFF}[i*i%5]
	}
	e.tickUntil(due(-3), due(0))
	for n := range 5 {
		noise.Sequence, noise.Timestamp = packet(n).Sequence, packet(n).Timestamp
		e.at(due(n), noise)
	}
	e.tickUntil(due(1), due(60))
	level := func(pcm []int16) (sum int) {
		for _, x := range pcm {
			sum += int(x) * int(x)
		}
		return sum / len(pcm)
	}
	was, is := level(e.got[0]), level(e.got[len(e.got)-1])
	if is < was/2 || is > was*2 {
		t.Errorf("the line's noise has the power %d, and %d while nothing comes", was, is)
	}
}

// Another fork, or a gateway that starts anew, has timestamps of its own.
func TestEarFollowsAnotherStream(t *testing.T) {
	e := newEaring()
	for n := range 5 {
		e.at(due(n), packet(n))
	}
	for n := 5; n < 10; n++ {
		p := packet(n)
		p.Sequence, p.Timestamp = p.Sequence+999, p.Timestamp+1<<30
		e.at(due(n), p)
	}
	e.wantFrames(t, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9)
}

// A packet too long to wait is heard where the stream lacks what is before it.
func TestEarHearsLongPackets(t *testing.T) {
	e := newEaring()
	e.at(due(0), packet(0))
	long := packet(2)
	long.Payload = slices.Repeat(long.Payload, 4)
	e.at(due(5), long)
	e.wantFrames(t, 0, -1, 2, 2, 2, 2)
}

func TestEarDoesNotAllocate(t *testing.T) {
	e := newEaring()
	quiet := &deaf{}
	e.detector = quiet
	n := 0
	allocs := testing.AllocsPerRun(200, func() {
		p := [media.SamplesPerFrame]byte{}
		if n%7 != 0 {
			e.hear(e.begin.Add(due(n)), &media.Packet{Sequence: uint16(n), Timestamp: uint32(n * media.SamplesPerFrame), Payload: p[:]}, noFinding)
		}
		e.tick(e.begin.Add(due(n)), noFinding)
		n++
	})
	if allocs > 2 { // the test's own packet
		t.Errorf("allocs per packet = %v, want none but the packet", allocs)
	}
	if quiet.frames < n-6 {
		t.Errorf("heard %d of %d frames", quiet.frames, n)
	}
}

type deaf struct{ frames int }

func (d *deaf) Answered()  {}
func (d *deaf) Connected() {}
func (d *deaf) Machine()   {}

func (d *deaf) Features(*detect.Features) bool { return false }

func (d *deaf) Hear(media.Frame) (detect.Finding, bool) {
	d.frames++
	return detect.Finding{}, false
}
