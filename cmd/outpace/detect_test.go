package main

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Where a clip ends before anything is told, what is said of a person are the chances, and
// not that there is one for sure.
func TestDetectUndecided(t *testing.T) {
	for name, tt := range map[string]struct {
		talks, quiet time.Duration
		label        string
		least, most  float64
	}{
		"a word and a pause": {500 * time.Millisecond, 200 * time.Millisecond, "unknown", 0.2, 0.95},
		"nobody yet":         {0, time.Second, "unknown", 0.05, 0.95},
		"a word and a wait":  {500 * time.Millisecond, 2 * time.Second, "human", 0.5, 1},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := detectClip(writeTalk(t, tt.talks, tt.quiet), 0)
			if err != nil {
				t.Fatal(err)
			}
			if v.Label != tt.label || v.PHuman < tt.least || v.PHuman > tt.most {
				t.Errorf("label %q with %.3f, want %q with %v to %v", v.Label, v.PHuman, tt.label, tt.least, tt.most)
			}
			if all := v.Chances["person"] + v.Chances["business"]; tt.label == "unknown" && math.Abs(v.PHuman-all) > 1e-9 {
				t.Errorf("chance %v, of the classes %v", v.PHuman, all)
			}
		})
	}
}

// writeTalk makes a WAV: a buzz of four syllables a second, then quiet.
func writeTalk(t *testing.T, talks, quiet time.Duration) string {
	t.Helper()
	pcm := make([]int16, int((talks+quiet+300*time.Millisecond).Seconds()*media.SampleRate))
	for i := range int(talks.Seconds() * media.SampleRate) {
		at := float64(i) / media.SampleRate
		for h := 1.0; h < 20; h++ {
			pcm[i+media.SampleRate*3/10] += int16(900 / h * math.Sin(2*math.Pi*140*h*at*(1+0.1*at)) * math.Abs(math.Sin(4*math.Pi*at)))
		}
	}
	head := []any{
		[]byte("RIFF"), uint32(36 + 2*len(pcm)), []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1), uint32(media.SampleRate),
		uint32(2 * media.SampleRate), uint16(2), uint16(16), []byte("data"), uint32(2 * len(pcm)), pcm,
	}
	var b []byte
	for _, part := range head {
		var err error
		if b, err = binary.Append(b, binary.LittleEndian, part); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "clip.wav")
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
