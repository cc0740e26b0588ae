package codec

// The tables of ITU-T G.711, computed once from its formulas. An encoding
// table has an entry per sample value of the law's own width: 14 bits for
// µ-law, 13 for A-law.
var (
	ulawSamples, alawSamples [256]int16
	ulawBytes                [1 << 14]byte
	alawBytes                [1 << 13]byte
	ulawToALaw, alawToULaw   [256]byte
)

func init() {
	for b := range 256 {
		ulawSamples[b] = expandULaw(byte(b))
		alawSamples[b] = expandALaw(byte(b))
	}
	for i := range ulawBytes {
		ulawBytes[i] = compressULaw(int16(uint16(i) << 2))
	}
	for i := range alawBytes {
		alawBytes[i] = compressALaw(int16(uint16(i) << 3))
	}
	for b := range 256 {
		ulawToALaw[b] = compressALaw(ulawSamples[b])
		alawToULaw[b] = compressULaw(alawSamples[b])
	}
}

// expandULaw: sign, 3 bits of segment, 4 bits of step, all inverted; 33 is
// the bias of the 14-bit scale (G.711 table 2).
func expandULaw(b byte) int16 {
	b = ^b
	segment := int(b>>4) & 7
	magnitude := ((int(b&0x0F)<<1 + 33) << segment) - 33
	if b&0x80 != 0 {
		return int16(-magnitude << 2)
	}
	return int16(magnitude << 2)
}

func compressULaw(s int16) byte {
	const clip = 8158 // of the 14-bit scale
	magnitude, sign := int(s)>>2, byte(0)
	if s < 0 {
		magnitude, sign = -int(s)>>2, 0x80
	}
	magnitude = min(magnitude, clip) + 33
	segment := 0
	for magnitude>>(segment+6) != 0 {
		segment++
	}
	step := byte(magnitude>>(segment+1)) & 0x0F
	return ^(sign | byte(segment)<<4 | step)
}

// expandALaw: even bits are inverted on the line, a set sign bit is positive
// (G.711 table 1).
func expandALaw(b byte) int16 {
	b ^= 0x55
	segment := int(b>>4) & 7
	magnitude := int(b&0x0F)<<1 + 1
	if segment > 0 {
		magnitude = (magnitude + 32) << (segment - 1)
	}
	if b&0x80 != 0 {
		return int16(magnitude << 3)
	}
	return int16(-magnitude << 3)
}

func compressALaw(s int16) byte {
	magnitude, sign := int(s)>>3, byte(0x80)
	if s < 0 {
		magnitude, sign = -int(s)>>3, 0
		if magnitude > 0 && int(s)&7 == 0 {
			magnitude-- // negative decision values belong to the smaller step
		}
	}
	magnitude = min(magnitude, 4095)
	segment := 0
	for magnitude>>(segment+5) != 0 {
		segment++
	}
	step := byte(magnitude >> max(segment, 1) & 0x0F)
	return (sign | byte(segment)<<4 | step) ^ 0x55
}
