package codec

import (
	"testing"

	"github.com/outpace-dialer/outpace/media"
)

// The end points of the segments as G.711 prints them, on the 16-bit scale.
func TestReferenceValues(t *testing.T) {
	tests := []struct {
		law    media.Law
		b      byte
		sample int16
	}{
		{media.ULaw, 0xFF, 0}, {media.ULaw, 0x7F, 0}, {media.ULaw, 0xFE, 8}, {media.ULaw, 0xEF, 132},
		{media.ULaw, 0x80, 32124}, {media.ULaw, 0x00, -32124}, {media.ULaw, 0x8F, 16764}, {media.ULaw, 0x0F, -16764},
		{media.ALaw, 0xD5, 8}, {media.ALaw, 0x55, -8}, {media.ALaw, 0xAA, 32256}, {media.ALaw, 0x2A, -32256},
		{media.ALaw, 0xC5, 264}, {media.ALaw, 0xF5, 528}, {media.ALaw, 0x80, 5504},
	}
	for _, tt := range tests {
		var got [1]int16
		Decode(tt.law, got[:], []byte{tt.b})
		if got[0] != tt.sample {
			t.Errorf("%v %#02x = %d, want %d", tt.law, tt.b, got[0], tt.sample)
		}
	}
}

// Every byte survives a decode and encode; µ-law has two zeros.
func TestRoundTripOfEveryByte(t *testing.T) {
	for _, law := range []media.Law{media.ULaw, media.ALaw} {
		for b := range 256 {
			pcm, back := []int16{0}, []byte{0}
			Decode(law, pcm, []byte{byte(b)})
			Encode(law, back, pcm)
			if back[0] != byte(b) && pcm[0] != 0 {
				t.Errorf("%v %#02x came back as %#02x (sample %d)", law, b, back[0], pcm[0])
			}
		}
	}
}

// The error of one encoding is at most half a step: 1/32 of the sample in the
// upper segments, 8 of the 16-bit scale in the lowest. And louder stays louder.
func TestEncodeErrorIsHalfAStep(t *testing.T) {
	for _, law := range []media.Law{media.ULaw, media.ALaw} {
		last := int16(-32768)
		for s := -32768; s <= 32767; s++ {
			var b [1]byte
			var back [1]int16
			Encode(law, b[:], []int16{int16(s)})
			Decode(law, back[:], b[:])
			if got, limit := distance(s, back[0]), max(s, -s)/32+8; got > limit {
				t.Fatalf("%v %d came back as %d, off by %d, want at most %d", law, s, back[0], got, limit)
			}
			if back[0] < last {
				t.Fatalf("%v %d decodes to %d, below its predecessor's %d", law, s, back[0], last)
			}
			last = back[0]
		}
	}
}

func distance(s int, v int16) int {
	d := s - int(v)
	return max(d, -d)
}

func TestConvertKeepsTheSample(t *testing.T) {
	for b := range 256 {
		u, a := []byte{byte(b)}, []byte{0}
		Convert(media.ALaw, media.ULaw, a, u)
		var before, after [1]int16
		DecodeULaw(before[:], u)
		DecodeALaw(after[:], a)
		limit := max(16, distance(0, before[0])/16)
		if distance(int(before[0]), after[0]) > limit {
			t.Errorf("µ-law %#02x (%d) became %d", b, before[0], after[0])
		}
	}
	same := []byte{1, 2, 3}
	Convert(media.ULaw, media.ULaw, same, []byte{4, 5, 6})
	if same[0] != 4 || same[2] != 6 {
		t.Errorf("same law changed the bytes: %v", same)
	}
}

func TestMixLimits(t *testing.T) {
	for _, tt := range []struct{ a, b, want int16 }{{1, 2, 3}, {30000, 30000, 32767}, {-30000, -30000, -32768}} {
		if got := Mix(tt.a, tt.b); got != tt.want {
			t.Errorf("Mix(%d, %d) = %d, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}

func TestNoAllocation(t *testing.T) {
	pcm, bytes := make([]int16, 160), make([]byte, 160)
	if n := testing.AllocsPerRun(100, func() {
		EncodeULaw(bytes, pcm)
		Convert(media.ALaw, media.ULaw, bytes, bytes)
		DecodeALaw(pcm, bytes)
	}); n != 0 {
		t.Errorf("allocs per frame = %v, want 0", n)
	}
}

func BenchmarkConvert(b *testing.B) {
	frame := make([]byte, 160)
	for b.Loop() {
		Convert(media.ALaw, media.ULaw, frame, frame)
	}
}
