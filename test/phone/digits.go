package phone

import (
	"encoding/binary"
	"strings"
)

// digitRunes are the events 0 to 15 of RFC 4733 section 3.2.
const digitRunes = "0123456789*#ABCD"

// digitEar tells each key press once, though its last packet comes three times.
type digitEar struct {
	timestamp uint32
	heard     bool
}

func (e *digitEar) hear(payload []byte, timestamp uint32) (rune, bool) {
	if len(payload) < 4 || int(payload[0]) >= len(digitRunes) {
		return 0, false
	}
	if e.heard && e.timestamp == timestamp {
		return 0, false
	}
	e.heard, e.timestamp = true, timestamp
	return rune(digitRunes[payload[0]]), true
}

// eventPacket is one telephone-event packet that waits for its turn.
type eventPacket struct {
	event    byte
	end      bool
	marker   bool
	duration uint16
	pause    bool // nothing but the gap between two keys
}

// pressed is how many packets a key is held: 100 ms.
const pressed = 5

// Press sends digits (0-9, *, #, A-D) as telephone-events, 100 ms each with a
// gap of 60 ms; other runes are left out.
func (a *Audio) Press(digits string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, r := range digits {
		event := strings.IndexRune(digitRunes, r)
		if event < 0 {
			continue
		}
		for i := 1; i <= pressed; i++ {
			a.events = append(a.events, eventPacket{event: byte(event), marker: i == 1, duration: uint16(i * FrameSamples)})
		}
		for range 3 { // the end goes out three times, RFC 4733 section 2.5.1.4
			a.events = append(a.events, eventPacket{event: byte(event), end: true, duration: pressed * FrameSamples})
		}
		a.events = append(a.events, eventPacket{pause: true}, eventPacket{pause: true}, eventPacket{pause: true})
	}
}

// sendEvent sends the next packet of a key press in place of audio. All
// packets of one press carry the timestamp of its start.
func (a *Audio) sendEvent() bool {
	if len(a.events) == 0 {
		return false
	}
	e := a.events[0]
	a.events = a.events[1:]
	if e.pause {
		a.clock += FrameSamples
		return true
	}
	payload := a.packet[12:16]
	payload[0], payload[1] = e.event, 10
	if e.end {
		payload[1] |= 0x80
	}
	binary.BigEndian.PutUint16(payload[2:], e.duration)
	a.send(byte(a.event.Load()), e.marker, a.clock, payload)
	if e.end && (len(a.events) == 0 || a.events[0].pause) {
		a.clock += uint32(e.duration)
	}
	return true
}
