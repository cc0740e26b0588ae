package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// made are calls with voices that are made up here, so that the forest learns
// from voices that no microphone heard as well: one syllable may be far louder
// than the next, and pauses are clean. Each has a speaker of its own.
func made(n int, seed uint64) (calls []*call) {
	for i := range n {
		random := rand.New(rand.NewPCG(seed, uint64(i)+1000))
		c := &call{made: true, file: fmt.Sprintf("made/%d", i), speaker: fmt.Sprintf("made-%d", i), start: time.Duration(50+random.IntN(900)) * time.Millisecond}
		t := newTalker(random)
		t.rest(c.start)
		switch i % 10 {
		case 0, 1, 2, 3:
			c.label = "human"
			t.phrase(between(random, 0.2, 1.1))
			if random.IntN(3) == 0 {
				t.rest(between(random, 1.4, 3.5))
				t.phrase(between(random, 0.2, 0.9))
			}
			t.rest(between(random, 2, 5))
		case 4:
			c.label, c.kind = "human", "business"
			t.talk(between(random, 1.6, 4))
			t.rest(between(random, 2, 5))
		default:
			c.label = "machine"
			t.talk(between(random, 3, 13))
			t.rest(between(random, 0.2, 1.5))
			t.beep(between(random, 0.1, 0.8))
			t.rest(between(random, 1, 3))
		}
		c.pcm = t.pcm()
		calls = append(calls, c)
	}
	return calls
}

func between(r *rand.Rand, from, to float64) time.Duration {
	return time.Duration((from + (to-from)*r.Float64()) * float64(time.Second))
}

// talker makes speech: pulses and breath through three resonances, in
// syllables. What differs from person to person is drawn once.
type talker struct {
	random         *rand.Rand
	out            []float64
	pitch          float64 // Hz
	syllable       float64 // seconds, on average
	scale          float64 // of the resonances: size of the mouth
	hiss           float64 // loudness of consonants
	spread         float64 // how much softer a syllable may be, in [0, 1]
	pause          float64 // seconds between phrases, the middle one
	breath         float64 // seconds of speech to a phrase, on average
	level, noise   float64 // root mean square, of 32767
	phase, glottis float64
	resonance      [3][2]float64
	width, sum     float64
	sounding       int
}

func newTalker(r *rand.Rand) *talker {
	return &talker{
		random: r, pitch: 80 * math.Exp(1.2*r.Float64()), syllable: 0.11 + 0.14*r.Float64(), scale: 0.85 + 0.4*r.Float64(),
		hiss: 0.02 + 0.2*r.Float64(), spread: 0.7 * r.Float64(), pause: 0.15 + 0.3*r.Float64(), breath: 0.8 + 1.6*r.Float64(),
		level: 600 * math.Exp(2.2*r.Float64()), noise: 2 * math.Exp(4*r.Float64()), width: 60 + 80*r.Float64(),
	}
}

func (t *talker) rest(d time.Duration) {
	t.out = append(t.out, make([]float64, int(d.Seconds()*media.SampleRate))...)
}

// talk is phrases with pauses between them.
func (t *talker) talk(d time.Duration) {
	for left := d.Seconds(); left > 0.2; {
		length := min(left, t.breath*math.Exp(0.45*t.random.NormFloat64()))
		t.phrase(time.Duration(length * float64(time.Second)))
		if left -= length; left > 0.3 {
			pause := t.pause * math.Exp(0.3*t.random.NormFloat64())
			t.rest(time.Duration(pause * float64(time.Second)))
			left -= pause
		}
	}
}

func (t *talker) phrase(d time.Duration) {
	for left := d.Seconds(); left > 0.04; {
		length := min(left, t.syllable*(0.6+0.8*t.random.Float64()))
		if left-length < 0.06 {
			length = left
		}
		t.say(int(length * media.SampleRate))
		left -= length
	}
}

// vowels are the first three resonances, in Hz (Peterson and Barney 1952, men).
var vowels = [][3]float64{{730, 1090, 2440}, {530, 1840, 2480}, {270, 2290, 3010}, {570, 840, 2410}, {300, 870, 2240}, {660, 1720, 2410}, {490, 1350, 1690}, {640, 1190, 2390}}

// say appends a syllable of n samples: a consonant and a vowel.
func (t *talker) say(n int) {
	vowel := vowels[t.random.IntN(len(vowels))]
	loud := 1 - t.spread*t.random.Float64()
	consonant := int((0.1 + 0.2*t.random.Float64()) * float64(n))
	if t.random.IntN(4) == 0 {
		consonant = 0
	}
	bend, rise := 0.9+0.25*t.random.Float64(), 0.06+0.1*t.random.Float64()
	for i := range n {
		noise := t.random.Float64() - 0.5
		if i < consonant {
			t.add(t.hiss * noise * loud)
			continue
		}
		at := float64(i-consonant) / float64(n-consonant)
		t.phase += t.pitch * (1 + (bend-1)*at) / media.SampleRate
		pulse := 0.0
		if t.phase >= 1 {
			t.phase, pulse = t.phase-1, 1
		}
		t.glottis = 0.85*t.glottis + pulse + 0.02*noise
		t.add(loud * min(1, at/rise) * min(1, 3*(1-at)+0.02) * t.voiced(vowel))
	}
}

func (t *talker) add(v float64) {
	t.out = append(t.out, v)
	t.sum, t.sounding = t.sum+v*v, t.sounding+1
}

func (t *talker) voiced(vowel [3]float64) (sum float64) {
	radius := math.Exp(-math.Pi * t.width / media.SampleRate)
	for k, hz := range vowel {
		m := &t.resonance[k]
		y := t.glottis + 2*radius*math.Cos(2*math.Pi*t.scale*hz/media.SampleRate)*m[0] - radius*radius*m[1]
		m[1], m[0] = m[0], y
		sum += 0.1 * y / float64(int(1)<<(2*k))
	}
	return sum
}

func (t *talker) beep(d time.Duration) {
	hz, loud := 400+1200*t.random.Float64(), math.Sqrt(t.sum/float64(t.sounding))*(0.5+2*t.random.Float64())
	n := int(d.Seconds() * media.SampleRate)
	for i := range n {
		t.out = append(t.out, loud*min(1, float64(min(i, n-1-i))/40)*math.Sin(2*math.Pi*hz*float64(i)/media.SampleRate))
	}
}

// pcm is what was made, at the talker's level in the noise of the line.
func (t *talker) pcm() []int16 {
	gain := t.level / math.Sqrt(t.sum/float64(t.sounding))
	pcm := make([]int16, len(t.out))
	for i, v := range t.out {
		pcm[i] = int16(max(-32000, min(32000, gain*v+t.noise*t.random.NormFloat64())))
	}
	return pcm
}
