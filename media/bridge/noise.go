package bridge

import (
	"math"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// loudestNoise is the loudest that comfort noise is made, in -dBov: whatever a far end
// asks for, a pause is not to be louder than a voice.
const loudestNoise = 30

// noise is what a pause sounds like, so that nobody takes it for the end of the call.
// The spectrum that RFC 3389 lets a far end describe is not followed: over 4 kHz of a
// telephone's band even noise will do.
type noise struct {
	level float64 // peak of the even noise; 0: silence
	state uint32
}

// Hush has the leg hear the noise of a comfort noise packet (RFC 3389 section 3: the
// first byte is its level in -dBov), until the next packet is relayed. Nothing but the
// silence that would fill the pause is replaced.
func (o *Output) Hush(p *media.Packet) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.noise.level = 0
	if len(p.Payload) == 0 {
		return
	}
	below := max(float64(p.Payload[0]&0x7F), loudestNoise)
	if below < 0x7F { // that is silence
		o.noise.level = math.MaxInt16 * math.Pow(10, -below/20) * math.Sqrt(3)
	}
}

// fill makes a frame of noise; pcm is room for as many samples.
func (n *noise) fill(law media.Law, frame []byte, pcm []int16) {
	for i := range pcm {
		n.state = 1664525*n.state + 1013904223
		pcm[i] = int16(n.level * (float64(n.state)/(1<<31) - 1))
	}
	codec.Encode(law, frame, pcm)
}
