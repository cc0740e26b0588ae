package detect

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Class is who or what may have answered.
type Class int

// The classes. Business is a person whose greeting ends and waits, as a firm's does; Network
// is all that the exchange says: tri-tones, busy, ringback, recorded messages.
const (
	AtHome Class = iota
	Business
	Machine
	Screening
	Fax
	Network
	Silence
	Classes
)

// ClassNames are in the order of Chances.
var ClassNames = [Classes]string{"person", "business", "machine", "screening", "fax", "announcement", "silence"}

// Chances are the probabilities of the classes, each in [0, 1], together 1.
type Chances [Classes]float64

// Chances are what the detector believes now: of what it heard so far, and of nothing else.
// It may be asked at any time, changes nothing and does not allocate.
func (d *Detector) Chances() Chances {
	var f Features
	if d.Features(&f) {
		var l Look
		LookOf(&f, d.forest.Odds(&f), &l)
		return d.told(classes.spoke.of(l[:]))
	}
	var h Hush
	d.Hush(&h)
	return d.told(classes.quiet.of(h[:]))
}

// told gives what a tone said its probability, and leaves the rest as it was.
func (d *Detector) told(p Chances) Chances {
	var is Class
	switch d.final.Kind {
	case media.Fax:
		is = Fax
	case media.Announcement, media.BusyTone:
		is = Network
	case media.Machine:
		if !d.final.Beep {
			return p
		}
		is = Machine
	case media.Screening:
		is = Screening
	default:
		return p
	}
	sure := d.final.Probability
	if d.final.Beep {
		sure = max(sure, beepSure)
	}
	rest := 1 - p[is]
	for c := range p {
		if rest > 0 {
			p[c] *= (1 - sure) / rest
		}
	}
	p[is] = 1
	for c := range p {
		if Class(c) != is {
			p[is] -= p[c]
		}
	}
	return p
}

// beepSure is the least that a beep is trusted: in the test calls 99 of 100 are those of
// machines.
const beepSure = 0.95

// Look is what the classes are told by once somebody spoke.
type Look [22]float64

// LookOf fills l from the features and the odds of a person that a forest made of them.
func LookOf(f *Features, odds float64, l *Look) {
	at := func(i int, most, scale float64) float64 { return min(float64(f[i]), most) / scale }
	o := max(-5, min(5, odds)) / 3
	q, since, spoken := at(Quiet, 3, 1), at(SinceOnset, 8, 4), at(total, 6, 3)
	*l = Look{
		1, o, o * o, o * since, o * min(1, q), q, min(1, q), q * spoken, since, spoken,
		at(Phrases, 6, 3), at(phraseOne, 4, 2), at(phraseTwo, 4, 2), at(longPhrase, 6, 3), at(density, 1, 1), at(delay, 4, 2),
		at(tonal, 2, 1), at(ringing, 1, 1), at(waitOne, 3, 1), at(purityMean, 1, 1), at(rate, 10, 5), at(lastGap, 2, 1),
	}
}

// Hush is what they are told by before anybody spoke.
type Hush [hushSteps + 6]float64

// hushSteps are half seconds since the answer that are told apart.
const hushSteps = 9

// Hush fills h.
func (d *Detector) Hush(h *Hush) {
	*h = Hush{}
	if d.answered {
		h[min(hushSteps-1, int((d.now-d.answer)/(500*time.Millisecond)))] = 1
	}
	toned := d.toned.Seconds()
	h[hushSteps], h[hushSteps+1] = min(toned, 2), min(1, 10*toned)
	if d.rang {
		h[hushSteps+2] = 1
	}
	if d.lone || d.beepAt > 0 {
		h[hushSteps+3] = 1
	}
	if d.toned > 0 && d.now-d.toneAt < toneGap {
		h[hushSteps+4] = 1
	}
	h[hushSteps+5] = 1
}

// Split is a multinomial logistic model over looks: one row of weights per class.
type Split [Classes][]float64

func (s *Split) of(x []float64) (p Chances) {
	highest := math.Inf(-1)
	for c, row := range s {
		for i, w := range row {
			p[c] += w * x[i]
		}
		highest = max(highest, p[c])
	}
	sum := 0.0
	for c := range p {
		p[c] = math.Exp(p[c] - highest)
		sum += p[c]
	}
	for c := range p {
		p[c] /= sum
	}
	return p
}

// Of is the chances at a look, or at a hush.
func (s *Split) Of(x []float64) Chances { return s.of(x) }

// Of is the same by the model that is for it.
func (s *Splits) Of(spoke bool, x []float64) Chances {
	if spoke {
		return s.spoke.of(x)
	}
	return s.quiet.of(x)
}

// Splits are both models.
type Splits struct{ spoke, quiet Split }

// NewSplits returns the models of looks and of hushes.
func NewSplits(spoke, quiet Split) Splits { return Splits{spoke, quiet} }

// Bytes is the form that is embedded.
func (s Splits) Bytes() []byte {
	var b bytes.Buffer
	for _, m := range []Split{s.spoke, s.quiet} {
		for _, row := range m {
			for _, w := range row {
				_ = binary.Write(&b, binary.LittleEndian, float32(w)) // to memory
			}
		}
	}
	return b.Bytes()
}

// ParseSplits reads what Bytes wrote.
func ParseSplits(b []byte) (s Splits, err error) {
	looks, hushes := len(Look{}), len(Hush{})
	if want := 4 * int(Classes) * (looks + hushes); len(b) != want {
		return s, fmt.Errorf("classes: %d bytes, want %d", len(b), want)
	}
	next := func(n int) (m Split) {
		for c := range m {
			m[c] = make([]float64, n)
			for i := range m[c] {
				m[c][i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
				b = b[4:]
			}
		}
		return m
	}
	return Splits{next(looks), next(hushes)}, nil
}

//go:embed classes.bin
var classWeights []byte

// classes is what `make train-detector` made; see MODEL.md.
var classes = func() Splits {
	s, err := ParseSplits(classWeights)
	if err != nil {
		panic(err) // the build is broken
	}
	return s
}()
