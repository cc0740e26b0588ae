package tone

import (
	"math"
	"time"
)

// segment is one of the first two tones of a special information tone; the
// third is always 1,776.7 Hz and long.
type segment struct {
	hz float64
	of time.Duration
}

const (
	shortTone = 274 * ms
	longTone  = 380 * ms
)

// sitCodes are the tri-tones of North America (Bellcore SR-2275) and the one
// without a code of ITU-T E.180. ROb and NCb are the inter-LATA variants.
var sitCodes = []struct {
	code          string
	first, second segment
	thirdHz       float64
	thirdOf       time.Duration
}{
	{"IC", segment{913.8, shortTone}, segment{1370.6, shortTone}, 1776.7, longTone},
	{"VC", segment{985.2, longTone}, segment{1370.6, shortTone}, 1776.7, longTone},
	{"RO", segment{913.8, shortTone}, segment{1428.5, longTone}, 1776.7, longTone},
	{"ROb", segment{985.2, shortTone}, segment{1370.6, longTone}, 1776.7, longTone},
	{"NC", segment{985.2, longTone}, segment{1428.5, longTone}, 1776.7, longTone},
	{"NCb", segment{913.8, longTone}, segment{1370.6, longTone}, 1776.7, longTone},
	{"IO", segment{913.8, longTone}, segment{1428.5, shortTone}, 1776.7, longTone},
	{"ITU", segment{950, 330 * ms}, segment{1400, 330 * ms}, 1800, 330 * ms},
}

// SITCodes lists the codes that SIT makes and Ear hears: IC intercept (the
// number has changed), VC vacant code (no such number), RO and ROb reorder, NC
// and NCb no circuit, IO other, ITU no code at all.
func SITCodes() []string {
	var codes []string
	for _, s := range sitCodes {
		codes = append(codes, s.code)
	}
	return codes
}

// SIT is the special information tone of a code; an unknown code is ITU.
func SIT(code string) Pattern {
	for _, s := range sitCodes {
		if s.code == code || s.code == "ITU" {
			return Pattern{Parts: []Part{
				{Hz: [2]float64{s.first.hz}, For: s.first.of},
				{Hz: [2]float64{s.second.hz}, For: s.second.of},
				{Hz: [2]float64{s.thirdHz}, For: s.thirdOf},
			}}
		}
	}
	return Pattern{}
}

// sitCode names the code whose first two tones are nearest. One unit of
// distance is a quarter of the step between the high and the low frequency, or
// between the short and the long time: both count alike.
func sitCode(first, second segment) string {
	best, code := math.Inf(1), ""
	for _, s := range sitCodes {
		d := distance(first, s.first, 71.4) + distance(second, s.second, 57.9)
		if d < best {
			best, code = d, s.code
		}
	}
	return code
}

func distance(heard, book segment, step float64) float64 {
	hz := (heard.hz - book.hz) / step
	of := (heard.of - book.of).Seconds() / (longTone - shortTone).Seconds()
	return hz*hz + of*of
}
