package detect

import (
	"math"
	"math/rand/v2"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

const ms = time.Millisecond

// line is a sound track made piece by piece.
type line struct {
	pcm    []int16
	random *rand.Rand
}

func newLine(seed uint64) *line {
	return &line{random: rand.New(rand.NewPCG(seed, 7))}
}

func (l *line) quiet(d time.Duration) *line {
	l.pcm = append(l.pcm, make([]int16, int(d.Seconds()*media.SampleRate))...)
	return l
}

func (l *line) tone(p tone.Pattern, d time.Duration) *line {
	l.pcm = append(l.pcm, p.Samples(d)...)
	return l
}

// speech is like a voice where it matters here: harmonics of a pitch that
// moves, two formants that change with each syllable, four or five syllables a
// second that rise and fall, and a hiss at the start of some.
func (l *line) speech(d time.Duration) *line {
	n := int(d.Seconds() * media.SampleRate)
	pitch, phase := 100+l.random.Float64()*120, 0.0
	for n > 0 {
		syllable := min(n, int((0.16+0.1*l.random.Float64())*media.SampleRate))
		n -= syllable
		if n < media.SampleRate/10 {
			syllable, n = syllable+n, 0
		}
		f1, f2 := 300+500*l.random.Float64(), 1000+1400*l.random.Float64()
		glide, hiss := 1+0.5*(l.random.Float64()-0.5), l.random.Float64() < 0.4
		for i := range syllable {
			at := float64(i) / float64(syllable)
			phase += 2 * math.Pi * pitch * (1 + (glide-1)*at) / media.SampleRate
			v := 0.0
			for h := 1.0; h*pitch < 3400; h++ {
				v += math.Sin(h*phase) * (formant(h*pitch, f1, 90) + 0.5*formant(h*pitch, f2, 140) + 0.02)
			}
			if hiss && at < 0.25 {
				v = l.random.NormFloat64() * 0.3
			}
			l.pcm = append(l.pcm, int16(7000*v*math.Sqrt(math.Sin(math.Pi*(0.08+0.84*at)))))
		}
		pitch *= 0.93 + 0.14*l.random.Float64()
	}
	return l
}

func formant(hz, at, width float64) float64 {
	x := (hz - at) / width
	return 1 / (1 + x*x)
}

// noise adds white noise of a level in dBFS to all so far.
func (l *line) noise(level float64) *line {
	rms := 32767 * math.Pow(10, level/20) / math.Sqrt2
	for i, v := range l.pcm {
		l.pcm[i] = int16(max(-32768, min(32767, float64(v)+l.random.NormFloat64()*rms)))
	}
	return l
}

// run plays the track; the call is answered at the given time.
func run(cfg Config, l *line, answer time.Duration) (all []Finding, d *Detector) {
	d = New(cfg)
	for i := 0; i+media.SamplesPerFrame <= len(l.pcm); i += media.SamplesPerFrame {
		if time.Duration(i)*time.Second/media.SampleRate >= answer {
			d.Answered()
		}
		if f, ok := d.Hear(l.pcm[i : i+media.SamplesPerFrame]); ok {
			all = append(all, f)
		}
	}
	return all, d
}
