package phone

import (
	"encoding/binary"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"
)

// Stragglers is how many packets may come where none should, without that being
// a fault: from the last user of a port that is taken again, or out of the queue
// of a busy machine.
const Stragglers = 5

// grace is how long after the end of a call packets may still be on their way;
// linger is how long the port listens for those that should not be.
const (
	grace  = 500 * time.Millisecond
	linger = 1500 * time.Millisecond
)

// Packet is a received RTP packet of G.711. It and its slices are valid until
// the listener returns.
type Packet struct {
	At        time.Time
	Sequence  uint16
	Timestamp uint32
	SSRC      uint32
	Marker    bool // the RTP marker bit
	Law       Law
	Payload   []byte
	PCM       []int16
	Mark      Mark
	Marked    bool // Mark was found
}

// Audio is the RTP end of one call. Once the far end's address is known it
// sends a packet every 20 ms, silence where it has no Source, each with a mark.
type Audio struct {
	conn   *net.UDPConn
	wheel  *Wheel
	stream uint32

	mu       sync.Mutex // the sending side
	source   Source
	over     chan struct{}
	sending  bool
	relay    bool // another end speaks through this one, see Join
	remote   netip.AddrPort
	law      Law
	sequence uint16
	clock    uint32
	ssrc     uint32
	sent     uint32
	firstAt  time.Time
	lastAt   time.Time
	late     [][2]int
	packet   [12 + FrameSamples]byte
	pcm      [FrameSamples]int16
	events   []eventPacket
	way      *way // nil is a clean path

	listener atomic.Pointer[func(*Packet)]
	digits   atomic.Pointer[func(rune)]
	event    atomic.Uint32 // payload type of telephone-event
	expected atomic.Pointer[netip.AddrPort]
	endedAt  atomic.Int64  // Unix nanoseconds, 0 while the call lives
	foreign  atomic.Uint64 // from another address than the far end announced
	zombies  atomic.Uint64 // later than grace after the end

	closing sync.Once
	done    chan struct{} // the receiver has stopped
	onClose func(*Audio)
}

func newAudio(ip string, wheel *Wheel, stream uint32) (*Audio, error) {
	conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.ParseIP(ip)})
	if err != nil {
		return nil, err
	}
	a := &Audio{conn: conn, wheel: wheel, stream: stream, sequence: uint16(rand.Uint32()), clock: rand.Uint32(), ssrc: rand.Uint32(), done: make(chan struct{})}
	a.event.Store(eventType)
	go a.receive()
	return a, nil
}

// Port is the local UDP port.
func (a *Audio) Port() int { return a.conn.LocalAddr().(*net.UDPAddr).Port }

// Stream is the stream of the marks that this end sends.
func (a *Audio) Stream() uint32 { return a.stream }

// Play sends s from the next packet on, in place of what played before. The
// channel is closed when s is over or replaced. A nil s is silence, over at
// once.
func (a *Audio) Play(s Source) <-chan struct{} {
	over := make(chan struct{})
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over != nil {
		close(a.over)
	}
	a.source, a.over = s, over
	if s == nil {
		close(over)
		a.over = nil
	}
	return over
}

// Listen has every G.711 packet given to hear, on the receiving goroutine.
func (a *Audio) Listen(hear func(*Packet)) { a.listener.Store(&hear) }

// OnDigit has every digit (telephone-event, RFC 4733) given to hear, once.
func (a *Audio) OnDigit(hear func(rune)) { a.digits.Store(&hear) }

// Sent is a summary of the marks that went out. Number n left at First plus
// 20 ms × (n-1), except where Late says by how many milliseconds it left
// later; only the first 1,500 packets (30 s) are watched that closely.
type Sent struct {
	Count       uint32
	First, Last time.Time
	Late        [][2]int // number of the mark, ms after its time
}

// Sent tells what went out so far.
func (a *Audio) Sent() Sent {
	a.mu.Lock()
	defer a.mu.Unlock()
	return Sent{a.sent, a.firstAt, a.lastAt, append([][2]int(nil), a.late...)}
}

// Foreign counts the RTP packets that came from another address than the far end had
// announced.
func (a *Audio) Foreign() uint64 { return a.foreign.Load() }

// connect applies the far end's session: where and how to send, or a hold.
func (a *Audio) connect(s session, mayReceive bool) {
	a.expected.Store(&s.addr)
	if s.event != 0 {
		a.event.Store(uint32(s.event))
	}
	a.mu.Lock()
	a.remote, a.law = s.addr, s.laws[0]
	started := a.sending
	a.sending = mayReceive && (s.direction == "sendrecv" || s.direction == "recvonly")
	start := a.sending && !started
	a.mu.Unlock()
	if start {
		a.wheel.remove(a)
		a.wheel.add(a)
	}
}

// tick sends one packet; the wheel calls it every 20 ms.
func (a *Audio) tick() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.sending || a.relay {
		return
	}
	if a.source == nil {
		clear(a.pcm[:])
	} else if !a.source.Next(a.pcm[:]) {
		close(a.over)
		a.source, a.over = nil, nil
	}
	if a.sendEvent() {
		return
	}
	a.sendFrame()
	a.clock += FrameSamples
}

// sendFrame sends what is in pcm. A frame that is left out in a pause has its
// mark's number too.
func (a *Audio) sendFrame() {
	payload := a.packet[12:]
	a.note(time.Now())
	marker := a.sent == 1 || a.way.resumes(a.pcm[:])
	if silent, first := a.way.pauses(a.pcm[:]); silent {
		if first {
			payload[0] = noiseLevel(a.pcm[:])
			a.send(noiseType, false, a.clock, payload[:1])
		}
		return
	}
	a.law.Encode(payload, a.pcm[:])
	if a.way == nil || !a.way.Plain {
		Mark{a.stream, a.sent}.Stamp(payload)
	}
	a.send(byte(a.law), marker, a.clock, payload)
}

// send writes one RTP packet (RFC 3550 section 5.1) whose payload is in place.
func (a *Audio) send(payloadType byte, marker bool, timestamp uint32, payload []byte) {
	h := a.packet[:12]
	h[0], h[1] = 0x80, payloadType
	if marker {
		h[1] |= 0x80
	}
	binary.BigEndian.PutUint16(h[2:], a.sequence)
	binary.BigEndian.PutUint32(h[4:], timestamp)
	binary.BigEndian.PutUint32(h[8:], a.ssrc)
	a.sequence++
	a.deliver(a.packet[:12+len(payload)])
}

// note counts a mark and remembers it where it leaves over 10 ms late.
func (a *Audio) note(now time.Time) {
	a.sent++
	if a.sent == 1 {
		a.firstAt = now
	}
	a.lastAt = now
	if a.sent > 1500 {
		return
	}
	late := now.Sub(a.firstAt) - time.Duration(a.sent-1)*frameTime
	if late > 10*time.Millisecond {
		a.late = append(a.late, [2]int{int(a.sent), int(late.Milliseconds())})
	}
}

// receive reads packets until the socket closes.
func (a *Audio) receive() {
	defer close(a.done)
	buffer := make([]byte, 2048)
	pcm := make([]int16, 2048)
	digits := digitEar{}
	for {
		n, from, err := a.conn.ReadFromUDPAddrPort(buffer)
		if err != nil {
			return
		}
		a.take(buffer[:n], pcm, from, &digits, time.Now())
	}
}

// take hears one datagram; what is not RTP version 2 is no packet.
func (a *Audio) take(b []byte, pcm []int16, from netip.AddrPort, digits *digitEar, now time.Time) {
	payload, ok := payloadOf(b)
	if !ok {
		return
	}
	if ended := a.endedAt.Load(); ended != 0 {
		if now.UnixNano()-ended > int64(grace) {
			a.zombies.Add(1)
			return
		}
	}
	if want := a.expected.Load(); want != nil && *want != from {
		a.foreign.Add(1)
	}
	pt := b[1] & 0x7f
	timestamp := binary.BigEndian.Uint32(b[4:])
	if uint32(pt) == a.event.Load() {
		if r, fresh := digits.hear(payload, timestamp); fresh {
			if hear := a.digits.Load(); hear != nil {
				(*hear)(r)
			}
		}
		return
	}
	hear := a.listener.Load()
	if hear == nil || (pt != byte(PCMU) && pt != byte(PCMA)) {
		return
	}
	p := Packet{At: now, Sequence: binary.BigEndian.Uint16(b[2:]), Timestamp: timestamp, SSRC: binary.BigEndian.Uint32(b[8:]),
		Marker: b[1]&0x80 != 0, Law: Law(pt), Payload: payload, PCM: pcm[:len(payload)]}
	p.Law.Decode(p.PCM, payload)
	p.Mark, p.Marked = ReadMark(payload)
	(*hear)(&p)
}

// payloadOf cuts header, CSRC list, extension and padding off an RTP packet.
func payloadOf(b []byte) ([]byte, bool) {
	if len(b) < 12 || b[0]>>6 != 2 {
		return nil, false
	}
	at := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < at+4 {
			return nil, false
		}
		at += 4 + 4*int(binary.BigEndian.Uint16(b[at+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[len(b)-1])
	}
	if at > end {
		return nil, false
	}
	return b[at:end], true
}

// mute ends the sending, as a phone does that hangs up.
func (a *Audio) mute() {
	a.wheel.remove(a)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.sending = false
}

// stop ends the sending; the port listens on for packets that come too late.
func (a *Audio) stop() {
	if !a.endedAt.CompareAndSwap(0, time.Now().UnixNano()) {
		return
	}
	a.mute()
	a.mu.Lock()
	if a.over != nil {
		close(a.over)
	}
	a.source, a.over = nil, nil
	a.mu.Unlock()
}

// close frees the port and waits for the receiver.
func (a *Audio) close() {
	a.stop()
	a.closing.Do(func() {
		a.conn.Close() //nolint:errcheck // nothing to be done about it
		<-a.done
		if a.onClose != nil {
			a.onClose(a)
		}
	})
}
