package plane

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// farEnd is a phone: its own UDP socket, its own idea of RTP.
type farEnd struct {
	t    *testing.T
	conn *net.UDPConn
	to   netip.AddrPort
	ssrc uint32
	law  media.Law
	freq float64

	sequence  uint16
	timestamp uint32
	phase     int

	mu      sync.Mutex
	got     []heard
	changed chan struct{}
}

// heard is one packet that came to a far end.
type heard struct {
	at          time.Time
	payloadType uint8
	marker      bool
	sequence    uint16
	timestamp   uint32
	ssrc        uint32
	payload     []byte
}

func newFarEnd(t *testing.T, law media.Law, freq float64) *farEnd {
	t.Helper()
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	f := &farEnd{t: t, conn: conn, law: law, freq: freq, ssrc: uint32(freq), sequence: 65530, timestamp: 1<<32 - 500,
		changed: make(chan struct{}, 1)}
	var wg sync.WaitGroup
	wg.Go(f.receive)
	t.Cleanup(func() { conn.Close(); wg.Wait() })
	return f
}

func (f *farEnd) receive() {
	var b [2048]byte
	for {
		n, err := f.conn.Read(b[:])
		if err != nil {
			return
		}
		if n < 12 {
			continue
		}
		h := heard{at: time.Now(), payloadType: b[1] & 0x7F, marker: b[1]&0x80 != 0,
			sequence: binary.BigEndian.Uint16(b[2:]), timestamp: binary.BigEndian.Uint32(b[4:]),
			ssrc: binary.BigEndian.Uint32(b[8:]), payload: append([]byte(nil), b[12:n]...)}
		f.mu.Lock()
		f.got = append(f.got, h)
		f.mu.Unlock()
		select {
		case f.changed <- struct{}{}:
		default:
		}
	}
}

// packets that came so far.
func (f *farEnd) packets() []heard {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]heard(nil), f.got...)
}

func (f *farEnd) forget() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.got = nil
}

// await waits until ok holds of what came.
func (f *farEnd) await(what string, ok func([]heard) bool) []heard {
	f.t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		if got := f.packets(); ok(got) {
			return got
		}
		select {
		case <-f.changed:
		case <-deadline:
			f.t.Fatalf("%s: not within 5 s (%d packets came)", what, len(f.packets()))
		}
	}
}

// packet is the next 20 ms of the far end's tone.
func (f *farEnd) packet() []byte {
	b := make([]byte, 172)
	codec.Encode(f.law, b[12:], f.samples())
	f.stamp(b, f.payloadType(), false)
	f.timestamp += 160
	return b
}

func (f *farEnd) samples() []int16 {
	pcm := make([]int16, 160)
	for i := range pcm {
		pcm[i] = int16(8000 * math.Sin(2*math.Pi*f.freq*float64(f.phase)/8000))
		f.phase++
	}
	return pcm
}

func (f *farEnd) payloadType() uint8 { return uint8(f.law) * 8 }

func (f *farEnd) stamp(b []byte, payloadType uint8, marker bool) {
	b[0], b[1] = 0x80, payloadType
	if marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], f.sequence)
	binary.BigEndian.PutUint32(b[4:], f.timestamp)
	binary.BigEndian.PutUint32(b[8:], f.ssrc)
	f.sequence++
}

// press sends a key by telephone-event the way phones do.
func (f *farEnd) press(key rune, payloadType uint8) {
	for i := range 8 {
		b := make([]byte, 16)
		media.PutEvent(b[12:], key, 160*min(i+1, 5), i >= 5)
		f.stamp(b, payloadType, i == 0)
		f.send(b)
	}
	f.timestamp += 800
}

func (f *farEnd) send(b []byte) {
	if _, err := f.conn.WriteToUDPAddrPort(b, f.to); err != nil {
		f.t.Errorf("send: %v", err)
	}
}

// talk sends n packets, one each 20 ms, and returns their payloads.
func (f *farEnd) talk(n int) [][]byte {
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	var sent [][]byte
	for range n {
		b := f.packet()
		f.send(b)
		sent = append(sent, b[12:])
		<-ticker.C
	}
	return sent
}

// keepTalking talks until the returned function is called, which waits.
func (f *farEnd) keepTalking() func() {
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		ticker := time.NewTicker(20 * time.Millisecond)
		defer ticker.Stop()
		for {
			f.send(f.packet())
			select {
			case <-ticker.C:
			case <-stop:
				return
			}
		}
	})
	return func() { close(stop); wg.Wait() }
}

func (f *farEnd) port() int { return f.conn.LocalAddr().(*net.UDPAddr).Port }

// describe is the far end's session description; extra lines may be added.
func (f *farEnd) describe(version int, extra string) []byte {
	payload, name := "0", "PCMU"
	if f.law == media.ALaw {
		payload, name = "8", "PCMA"
	}
	return fmt.Appendf(nil, "v=0\r\no=- 1 %d IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
		"m=audio %d RTP/AVP %s 96\r\na=rtpmap:%s %s/8000\r\na=rtpmap:96 telephone-event/8000\r\n%s",
		version, f.port(), payload, payload, name, extra)
}

var mediaLine = regexp.MustCompile(`m=audio (\d+) RTP/AVP`)

// aim reads our port from our description.
func (f *farEnd) aim(ours []byte) {
	f.t.Helper()
	m := mediaLine.FindSubmatch(ours)
	if m == nil {
		f.t.Fatalf("no audio in %q", ours)
	}
	port, err := strconv.Atoi(string(m[1]))
	if err != nil {
		f.t.Fatal(err)
	}
	f.to = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(port))
}

// rig is a running plane and the events that came out of it.
type rig struct {
	*Plane
	t      *testing.T
	events chan media.Event
}

// patience is for machines that do other things too.
const patience = 20 * time.Second

var local = media.LegSpec{Networks: []string{"127.0.0.0/8"}}
var localOperator = media.LegSpec{Networks: []string{"127.0.0.0/8"}, Kind: media.Operator}

func start(t *testing.T, change func(*Config)) *rig {
	t.Helper()
	cfg := Config{Address: "127.0.0.1", Ports: Ports{Any: true}, Engine: underTest}
	if change != nil {
		change(&cfg)
	}
	r := &rig{t: t, events: make(chan media.Event, 1000)}
	var err error
	if r.Plane, err = New(cfg, func(e media.Event) { r.events <- e }, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		eventually.Ends(t, patience, "the plane ends", func() { <-done })
	})
	return r
}

// call puts a far end on a leg, by our offer.
func (r *rig) call(id media.LegID, spec media.LegSpec, f *farEnd) {
	r.t.Helper()
	offer, err := r.Offer(id, spec)
	if err != nil {
		r.t.Fatal(err)
	}
	f.aim(offer)
	if err := r.Accept(id, f.describe(1, "")); err != nil {
		r.t.Fatal(err)
	}
}

// next waits for an event of type E; others before it are dropped.
func next[E media.Event](r *rig) E {
	r.t.Helper()
	deadline := time.After(5 * time.Second)
	for {
		select {
		case e := <-r.events:
			if e, ok := e.(E); ok {
				return e
			}
		case <-deadline:
			var want E
			r.t.Fatalf("no %T within 5 s", want)
		}
	}
}

// continuous checks that packets are one stream: sequence numbers one by one,
// audio timestamps by what each packet carries, one SSRC.
func continuous(t *testing.T, packets []heard) {
	t.Helper()
	for i := 1; i < len(packets); i++ {
		a, b := packets[i-1], packets[i]
		if b.sequence != a.sequence+1 || b.ssrc != a.ssrc || b.timestamp != a.timestamp+uint32(len(a.payload)) {
			t.Fatalf("packet %d: seq %d after %d, time %d after %d (+%d), ssrc %x after %x",
				i, b.sequence, a.sequence, b.timestamp, a.timestamp, len(a.payload), b.ssrc, a.ssrc)
		}
	}
}

func isSilence(h heard) bool {
	for _, b := range h.payload {
		if b != 0xFF && b != 0xD5 && b != 0x7F && b != 0x55 {
			return false
		}
	}
	return true
}

// level of a frequency in µ-law audio: about 1 for a far end's full tone.
func level(audio []byte, law media.Law, freq float64) float64 {
	pcm := make([]int16, len(audio))
	codec.Decode(law, pcm, audio)
	var re, im float64
	for i, s := range pcm {
		w := 2 * math.Pi * freq * float64(i) / 8000
		re += float64(s) * math.Cos(w)
		im += float64(s) * math.Sin(w)
	}
	return 2 * math.Hypot(re, im) / float64(len(pcm)) / 8000
}
