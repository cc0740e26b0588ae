package tone

import "math"

const (
	hopSamples = 80  // 10 ms
	window     = 256 // 32 ms: a lobe is 4 bins wide, 125 Hz
	bins       = 128 // of binHz each
	binHz      = 31.25
	lowBin     = 4   // 125 Hz: below it is hum
	highBin    = 121 // 3,781 Hz
)

// spectrum is the power of the last 32 ms, made anew every hop, and what of it
// is the noise of the line. Single precision is plenty for 16-bit sound and
// halves what a call keeps.
type spectrum struct {
	history [window]float32
	power   [bins]float32
	floor   [bins]float32 // a low quantile of power
	hops    int
}

// Tables of the transform, filled once and never written again.
var (
	hann      = makeHann()
	twiddle   = makeTwiddle() // e^(-2πik/256)
	reverse   = makeReverse() // bit reversal of 7 bits
	fullScale = makeFullScale(hann)
)

func makeHann() (w [window]float32) {
	for i := range w {
		w[i] = float32(0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/window))
	}
	return w
}

func makeTwiddle() (t [bins]complex64) {
	for i := range t {
		sin, cos := math.Sincos(-2 * math.Pi * float64(i) / window)
		t[i] = complex(float32(cos), float32(sin))
	}
	return t
}

func makeReverse() (r [bins]uint8) {
	for i := range r {
		for bit := range 7 {
			r[i] |= uint8(i>>bit&1) << (6 - bit)
		}
	}
	return r
}

// makeFullScale is the power that a full-scale sine has in all bins (Parseval).
func makeFullScale(w [window]float32) float64 {
	var sum float64
	for _, v := range w {
		sum += float64(v) * float64(v)
	}
	return 32767 * 32767 / 4.0 * window * sum
}

// hop shifts 80 samples in and transforms.
func (s *spectrum) hop(pcm []int16) {
	copy(s.history[:], s.history[hopSamples:])
	for i, v := range pcm {
		s.history[window-hopSamples+i] = float32(v)
	}
	s.transform()
	s.follow()
}

// transform packs the 256 real samples into 128 complex ones, runs a radix-2
// transform and unpacks: half the work of a complex transform of 256.
func (s *spectrum) transform() {
	var a [bins]complex64
	for i, r := range &reverse {
		a[r&(bins-1)] = complex(s.history[2*i]*hann[2*i], s.history[2*i+1]*hann[2*i+1])
	}
	for i := 0; i < bins; i += 4 { // the first two rounds need no multiplication
		b, c := a[i]+a[i+1], a[i]-a[i+1]
		d, e := a[i+2]+a[i+3], a[i+2]-a[i+3]
		e = complex(imag(e), -real(e))
		a[i], a[i+1], a[i+2], a[i+3] = b+d, c+e, b-d, c-e
	}
	for n := 8; n <= bins; n *= 2 {
		half, step := n/2, window/n
		for i := 0; i < bins; i += n {
			low, high := a[i:i+half], a[i+half:i+n]
			high = high[:len(low)]
			for k := range low {
				w := twiddle[k*step&(bins-1)]
				x, y := real(high[k]), imag(high[k])
				t := complex(real(w)*x-imag(w)*y, real(w)*y+imag(w)*x)
				high[k] = low[k] - t
				low[k] += t
			}
		}
	}
	s.power[0] = 0
	for k := 1; k < bins; k++ {
		x, y, w := a[k], a[bins-k], twiddle[k]
		evenRe, evenIm := (real(x)+real(y))/2, (imag(x)-imag(y))/2
		oddRe, oddIm := (imag(x)+imag(y))/2, (real(y)-real(x))/2
		re := evenRe + real(w)*oddRe - imag(w)*oddIm
		im := evenIm + real(w)*oddIm + imag(w)*oddRe
		s.power[k] = re*re + im*im
	}
}

// The floor follows the fifth part of the hops that is quietest: pauses between
// words show the line's noise in every bin, and a tone of some seconds is over
// before the floor has reached it.
const (
	floorUp    = 1.012 // 5 dB a second
	floorStart = 1.05  // 21 dB a second, over the first second of a call
	floorDown  = 0.95
	floorBias  = 5.0 // mean over that quantile, where power is noise
)

func (s *spectrum) follow() {
	s.hops++
	up := float32(floorUp)
	if s.hops < 100 {
		up = floorStart
	}
	for k, p := range &s.power {
		f := &s.floor[k]
		if p > *f {
			*f = max(*f, leastFloor) * up
		} else {
			*f *= floorDown
		}
	}
}

// leastFloor is under what the quietest line has in one bin.
const leastFloor = 2e3

// clean is the power without the noise of the line. Half as much again is
// taken off, as noise varies.
func (s *spectrum) clean() (c [bins]float32) {
	for k := lowBin - 3; k < bins; k++ {
		c[k] = max(0, s.power[k]-1.5*floorBias*s.floor[k])
	}
	return c
}

// band is the power of the bins from lo to hi, both included.
func band(power *[bins]float32, lo, hi int) float64 {
	var sum float32
	for _, p := range power[lo : hi+1] {
		sum += p
	}
	return float64(sum)
}

// lobe is the power of the tone whose peak is at bin.
func lobe(power *[bins]float32, bin int) float64 {
	return band(power, max(1, bin-2), min(bins-1, bin+2))
}

// peak is the loudest bin outside the lobe at except (negative: anywhere).
func peak(power *[bins]float32, except int) int {
	if except < 0 {
		return loudest(power, lowBin, highBin+1)
	}
	low, high := loudest(power, lowBin, max(lowBin+1, except-3)), loudest(power, min(highBin, except+4), highBin+1)
	if power[low] > power[high] {
		return low
	}
	return high
}

// loudest is the bin of [from, to) with the most power.
func loudest(power *[bins]float32, from, to int) int {
	best, most := from, power[from]
	for i, p := range power[from:to] {
		if p > most {
			best, most = from+i, p
		}
	}
	return best
}

// hertz is the frequency of the peak at bin, between bins by a parabola through
// the logarithms of three.
func hertz(power *[bins]float32, bin int) float64 {
	log := func(i int) float64 { return math.Log(float64(power[i]) + 1e-9) }
	a, b, c := log(bin-1), log(bin), log(bin+1)
	bend := a - 2*b + c
	if bend == 0 {
		return float64(bin) * binHz
	}
	return (float64(bin) + max(-1, min(1, (a-c)/2/bend))) * binHz
}
