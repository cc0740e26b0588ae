package e2e

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/outpace-dialer/outpace/test/phone"
)

// perMillisecond is how many samples a millisecond has.
const perMillisecond = 8

func quiet(milliseconds int) []int16 { return make([]int16, milliseconds*perMillisecond) }

func tone(hz float64, milliseconds int) []int16 {
	out := quiet(milliseconds)
	for i := range out {
		out[i] = int16(8000 * math.Sin(2*math.Pi*hz*float64(i)/(1000*perMillisecond)))
	}
	return out
}

// hello is a made-up greeting of 700 ms: two syllables of a voice of 120 Hz
// through the formants of an open vowel, over a slight noise.
func hello() []int16 {
	draw := rand.New(rand.NewPCG(1, 2))
	out := quiet(700)
	for i := range out {
		at := float64(i) / (1000 * perMillisecond)
		syllable := math.Sin(math.Pi * math.Mod(at, 0.35) / 0.35)
		sum := 0.0
		for harmonic := 1; harmonic <= 25; harmonic++ {
			hz := 120 * (1 - 0.1*at) * float64(harmonic)
			weight := math.Exp(-math.Pow((hz-700)/300, 2)) + 0.5*math.Exp(-math.Pow((hz-1200)/300, 2)) + 0.1
			sum += weight * math.Sin(2*math.Pi*hz*at+float64(harmonic))
		}
		out[i] = int16(2500*syllable*sum + 20*(draw.Float64()-0.5))
	}
	return out
}

// A frame sounds above loud (root mean square, of 32767); it is the tone where
// that holds most of its energy; toneRun frames in a row are 60 ms.
const (
	loud      = 300
	toneShare = 0.8
	toneRun   = 3
)

func isTone(pcm []int16, hz float64) bool {
	return phone.Level(pcm) > loud && phone.ToneShare(pcm, hz) > toneShare
}

// hears listens on a leg and tells each time a tone begins.
func hears(hz float64, began func()) func(*phone.Packet) {
	run := 0
	return func(p *phone.Packet) {
		if !isTone(p.PCM, hz) {
			run = 0
			return
		}
		if run++; run == toneRun {
			began()
		}
	}
}

// encoded is audio as raw µ-law.
func encoded(parts ...[]int16) []byte {
	var out []byte
	for _, pcm := range parts {
		b := make([]byte, len(pcm))
		phone.PCMU.Encode(b, pcm)
		out = append(out, b...)
	}
	return out
}

// writeWAV writes 16-bit mono audio of 8 kHz.
func writeWAV(t *testing.T, path string, pcm []int16) {
	t.Helper()
	head := func(id string, fields ...any) []byte {
		b := []byte(id)
		for _, f := range fields {
			b, _ = binary.Append(b, binary.LittleEndian, f) // plain numbers always fit
		}
		return b
	}
	size := uint32(2 * len(pcm))
	b := append(head("RIFF", 36+size), head("WAVEfmt ", uint32(16), uint16(1), uint16(1), uint32(8000), uint32(16000), uint16(2), uint16(16))...)
	b = append(b, head("data", size)...)
	b, _ = binary.Append(b, binary.LittleEndian, pcm)
	must(t, os.WriteFile(path, b, 0o600))
}
