package tone

import (
	"math"
	"time"
)

// Kind is a tone that Ear knows.
type Kind uint8

// What can be heard. Fax has a code (CED, ANSam, CNG, V21), SIT one of SITCodes.
const (
	BeepTone Kind = iota + 1
	SITTone
	FaxTone
	BusyTone
	ReorderTone
	RingbackTone
	DigitTone
)

// Heard is one tone, told once. Times are since the first sample.
type Heard struct {
	Kind  Kind
	Code  string
	Digit rune
	From  time.Duration // onset, to about 20 ms
	At    time.Duration // now
}

// Ear listens for tones in hops of 10 ms. The zero value is ready. It does not
// allocate. What it hears is what the sound looks like: a beep is any clean
// steady tone from 400 to 2,200 Hz, so the user must judge by the context.
type Ear struct {
	spectrum spectrum
	hops     int

	level, purity float64    // of the last hop
	loudest       float64    // dB over quietest, sinks slowly
	levels        [4]float64 // dBFS of the last hops, a ring
	swing         swing
	music         music
	single, pair  run
	progress      progressRun
	beepAt        int // hop of the last one, or 0
	v21           int // hops in a row with fax data

	tri     tri
	notes   notes
	cadence pulses
	said    [4]Heard // a queue, oldest first
	waiting int      // how many of said
}

// Hop takes the next 80 samples.
func (e *Ear) Hop(pcm []int16) {
	e.hops++
	e.spectrum.hop(pcm)
	m := e.measure()
	e.loudest = max(e.loudest-0.02, m.level-quietest)
	e.levels[e.hops%len(e.levels)] = m.level
	e.music.step(m)
	if ended, ok := e.single.step(m, e.hops, m.first, 0, m.oneLobe); ok {
		e.endSingle(ended, m)
	}
	e.pair.step(m, e.hops, min(m.first, m.second), max(m.first, m.second), m.twoLobes)
	if ended, ok := e.progress.step(m, e.hops); ok {
		e.hearCadence(ended)
	}
	e.hearSteady(m)
	e.hearPair()
	e.hearProgress()
	e.hearFaxData(m)
}

// Next gives what the last Hop heard, one at a time.
func (e *Ear) Next() (Heard, bool) {
	if e.waiting == 0 {
		return Heard{}, false
	}
	h := e.said[0]
	e.waiting--
	copy(e.said[:], e.said[1:])
	return h, true
}

// Level is the loudness of the last 32 ms between 180 and 3,400 Hz in dBFS.
func (e *Ear) Level() float64 { return e.level }

// Purity is the share of the loudest lobe in the power of the last 32 ms, in
// [0, 1]: near 1 for a tone, a third or more for most vowels, less for noise.
func (e *Ear) Purity() float64 { return e.purity }

// Music is how much the last seconds were like music, in [0, 1]: notes hold
// their pitch for a while, one after the other; a voice glides. It is a hint.
func (e *Ear) Music() float64 { return e.music.held }

// Tone is how long a steady tone has sounded, 0 while there is none. What
// sounded for that long was no speech.
func (e *Ear) Tone() time.Duration {
	from := e.hops
	if e.single.steady() {
		from = min(from, e.single.from)
	}
	if e.pair.steady() {
		from = min(from, e.pair.from)
	}
	if e.progress.steady() {
		from = min(from, e.progress.from)
	}
	return hopTime(e.hops - from)
}

func (e *Ear) tell(h Heard) {
	h.At = hopTime(e.hops)
	if e.waiting < len(e.said) {
		e.said[e.waiting] = h
		e.waiting++
	}
}

// hopTime is the time at the end of hop n.
func hopTime(n int) time.Duration { return time.Duration(n) * 10 * ms }

// measure is what one hop looks like.
type measure struct {
	level             float64 // dBFS
	first, second     float64 // Hz of the two loudest peaks
	oneLobe, twoLobes float64 // their share of all power, in [0, 1]
	twist             float64 // dB that the lower of the two is louder
	before            float64 // dBFS 40 ms ago
	progress          float64 // share of the band of ringback and busy
	centre            float64 // Hz, centroid of that band
	fax               float64 // share of the V.21 band
}

// leastShare is what a tone has of the power together with the noise: less
// than half of it, and its pitch is a guess.
const leastShare = 0.5

func (e *Ear) measure() measure {
	raw, clean := &e.spectrum.power, e.spectrum.clean()
	all := band(raw, lowBin, highBin) + 1e-3
	total := band(&clean, lowBin, highBin) + 1e-3
	one := peak(raw, -1)
	two := peak(raw, one)
	m := measure{first: hertz(raw, one), second: hertz(raw, two)}
	first, second := lobe(raw, one), lobe(raw, two)
	if first > leastShare*all {
		m.oneLobe = min(1, lobe(&clean, one)/total)
	}
	if first+second > leastShare*all {
		m.twoLobes = min(1, (lobe(&clean, one)+lobe(&clean, two))/total)
		m.twist = 10 * math.Log10((first+1e-3)/(second+1e-3))
		if two < one {
			m.twist = -m.twist
		}
	}
	m.fax = band(&clean, 49, 63) / total
	var power, moment float64
	for i := 10; i <= 22; i++ { // 312 to 687 Hz
		power += float64(clean[i])
		moment += float64(clean[i]) * float64(i) * binHz
	}
	m.progress, m.centre = power/total, moment/(power+1e-9)
	if power < leastShare*all {
		m.progress = 0
	}
	m.before = e.levels[e.hops%len(e.levels)]
	m.level = 10 * math.Log10((band(raw, 6, 109)+1e-3)/fullScale)
	e.level, e.purity = m.level, first/all
	return m
}
