package tone

import (
	"math"
	"time"
)

// segment is one of the three tones of a special information tone.
type segment struct {
	hz float64
	of time.Duration
}

const (
	shortTone = 274 * ms
	longTone  = 380 * ms
)

// sitCodes are the tri-tones of North America (Bellcore GR-1162, SR-2275) that
// were ever assigned. ROb and NCb are the inter-LATA variants.
var sitCodes = []struct {
	code          string
	first, second segment
}{
	{"IC", segment{913.8, shortTone}, segment{1370.6, shortTone}},
	{"VC", segment{985.2, longTone}, segment{1370.6, shortTone}},
	{"RO", segment{913.8, shortTone}, segment{1428.5, longTone}},
	{"ROb", segment{985.2, shortTone}, segment{1370.6, longTone}},
	{"NC", segment{985.2, longTone}, segment{1428.5, longTone}},
	{"NCb", segment{913.8, longTone}, segment{1370.6, longTone}},
	{"IO", segment{913.8, longTone}, segment{1428.5, shortTone}},
}

// bellcoreThird is the third tone of all of them, always long.
const bellcoreThird = 1776.7

// noCode is the tri-tone of ITU-T E.180: 950, 1,400 and 1,800 Hz within 50 Hz,
// 330 ms within 70 ms each, up to 30 ms apart.
const noCode = "ITU"

// SITCodes lists the codes that SIT makes and Ear hears: IC intercept (the
// number has changed), VC vacant code (no such number), RO and ROb reorder, NC
// and NCb no circuit, IO other, ITU no code at all.
func SITCodes() []string {
	var codes []string
	for _, s := range sitCodes {
		codes = append(codes, s.code)
	}
	return append(codes, noCode)
}

// SIT is the special information tone of a code; an unknown code is ITU.
func SIT(code string) Pattern {
	for _, s := range sitCodes {
		if s.code == code {
			return triTone(s.first, s.second, segment{bellcoreThird, longTone})
		}
	}
	const of = 330 * ms
	return triTone(segment{950, of}, segment{1400, of}, segment{1800, of})
}

func triTone(tones ...segment) (p Pattern) {
	for _, t := range tones {
		p.Parts = append(p.Parts, Part{Hz: [2]float64{t.hz}, For: t.of})
	}
	return p
}

// bellcoreHz is how far a tone with a code may be from its frequency: the book
// says 0.2 %, codecs and noise add to it. The tones without a code lie anywhere
// between the coded ones.
const bellcoreHz = 11

// sitCode names the code of three tones; the third is still sounding.
//
// Frequencies decide whether there is a code at all, then they and the lengths
// which one. A late answer or a lost packet shortens the first tone and nothing
// lengthens it, so a long first tone is worth more than the length of the second.
func sitCode(first, second segment, third float64) string {
	if !near(third, bellcoreThird, bellcoreHz) {
		return noCode
	}
	best, code := math.Inf(1), noCode
	for _, s := range sitCodes {
		if !near(first.hz, s.first.hz, bellcoreHz) || !near(second.hz, s.second.hz, bellcoreHz) {
			continue
		}
		if d := 2.5*apart(first, s.first) + apart(second, s.second); d < best {
			best, code = d, s.code
		}
	}
	return code
}

// apart is how far two lengths lie apart, in [0, 1] steps between short and
// long, squared.
func apart(heard, book segment) float64 {
	of := (heard.of - book.of).Seconds() / (longTone - shortTone).Seconds()
	return of * of
}
