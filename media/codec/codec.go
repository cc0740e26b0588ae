// Package codec turns G.711 bytes into 16-bit samples and back, and one law
// into the other. Every direction is one table look-up a sample.
//
// It is not a transcoder with state: each sample stands for itself, nothing
// is allocated, and the caller owns every buffer.
package codec

import "github.com/outpace-dialer/outpace/media"

// Decode writes the samples of src, packed by law, into dst
// (len(dst) >= len(src)) and returns their number.
func Decode(law media.Law, dst []int16, src []byte) int {
	if law == media.ALaw {
		return DecodeALaw(dst, src)
	}
	return DecodeULaw(dst, src)
}

// Encode writes pcm, packed by law, into dst (len(dst) >= len(pcm)) and
// returns the number of bytes.
func Encode(law media.Law, dst []byte, pcm []int16) int {
	if law == media.ALaw {
		return EncodeALaw(dst, pcm)
	}
	return EncodeULaw(dst, pcm)
}

// DecodeULaw writes the samples of the µ-law bytes src into dst
// (len(dst) >= len(src)) and returns their number.
func DecodeULaw(dst []int16, src []byte) int {
	for i, b := range src {
		dst[i] = ulawSamples[b]
	}
	return len(src)
}

// DecodeALaw is DecodeULaw for A-law.
func DecodeALaw(dst []int16, src []byte) int {
	for i, b := range src {
		dst[i] = alawSamples[b]
	}
	return len(src)
}

// EncodeULaw writes the µ-law form of pcm into dst (one byte per sample,
// len(dst) >= len(pcm)) and returns the length.
func EncodeULaw(dst []byte, pcm []int16) int {
	for i, s := range pcm {
		dst[i] = ulawBytes[uint16(s)>>2]
	}
	return len(pcm)
}

// EncodeALaw is EncodeULaw for A-law.
func EncodeALaw(dst []byte, pcm []int16) int {
	for i, s := range pcm {
		dst[i] = alawBytes[uint16(s)>>3]
	}
	return len(pcm)
}

// Convert writes src, packed by from, into dst packed by to
// (len(dst) >= len(src)) and returns the length. dst may be src.
func Convert(to, from media.Law, dst, src []byte) int {
	if to == from {
		return copy(dst, src)
	}
	table := &ulawToALaw
	if from == media.ALaw {
		table = &alawToULaw
	}
	for i, b := range src {
		dst[i] = table[b]
	}
	return len(src)
}

// Mix adds two samples and limits the sum to 16 bits.
func Mix(a, b int16) int16 {
	sum := int32(a) + int32(b)
	return int16(min(max(sum, -32768), 32767))
}
