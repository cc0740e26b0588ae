package media

import (
	"encoding/binary"
	"strings"
)

// Keys are the digits of telephone-events 0..15, in order (RFC 4733 section 3.2).
const Keys = "0123456789*#ABCD"

// EventSize is the length of a telephone-event payload.
const EventSize = 4

// PutEvent writes the telephone-event payload for a key that has been pressed
// for samples so far into dst (len(dst) >= EventSize); false where key is not
// one of Keys.
func PutEvent(dst []byte, key rune, samples int, end bool) bool {
	event := strings.IndexRune(Keys, key)
	if event < 0 {
		return false
	}
	const volume = 10 // -10 dBm0
	dst[0], dst[1] = byte(event), volume
	if end {
		dst[1] |= 0x80
	}
	binary.BigEndian.PutUint16(dst[2:], uint16(min(samples, 0xFFFF)))
	return true
}

// EventDuration is how long the key of a telephone-event payload has been
// pressed so far, in samples; 0 for what is too short to be one.
func EventDuration(payload []byte) int {
	if len(payload) < EventSize {
		return 0
	}
	return int(binary.BigEndian.Uint16(payload[2:]))
}
