package rtp

import (
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// came is a packet with when it came, in ms, and its timestamp in ms.
type came struct {
	at, stamp int
	sequence  uint16
	kind      sdp.Kind
	marker    bool
}

func audio(sequence uint16, ms int) came {
	return came{at: ms, stamp: ms, sequence: sequence, kind: sdp.ULaw}
}

func TestMeter(t *testing.T) {
	marked := func(c came) came { c.marker = true; return c }
	noise := func(sequence uint16, ms int) came {
		return came{at: ms, stamp: ms, sequence: sequence, kind: sdp.Noise}
	}
	type figures struct {
		lost, runs, reordered, repeated, pauses uint64
		paused                                  time.Duration
	}
	tests := map[string]struct {
		packets []came
		want    figures
	}{
		"all": {[]came{audio(1, 0), audio(2, 20), audio(3, 40)}, figures{}},
		"two runs lost": {[]came{audio(1, 0), audio(3, 40), audio(7, 120)},
			figures{lost: 4, runs: 2}},
		"overtaken is not lost": {[]came{audio(1, 0), audio(3, 40), audio(2, 20), audio(4, 60)},
			figures{reordered: 1}},
		"a hole of three that is split": {[]came{audio(1, 0), audio(5, 80), audio(3, 40), audio(6, 100)},
			figures{lost: 2, runs: 2, reordered: 1}},
		"a hole of two that is shortened": {[]came{audio(1, 0), audio(4, 60), audio(2, 20)},
			figures{lost: 1, runs: 1, reordered: 1}},
		"twice, and one lost all the same": {[]came{audio(1, 0), audio(2, 20), audio(2, 20), audio(4, 60)},
			figures{lost: 1, runs: 1, repeated: 1}},
		"over the end of the numbers": {[]came{audio(65535, 0), audio(1, 40), audio(0, 20), audio(2, 60)},
			figures{reordered: 1}},
		"a pause that noise announces": {[]came{audio(1, 0), noise(2, 20), marked(audio(3, 3000))},
			figures{pauses: 1, paused: 2980 * time.Millisecond}},
		"noise that is kept up": {[]came{audio(1, 0), noise(2, 20), noise(3, 220), noise(4, 420), marked(audio(5, 520))},
			figures{pauses: 1, paused: 500 * time.Millisecond}},
		"a pause by marker and timestamps": {[]came{audio(1, 0), marked(audio(2, 1000))},
			figures{pauses: 1, paused: 980 * time.Millisecond}},
		"a pause by the timestamps alone": {[]came{audio(1, 0), audio(2, 1000)},
			figures{pauses: 1, paused: 980 * time.Millisecond}},
		"a pause, its first packet lost": {[]came{audio(1, 0), audio(3, 1020)},
			figures{lost: 1, runs: 1, pauses: 1, paused: 980 * time.Millisecond}},
		"timestamps that stand still": {[]came{audio(1, 0), {at: 1000, stamp: 20, sequence: 2, kind: sdp.ULaw, marker: true}},
			figures{pauses: 1, paused: 980 * time.Millisecond}},
		"a stall is none": {[]came{audio(1, 0), {at: 1000, stamp: 20, sequence: 2, kind: sdp.ULaw}}, figures{}},
		"a key is none": {[]came{audio(1, 0), {at: 20, stamp: 20, sequence: 2, kind: sdp.Event, marker: true},
			{at: 40, stamp: 20, sequence: 3, kind: sdp.Event}, audio(4, 120)}, figures{}},
		"a stream that begins anew": {[]came{audio(1, 0), audio(40000, 5000), audio(40001, 5020)}, figures{}},
	}
	for name, tt := range tests {
		var m meter
		for _, p := range tt.packets {
			h := header{sequence: p.sequence, timestamp: uint32(8 * p.stamp), marker: p.marker}
			m.hear(&h, p.kind, 160, begin.Add(time.Duration(p.at)*time.Millisecond))
		}
		q := media.Quality{Received: uint64(len(tt.packets)), Expected: m.expected(), Repeated: m.repeated}
		got := figures{q.Lost(), m.runs, m.reordered, m.repeated, m.pauses, media.Span(int(m.paused))}
		if got != tt.want {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// Pauses and keys leave the jitter of a steady stream as it is: neither is late.
func TestPausesAreNoJitter(t *testing.T) {
	var m meter
	at, sequence, stamp := begin, uint16(0), uint32(0)
	hear := func(kind sdp.Kind, marker bool, samples int) {
		m.hear(&header{sequence: sequence, timestamp: stamp, marker: marker}, kind, samples, at)
		sequence++
		at = at.Add(20 * time.Millisecond)
	}
	for range 20 {
		for range 10 {
			hear(sdp.ULaw, false, 160)
			stamp += 160
		}
		for i := range 6 { // one key: one timestamp
			hear(sdp.Event, i == 0, 4)
		}
		stamp += 6 * 160
		hear(sdp.Noise, false, 1)
		at = at.Add(2 * time.Second)
		if sequence%2 == 0 { // else the timestamps stand still
			stamp += 2*8000 + 160
		}
		hear(sdp.ULaw, true, 160)
		stamp += 160
	}
	if m.jitter != 0 || m.jitters == 0 {
		t.Errorf("jitter = %d/16 samples over %d packets, want 0", m.jitter, m.jitters)
	}
}

// What the meter counts is there for who asks, and a far end that reports that it
// gets nothing is known to hear nothing for as long as its report is new.
func TestQualityOfASession(t *testing.T) {
	s, _, _ := session(t)
	from := s.description.Load().Agreed.Remote
	d := *s.description.Load()
	d.Agreed.Receive[13] = sdp.Noise
	s.Describe(&d)
	for _, sequence := range []uint16{1, 2, 4, 3, 3, 6} {
		s.take(datagram(sequence), from, begin)
	}
	hushed := append(datagram(7)[:headerSize:headerSize], 64)
	hushed[1] = 13
	if !s.take(hushed, from, begin) || !s.packet.Noise || s.packet.Payload[0] != 64 || !s.Quiet() {
		t.Errorf("comfort noise = %+v, quiet %v", s.packet, s.Quiet())
	}
	q := s.Quality()
	if q.Received != 7 || q.Expected != 7 || q.Lost() != 1 || q.Runs != 1 || q.Reordered != 1 || q.Repeated != 1 {
		t.Errorf("quality = %+v, want 7 received, 1 of 7 lost, 1 reordered, 1 repeated", q)
	}
	s.take(datagram(8), from, begin)
	if s.Quiet() {
		t.Error("quiet, though audio came after the noise")
	}
	for fraction, want := range map[uint8]bool{0: false, 200: false, 255: true} {
		report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: 77, Reports: []rtcp.ReceptionReport{
			{SSRC: s.source(s.description.Load()), FractionLost: fraction},
		}}})
		if err != nil {
			t.Fatal(err)
		}
		s.hearReport(report, loopback, begin)
		if got := s.Unheard(begin.Add(time.Second)); got != want {
			t.Errorf("%d/256 lost there: unheard = %v, want %v", fraction, got, want)
		}
		if s.Unheard(begin.Add(time.Minute)) {
			t.Errorf("%d/256 lost there: unheard a minute later", fraction)
		}
	}
}
