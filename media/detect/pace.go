package detect

import (
	"math"
	"time"
)

// pace keeps the rhythm of a greeting: its stretches of speech, the phrases
// that they make, and how its level moves. Times are of the stretches that
// ended; Features adds the present one.
type pace struct {
	stretches         int
	first, last, long time.Duration // lengths of stretches
	gap, wide         time.Duration // last and longest gap between two
	phrases           int
	phrase            time.Duration // start of the present phrase
	one, two, most    time.Duration // lengths of the first and second phrase, and of the longest
	wait              time.Duration // gap after the first phrase
	ended             time.Duration // end of the last stretch

	frames           int     // with speech
	purity, purities float64 // sum of their purity, of its squares
	smooth, turn     float64 // envelope and its last extreme
	rising           bool
	syllables        int

	peak     float64     // dBFS, held for 60 ms
	nearness [3]nearness // to the peak

	drop, dropLong, moves fall    // of the level over 0.25 s and 0.7 s, and of how much it moves
	nearNow               float64 // share of about 0.5 s near the peak
}

// fall is a mean of the last moments and the highest that it has been: where others talk on
// behind a speaker, the speaker's pause is heard by what comes down.
type fall struct{ now, most float64 }

// step takes a value of which the mean keeps a share.
func (f *fall) step(value, share float64) {
	f.now += share * (value - f.now)
	f.most = max(f.most, f.now)
}

// by is how far it has come down.
func (f *fall) by() float64 { return f.most - f.now }

// nearness is when the level was first and last near the loudest, and for how long.
type nearness struct{ from, to, total time.Duration }

// breath is the gap that parts two phrases.
const breath = 320 * time.Millisecond

// close takes a stretch that is over.
func (p *pace) close(start, end time.Duration) {
	length := end - start
	if p.stretches == 0 {
		p.first, p.phrase, p.phrases = length, start, 1
	} else {
		p.gap = start - p.ended
		p.wide = max(p.wide, p.gap)
		if p.gap >= breath {
			p.next(start)
		}
	}
	p.stretches++
	p.last, p.ended = length, end
	p.long = max(p.long, length)
}

// next ends the present phrase: another starts.
func (p *pace) next(start time.Duration) {
	length := p.ended - p.phrase
	switch p.phrases {
	case 1:
		p.one, p.wait = length, start-p.ended
	case 2:
		p.two = length
	}
	p.most = max(p.most, length)
	p.phrases++
	p.phrase = start
}

// active takes a frame of speech.
func (p *pace) active(purity float64) {
	p.frames++
	p.purity += purity
	p.purities += purity * purity
}

// envelope counts syllables: rises of the level after a fall, of 3 dB each.
func (p *pace) envelope(level float64) {
	p.smooth += 0.5 * (level - p.smooth)
	switch {
	case p.rising && p.smooth > p.turn, !p.rising && p.smooth < p.turn:
		p.turn = p.smooth
	case p.rising && p.smooth < p.turn-3:
		p.rising, p.turn = false, p.smooth
	case !p.rising && p.smooth > p.turn+3:
		p.rising, p.turn = true, p.smooth
		p.syllables++
	}
}

func spread(sum, squares float64, n int) float64 {
	if n < 2 {
		return 0
	}
	mean := sum / float64(n)
	return math.Sqrt(max(0, squares/float64(n)-mean*mean))
}

// nearDB is how far under the loudest is still near.
var nearDB = [3]float64{6, 10, 15}

// near keeps when the level was last near the loudest: behind a talker there
// may be others, or a street.
func (p *pace) near(level, held float64, now time.Duration) {
	if p.peak == 0 {
		p.peak = level
	}
	if held > p.peak || p.total() < 100*time.Millisecond {
		if held > p.peak+3 {
			for i := range p.nearness {
				p.nearness[i].from = 0
			}
		}
		p.peak = max(p.peak, held)
	}
	p.recent(level)
	for i := range p.nearness {
		c := &p.nearness[i]
		if level > p.peak-nearDB[i] {
			if c.from == 0 {
				c.from = now - frame
			}
			c.to = now
			c.total += frame
		}
	}
}

// recent keeps how loud and how lively the last moments were.
func (p *pace) recent(level float64) {
	over := max(0, level+65) // dB; nothing is heard under it
	p.drop.step(over, 0.08)
	p.dropLong.step(over, 0.03)
	p.moves.step(math.Abs(over-p.drop.now), 0.03)
	near := 0.0
	if level > p.peak-nearDB[0] {
		near = 1
	}
	p.nearNow += 0.04 * (near - p.nearNow)
}

func (p *pace) total() time.Duration { return time.Duration(p.frames) * frame }
