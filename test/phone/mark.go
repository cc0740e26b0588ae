package phone

import "hash/fnv"

// markBits is how many payload bytes carry a bit of the mark: stream, number
// and check.
const markBits = 80

// Mark names one packet of one far end (see the package comment).
type Mark struct {
	Stream uint32 // StreamID of the sender's Call-ID
	Number uint32 // counted from 1
}

// StreamID is the stream of a call's marks: the FNV-1a hash of its Call-ID.
func StreamID(callID string) uint32 {
	h := fnv.New32a()
	h.Write([]byte(callID)) //nolint:errcheck // never fails
	return h.Sum32()
}

// Stamp writes the mark into the lowest bits of a G.711 payload of at least 80
// bytes; a shorter one stays as it is.
func (m Mark) Stamp(payload []byte) {
	if len(payload) < markBits {
		return
	}
	word := uint64(m.Stream)<<32 | uint64(m.Number)
	check := crc16(word)
	for i := range 64 {
		payload[i] = payload[i]&^1 | byte(word>>(63-i)&1)
	}
	for i := range 16 {
		payload[64+i] = payload[64+i]&^1 | byte(check>>(15-i)&1)
	}
}

// ReadMark finds the mark of a payload; ok is false where it has none.
func ReadMark(payload []byte) (m Mark, ok bool) {
	if len(payload) < markBits {
		return Mark{}, false
	}
	var word uint64
	var check uint16
	for _, b := range payload[:64] {
		word = word<<1 | uint64(b&1)
	}
	for _, b := range payload[64:markBits] {
		check = check<<1 | uint16(b&1)
	}
	return Mark{uint32(word >> 32), uint32(word)}, crc16(word) == check
}

// crc16 is CRC-16/CCITT-FALSE (polynomial 0x1021, start 0xFFFF) of eight bytes.
// The start value keeps plain silence, all bits equal, from passing as a mark.
func crc16(word uint64) uint16 {
	crc := uint16(0xffff)
	for shift := 56; shift >= 0; shift -= 8 {
		crc ^= uint16(byte(word>>shift)) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ 0x1021
			} else {
				crc <<= 1
			}
		}
	}
	return crc
}
