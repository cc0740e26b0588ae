package prompts

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/outpace-dialer/outpace/media"
)

// Every prompt that package media names is there, in the one format that is
// played without transcoding, and all together stay small.
func TestPrompts(t *testing.T) {
	names := []string{
		media.PromptBeep, media.PromptSafeHarbor, media.PromptGoodbye, media.PromptRecorded,
		media.PromptReady, media.PromptPaused, media.PromptWrap, media.PromptWrongPIN,
		media.PromptHoldMusic, media.PromptRingback, media.PromptWait, media.PromptCallBack, media.PromptSorry,
	}
	total := 0
	for _, name := range names {
		b, err := FS.ReadFile(name + ".wav")
		if err != nil {
			t.Fatal(err)
		}
		total += len(b)
		if !bytes.HasPrefix(b, []byte("RIFF")) || string(b[8:16]) != "WAVEfmt " {
			t.Errorf("%s: not a WAV file", name)
			continue
		}
		format, channels, rate := binary.LittleEndian.Uint16(b[20:]), binary.LittleEndian.Uint16(b[22:]), binary.LittleEndian.Uint32(b[24:])
		if format != 7 || channels != 1 || rate != media.SampleRate {
			t.Errorf("%s: format %d, %d channels, %d Hz; want 7 (µ-law), 1, 8000", name, format, channels, rate)
		}
		if len(b) < 1000 {
			t.Errorf("%s: %d bytes", name, len(b))
		}
	}
	if total > 500_000 {
		t.Errorf("all prompts = %d bytes, want at most 500,000", total)
	}
}
