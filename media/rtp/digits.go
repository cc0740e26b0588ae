package rtp

import "github.com/outpace-dialer/outpace/media"

// Digits hears telephone-events: each key press is told once, at its first
// packet, however often its packets are repeated.
type Digits struct {
	pressed   bool // a press has been told and its packets may still come
	ended     bool
	event     uint8
	timestamp uint32
	sequence  uint16
}

// Hear takes the payload of one telephone-event packet and returns the digit
// if it is a new press.
func (d *Digits) Hear(payload []byte, sequence uint16, timestamp uint32, marker bool) (rune, bool) {
	if len(payload) < media.EventSize || int(payload[0]) >= len(media.Keys) {
		return 0, false
	}
	event, end := payload[0], payload[1]&0x80 != 0
	if d.pressed && d.same(event, sequence, timestamp, marker) {
		d.ended = d.ended || end
		return 0, false
	}
	*d = Digits{pressed: true, ended: end, event: event, timestamp: timestamp, sequence: sequence}
	return rune(media.Keys[event]), true
}

// same: RFC 4733 keeps the timestamp of a press. Some phones move it on with
// each packet; then it is the same press until its end or a marker.
func (d *Digits) same(event uint8, sequence uint16, timestamp uint32, marker bool) bool {
	late := int16(sequence-d.sequence) <= 0
	if timestamp == d.timestamp {
		return event == d.event
	}
	if late {
		return true // out of order: of this press or an older one
	}
	if event != d.event || d.ended || marker {
		return false
	}
	d.timestamp, d.sequence = timestamp, sequence
	return true
}
