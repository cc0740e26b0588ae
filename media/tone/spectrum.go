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

// spectrum is the power of the last 32 ms, made anew every hop.
type spectrum struct {
	history [window]float64
	power   [bins]float64
	work    [bins]complex128
}

// Tables of the transform, filled once and never written again.
var (
	hann      = makeHann()
	twiddle   = makeTwiddle() // e^(-2πik/256)
	reverse   = makeReverse() // bit reversal of 7 bits
	fullScale = makeFullScale(hann)
)

func makeHann() (w [window]float64) {
	for i := range w {
		w[i] = 0.5 - 0.5*math.Cos(2*math.Pi*float64(i)/window)
	}
	return w
}

func makeTwiddle() (t [bins]complex128) {
	for i := range t {
		sin, cos := math.Sincos(-2 * math.Pi * float64(i) / window)
		t[i] = complex(cos, sin)
	}
	return t
}

func makeReverse() (r [bins]int) {
	for i := range r {
		for bit := range 7 {
			r[i] |= (i >> bit & 1) << (6 - bit)
		}
	}
	return r
}

// makeFullScale is the power that a full-scale sine has in all bins (Parseval).
func makeFullScale(w [window]float64) float64 {
	var sum float64
	for _, v := range w {
		sum += v * v
	}
	return 32767 * 32767 / 4.0 * window * sum
}

// hop shifts 80 samples in and transforms.
func (s *spectrum) hop(pcm []int16) {
	copy(s.history[:], s.history[hopSamples:])
	for i, v := range pcm {
		s.history[window-hopSamples+i] = float64(v)
	}
	s.transform()
}

// transform packs the 256 real samples into 128 complex ones, runs a radix-2
// transform and unpacks: half the work of a complex transform of 256.
func (s *spectrum) transform() {
	a := &s.work
	for i := range a {
		a[reverse[i]] = complex(s.history[2*i]*hann[2*i], s.history[2*i+1]*hann[2*i+1])
	}
	for n := 2; n <= bins; n *= 2 {
		half, step := n/2, window/n
		for i := 0; i < bins; i += n {
			for k := range half {
				t := twiddle[k*step] * a[i+k+half]
				a[i+k+half] = a[i+k] - t
				a[i+k] += t
			}
		}
	}
	s.power[0] = 0
	for k := 1; k < bins; k++ {
		x, y := a[k], a[bins-k]
		y = complex(real(y), -imag(y))
		v := (x+y)/2 + twiddle[k]*complex(imag(x-y)/2, -real(x-y)/2)
		s.power[k] = real(v)*real(v) + imag(v)*imag(v)
	}
}

// band is the power of the bins from lo to hi, both included.
func (s *spectrum) band(lo, hi int) float64 {
	var sum float64
	for _, p := range s.power[lo : hi+1] {
		sum += p
	}
	return sum
}

// lobe is the power of the tone whose peak is at bin.
func (s *spectrum) lobe(bin int) float64 { return s.band(max(1, bin-2), min(bins-1, bin+2)) }

// peak is the loudest bin outside the lobe at except (negative: anywhere).
func (s *spectrum) peak(except int) int {
	best := -1
	for i := lowBin; i <= highBin; i++ {
		if except >= 0 && i >= except-3 && i <= except+3 {
			continue
		}
		if best < 0 || s.power[i] > s.power[best] {
			best = i
		}
	}
	return best
}

// hz is the frequency of the peak at bin, between bins by a parabola through
// the logarithms of three.
func (s *spectrum) hz(bin int) float64 {
	a, b, c := math.Log(s.power[bin-1]+1e-9), math.Log(s.power[bin]+1e-9), math.Log(s.power[bin+1]+1e-9)
	bend := a - 2*b + c
	if bend == 0 {
		return float64(bin) * binHz
	}
	return (float64(bin) + max(-1, min(1, (a-c)/2/bend))) * binHz
}
