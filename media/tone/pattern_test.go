package tone

import (
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However a pattern is cut into frames, the samples are the same.
func TestFillInPieces(t *testing.T) {
	all := []Pattern{Ringback("GB"), Busy("US"), SIT("IC"), DTMF('5'), FaxCNG(), Beep()}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom(all).Draw(t, "pattern")
		want := p.Samples(700 * time.Millisecond)
		player, got := p.Play(), []int16(nil)
		for len(got) < len(want) {
			n := rapid.IntRange(1, 900).Draw(t, "n")
			piece := make([]int16, min(n, len(want)-len(got)))
			player.Fill(piece)
			got = append(got, piece...)
		}
		if !slices.Equal(got, want) {
			t.Fatal("pieces differ from the whole")
		}
	})
}

func TestFillEnds(t *testing.T) {
	tests := map[string]struct {
		pattern Pattern
		more    bool
	}{
		"once":            {Beep(), false},
		"for ever":        {Busy("US"), true},
		"empty":           {Pattern{}, false},
		"empty for ever":  {Pattern{Loop: true}, false},
		"loop of nothing": {Pattern{Loop: true, Parts: []Part{{For: 0}}}, false},
	}
	for name, tt := range tests {
		player := tt.pattern.Play()
		more := player.Fill(make([]int16, 8000))
		if more != tt.more {
			t.Errorf("%s: more = %v, want %v", name, more, tt.more)
		}
	}
}

func TestLevel(t *testing.T) {
	p := Sine(1000, time.Second)
	p.Level = -6 // dBm0
	var peak int16
	for _, v := range p.Samples(time.Second) {
		peak = max(peak, v)
	}
	if want := 32767 * math.Pow(10, (-6-3.14)/20); math.Abs(float64(peak)-want) > 50 {
		t.Errorf("peak = %d, want about %.0f", peak, want)
	}
}

func TestFillAllocates(t *testing.T) {
	player, frame := Ringback("US").Play(), make([]int16, 160)
	if n := testing.AllocsPerRun(100, func() { player.Fill(frame) }); n != 0 {
		t.Errorf("allocs per frame = %v, want 0", n)
	}
}

// The fast transform gives what the definition gives.
func TestSpectrum(t *testing.T) {
	var s spectrum
	for range 4 {
		s.hop(Dual(440, 1870, time.Second).Samples(10 * time.Millisecond))
	}
	for k := 1; k < bins; k++ {
		var re, im float64
		for n, x := range s.history {
			sin, cos := math.Sincos(-2 * math.Pi * float64(k*n) / window)
			v := float64(x * hann[n])
			re, im = re+v*cos, im+v*sin
		}
		if want := re*re + im*im; math.Abs(float64(s.power[k])-want) > 1e-3*(want+1e6) {
			t.Fatalf("bin %d = %g, want %g", k, s.power[k], want)
		}
	}
}
