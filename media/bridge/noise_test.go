package bridge

import (
	"math"
	"testing"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// loudness of what was sent last, as root mean square.
func loudness(p media.Packet) float64 {
	pcm := make([]int16, len(p.Payload))
	codec.Decode(p.Law, pcm, p.Payload)
	power := 0.0
	for _, x := range pcm {
		power += float64(x) * float64(x)
	}
	return math.Sqrt(power / float64(len(pcm)))
}

// A pause that comfort noise announces sounds as loud as it says, from where silence
// would begin until the next packet; no pause is loud.
func TestNoiseOfAPause(t *testing.T) {
	for _, law := range []media.Law{media.ULaw, media.ALaw} {
		for level, want := range map[byte]float64{40: 328, 50: 104, 127: 0, 5: 1036} {
			out := &port{}
			o := NewOutput(out)
			o.Open(law, begin)
			now := 0
			tick := func(n int) media.Packet {
				for range n {
					now += 20
					o.Tick(at(now))
				}
				return out.sent[len(out.sent)-1]
			}
			o.Relay(at(now), audio(1, 160))
			o.Hush(&media.Packet{Noise: true, Sequence: 2, Payload: []byte{level}})
			got := loudness(tick(10))
			// A-law has no zero, and its steps are coarse where it is quiet.
			if math.Abs(got-want) > 0.15*want+10 {
				t.Errorf("%v, level %d: loudness %.0f, want about %.0f", law, level, got, want)
			}
			for i := 1; i < len(out.sent); i++ {
				if a, b := out.sent[i-1], out.sent[i]; b.Sequence != a.Sequence+1 || b.Timestamp != a.Timestamp+160 {
					t.Fatalf("packet %d is %d at %d after %d at %d", i, b.Sequence, b.Timestamp, a.Sequence, a.Timestamp)
				}
			}
			o.Relay(at(now), audio(3, 320))
			if got := loudness(tick(10)); got > 8 {
				t.Errorf("%v, level %d: %.0f after the pause, want silence", law, level, got)
			}
			o.Hush(&media.Packet{Noise: true, Payload: []byte{40}})
			o.Unsplice()
			if got := loudness(tick(10)); got > 8 {
				t.Errorf("%v: %.0f after the bridge, want silence", law, got)
			}
		}
	}
}

// The noise is not what a recording hears: a pause is silent there.
func TestNoiseIsNotTapped(t *testing.T) {
	o, heard := NewOutput(&sink{}), &tap{}
	o.Open(media.ULaw, begin)
	o.SetTap(heard)
	o.Hush(&media.Packet{Noise: true, Payload: []byte{40}})
	for i := range 10 {
		o.Tick(at(20 * i))
	}
	if heard.n != 0 {
		t.Errorf("%d bytes of noise came to the tap", heard.n)
	}
}
