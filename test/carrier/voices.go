package carrier

import (
	"math"
	"math/rand/v2"
	"time"
)

// rate of all audio, in samples a second.
const rate = 8000

// voices are what callees say, made once and shared by all calls.
type voices struct {
	hello    [][]int16 // a person: 0.3 to 1 s
	business [][]int16 // a person at work: 1.8 to 3.5 s
	machine  [][]int16 // a greeting of 4 to 12 s with its beep
	message  []int16   // the network: "the number you have dialled"
	sit      []int16
	ced      []int16
	ringback []int16
}

func newVoices(seed uint64) *voices {
	r := rand.New(rand.NewPCG(seed, 0x766f696365))
	v := &voices{}
	for range 16 {
		v.hello = append(v.hello, speech(r, span(r, 300, 1000), false))
	}
	for range 4 {
		v.business = append(v.business, speech(r, span(r, 1800, 3500), false))
	}
	for range 8 {
		greeting := speech(r, span(r, 4000, 12000), true)
		greeting = append(greeting, quiet(400*time.Millisecond)...)
		v.machine = append(v.machine, append(greeting, tones(6000, 400*time.Millisecond, 1000)...))
	}
	v.message = speech(r, 5*time.Second, true)
	// ITU-T E.180: 950, 1400 and 1800 Hz of 330 ms each, here twice.
	for range 2 {
		for _, hz := range []float64{950, 1400, 1800} {
			v.sit = append(v.sit, tones(6000, 330*time.Millisecond, hz)...)
		}
		v.sit = append(v.sit, quiet(time.Second)...)
	}
	v.ced = tones(6000, 3300*time.Millisecond, 2100) // ITU-T T.30
	v.ringback = append(tones(4000, 2*time.Second, 440, 480), quiet(4*time.Second)...)
	return v
}

func span(r *rand.Rand, from, to int) time.Duration {
	return time.Duration(from+r.IntN(to-from)) * time.Millisecond
}

func samples(d time.Duration) int { return int(d * rate / time.Second) }

func quiet(d time.Duration) []int16 { return make([]int16, samples(d)) }

// tones is the sum of sines with 5 ms of fade at both ends.
func tones(peak float64, d time.Duration, hz ...float64) []int16 {
	out := quiet(d)
	for i := range out {
		fade := min(1, float64(min(i, len(out)-1-i))/40)
		sum := 0.0
		for _, f := range hz {
			sum += math.Sin(2 * math.Pi * f * float64(i) / rate)
		}
		out[i] = int16(peak * fade * sum / float64(len(hz)))
	}
	return out
}

// Speech is a made-up utterance of speaker number seed; phrased speech pauses for
// a breath every few syllables.
func Speech(seed uint64, length time.Duration, phrased bool) []int16 {
	return speech(rand.New(rand.NewPCG(seed, 0x73706565636800)), length, phrased)
}

// Tones is the sum of sines, with the given peak of 32767.
func Tones(peak float64, length time.Duration, hz ...float64) []int16 {
	return tones(peak, length, hz...)
}

// vowels are the first three formants, in Hz (Peterson and Barney 1952, men).
var vowels = [][3]float64{{730, 1090, 2440}, {530, 1840, 2480}, {270, 2290, 3010}, {570, 840, 2410}, {300, 870, 2240}, {660, 1720, 2410}, {490, 1350, 1690}}

// speech is a made-up utterance of one speaker: glottal pulses and breath
// through three formants, in syllables of 120 to 260 ms that start with a
// consonant's hiss; phrased speech pauses for a breath every few syllables.
func speech(r *rand.Rand, length time.Duration, phrased bool) []int16 {
	speaker := speaker{draw: r, pitch: 95 + 120*r.Float64()}
	out := make([]float64, 0, samples(length)+rate)
	total, left := samples(length), 4+r.IntN(6)
	for len(out) < total {
		out = speaker.syllable(out, min(samples(span(r, 120, 260)), total-len(out)))
		if left--; left == 0 && phrased && total-len(out) > rate/2 {
			out = append(out, make([]float64, samples(span(r, 150, 400)))...)
			left = 4 + r.IntN(8)
		}
	}
	return levelled(out[:total], 2600+1400*r.Float64())
}

// levelled scales speech to a level (root mean square of its sounding part)
// and cuts what does not fit.
func levelled(in []float64, level float64) []int16 {
	sum, n := 0.0, 1.0
	for _, x := range in {
		if x != 0 {
			sum, n = sum+x*x, n+1
		}
	}
	gain := level / math.Sqrt(sum/n+1e-12)
	out := make([]int16, len(in))
	for i, x := range in {
		out[i] = int16(max(-30000, min(30000, gain*x)))
	}
	return out
}

// speaker is a voice: a pitch and the state of its three resonances.
type speaker struct {
	draw  *rand.Rand
	pitch float64 // Hz
	phase float64
	glide float64 // low-passed glottal pulse
	mem   [3][2]float64
}

// syllable appends n samples: 30 ms of hiss, then a vowel that rises within
// 25 ms and falls over the last third, its pitch sinking by a tenth.
func (s *speaker) syllable(out []float64, n int) []float64 {
	vowel := vowels[s.draw.IntN(len(vowels))]
	loud := 0.6 + 0.4*s.draw.Float64()
	hiss := min(n/4, 240)
	tilt := s.pitch * (0.95 + 0.15*s.draw.Float64())
	for i := range n {
		noise := s.draw.Float64() - 0.5
		if i < hiss {
			out = append(out, 0.05*noise*loud)
			continue
		}
		at := float64(i-hiss) / float64(n-hiss)
		envelope := loud * min(1, float64(i-hiss)/200) * min(1, 3*(1-at)+0.02)
		s.phase += tilt * (1 - 0.1*at) / rate
		pulse := 0.0
		if s.phase >= 1 {
			s.phase--
			pulse = 1
		}
		s.glide = 0.85*s.glide + pulse + 0.02*noise
		out = append(out, envelope*s.resonate(vowel))
	}
	return out
}

// resonate passes the glottal sound through three two-pole filters in a row of
// falling weight.
func (s *speaker) resonate(formants [3]float64) float64 {
	sum := 0.0
	for k, hz := range formants {
		const width = 90.0 // Hz
		radius := math.Exp(-math.Pi * width / rate)
		y := s.glide + 2*radius*math.Cos(2*math.Pi*hz/rate)*s.mem[k][0] - radius*radius*s.mem[k][1]
		s.mem[k][1], s.mem[k][0] = s.mem[k][0], y
		sum += y / float64(int(1)<<(2*k)) * 0.1
	}
	return sum
}

// line is the sound of a callee's line: what is said over a slight noise, so
// that silence is no digital zero.
type line struct {
	samples []int16
	at      int    // the next sample; negative is a wait before the first
	noise   uint32 // state of a small generator, never 0
	floor   int32  // peak of the noise, of 32767
	loop    bool   // say it again and again
}

// Next is the next 20 ms; it ends with what is said.
func (l *line) Next(frame []int16) bool {
	for i := range frame {
		if l.at >= len(l.samples) && l.loop {
			l.at = 0
		}
		said := int32(0)
		if l.at >= 0 && l.at < len(l.samples) {
			said = int32(l.samples[l.at])
		}
		l.at++
		l.noise ^= l.noise << 13
		l.noise ^= l.noise >> 17
		l.noise ^= l.noise << 5
		frame[i] = int16(said + int32(l.noise>>8)%(2*l.floor+1) - l.floor)
	}
	return l.loop || l.at < len(l.samples)
}
