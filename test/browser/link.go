package browser

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/pion/rtp"
)

// link is the page's socket; while it is cut nothing goes through.
type link struct {
	*net.UDPConn
	cut atomic.Bool
}

func (l *link) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := l.UDPConn.ReadFrom(b)
		if err != nil || !l.cut.Load() {
			return n, from, err
		}
	}
}

func (l *link) WriteTo(b []byte, to net.Addr) (int, error) {
	if l.cut.Load() {
		return len(b), nil
	}
	return l.UDPConn.WriteTo(b, to)
}

func (l *link) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := l.ReadFromUDPAddrPort(b)
		if err != nil || !l.cut.Load() {
			return n, from, err
		}
	}
}

func (l *link) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	if l.cut.Load() {
		return len(b), nil
	}
	return l.WriteToUDPAddrPort(b, to)
}

// events are keys on their way: five packets each, of which the last three say that it
// is over.
type events struct {
	mu    sync.Mutex
	keys  []byte
	at    int
	start uint32
}

const (
	eventPackets = 5
	eventEnds    = 3
)

func (e *events) press(key rune) {
	if i := strings.IndexRune("0123456789*#ABCD", key); i >= 0 {
		e.mu.Lock()
		e.keys = append(e.keys, byte(i))
		e.mu.Unlock()
	}
}

// write sends the next packet of the key that is pressed, in the sequence of the audio.
func (e *events) write(mic *microphone, audio *rtp.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.keys) == 0 {
		return
	}
	if e.at == 0 {
		e.start = audio.Timestamp
	}
	var payload [4]byte
	payload[0], payload[1] = e.keys[0], 10
	if e.at >= eventPackets-eventEnds {
		payload[1] |= 0x80
	}
	binary.BigEndian.PutUint16(payload[2:], uint16(160*(e.at+1)))
	p := &rtp.Packet{Header: audio.Header, Payload: payload[:]}
	p.PayloadType, p.Timestamp, p.Marker = eventPayload, e.start, e.at == 0
	mic.write(p) // a lost packet is said again
	audio.SequenceNumber++
	if e.at++; e.at == eventPackets {
		e.keys, e.at = e.keys[1:], 0
	}
}
