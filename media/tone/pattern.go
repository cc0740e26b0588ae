package tone

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Part is a stretch of one pattern: up to two frequencies together, or silence
// where Hz is zero.
type Part struct {
	Hz  [2]float64
	For time.Duration
	AM  AM
}

// AM swings the amplitude by Depth, in [0, 1], Hz times a second.
type AM struct{ Hz, Depth float64 }

// Pattern is a tone as it is written in a tariff book: parts one after the
// other, once or for ever, at a level. It starts and ends softly, and so does
// each part of it next to another sound.
type Pattern struct {
	Parts []Part
	Loop  bool    // start over after the last part
	Level float64 // of each frequency in dBm0, 3.14 at most; 0 means -13
}

const (
	defaultLevel = -13.0 // dBm0, loud enough for every detector, far from clipping
	overload     = 3.14  // dBm0 of a full-scale sine (ITU-T G.711)
	slope        = 2 * 8 // samples of each soft start and end: no click, no gap to speak of
)

// Length is the time of one pass.
func (p Pattern) Length() time.Duration {
	var sum time.Duration
	for _, part := range p.Parts {
		sum += part.For
	}
	return sum
}

// Play starts the pattern from its beginning.
func (p Pattern) Play() *Player {
	level := p.Level
	if level == 0 {
		level = defaultLevel
	}
	return &Player{pattern: p, amplitude: 32767 * math.Pow(10, (level-overload)/20)}
}

// Samples renders the first d of the pattern, silence after its end.
func (p Pattern) Samples(d time.Duration) []int16 {
	pcm := make([]int16, samples(d))
	p.Play().Fill(pcm)
	return pcm
}

// Player makes the samples of one pattern. One goroutine at a time.
type Player struct {
	pattern   Pattern
	amplitude float64
	part      int        // index into pattern.Parts; len(Parts) means over
	at        int        // samples of the part already made
	phase     [2]float64 // radians, kept across parts so that equal tones do not click
}

// Fill writes the next len(dst) samples, silence after the end, and says
// whether there is more to come. It does not allocate.
func (p *Player) Fill(dst []int16) (more bool) {
	for i := range dst {
		p.advance()
		if p.part >= len(p.pattern.Parts) {
			clear(dst[i:])
			return false
		}
		dst[i] = p.sample(&p.pattern.Parts[p.part])
		p.at++
	}
	p.advance()
	return p.part < len(p.pattern.Parts)
}

// advance steps over parts that are complete. A loop of zero length is over.
func (p *Player) advance() {
	for range len(p.pattern.Parts) + 1 {
		if p.part >= len(p.pattern.Parts) {
			if !p.pattern.Loop {
				return
			}
			p.part = 0
		}
		if len(p.pattern.Parts) == 0 || p.at < samples(p.pattern.Parts[p.part].For) {
			return
		}
		p.part, p.at = p.part+1, 0
	}
	p.part = len(p.pattern.Parts)
	p.pattern.Loop = false
}

func (p *Player) sample(part *Part) int16 {
	var v float64
	for i, f := range part.Hz {
		if f == 0 {
			p.phase[i] = 0
			continue
		}
		v += math.Sin(p.phase[i])
		p.phase[i] = math.Mod(p.phase[i]+2*math.Pi*f/media.SampleRate, 2*math.Pi)
	}
	if v == 0 {
		return 0
	}
	v *= p.amplitude * p.soft(part)
	if part.AM.Depth > 0 {
		v *= 1 + part.AM.Depth*math.Sin(2*math.Pi*part.AM.Hz*float64(p.at)/media.SampleRate)
	}
	return int16(max(-32768, min(32767, math.Round(v))))
}

// soft is the share of the amplitude near the ends of a part, half a cosine.
func (p *Player) soft(part *Part) float64 {
	edge := slope
	if !p.continues(p.part - 1) {
		edge = min(edge, p.at)
	}
	if left := samples(part.For) - 1 - p.at; !p.continues(p.part + 1) {
		edge = min(edge, left)
	}
	if edge >= slope {
		return 1
	}
	return 0.5 - 0.5*math.Cos(math.Pi*(float64(edge)+0.5)/slope)
}

// continues says that the part at i sounds as the present one does.
func (p *Player) continues(i int) bool {
	parts := p.pattern.Parts
	if p.pattern.Loop {
		i = (i + len(parts)) % len(parts)
	}
	return i >= 0 && i < len(parts) && parts[i].Hz == parts[p.part].Hz
}

func samples(d time.Duration) int { return int(d * media.SampleRate / time.Second) }
