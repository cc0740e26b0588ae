// Package wav reads prompts and writes call recordings.
//
// It is no general WAV library: it reads 8 kHz mono (µ-law, A-law, 16-bit
// PCM) and writes 8 kHz stereo µ-law. No caller ever waits for the disk.
//
//	fs.FS ─► Load ─► Prompt
//	audio ─► Recorder.Hear ─► queue ─► Writer, for many ─► file in an os.Root
//	after a crash: RepairDir ─► sizes in the headers are right again
package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/outpace-dialer/outpace/media"
)

// The format tags that we read and write (RFC 2361).
const (
	formatPCM  = 1
	formatALaw = 6
	formatULaw = 7
)

// ErrFormat means a file that is not of a kind that we read.
var ErrFormat = errors.New("wav: not a format we read")

// layout is where the parts of a file lie.
type layout struct {
	format, channels, bits uint16
	rate                   uint32
	fact                   int64 // offset of the fact chunk's count, 0 if there is none
	data                   int64 // offset of the first sample
	size                   int64 // of the data as the header says
}

// chunkLimit is how many chunks are looked at before the data.
const chunkLimit = 32

// readLayout walks the chunks up to the data.
func readLayout(r io.ReaderAt) (layout, error) {
	var head [12]byte
	if _, err := r.ReadAt(head[:], 0); err != nil {
		return layout{}, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if string(head[:4]) != "RIFF" || string(head[8:]) != "WAVE" {
		return layout{}, ErrFormat
	}
	l, at := layout{}, int64(12)
	for range chunkLimit {
		var chunk [8]byte
		if _, err := r.ReadAt(chunk[:], at); err != nil {
			return layout{}, fmt.Errorf("%w: no data: %w", ErrFormat, err)
		}
		size := int64(binary.LittleEndian.Uint32(chunk[4:]))
		at += 8
		switch string(chunk[:4]) {
		case "fmt ":
			if err := l.readFormat(r, at, size); err != nil {
				return layout{}, err
			}
		case "fact":
			l.fact = at
		case "data":
			l.data, l.size = at, size
			if l.format == 0 {
				return layout{}, fmt.Errorf("%w: data before format", ErrFormat)
			}
			return l, nil
		}
		at += size + size%2
	}
	return layout{}, fmt.Errorf("%w: too many chunks", ErrFormat)
}

func (l *layout) readFormat(r io.ReaderAt, at, size int64) error {
	var b [16]byte
	if size < int64(len(b)) {
		return fmt.Errorf("%w: short format", ErrFormat)
	}
	if _, err := r.ReadAt(b[:], at); err != nil {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	l.format = binary.LittleEndian.Uint16(b[0:])
	l.channels = binary.LittleEndian.Uint16(b[2:])
	l.rate = binary.LittleEndian.Uint32(b[4:])
	l.bits = binary.LittleEndian.Uint16(b[14:])
	return nil
}

// headerSize is that of our recordings, up to the first sample.
const headerSize = 58

// blockAlign is the bytes of one moment: left and right.
const blockAlign = 2

// header of a stereo µ-law file with dataSize bytes of audio.
func header(dataSize uint32) []byte {
	b := make([]byte, 0, headerSize)
	le := binary.LittleEndian
	b = append(b, "RIFF"...)
	b = le.AppendUint32(b, headerSize-8+dataSize)
	b = append(b, "WAVEfmt "...)
	b = le.AppendUint32(b, 18)
	b = le.AppendUint16(b, formatULaw)
	b = le.AppendUint16(b, blockAlign) // channels
	b = le.AppendUint32(b, media.SampleRate)
	b = le.AppendUint32(b, media.SampleRate*blockAlign)
	b = le.AppendUint16(b, blockAlign)
	b = le.AppendUint16(b, 8)
	b = le.AppendUint16(b, 0)
	b = append(b, "fact"...)
	b = le.AppendUint32(b, 4)
	b = le.AppendUint32(b, dataSize/blockAlign)
	b = append(b, "data"...)
	return le.AppendUint32(b, dataSize)
}
