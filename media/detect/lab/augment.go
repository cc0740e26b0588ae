package main

import (
	"math"
	"math/rand/v2"
	"time"
)

// vary makes another call of a clip: faster or slower, louder or softer, in
// other noise, sooner or later. Pool gives talkers for the babble.
func vary(c *call, pool []*call, r *rand.Rand) (pcm []int16, answer time.Duration) {
	speed := math.Exp(0.16 * (2*r.Float64() - 1))
	n := int(float64(len(c.pcm)) / speed)
	x := make([]float64, n)
	for i := range x {
		at := float64(i) * speed
		j := int(at)
		if j+1 >= len(c.pcm) {
			break
		}
		f := at - float64(j)
		x[i] = (1-f)*float64(c.pcm[j]) + f*float64(c.pcm[j+1])
	}
	answer = time.Duration(float64(c.answer) / speed)
	if c.answer == 0 {
		// shift by up to 0.4 s
		if shift := int((r.Float64() - 0.5) * 6400); shift < 0 && -shift < int(c.start.Milliseconds())*6 {
			x = x[-shift:]
		} else if shift > 0 {
			lead := make([]float64, shift)
			copy(lead, x[:min(shift, len(x))])
			// the noise before the greeting, backwards
			quiet := min(shift, int(c.start.Seconds()*1000/speed)*8)
			if quiet > 400 {
				for i := range lead {
					k := i % (2 * quiet)
					if k >= quiet {
						k = 2*quiet - 1 - k
					}
					lead[shift-1-i] = x[min(k, len(x)-1)]
				}
				x = append(lead, x...)
			}
		}
	}
	level := rms(x)
	if under, noisy := noisiness(r); noisy {
		noise := makeNoise(len(x), pool, r)
		k := level * math.Pow(10, -under/20) / max(1, rms(noise))
		for i := range x {
			x[i] += k * noise[i]
		}
	}
	gain := math.Pow(10, (r.Float64()*16-8)/20)
	pcm = make([]int16, len(x))
	for i, v := range x {
		pcm[i] = int16(max(-32000, min(32000, v*gain)))
	}
	return pcm, answer
}

// noisiness draws how far noise is under a call, in dB; false for none.
func noisiness(r *rand.Rand) (under float64, noisy bool) {
	kind := r.Float64()
	if kind < 0.3 { // a street, or others who talk
		return 4 + 10*r.Float64(), true
	}
	return 14 + 21*r.Float64(), kind < 0.6
}

func rms(x []float64) float64 {
	s := 0.0
	for _, v := range x {
		s += v * v
	}
	return math.Sqrt(s / float64(max(1, len(x))))
}

func makeNoise(n int, pool []*call, r *rand.Rand) []float64 {
	y := make([]float64, n)
	switch kind := r.IntN(4); kind {
	case 0, 1: // white, or darker
		a, s := 0.0, 0.0
		if kind == 1 {
			a = 0.5 + 0.45*r.Float64()
		}
		for i := range y {
			s = a*s + r.NormFloat64()
			y[i] = s
		}
	default: // talkers
		for range 1 + r.IntN(5) {
			c := pool[r.IntN(len(pool))]
			at := r.IntN(len(c.pcm))
			k := 1 / max(1, rms16(c.pcm))
			for i := range y {
				y[i] += k * float64(c.pcm[(at+i)%len(c.pcm)])
			}
		}
	}
	return y
}

func rms16(x []int16) float64 {
	s := 0.0
	for _, v := range x {
		s += float64(v) * float64(v)
	}
	return math.Sqrt(s / float64(max(1, len(x))))
}
