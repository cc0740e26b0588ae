package detect

import "time"

// Features is what a verdict is learnt from: times in seconds, counts, shares.
// They hold no audio, no words, and no levels but those against the same call's: others tell
// microphones apart and made no verdict better.
type Features [features]float32

const (
	sinceAnswer = iota
	delay       // from the answer to the first syllable
	SinceOnset  // the first syllable
	Quiet       // since the last syllable
	stretch     // length of the present stretch
	phraseLen   // of the present phrase
	total       // speech
	stretches
	firstStretch
	lastStretch
	longStretch
	lastGap
	wideGap
	Phrases
	phraseOne
	phraseTwo
	longPhrase
	waitOne
	density // share of speech between the first syllable and the last
	syllables
	rate // syllables per second of speech
	purityMean
	puritySpread
	tonal // time with a tone
	ringing
	near6Quiet
	near6Total
	near6Span
	near10Quiet
	near10Total
	near10Span
	near15Quiet
	near15Total
	near15Span
	drop      // dB that the level of 0.25 s has come down from its highest
	dropLong  // likewise of 0.7 s
	purityNow // mean of about 0.2 s
	purityDrop
	clearness // dB that the voice is over the line
	moves     // dB that the level moves now
	movesDrop
	nearNow // share of the last 0.5 s near the loudest
	features
)

// FeatureNames are in the order of Features.
var FeatureNames = [features]string{
	"since_answer", "delay", "since_onset", "quiet", "stretch", "phrase", "total", "stretches", "first_stretch", "last_stretch",
	"long_stretch", "last_gap", "wide_gap", "phrases", "phrase_one", "phrase_two", "long_phrase", "wait_one", "density", "syllables",
	"rate", "purity_mean", "purity_spread", "tonal", "ringing",
	"near6_quiet", "near6_total", "near6_span", "near10_quiet", "near10_total", "near10_span", "near15_quiet", "near15_total", "near15_span",
	"drop", "drop_long", "purity_now", "purity_drop", "clearness", "moves", "moves_drop", "near_now",
}

// Features gives the present ones; false while nobody spoke.
func (d *Detector) Features(f *Features) bool {
	v := &d.voice
	if !d.answered || !v.heard() {
		return false
	}
	p := v.pace // with the present stretch
	if v.speaking && v.end-v.start >= shortest {
		p.close(v.start, v.end)
		f[stretch] = seconds(v.end - v.start)
	} else {
		f[stretch] = 0
	}
	f[sinceAnswer] = seconds(d.now - d.answer)
	f[delay] = seconds(v.onset - d.answer)
	f[SinceOnset] = seconds(v.now - v.onset)
	f[Quiet] = seconds(v.now - v.end)
	f[phraseLen] = seconds(v.end - p.phrase)
	f[total] = seconds(v.total)
	f[stretches] = float32(p.stretches)
	f[firstStretch] = seconds(p.first)
	f[lastStretch] = seconds(p.last)
	f[longStretch] = seconds(p.long)
	f[lastGap] = seconds(p.gap)
	f[wideGap] = seconds(p.wide)
	f[Phrases] = float32(p.phrases)
	f[phraseOne], f[waitOne] = seconds(p.one), seconds(p.wait)
	if p.phrases < 2 {
		f[phraseOne], f[waitOne] = f[phraseLen], f[Quiet]
	}
	f[phraseTwo] = seconds(p.two)
	if p.phrases == 2 {
		f[phraseTwo] = f[phraseLen]
	}
	f[longPhrase] = max(seconds(p.most), f[phraseLen])
	f[density] = f[total] / max(0.02, seconds(v.end-v.onset))
	f[syllables] = float32(p.syllables)
	f[rate] = float32(p.syllables) / max(0.2, f[total])
	f[purityMean] = float32(p.purity / float64(max(1, p.frames)))
	f[puritySpread] = float32(spread(p.purity, p.purities, p.frames))
	for i, c := range p.nearness {
		f[near6Quiet+3*i] = seconds(v.now - c.to)
		f[near6Total+3*i] = seconds(c.total)
		f[near6Span+3*i] = seconds(c.to - c.from)
	}
	f[drop], f[dropLong] = float32(p.drop.by()), float32(p.dropLong.by())
	f[purityNow] = float32(v.purity)
	f[purityDrop] = f[purityMean] - f[purityNow]
	f[clearness] = float32(max(0, min(mostClear, p.peak-v.lowest)))
	f[moves], f[movesDrop] = float32(p.moves.now), float32(p.moves.by())
	f[nearNow] = float32(p.nearNow)
	f[tonal] = seconds(d.toned)
	f[ringing] = 0
	if d.rang {
		f[ringing] = 1
	}
	return true
}

func seconds(d time.Duration) float32 { return float32(d.Seconds()) }

// mostClear is the most that a voice is counted to be over the line: over it no pause is missed.
const mostClear = 40.0 // dB

// Clear says that the line is quiet behind the voice, so that a pause is heard
// as one.
func (d *Detector) Clear() bool { return d.voice.pace.peak-d.voice.lowest > clearDB }

// Quiet is how long there has been neither a tone nor a voice; where others
// talk on behind this one, none that is nearly as loud as it has been.
func (d *Detector) Quiet() time.Duration {
	quiet := d.voice.quiet()
	if !d.Clear() {
		quiet = max(quiet, d.voice.now-d.voice.pace.nearness[1].to)
	}
	return min(quiet, d.now-d.toneAt)
}
