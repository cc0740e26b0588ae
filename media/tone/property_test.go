package tone

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// sines makes a sound without the generator under test. Level is of each
// frequency in dBm0; both ends take 3 ms.
func sines(d time.Duration, level float64, hz ...float64) []int16 {
	pcm := make([]int16, samples(d))
	peak := 32767 * math.Pow(10, (level-3.14)/20)
	for i := range pcm {
		v := 0.0
		for _, f := range hz {
			v += math.Sin(2 * math.Pi * f * float64(i) / 8000)
		}
		edge := min(1, float64(min(i, len(pcm)-1-i))/24)
		pcm[i] = int16(max(-32768, min(32767, peak*edge*v)))
	}
	return pcm
}

// The ways of a line: what each does to the sound.
var lines = map[string]func(v float64) float64{
	"linear": func(v float64) float64 { return v },
	"µ-law":  func(v float64) float64 { return companded(v, 255) },
	"A-law":  func(v float64) float64 { return companded(v, 87.6) },
	"loud":   func(v float64) float64 { return max(-9000, min(9000, v)) }, // a gain stage that clips
}

var ways = slices.Sorted(maps.Keys(lines))

// companded is 8-bit companding by the formula, not by our codec.
func companded(v, law float64) float64 {
	x := min(1, math.Abs(v)/32768)
	y := math.Log(1+law*x) / math.Log(1+law)
	y = math.Round(y*127) / 127
	return math.Copysign((math.Pow(1+law, y)-1)/law*32768, v)
}

// through sends pcm over a line with white noise snr dB under its level.
func through(pcm []int16, line func(float64) float64, level, snr float64, seed uint64) []int16 {
	random := rand.New(rand.NewPCG(seed, 3))
	noise := 32767 * math.Pow(10, (level-3.14-snr)/20) / math.Sqrt2
	out := make([]int16, 2400, 2400+len(pcm)+4000)
	out = append(append(out, pcm...), make([]int16, 4000)...)
	for i, v := range out {
		out[i] = int16(max(-32768, min(32767, line(float64(v)+random.NormFloat64()*noise))))
	}
	return out
}

func listen(pcm []int16) (all []Heard) {
	var ear Ear
	for ; len(pcm) >= hopSamples; pcm = pcm[hopSamples:] {
		ear.Hop(pcm[:hopSamples])
		for h, more := ear.Next(); more; h, more = ear.Next() {
			all = append(all, h)
		}
	}
	return all
}

// A beep of any pitch, length and level is heard once, soon, on any line, 20 dB
// over the noise.
func TestHearsEveryBeep(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		hz := rapid.Float64Range(360, 2090).Draw(t, "hz")
		of := time.Duration(rapid.IntRange(75, 1500).Draw(t, "ms")) * ms
		level := rapid.Float64Range(-35, -3).Draw(t, "level")
		line := rapid.SampledFrom(ways).Draw(t, "line")
		all := listen(through(sines(of, level, hz), lines[line], level, 20, rapid.Uint64().Draw(t, "seed")))
		n, first := count(all, BeepTone, "")
		if n != 1 || first.At > 440*ms || (first.From-300*ms).Abs() > 30*ms {
			t.Fatalf("heard %+v", all)
		}
	})
}

// The shortest beeps are over before they can be told; they are told after.
func TestHearsShortBeeps(t *testing.T) {
	for hz := 400.0; hz <= 2080; hz += 40 {
		all := listen(through(sines(60*ms, -12, hz), lines["µ-law"], -12, 30, uint64(hz)))
		if n, first := count(all, BeepTone, ""); n != 1 || first.At > 440*ms {
			t.Errorf("%v Hz: heard %+v", hz, all)
		}
	}
}

// A tri-tone has its code at any level, a fraction of a per cent off, with gaps.
func TestHearsEveryCode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom(sitCodes).Draw(t, "code")
		line := rapid.SampledFrom(ways).Draw(t, "line")
		off := rapid.Float64Range(0.998, 1.002).Draw(t, "off")
		slow := rapid.Float64Range(0.95, 1.05).Draw(t, "slow")
		level := rapid.Float64Range(-32, -6).Draw(t, "level")
		gap := make([]int16, rapid.IntRange(0, 32).Draw(t, "gap"))
		stretch := func(d time.Duration) time.Duration { return time.Duration(float64(d) * slow) }
		pcm := sines(stretch(s.first.of), level, s.first.hz*off)
		pcm = append(append(pcm, gap...), sines(stretch(s.second.of), level, s.second.hz*off)...)
		pcm = append(append(pcm, gap...), sines(stretch(longTone), level, bellcoreThird*off)...)
		all := listen(through(pcm, lines[line], level, 20, rapid.Uint64().Draw(t, "seed")))
		if n, first := count(all, SITTone, ""); n != 1 || first.Code != s.code {
			t.Fatalf("%s: heard %+v", s.code, all)
		}
	})
}

// DTMF by ITU-T Q.24: 1.5 % off is a digit and 3.5 % is none; 40 ms is enough
// and 15 ms is not; the tones may differ by 8 dB one way and 4 the other.
func TestDigitLimits(t *testing.T) {
	for row, low := range dtmfRows {
		for column, high := range dtmfColumns {
			key := rune(dtmfKeys[row][column])
			for _, tt := range []struct {
				lowOff, highOff float64
				of              time.Duration
				twist           float64 // dB that the high tone is louder
				want            int
			}{
				{1, 1, 40 * ms, 0, 1}, {0.985, 1.015, 50 * ms, 0, 1}, {1.015, 0.985, 50 * ms, 0, 1},
				{1, 1, 50 * ms, 4, 1}, {1, 1, 50 * ms, -8, 1}, {1, 1, 2 * time.Second, 0, 1},
				{1.035, 1, 100 * ms, 0, 0}, {1, 0.965, 100 * ms, 0, 0}, {1, 1, 15 * ms, 0, 0},
				{1, 1, 100 * ms, 14, 0}, {1, 1, 100 * ms, -16, 0},
			} {
				for _, level := range []float64{-6, -15, -25} {
					if level+tt.twist > 0 {
						continue // cannot be that loud
					}
					pcm := sines(tt.of, level, low*tt.lowOff)
					for i, v := range sines(tt.of, level+tt.twist, high*tt.highOff) {
						pcm[i] = int16(max(-32768, min(32767, int(pcm[i])+int(v))))
					}
					all := listen(through(pcm, lines["µ-law"], level, 25, 5))
					n, first := count(all, DigitTone, "")
					if n != tt.want || n == 1 && first.Digit != key {
						t.Errorf("%c %+v at %v dBm0: heard %d, %c", key, tt, level, n, first.Digit)
					}
				}
			}
		}
	}
}

// voice is like a talker where a listener for tones may be misled: harmonics of
// a gliding pitch through formants, hiss, and vowels that are held.
func voice(seed uint64, d time.Duration) []int16 {
	random := rand.New(rand.NewPCG(seed, 11))
	pcm := make([]int16, 0, samples(d))
	pitch, phase := 90+160*random.Float64(), 0.0
	for len(pcm) < samples(d) {
		n := samples(time.Duration(60+random.IntN(300)) * ms)
		f1, f2 := 280+520*random.Float64(), 800+1600*random.Float64()
		glide := 0.85 + 0.3*random.Float64()
		kind := random.IntN(8)
		for i := range n {
			at := float64(i) / float64(n)
			phase += 2 * math.Pi * pitch * (1 + (glide-1)*at) / 8000
			v := 0.0
			switch kind {
			case 0: // a pause
			case 1:
				v = random.NormFloat64() / 4
			default:
				for h := 1.0; h*pitch < 3400; h++ {
					a, b := (h*pitch-f1)/90, (h*pitch-f2)/130
					v += math.Sin(h*phase) * (1/(1+a*a) + 0.4/(1+b*b) + 0.02)
				}
			}
			pcm = append(pcm, int16(max(-32768, min(32767, 7000*v*math.Sin(math.Pi*at)))))
		}
		pitch = max(80, min(300, pitch*(0.9+0.2*random.Float64())))
	}
	return pcm
}

// Talk-off: four minutes of talkers make no digit, no tri-tone and no fax, and
// next to no beep.
func TestTalkOff(t *testing.T) {
	heard := map[Kind]int{}
	for seed := range uint64(24) {
		for _, h := range listen(through(voice(seed, 10*time.Second), lines["µ-law"], -15, 35, seed)) {
			heard[h.Kind]++
		}
	}
	for _, kind := range []Kind{DigitTone, SITTone, FaxTone, BusyTone, ReorderTone} {
		if heard[kind] > 0 {
			t.Errorf("kind %d heard %d times", kind, heard[kind])
		}
	}
	if heard[BeepTone] > 1 {
		t.Errorf("%d beeps in four minutes", heard[BeepTone])
	}
}

// The answering tones are told apart by the 15 Hz of ANSam.
func TestAnswerTones(t *testing.T) {
	plain := sines(3*time.Second, -15, 2100)
	swung := sines(3*time.Second, -15, 2100)
	for i := range swung {
		v := float64(swung[i]) * (1 + 0.2*math.Sin(2*math.Pi*15*float64(i)/8000))
		if i/3600%2 == 1 {
			v = -v
		}
		swung[i] = int16(v)
	}
	for name, line := range lines {
		for code, pcm := range map[string][]int16{"CED": plain, "ANSam": swung} {
			if name == "loud" && code == "ANSam" {
				continue // clipping takes the swing away
			}
			if n, _ := count(listen(through(pcm, line, -15, 20, 1)), FaxTone, code); n != 1 {
				t.Errorf("%s, %s: heard %d times", code, name, n)
			}
		}
	}
}

// Tunes sound like music and talk does not.
func TestMusic(t *testing.T) {
	scale := []float64{262, 294, 330, 349, 392, 440, 494, 523}
	random := rand.New(rand.NewPCG(4, 4))
	var tune []int16
	for len(tune) < 6*8000 {
		f := scale[random.IntN(len(scale))]
		tune = append(tune, sines(time.Duration(150+random.IntN(400))*ms, -20, f, 1.5*f, 2*f)...)
	}
	score := func(pcm []int16) float64 {
		var ear Ear
		for ; len(pcm) >= hopSamples; pcm = pcm[hopSamples:] {
			ear.Hop(pcm[:hopSamples])
		}
		return ear.Music()
	}
	if got := score(tune); got < 0.6 {
		t.Errorf("a tune is music by %.2f", got)
	}
	for seed := range uint64(10) {
		if got := score(voice(seed, 6*time.Second)); got > 0.55 {
			t.Errorf("talker %d is music by %.2f", seed, got)
		}
	}
}

// The generator by itself: the power is where the book says, at the level it
// says, and nowhere else.
func TestMadeAsWritten(t *testing.T) {
	power := func(pcm []int16, hz float64) float64 { // Goertzel, dBm0
		c := 2 * math.Cos(2*math.Pi*hz/8000)
		var a, b float64
		for _, v := range pcm {
			a, b = float64(v)+c*a-b, a
		}
		amplitude := 2 * math.Sqrt(a*a+b*b-c*a*b) / float64(len(pcm))
		return 20*math.Log10(amplitude/32767) + 3.14
	}
	for _, c := range countries {
		for name, p := range map[string]Pattern{"ring": c.ring, "busy": c.busy, "reorder": c.reorder} {
			at := 0
			pcm := p.Samples(p.Length())
			for i, part := range p.Parts {
				n := samples(part.For)
				piece := pcm[at+slope : at+n-slope]
				at += n
				what := fmt.Sprintf("%s %s part %d", c.code, name, i)
				if part.Hz[0] == 0 {
					for _, v := range piece {
						if v != 0 {
							t.Fatalf("%s: a pause of %d", what, v)
						}
					}
					continue
				}
				piece = piece[:len(piece)/800*800] // whole periods of all that is written
				for _, hz := range part.Hz {
					if hz > 0 && math.Abs(power(piece, hz)-defaultLevel) > 0.7 {
						t.Errorf("%s: %v Hz at %.1f dBm0", what, hz, power(piece, hz))
					}
				}
				if got := power(piece, part.Hz[0]+300); got > -45 {
					t.Errorf("%s: %.1f dBm0 beside the tone", what, got)
				}
			}
		}
	}
}
