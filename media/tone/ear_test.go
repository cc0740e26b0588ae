package tone

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"
)

// hear plays pcm to a fresh ear with 300 ms of silence before it and white
// noise at the given level in dBFS over all of it.
func hear(pcm []int16, noise float64) []Heard {
	random := rand.New(rand.NewPCG(1, 2))
	pcm = append(make([]int16, 2400), pcm...)
	var ear Ear
	var all []Heard
	hop := make([]int16, 80)
	for ; len(pcm) >= 80; pcm = pcm[80:] {
		for i := range hop {
			hop[i] = int16(float64(pcm[i]) + random.NormFloat64()*32767*math.Pow(10, noise/20)/math.Sqrt2)
		}
		ear.Hop(hop)
		for h, more := ear.Next(); more; h, more = ear.Next() {
			all = append(all, h)
		}
	}
	return all
}

func count(all []Heard, kind Kind, code string) (n int, first Heard) {
	for _, h := range all {
		if h.Kind == kind && (code == "" || h.Code == code) {
			if n == 0 {
				first = h
			}
			n++
		}
	}
	return n, first
}

// Every tone that we make is heard as what it is, in quiet and at a signal to
// noise ratio of about 15 dB.
func TestHearsWhatWeMake(t *testing.T) {
	type row struct {
		name    string
		pattern Pattern
		kind    Kind
		code    string
		within  time.Duration
	}
	rows := []row{
		{"CED", FaxCED(), FaxTone, "CED", 520 * ms},
		{"CNG", FaxCNG(), FaxTone, "CNG", 560 * ms},
	}
	for _, c := range []string{"US", "GB", "CN", "JP", "DE", "nowhere"} {
		rows = append(rows,
			row{"ring " + c, Ringback(c), RingbackTone, "", 1150 * ms},
			row{"busy " + c, Busy(c), BusyTone, "", 1650 * ms})
	}
	for _, c := range []string{"US", "DE"} {
		rows = append(rows, row{"reorder " + c, Reorder(c), ReorderTone, "", 900 * ms})
	}
	for _, c := range SITCodes() {
		rows = append(rows, row{"SIT " + c, SIT(c), SITTone, c, 880 * ms})
	}
	for _, hz := range []float64{440, 620, 850, 1000, 1400, 2000} {
		rows = append(rows, row{fmt.Sprint("beep ", hz), Sine(hz, 200*ms), BeepTone, "", 110 * ms})
	}
	rows = append(rows, row{"beep of two", Dual(800, 1750, 200*ms), BeepTone, "", 130 * ms})
	for _, noise := range []float64{-90, -31} {
		for _, r := range rows {
			n, first := count(hear(r.pattern.Samples(2400*ms), noise), r.kind, r.code)
			if n == 0 {
				t.Errorf("%s, noise %v dBFS: not heard", r.name, noise)
				continue
			}
			if took := first.At - 300*ms; took > r.within {
				t.Errorf("%s, noise %v dBFS: heard after %v, want within %v", r.name, noise, took, r.within)
			}
			if off := (first.From - 300*ms).Abs(); off > 60*ms && r.kind != BusyTone && r.kind != ReorderTone {
				t.Errorf("%s, noise %v dBFS: onset off by %v", r.name, noise, off)
			}
		}
	}
}

func TestHearsEachDigitOnce(t *testing.T) {
	const keys = "0123456789*#ABCD"
	var pcm []int16
	for _, k := range keys {
		pcm = append(pcm, DTMF(k).Samples(160*ms)...)
	}
	got := ""
	for _, h := range hear(pcm, -45) {
		if h.Kind == DigitTone {
			got += string(h.Digit)
		}
	}
	if got != keys {
		t.Errorf("digits = %q, want %q", got, keys)
	}
}

// Faults of the line must not sound like tones.
func TestHearsNothingInNoise(t *testing.T) {
	for _, noise := range []float64{-90, -50, -30, -15} {
		if all := hear(make([]int16, 10*8000), noise); len(all) != 0 {
			t.Errorf("noise %v dBFS: heard %+v", noise, all)
		}
	}
}

// V.21 at 300 bit/s, as a fax sends its flags.
func TestHearsFaxData(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	pcm, phase := make([]int16, 8000), 0.0
	hz := 1650.0
	for i := range pcm {
		if i%26 == 0 {
			hz = 1650 + 200*float64(random.IntN(2))
		}
		phase += 2 * math.Pi * hz / 8000
		pcm[i] = int16(6000 * math.Sin(phase))
	}
	if n, _ := count(hear(pcm, -60), FaxTone, "V21"); n != 1 {
		t.Errorf("heard V.21 %d times, want once", n)
	}
}

func TestHopAllocates(t *testing.T) {
	var ear Ear
	player, hop := SIT("VC").Play(), make([]int16, 80)
	n := testing.AllocsPerRun(200, func() {
		player.Fill(hop)
		ear.Hop(hop)
		for _, more := ear.Next(); more; _, more = ear.Next() {
		}
	})
	if n != 0 {
		t.Errorf("allocs per hop = %v, want 0", n)
	}
}

// A call keeps its ear: thousands of them must fit.
func TestSize(t *testing.T) {
	if size := unsafe.Sizeof(Ear{}); size > 4096 {
		t.Errorf("an ear takes %d bytes, want at most 4,096", size)
	}
}

// Whatever comes from the network, the ear neither panics nor loses its mind.
func FuzzEar(f *testing.F) {
	f.Add([]byte{0, 0, 255, 127, 0, 128})
	f.Fuzz(func(t *testing.T, b []byte) {
		var ear Ear
		hop := make([]int16, 80)
		for i := range 40 {
			for k := range hop {
				if len(b) >= 2 {
					hop[k] = int16(binary.LittleEndian.Uint16(b[(i*160+k*2)%(len(b)-1):]))
				}
			}
			ear.Hop(hop)
			if l := ear.Level(); math.IsNaN(l) || l > 6 {
				t.Fatalf("level = %v", l)
			}
		}
	})
}

func BenchmarkHop(b *testing.B) {
	var ear Ear
	pcm, at := Busy("US").Samples(4*time.Second), 0
	for b.Loop() {
		ear.Hop(pcm[at : at+hopSamples])
		at = (at + hopSamples) % len(pcm)
	}
}
