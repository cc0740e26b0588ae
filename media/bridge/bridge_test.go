package bridge

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// port keeps what was sent.
type port struct{ sent []media.Packet }

func (p *port) Send(packet *media.Packet) error {
	kept := *packet
	kept.Payload = bytes.Clone(packet.Payload)
	p.sent = append(p.sent, kept)
	return nil
}

// sink forgets what was sent.
type sink struct{ n int }

func (s *sink) Send(*media.Packet) error { s.n++; return nil }

var begin = time.Unix(1_800_000_000, 0)

func at(ms int) time.Time { return begin.Add(time.Duration(ms) * time.Millisecond) }

func audio(sequence uint16, timestamp uint32) *media.Packet {
	return &media.Packet{Sequence: sequence, Timestamp: timestamp, Payload: bytes.Repeat([]byte{0x30}, 160)}
}

// Whatever mix of loss, disorder, gaps and splices comes in, what goes out
// has no sequence number twice, and time never runs against the sequence.
func TestStreamIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		out := &port{}
		o := NewOutput(out)
		o.Open(media.ULaw, begin)
		sequence, timestamp, now := uint16(65500), uint32(1<<32-800), begin
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "ms")) * time.Millisecond)
			switch rapid.SampledFrom([]string{"packet", "packet", "packet", "lost", "late", "twice", "tick", "tick", "splice", "gap"}).Draw(t, "step") {
			case "packet":
				o.Relay(now, audio(sequence, timestamp))
				sequence, timestamp = sequence+1, timestamp+160
			case "lost":
				sequence, timestamp = sequence+1, timestamp+160
			case "late":
				o.Relay(now, audio(sequence+1, timestamp+160))
				o.Relay(now, audio(sequence, timestamp))
				sequence, timestamp = sequence+2, timestamp+320
			case "twice":
				o.Relay(now, audio(sequence, timestamp))
				o.Relay(now, audio(sequence, timestamp))
				sequence, timestamp = sequence+1, timestamp+160
			case "tick":
				o.Tick(now)
			case "splice":
				sequence, timestamp = uint16(rapid.IntRange(0, 65535).Draw(t, "sequence")), rapid.Uint32().Draw(t, "time")
				o.Splice(now, true)
			case "gap":
				timestamp += 4000
			}
		}
		used := map[uint16]uint32{}
		for _, p := range out.sent {
			if _, twice := used[p.Sequence]; twice {
				t.Fatalf("sequence number %d twice", p.Sequence)
			}
			used[p.Sequence] = p.Timestamp
		}
		for _, a := range out.sent {
			for _, b := range out.sent {
				if int16(b.Sequence-a.Sequence) > 0 && int32(b.Timestamp-a.Timestamp) < 160 {
					t.Fatalf("seq %d time %d, seq %d time %d", a.Sequence, a.Timestamp, b.Sequence, b.Timestamp)
				}
			}
		}
	})
}

// Loss and disorder reach the far end as they were.
func TestLossAndDisorderStayVisible(t *testing.T) {
	out := &port{}
	o := NewOutput(out)
	o.Open(media.ULaw, begin)
	for i, n := range []int{0, 1, 4, 3, 5, 5} {
		if !o.Relay(at(20*i), audio(uint16(100+n), uint32(1000+160*n))) {
			t.Errorf("packet %d was not sent", n)
		}
	}
	var got []int
	for _, p := range out.sent {
		got = append(got, int(p.Sequence-out.sent[0].Sequence))
		if p.Timestamp-out.sent[0].Timestamp != uint32(160*got[len(got)-1]) {
			t.Errorf("packet %d at time %d", got[len(got)-1], p.Timestamp-out.sent[0].Timestamp)
		}
	}
	if want := []int{0, 1, 4, 3, 5}; !equal(got, want) {
		t.Errorf("sent %v, want %v", got, want)
	}
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A tick each 20 ms sends 50 packets a second, late ticks or not.
func TestSilenceKeepsPace(t *testing.T) {
	for name, ticks := range map[string][]int{
		"on time": {0, 20, 40, 60, 80, 100, 120, 140, 160, 180},
		"jitter":  {3, 18, 46, 57, 83, 95, 122, 149, 158, 180},
		"late":    {0, 20, 40, 110, 112, 120, 140, 160, 180},
	} {
		out := &port{}
		o := NewOutput(out)
		o.Open(media.ULaw, begin)
		for _, ms := range ticks {
			o.Tick(at(ms))
		}
		if len(out.sent) != 10 {
			t.Errorf("%s: %d packets in 200 ms, want 10", name, len(out.sent))
		}
	}
}

// While packets flow no silence is put between them, jitter or not.
func TestNoSilenceBetweenRelayedPackets(t *testing.T) {
	out := &port{}
	o := NewOutput(out)
	o.Open(media.ULaw, begin)
	o.Splice(begin, true)
	arrivals := []int{10, 30, 55, 70, 125, 126, 131, 150}
	for ms, i := 0, 0; ms < 160; ms++ {
		for i < len(arrivals) && arrivals[i] == ms {
			o.Relay(at(ms), audio(uint16(i), uint32(160*i)))
			i++
		}
		if ms%20 == 0 {
			o.Tick(at(ms))
		}
	}
	if len(out.sent) != len(arrivals) {
		t.Errorf("%d packets sent, want the %d relayed ones", len(out.sent), len(arrivals))
	}
}

func TestHoldSendsNothing(t *testing.T) {
	out := &port{}
	o := NewOutput(out)
	if o.Relay(begin, audio(1, 1)); len(out.sent) != 0 {
		t.Error("sent before Open")
	}
	o.Open(media.ALaw, begin)
	o.Hold()
	o.Tick(at(20))
	if o.Relay(at(20), audio(1, 1)) || len(out.sent) != 0 {
		t.Error("sent on hold")
	}
}

type clip []byte

func (c clip) Bytes(media.Law) []byte { return c }

// A prompt over relayed audio is their sum; the tap hears it too.
func TestPromptIsAdded(t *testing.T) {
	out := &port{}
	o := NewOutput(out)
	o.Open(media.ULaw, begin)
	var pcm [200]int16
	for i := range pcm {
		pcm[i] = 4000
	}
	message := make(clip, 200)
	codec.EncodeULaw(message, pcm[:])
	told := 0
	o.Play(message, func(cut bool) {
		if told++; cut {
			t.Error("told as cut")
		}
	})
	tapped := &tap{}
	o.SetTap(tapped)
	for i := range 3 {
		o.Relay(at(20*i), audio(uint16(i), uint32(160*i)))
	}
	var base, got [160]int16
	codec.DecodeULaw(base[:], audio(0, 0).Payload)
	for i, want := range []int{160, 40, 0} {
		codec.DecodeULaw(got[:], out.sent[i].Payload)
		louder := 0
		for j := range got {
			if got[j]-base[j] > 3000 {
				louder++
			}
		}
		if louder != want {
			t.Errorf("packet %d: %d samples carry the prompt, want %d", i, louder, want)
		}
	}
	if told != 1 || tapped.n != 480 {
		t.Errorf("told %d times, tap heard %d samples, want 1 and 480", told, tapped.n)
	}
}

type tap struct{ n int }

func (t *tap) Hear(_ time.Time, _ media.Law, payload []byte) { t.n += len(payload) }

func TestNoAllocationPerPacket(t *testing.T) {
	o := NewOutput(&sink{})
	o.Open(media.ALaw, begin)
	o.SetTap(&tap{})
	packet, now := audio(0, 0), begin
	voice := o.AddVoice()
	o.Loop(clip(make([]byte, 100)))
	relay := func() {
		packet.Sequence++
		packet.Timestamp += 160
		now = now.Add(media.FrameDuration)
		o.Relay(now, packet)
		voice.Hear(packet)
		o.Tick(now)
	}
	if n := testing.AllocsPerRun(1000, relay); n != 0 {
		t.Errorf("allocations per relayed packet = %v, want 0", n)
	}
	if n := testing.AllocsPerRun(1000, func() {
		now = now.Add(media.FrameDuration)
		o.Tick(now)
	}); n != 0 {
		t.Errorf("allocations per tick = %v, want 0", n)
	}
}

func BenchmarkRelay(b *testing.B) {
	o := NewOutput(&sink{})
	o.Open(media.ULaw, begin)
	packet, now := audio(0, 0), begin
	b.ReportAllocs()
	for b.Loop() {
		packet.Sequence++
		packet.Timestamp += 160
		now = now.Add(media.FrameDuration)
		o.Relay(now, packet)
	}
}

// A loop is heard for as long as it is wanted, a message in its place while that
// plays, and the loop goes on where it was.
func TestLoop(t *testing.T) {
	out := &port{}
	o := NewOutput(out)
	o.Open(media.ULaw, begin)
	loud := bytes.Repeat([]byte{0x30}, 240)
	loop := append(loud[:len(loud):len(loud)], bytes.Repeat([]byte{0xFF}, 80)...) // 320 samples: two frames
	o.Loop(clip(loop))
	frames := func(n int) []media.Packet {
		from := len(out.sent)
		now := at(20 * from)
		for i := range n {
			o.Tick(now.Add(time.Duration(i) * media.FrameDuration))
		}
		return out.sent[from:]
	}
	for i, p := range frames(6) {
		want := loop[:160]
		if i%2 == 1 {
			want = loop[160:]
		}
		if !bytes.Equal(p.Payload, want) {
			t.Errorf("frame %d is not the loop", i)
		}
	}
	told := 0
	o.Play(clip(bytes.Repeat([]byte{0x20}, 160)), func(cut bool) { told++ })
	if p := frames(2); p[0].Payload[0] != 0x20 || !bytes.Equal(p[1].Payload, loop[:160]) || told != 1 {
		t.Errorf("message %x, after it %x, told %d times", p[0].Payload[0], p[1].Payload[0], told)
	}
	o.Loop(nil)
	if p := frames(1); p[0].Payload[0] != 0xFF {
		t.Error("the loop goes on")
	}
}

// Voices come to one sum, each at its own time, and one that ran dry waits for its
// cushion: jitter tears no holes.
func TestVoices(t *testing.T) {
	out := &port{}
	o := NewOutput(out)
	o.Open(media.ULaw, begin)
	a, b := o.AddVoice(), o.AddVoice()
	value := func() int16 {
		o.Tick(at(20 * len(out.sent)))
		var pcm [160]int16
		codec.DecodeULaw(pcm[:], out.sent[len(out.sent)-1].Payload)
		return pcm[80]
	}
	one := audio(0, 0)
	var pcm [160]int16
	codec.DecodeULaw(pcm[:], one.Payload)
	single := pcm[0]
	a.Hear(one)
	if got := value(); got != 0 {
		t.Errorf("%d of a voice without its cushion", got)
	}
	a.Hear(one)
	b.Hear(one)
	b.Hear(one)
	if got := value(); got < 2*single-200 || got > 2*single+200 {
		t.Errorf("two voices of %d come to %d", single, got)
	}
	o.RemoveVoice(b)
	if got := value(); got != single {
		t.Errorf("one voice of %d comes to %d", single, got)
	}
	if got := value(); got != 0 {
		t.Errorf("%d of a voice that ran dry", got)
	}
	a.Hear(one)
	if got := value(); got != 0 {
		t.Errorf("%d of a voice whose cushion is not full again", got)
	}
}
