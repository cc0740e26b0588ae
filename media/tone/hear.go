package tone

import (
	"math"
	"time"
)

func (m measure) weight() float64 { return math.Pow(10, m.level/10) * m.progress }

// Limits of a beep.
const (
	beepHops   = 7     // 70 ms of it
	beepShare  = 0.955 // of the power
	beepWander = 7     // Hz over the last six hops
	stillShare = 0.925 // is enough where the pitch holds so still as no voice does:
	stillHz    = 2
	lateHops   = 12 // what was no beep by then begins to be one only with a share of lateShare, or within lateHz
	lateShare  = 0.965
	lateHz     = 1
	pureShare  = 0.985 // of a tone and its octave: a string has more of them
	beepLow    = 345
	beepHigh   = 2200
	underPeak  = 26 // dB under the loudest so far is something far away
)

// hearSteady tells a beep while it sounds, the fax answer tone once it is
// longer than a beep is at that pitch, and the last tone of a tri-tone.
func (e *Ear) hearSteady(m measure) {
	r := &e.single
	if r.n == 0 || r.missing > 0 {
		return
	}
	if e.tri.third(r) {
		e.tell(Heard{Kind: SITTone, Code: sitCode(e.tri.a, e.tri.b, r.low.mean), From: e.tri.from})
		e.tri = tri{}
		r.told = true
	}
	e.swing.step(r.n, m.level)
	if !r.alsoFax && near(r.low.mean, 2100, 25) && r.length() >= 450*ms {
		r.alsoFax = true
		e.tell(Heard{Kind: FaxTone, Code: e.swing.answer(), From: r.onset()})
	}
	if !r.told && e.isBeep(r, beepHops) && !e.notes.music(e.hops) {
		r.told = true
		e.tellBeep(r.onset())
	}
}

// tellBeep tells a beep, but not its harmonic as another one.
func (e *Ear) tellBeep(onset time.Duration) {
	if e.beepAt > 0 && e.hops-e.beepAt < lateHops {
		return
	}
	e.beepAt = e.hops
	e.tell(Heard{Kind: BeepTone, From: onset})
}

func (e *Ear) isBeep(r *run, hops int) bool {
	share, wander := r.share(), max(r.low.wander(r.n), r.high.wander(r.n))
	switch {
	case r.n < hops || r.low.mean < beepLow || max(r.low.mean, r.high.mean) > beepHigh || r.peak < quietest+e.loudest-underPeak:
		return false
	case r.n > lateHops && share < lateShare && wander > lateHz:
		return false
	case share > beepShare:
		return wander < beepWander
	}
	return share > stillShare && wander < stillHz
}

// hearPair tells a digit of the keypad, or a beep of two tones.
func (e *Ear) hearPair() {
	r := &e.pair
	if r.told || r.n < 3 || r.missing > 0 || e.single.steady() {
		return
	}
	if d := digitOf(r); d != 0 && r.isKey() {
		r.told = true
		e.tell(Heard{Kind: DigitTone, Digit: d, From: r.onset()})
		return
	}
	if r.n <= lateHops && r.share() > beepShare && (!r.harmonic() || r.share() > pureShare) && e.isBeep(r, beepHops+2) && !e.notes.music(e.hops) {
		r.told = true
		e.tellBeep(r.onset())
	}
}

// harmonic says that the upper tone is a multiple of the lower one, as in a
// voice, a string or a pipe.
func (r *run) harmonic() bool {
	ratio := r.high.mean / (r.low.mean + 1e-9)
	return near(ratio, math.Round(ratio), 0.02)
}

// digitOf is the key whose two frequencies are within 1.8 % (ITU-T Q.24), or 0.
func digitOf(r *run) rune {
	for row, low := range dtmfRows {
		for column, high := range dtmfColumns {
			if near(r.low.mean, low, low*0.018) && near(r.high.mean, high, high*0.018) {
				return rune(dtmfKeys[row][column])
			}
		}
	}
	return 0
}

// isKey says that a pair with the frequencies of a key is one: a voice that
// passes through them is neither as pure nor as still.
func (r *run) isKey() bool {
	return r.share() > 0.95 && r.low.wander(r.n) < 9 && r.high.wander(r.n) < 9 && r.isBalanced()
}

// isBalanced says that neither tone of a digit is much louder than the other:
// administrations take 4 to 10 dB (ITU-T Q.24).
func (r *run) isBalanced() bool {
	twist := r.twist / float64(r.n)
	return twist < 11 && twist > -9
}

// isBlip is a beep that is over before it could be told while it sounded: short,
// steady, out of quiet and into quiet.
func (e *Ear) isBlip(r *run, now float64) bool {
	return !r.told && r.n >= blipHops && r.n < beepHops+2 && r.share() > stillShare && r.low.wander(r.n) < blipHz &&
		r.low.mean > beepLow && r.low.mean < beepHigh && r.peak > quietest+e.loudest-underPeak/2 &&
		r.peak-r.before > blipRise && r.peak-now > blipRise && !e.notes.music(e.hops)
}

// Limits of a blip.
const (
	blipHops = 4
	blipHz   = 10
	blipRise = 14 // dB
)

// endSingle remembers a complete tone for those that are made of several.
func (e *Ear) endSingle(r run, m measure) {
	if e.isBlip(&r, m.level) {
		e.tellBeep(r.onset())
	}
	e.tri.add(r)
	if r.n >= 7 && r.share() > 0.9 && r.low.mean > 370 {
		e.notes.add(r)
	}
	if isCNG(r) {
		e.tell(Heard{Kind: FaxTone, Code: "CNG", From: r.onset()})
	}
}

// hearFaxData tells V.21, the 300 bit/s data of a fax: 1,650 and 1,850 Hz.
func (e *Ear) hearFaxData(m measure) {
	if m.fax < 0.85 || m.level < quietest {
		e.v21 = max(0, e.v21-4)
		return
	}
	if e.v21++; e.v21 == 40 && e.single.n < 30 && !e.single.told {
		e.tell(Heard{Kind: FaxTone, Code: "V21", From: hopTime(e.hops - 40)})
	}
}

// tri collects the first two tones of a special information tone.
type tri struct {
	a, b   segment
	from   time.Duration
	aEnded int // hop
	bEnded int
}

// Noise and lost packets eat parts of a tone, so the pieces may be short and
// far apart; the time from the first onset to the third may not differ as much.
const (
	triGap   = 16 // hops between two tones at most
	triPiece = 90 * ms
	triLong  = 480 * ms
	triLeast = 440 * ms // onset of the first to onset of the third
	triMost  = 960 * ms
)

func (t *tri) add(r run) {
	of := r.length()
	if of < triPiece || of > triLong || r.share() < 0.8 {
		return
	}
	switch hz := r.low.mean; {
	case near(hz, 950, 65):
		*t = tri{a: segment{hz, of}, aEnded: r.last, from: r.onset()}
	case near(hz, 1400, 60) && t.aEnded > 0 && r.from-t.aEnded <= triGap:
		t.b, t.bEnded = segment{hz, of}, r.last
	}
}

// third says that r, which still sounds, completes the tri-tone.
func (t *tri) third(r *run) bool {
	span := r.onset() - t.from
	return t.bEnded > 0 && r.from-t.bEnded <= triGap && r.n >= 8 && near(r.low.mean, 1800, 62) &&
		span > triLeast && span < triMost
}

// isCNG is the calling tone of a fax: 1,100 Hz for half a second (ITU-T T.30).
func isCNG(r run) bool {
	return near(r.low.mean, 1100, 38) && r.length() > 400*ms && r.length() < 600*ms
}

// notes remembers recent tones of differing pitch: music, not a beep.
type notes struct {
	hz  [4]float64
	end [4]int
	at  int
}

func (n *notes) add(r run) {
	n.hz[n.at], n.end[n.at] = r.low.mean, r.last
	n.at = (n.at + 1) % len(n.hz)
}

// music says that two tones of differing pitch ended within the last 1.5 s.
func (n *notes) music(hop int) bool {
	different := 0
	for i, end := range n.end {
		if end == 0 || hop-end > 150 {
			continue
		}
		fresh := true
		for j := range i {
			if n.end[j] > 0 && hop-n.end[j] <= 150 && near(n.hz[i], n.hz[j], 15) {
				fresh = false
			}
		}
		if fresh {
			different++
		}
	}
	return different >= 2
}

// swing finds the 15 Hz of ANSam in the level of a tone: three periods of it,
// which are 20 hops.
type swing struct{ in, across, sum float64 }

const (
	swingFrom  = 20 // hop of the run
	swingHops  = 20
	leastDepth = 0.08 // of the 0.2 that is sent, for windows and noise
)

func (s *swing) step(n int, level float64) {
	if n == swingFrom {
		*s = swing{}
	}
	if n < swingFrom || n >= swingFrom+swingHops {
		return
	}
	sin, cos := math.Sincos(2 * math.Pi * 15 * 0.01 * float64(n))
	amplitude := math.Pow(10, level/20)
	s.in += amplitude * cos
	s.across += amplitude * sin
	s.sum += amplitude
}

// answer names the answering tone.
func (s *swing) answer() string {
	if 2*math.Hypot(s.in, s.across) > leastDepth*s.sum {
		return "ANSam"
	}
	return "CED"
}
