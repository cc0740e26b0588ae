package wav

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io/fs"
	"path"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

// Prompt is a message, ready to send in either law.
type Prompt struct {
	Name  string // file name without .wav
	bytes [2][]byte
}

// Bytes are the samples in law, one byte each. They must not be changed.
func (p *Prompt) Bytes(law media.Law) []byte { return p.bytes[law] }

// Duration is how long the prompt takes.
func (p *Prompt) Duration() time.Duration { return media.Span(len(p.bytes[0])) }

// NewPrompt makes a prompt of samples.
func NewPrompt(name string, pcm []int16) *Prompt {
	p := &Prompt{Name: name}
	for _, law := range []media.Law{media.ULaw, media.ALaw} {
		p.bytes[law] = make([]byte, len(pcm))
		codec.Encode(law, p.bytes[law], pcm)
	}
	return p
}

// Load reads every .wav at the root of fsys. The error names the first file
// that is not 8 kHz mono of a kind we read.
func Load(fsys fs.FS) (map[string]*Prompt, error) {
	names, err := fs.Glob(fsys, "*.wav")
	if err != nil {
		return nil, fmt.Errorf("prompts: %w", err)
	}
	prompts := make(map[string]*Prompt, len(names))
	for _, file := range names {
		b, err := fs.ReadFile(fsys, file)
		if err != nil {
			return nil, fmt.Errorf("prompts: %w", err)
		}
		name := strings.TrimSuffix(path.Base(file), ".wav")
		if prompts[name], err = DecodePrompt(name, b); err != nil {
			return nil, fmt.Errorf("prompt %s: %w", file, err)
		}
	}
	return prompts, nil
}

// DecodePrompt reads a WAV file: 8 kHz mono in µ-law, A-law or 16-bit PCM.
func DecodePrompt(name string, b []byte) (*Prompt, error) {
	l, err := readLayout(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	if l.channels != 1 || l.rate != media.SampleRate {
		return nil, fmt.Errorf("%w: %d channels at %d Hz, want 1 at %d", ErrFormat, l.channels, l.rate, media.SampleRate)
	}
	audio := b[min(l.data, int64(len(b))):]
	audio = audio[:min(l.size, int64(len(audio)))]
	switch {
	case l.format == formatULaw && l.bits == 8:
		return packed(name, media.ULaw, audio), nil
	case l.format == formatALaw && l.bits == 8:
		return packed(name, media.ALaw, audio), nil
	case l.format == formatPCM && l.bits == 16:
		pcm := make([]int16, len(audio)/2)
		for i := range pcm {
			pcm[i] = int16(binary.LittleEndian.Uint16(audio[2*i:]))
		}
		return NewPrompt(name, pcm), nil
	}
	return nil, fmt.Errorf("%w: format %d with %d bits", ErrFormat, l.format, l.bits)
}

func packed(name string, law media.Law, audio []byte) *Prompt {
	p := &Prompt{Name: name}
	for _, to := range []media.Law{media.ULaw, media.ALaw} {
		p.bytes[to] = make([]byte, len(audio))
		codec.Convert(to, law, p.bytes[to], audio)
	}
	return p
}
