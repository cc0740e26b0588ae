package phone

// Law is one of the two laws of ITU-T G.711.
type Law uint8

// The values are the static RTP payload types of RFC 3551.
const (
	PCMU Law = 0
	PCMA Law = 8
)

// FrameSamples is what one RTP packet holds: 20 ms at 8 kHz.
const FrameSamples = 160

var (
	fromULaw, fromALaw [256]int16
	toULaw, toALaw     [65536]byte // by the 16-bit sample, taken as unsigned
)

func init() {
	for i := range 256 {
		fromULaw[i], fromALaw[i] = expandULaw(byte(i)), expandALaw(byte(i))
	}
	for i := range 65536 {
		toULaw[i], toALaw[i] = compressULaw(int(int16(i))), compressALaw(int(int16(i)))
	}
}

// Encode writes the G.711 form of pcm to dst, one byte a sample.
func (l Law) Encode(dst []byte, pcm []int16) {
	table := &toULaw
	if l == PCMA {
		table = &toALaw
	}
	for i, s := range pcm {
		dst[i] = table[uint16(s)]
	}
}

// Decode writes the 16-bit samples of src to pcm, one a byte.
func (l Law) Decode(pcm []int16, src []byte) {
	table := &fromULaw
	if l == PCMA {
		table = &fromALaw
	}
	for i, b := range src {
		pcm[i] = table[b]
	}
}

// µ-law: 14-bit magnitude with a bias of 33 (132 in 16 bits), eight segments
// that double, all bits inverted.
func expandULaw(b byte) int16 {
	b = ^b
	magnitude := (int(b&0x0f)<<3+132)<<(b>>4&7) - 132
	if b&0x80 != 0 {
		return int16(-magnitude)
	}
	return int16(magnitude)
}

func compressULaw(s int) byte {
	sign := 0
	if s < 0 {
		s, sign = -s, 0x80
	}
	s = min(s, 32635) + 132
	segment := 0
	for s>>(segment+8) > 0 {
		segment++
	}
	return ^byte(sign | segment<<4 | s>>(segment+3)&0x0f)
}

// A-law: 13-bit magnitude, the first two segments of one slope, even bits
// inverted.
func expandALaw(b byte) int16 {
	b ^= 0x55
	magnitude := int(b&0x0f)<<4 + 8
	if segment := b >> 4 & 7; segment > 0 {
		magnitude = (magnitude + 256) << (segment - 1)
	}
	if b&0x80 == 0 {
		return int16(-magnitude)
	}
	return int16(magnitude)
}

func compressALaw(s int) byte {
	sign := 0x80
	if s < 0 {
		s, sign = -s-1, 0
	}
	segment := 0
	for s>>(segment+8) > 0 {
		segment++
	}
	quantum := s >> 4
	if segment > 0 {
		quantum = s >> (segment + 3)
	}
	return byte(sign|segment<<4|quantum&0x0f) ^ 0x55
}
