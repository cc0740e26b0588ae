package phone

import (
	"bytes"
	"math"
	"net/netip"
	"testing"

	"pgregory.net/rapid"
)

// TestG711 holds both laws to G.711: decoding an encoded byte gives it back,
// and no sample is further from its code than half the step of its segment.
func TestG711(t *testing.T) {
	for _, law := range []Law{PCMU, PCMA} {
		for i := range 256 {
			pcm, again := make([]int16, 1), make([]byte, 1)
			law.Decode(pcm, []byte{byte(i)})
			law.Encode(again, pcm)
			if again[0] != byte(i) && !(law == PCMU && i == 0x7f) { // µ-law has two zeros
				t.Errorf("law %d: %#x decodes to %d, which encodes to %#x", law, i, pcm[0], again[0])
			}
		}
		for s := -32000; s <= 32000; s += 7 {
			code, back := make([]byte, 1), make([]int16, 1)
			law.Encode(code, []int16{int16(s)})
			law.Decode(back, code)
			if diff := math.Abs(float64(int(back[0]) - s)); diff > max(16, (math.Abs(float64(s))+132)/32) {
				t.Fatalf("law %d: %d comes back as %d", law, s, back[0])
			}
		}
	}
	// Fixed points of the standard: full scale and silence.
	for _, c := range []struct {
		law  Law
		pcm  int16
		code byte
	}{{PCMU, 0, 0xff}, {PCMU, 32124, 0x80}, {PCMU, -32124, 0x00}, {PCMA, 8, 0xd5}, {PCMA, -8, 0x55}, {PCMA, 32256, 0xaa}, {PCMA, -32256, 0x2a}} {
		code := make([]byte, 1)
		if c.law.Encode(code, []int16{c.pcm}); code[0] != c.code {
			t.Errorf("law %d: %d encodes to %#x, want %#x", c.law, c.pcm, code[0], c.code)
		}
	}
}

func TestMarkSurvivesAndLeavesTheToneATone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Mark{rapid.Uint32().Draw(t, "stream"), rapid.Uint32().Draw(t, "number")}
		law := rapid.SampledFrom([]Law{PCMU, PCMA}).Draw(t, "law")
		hz := rapid.Float64Range(300, 3400).Draw(t, "hz")
		pcm, payload := make([]int16, FrameSamples), make([]byte, FrameSamples)
		(&Tone{Hz: hz, Peak: 8000}).Next(pcm)
		law.Encode(payload, pcm)
		m.Stamp(payload)
		if got, ok := ReadMark(payload); !ok || got != m {
			t.Fatalf("mark = %+v, %v, want %+v", got, ok, m)
		}
		payload[rapid.IntRange(0, markBits-1).Draw(t, "bit")] ^= 1
		if got, ok := ReadMark(payload); ok {
			t.Fatalf("a mark with a flipped bit is read as %+v", got)
		}
		law.Decode(pcm, payload)
		if share := ToneShare(pcm, hz); share < 0.95 {
			t.Fatalf("share of the tone = %v", share)
		}
	})
}

func TestSilenceCarriesNoMarkByChance(t *testing.T) {
	for _, b := range []byte{0xff, 0x7f, 0xd5, 0x55, 0x00, 0xfe} {
		if m, ok := ReadMark(bytes.Repeat([]byte{b}, FrameSamples)); ok {
			t.Errorf("%#x: mark = %+v", b, m)
		}
	}
}

// TestTickDoesNotAllocate keeps hundreds of calls cheap.
func TestTickDoesNotAllocate(t *testing.T) {
	w := NewWheel()
	far, err := newAudio("127.0.0.1", w, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer far.close()
	near, err := newAudio("127.0.0.1", w, 2)
	if err != nil {
		t.Fatal(err)
	}
	defer near.close()
	s, err := parseSDP(session{addr: far.conn.LocalAddr().(interface{ AddrPort() netip.AddrPort }).AddrPort(), laws: []Law{PCMU}, direction: "sendrecv"}.bytes(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	near.connect(s, true)
	near.Play(&Tone{Hz: 700, Peak: 8000})
	near.sent = 1500 // lateness is noted in the first 30 s only
	if n := testing.AllocsPerRun(200, near.tick); n != 0 {
		t.Errorf("allocations per packet = %v, want 0", n)
	}
}
