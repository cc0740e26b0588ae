package plane

import (
	"math"

	"github.com/outpace-dialer/outpace/media"
)

// waiting are packets that came before their turn. The zero value is empty.
type waiting struct {
	held [8]held // 160 ms of the usual packets
}

type held struct {
	at, n int // in samples of the stream; n is 0 where nothing is held
	pcm   [480]int16
}

// add keeps a packet; false where there is no room, or it is longer than 60 ms.
func (w *waiting) add(at int, pcm []int16) bool {
	for i := range w.held {
		h := &w.held[i]
		if h.n == 0 && len(pcm) <= len(h.pcm) {
			h.at, h.n = at, copy(h.pcm[:], pcm)
			return true
		}
	}
	return false
}

// first is where the earliest packet begins; far away where there is none.
func (w *waiting) first() int {
	first := math.MaxInt
	for i := range w.held {
		if h := &w.held[i]; h.n > 0 {
			first = min(first, h.at)
		}
	}
	return first
}

// next takes out what is to be heard at a place of the stream; false where
// nothing of that is here. It is valid until the next add.
func (w *waiting) next(at int) ([]int16, bool) {
	for i := range w.held {
		h := &w.held[i]
		if h.n == 0 || h.at > at {
			continue
		}
		pcm := h.pcm[min(h.n, at-h.at):h.n]
		h.n = 0
		if len(pcm) > 0 { // else it came twice
			return pcm, true
		}
	}
	return nil, false
}

func (w *waiting) clear() {
	for i := range w.held {
		w.held[i].n = 0
	}
}

// The past that a gap is made of: two of the longest period, 20 ms (50 Hz).
const (
	longest  = media.SamplesPerFrame
	shortest = longest / 4
	past     = 2 * longest
)

// fade is how long a gap sounds on: from 20 ms on it falls, then it is silence.
const fade = 3 * media.SamplesPerFrame

// hushed is the level (root mean square) under which the last 20 ms were no voice
// and no tone: the line's noise.
const hushed = 100

// gap makes up what was lost, so that neither a voice nor a tone breaks off for
// one packet: the last period of the sound again and again (the idea of ITU-T
// G.711 appendix I, without its overlaps, which only people need). A far end
// that sends nothing in pauses breaks off in the line's noise: that goes on.
type gap struct {
	past   [past]int16
	length int     // made so far
	period int     // of the sound, in samples
	noise  float64 // peak of the line's noise; 0 where the past is sound
	state  uint32  // of the noise
	made   [media.SamplesPerFrame]int16
}

// hear takes what was received.
func (g *gap) hear(pcm []int16) {
	g.length = 0
	if len(pcm) >= past {
		copy(g.past[:], pcm[len(pcm)-past:])
		return
	}
	copy(g.past[:], g.past[len(pcm):])
	copy(g.past[past-len(pcm):], pcm)
}

// fill makes the next samples.
func (g *gap) fill(pcm []int16) {
	if g.length == 0 {
		g.look()
	}
	for i := range pcm {
		switch {
		case g.noise > 0:
			g.state = 1664525*g.state + 1013904223
			pcm[i] = int16(g.noise * (float64(g.state)/(1<<31) - 1))
		case g.length < fade:
			loud := min(1, float64(fade-g.length)/float64(fade-media.SamplesPerFrame))
			pcm[i] = int16(loud * float64(g.past[past-g.period+g.length%g.period]))
		default:
			pcm[i] = 0
		}
		g.length++
	}
}

// look says what the gap begins in.
func (g *gap) look() {
	power := 0.0
	for _, x := range g.past[past-longest:] {
		power += float64(x) * float64(x)
	}
	level := math.Sqrt(power / longest)
	if g.period, g.noise = longest, 0; level < hushed {
		g.noise = level * math.Sqrt(3) // even noise of that level
		return
	}
	g.period = g.likeliest()
}

// likeliest is the period at which the last 20 ms are most like those before.
func (g *gap) likeliest() int {
	best, most := longest, 0.0
	last := g.past[past-longest:]
	for period := shortest; period <= longest; period++ {
		var like, power float64
		for i, x := range g.past[past-longest-period : past-period] {
			like += float64(x) * float64(last[i])
			power += float64(x) * float64(x)
		}
		if like > 0 && like*like/power > most {
			best, most = period, like*like/power
		}
	}
	return best
}
