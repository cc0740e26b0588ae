package phone

import "math"

// sampleRate of all audio, in samples a second.
const sampleRate = 8000

// Source makes what a phone says, 20 ms at a time. Next fills frame and says
// whether there is more to come; after false the phone is silent. It runs on
// the wheel that all calls share, so it must neither block nor allocate.
type Source interface{ Next(frame []int16) bool }

// Tone is an endless sine. The zero phase is its start.
type Tone struct {
	Hz    float64
	Peak  float64 // of 32767
	phase float64
}

// Next fills a frame with the tone; it never ends.
func (t *Tone) Next(frame []int16) bool {
	step := 2 * math.Pi * t.Hz / sampleRate
	for i := range frame {
		frame[i] = int16(t.Peak * math.Sin(t.phase))
		t.phase += step
	}
	t.phase = math.Mod(t.phase, 2*math.Pi)
	return true
}

// Clip plays samples once. Many phones may play the same samples.
type Clip struct {
	Samples []int16
	at      int
}

// Next copies the next 20 ms; the last frame is filled up with silence.
func (c *Clip) Next(frame []int16) bool {
	n := copy(frame, c.Samples[c.at:])
	clear(frame[n:])
	c.at += n
	return c.at < len(c.Samples)
}

// Level is the root mean square of pcm, 0 to 32767.
func Level(pcm []int16) float64 {
	if len(pcm) == 0 {
		return 0
	}
	return math.Sqrt(energy(pcm) / float64(len(pcm)))
}

func energy(pcm []int16) float64 {
	sum := 0.0
	for _, s := range pcm {
		sum += float64(s) * float64(s)
	}
	return sum
}

// ToneShare is how much of the energy of pcm is at one frequency, in [0, 1]
// (Goertzel). A pure tone gives nearly 1, speech under 0.5 over 20 ms.
func ToneShare(pcm []int16, hz float64) float64 {
	total := energy(pcm)
	if total == 0 {
		return 0
	}
	coefficient := 2 * math.Cos(2*math.Pi*hz/sampleRate)
	var s1, s2 float64
	for _, x := range pcm {
		s1, s2 = float64(x)+coefficient*s1-s2, s1
	}
	power := s1*s1 + s2*s2 - coefficient*s1*s2
	return min(1, 2*power/(float64(len(pcm))*total))
}
