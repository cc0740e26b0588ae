package rtp

import "encoding/binary"

const headerSize = 12

// header is what we read of an RTP header (RFC 3550 section 5.1). Contributing
// sources, extensions and padding are skipped.
type header struct {
	payloadType uint8
	marker      bool
	sequence    uint16
	timestamp   uint32
	ssrc        uint32
}

// parse reads the header and returns the payload, which is part of b; false
// where b is no RTP of version 2.
func (h *header) parse(b []byte) ([]byte, bool) {
	if len(b) < headerSize || b[0]>>6 != 2 {
		return nil, false
	}
	h.marker, h.payloadType = b[1]&0x80 != 0, b[1]&0x7F
	h.sequence = binary.BigEndian.Uint16(b[2:])
	h.timestamp = binary.BigEndian.Uint32(b[4:])
	h.ssrc = binary.BigEndian.Uint32(b[8:])
	start := headerSize + 4*int(b[0]&0x0F)
	if b[0]&0x10 != 0 {
		if len(b) < start+4 {
			return nil, false
		}
		start += 4 + 4*int(binary.BigEndian.Uint16(b[start+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[len(b)-1])
	}
	if start > end {
		return nil, false
	}
	return b[start:end], true
}

// put writes the header into b (len(b) >= headerSize).
func (h *header) put(b []byte) {
	b[0], b[1] = 2<<6, h.payloadType
	if h.marker {
		b[1] |= 0x80
	}
	binary.BigEndian.PutUint16(b[2:], h.sequence)
	binary.BigEndian.PutUint32(b[4:], h.timestamp)
	binary.BigEndian.PutUint32(b[8:], h.ssrc)
}

// isRTCP tells RTCP from RTP on one port (RFC 5761 section 4).
func isRTCP(b []byte) bool {
	return len(b) >= 8 && b[0]>>6 == 2 && b[1] >= 192 && b[1] <= 223
}
