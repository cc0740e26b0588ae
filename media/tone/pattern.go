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
}

// Pattern is a tone as it is written in a tariff book: parts one after the
// other, once or for ever, at a level.
type Pattern struct {
	Parts []Part
	Loop  bool    // start over after the last part
	Level float64 // of each frequency in dBFS (full-scale sine = 0); 0 means -16
}

const defaultLevel = -16 // dBFS, loud enough for every detector, far from clipping

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
	return &Player{pattern: p, amplitude: 32767 * math.Pow(10, level/20)}
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
		dst[i] = p.sample(p.pattern.Parts[p.part].Hz)
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

func (p *Player) sample(hz [2]float64) int16 {
	var v float64
	for i, f := range hz {
		if f == 0 {
			p.phase[i] = 0
			continue
		}
		v += math.Sin(p.phase[i])
		p.phase[i] = math.Mod(p.phase[i]+2*math.Pi*f/media.SampleRate, 2*math.Pi)
	}
	return int16(max(-32768, min(32767, math.Round(v*p.amplitude))))
}

func samples(d time.Duration) int { return int(d * media.SampleRate / time.Second) }
