package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// span is a stretch of speech in a recording, in samples.
type span struct{ from, to int }

func (s span) length() int { return s.to - s.from }

const (
	clearEnough = 22.0                        // dB that speech is over the line's noise, to be taken out and put in
	sameSpan    = media.SampleRate * 14 / 100 // shorter gaps are inside a span
	leastSpan   = media.SampleRate / 10
	seam        = 120 // samples in which a sound comes and goes where it is cut
)

// spans finds the stretches of speech of a greeting in a clean recording; none in another.
func spans(c *call) (all []span) {
	if c.end == 0 {
		return nil
	}
	const hop = media.SamplesPerFrame / 2
	levels := make([]float64, len(c.pcm)/hop)
	for i := range levels {
		levels[i] = 20 * math.Log10(rms16(c.pcm[i*hop:(i+1)*hop])+1)
	}
	sorted := slices.Sorted(slices.Values(levels))
	low := sorted[len(sorted)/10]
	from, to := samples(c.start)/hop, min(len(levels), samples(c.end)/hop+5)
	if from >= to {
		return nil
	}
	greeting := slices.Sorted(slices.Values(levels[from:to]))
	high := greeting[len(greeting)*9/10]
	if high-low < clearEnough {
		return nil
	}
	limit := max(low+8, high-20)
	for i := from; i < to; i++ {
		if levels[i] < limit {
			continue
		}
		s := span{i * hop, (i + 1) * hop}
		if n := len(all); n > 0 && s.from-all[n-1].to < sameSpan {
			all[n-1].to = s.to
		} else {
			all = append(all, s)
		}
	}
	return slices.DeleteFunc(all, func(s span) bool { return s.length() < leastSpan })
}

func samples(d time.Duration) int { return int(d.Seconds() * media.SampleRate) }

// leastSpeech is what a donor says at least, so that it does not stutter.
const leastSpeech = media.SampleRate * 3 / 10

// donors finds the spans of the calls, and who has enough of them: their calls, speaker by speaker.
func donors(calls []*call) (voices [][]*call) {
	place := map[string]int{}
	for _, c := range calls {
		if c.label != "human" && c.label != "machine" && c.label != "screening" {
			continue
		}
		c.spans = spans(c)
		if c.made {
			continue
		}
		total := 0
		for _, s := range c.spans {
			total += s.length()
		}
		if total <= leastSpeech {
			continue
		}
		at, known := place[c.voice()]
		if !known {
			at = len(voices)
			place[c.voice()] = at
			voices = append(voices, nil)
		}
		voices[at] = append(voices[at], c)
	}
	return voices
}

// revoice is a call at whose times another speaker talks, so that what is learnt is when
// somebody speaks and not who: words and pauses are a little longer or shorter, all else stays.
func revoice(c, donor *call, r *rand.Rand) *call {
	out := *c
	out.pcm = nil
	at := 0
	scale := math.Exp(0.3 * (2*r.Float64() - 1))
	for i, s := range c.spans {
		gap := c.pcm[at:s.from]
		if i > 0 {
			gap = stretchGap(gap, scale*math.Exp(0.15*(2*r.Float64()-1)))
		} else {
			out.start = time.Duration(len(gap)) * time.Second / media.SampleRate
		}
		out.pcm = append(out.pcm, gap...)
		put(&out, c, donor, s, r)
		at = s.to
	}
	out.pcm = append(out.pcm, c.pcm[at:]...)
	return &out
}

// stretchGap makes a pause longer by going back and forth in it, or shorter.
func stretchGap(gap []int16, by float64) []int16 {
	out := make([]int16, int(float64(len(gap))*by))
	for i := range out {
		k := i % max(1, 2*len(gap))
		if k >= len(gap) {
			k = 2*len(gap) - 1 - k
		}
		out[i] = gap[k]
	}
	return out
}

// put appends speech of the donor, about as long as the span and as loud.
func put(out, c, donor *call, s span, r *rand.Rand) {
	length := int(float64(s.length()) * math.Exp(0.2*(2*r.Float64()-1)))
	voice := speak(donor, length, r)
	gain := rms16(c.pcm[s.from:s.to]) / max(1, rms(voice))
	for _, v := range voice {
		out.pcm = append(out.pcm, int16(max(-32000, min(32000, gain*v))))
	}
}

// speak is n samples of a speaker: a span of about that length, a part of a
// longer one, or some in a row.
func speak(donor *call, n int, r *rand.Rand) (x []float64) {
	for len(x) < n {
		want := n - len(x)
		s := donor.spans[r.IntN(len(donor.spans))]
		for range 6 { // a natural end is better than a cut
			if k := float64(s.length()) / float64(want); k > 0.85 && k < 1.2 {
				break
			}
			s = donor.spans[r.IntN(len(donor.spans))]
		}
		k := float64(s.length()) / float64(want)
		if k > 0.85 && k < 1.2 {
			return join(x, resample(donor.pcm[s.from:s.to], want))
		}
		piece := donor.pcm[s.from:s.to]
		if k >= 1.2 {
			if r.IntN(2) == 0 {
				piece = piece[:want]
			} else {
				piece = piece[len(piece)-want:]
			}
		}
		x = join(x, resample(piece, len(piece)))
	}
	return x[:n]
}

func resample(pcm []int16, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		at := float64(i) * float64(len(pcm)-1) / float64(max(1, n-1))
		j := min(int(at), len(pcm)-2)
		f := at - float64(j)
		x[i] = (1-f)*float64(pcm[j]) + f*float64(pcm[j+1])
	}
	return x
}

// join appends y with its ends faded, so that no seam clicks.
func join(x, y []float64) []float64 {
	for i := range min(seam, len(y)/2) {
		k := float64(i) / seam
		y[i] *= k
		y[len(y)-1-i] *= k
	}
	return append(x, y...)
}
