package doctor

import (
	"cmp"
	"math"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// The probe is a row of bursts, each at another pitch than those near it, so that a
// burst which comes back tells which one it was: echoes of up to two seconds.
const (
	burst     = 300 * time.Millisecond
	pause     = 100 * time.Millisecond
	bursts    = 15
	probeTime = bursts * (burst + pause)
	longest   = 2 * time.Second // a delay

	probeLevel = 6000 // peak, of 32767: -11 dBm0
	// pure is the share of a frame's power at one pitch that makes it a tone of that
	// pitch; speech and noise have less. Below quiet a frame is no sound (RMS).
	pure  = 0.6
	quiet = 60
)

// pitches in Hz: none is a multiple of another, and none of DTMF or of a network's
// tones.
var pitches = [5]float64{730, 1130, 1010, 1270, 890}

func pitchOf(n int) float64 { return pitches[n%len(pitches)] }

// probe is the samples of frame n; silence before the first.
func probe(n int, dst media.Frame) {
	if n < 0 {
		clear(dst)
		return
	}
	at := media.FrameDuration * time.Duration(n)
	k, within := int(at/(burst+pause)), at%(burst+pause)
	for i := range dst {
		t := within + media.Span(i)
		dst[i] = 0
		if k < bursts && t < burst {
			soft := min(1, min(t.Seconds(), (burst-t).Seconds())/0.005) // no clicks
			dst[i] = int16(probeLevel * soft * math.Sin(2*math.Pi*pitchOf(k)*t.Seconds()))
		}
	}
}

// echo is what came back of the probe.
type echo struct {
	bursts int // that came back
	frames int // with any sound
	delay  time.Duration
}

// listening is what hears a probe come back: frames by the time of their arrival.
type listening struct {
	began  time.Time // when frame 0 of the probe left
	onsets [len(pitches)][]time.Duration
	run    [len(pitches)]int
	frames int
}

// hear takes the next frame, which came at a time.
func (l *listening) hear(pcm media.Frame, at time.Time) {
	power := 0.0
	for _, s := range pcm {
		power += float64(s) * float64(s)
	}
	loud := power/float64(len(pcm)) > quiet*quiet
	if loud {
		l.frames++
	}
	for i, hz := range pitches {
		if !loud || share(pcm, hz, power) < pure {
			l.run[i] = 0
			continue
		}
		if l.run[i]++; l.run[i] == 3 {
			l.onsets[i] = append(l.onsets[i], at.Sub(l.began)-2*media.FrameDuration)
		}
	}
}

// share is how much of a frame's power is at one pitch, in [0, 1] (Goertzel).
func share(pcm media.Frame, hz, power float64) float64 {
	c := 2 * math.Cos(2*math.Pi*hz/media.SampleRate)
	var a, b float64
	for _, s := range pcm {
		a, b = float64(s)+c*a-b, a
	}
	return min(1, 2*(a*a+b*b-c*a*b)/(power*float64(len(pcm))))
}

// result matches each burst with the first onset of its pitch that can be it.
func (l *listening) result() echo {
	e := echo{frames: l.frames}
	var delays []time.Duration
	for k := range bursts {
		left := time.Duration(k) * (burst + pause)
		for _, at := range l.onsets[k%len(pitches)] {
			if d := at - left; d >= -media.FrameDuration && d <= longest-pause {
				delays = append(delays, max(d, 0))
				break
			}
		}
	}
	if e.bursts = len(delays); e.bursts > 0 {
		slices.SortFunc(delays, cmp.Compare[time.Duration])
		e.delay = delays[len(delays)/2]
	}
	return e
}
