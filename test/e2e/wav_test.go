package e2e

import (
	"bytes"
	"encoding/binary"
	"os"
	"testing"

	"github.com/outpace-dialer/outpace/test/phone"
)

// waveData is the format (code, channels) and the audio of a WAV file.
func waveData(t *testing.T, b []byte) (code, channels uint16, data []byte) {
	t.Helper()
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" {
		t.Fatalf("no WAV file: % x", b[:min(len(b), 16)])
	}
	for at := 12; at+8 <= len(b); {
		id, size := string(b[at:at+4]), int(binary.LittleEndian.Uint32(b[at+4:]))
		body := b[at+8 : min(len(b), at+8+size)]
		switch id {
		case "fmt ":
			code, channels = binary.LittleEndian.Uint16(body), binary.LittleEndian.Uint16(body[2:])
		case "data":
			return code, channels, body
		}
		at += 8 + size + size%2
	}
	t.Fatal("a WAV file without data")
	return
}

// readPCM reads a mono file of 16-bit samples.
func readPCM(t *testing.T, path string) []int16 {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	code, channels, data := waveData(t, b)
	if code != 1 || channels != 1 {
		t.Fatalf("%s: format %d, %d channels; want 16-bit mono", path, code, channels)
	}
	pcm := make([]int16, len(data)/2)
	must(t, binary.Read(bytes.NewReader(data[:2*len(pcm)]), binary.LittleEndian, pcm))
	return pcm
}

// formatMuLaw is G.711 µ-law in a WAV file (RFC 2361 appendix A.6).
const formatMuLaw = 7

// readStereo reads the two sides of a µ-law recording.
func readStereo(t *testing.T, b []byte) (left, right []int16) {
	t.Helper()
	code, channels, data := waveData(t, b)
	if code != formatMuLaw || channels != 2 {
		t.Fatalf("recording: format %d, %d channels; want µ-law stereo", code, channels)
	}
	pcm := make([]int16, len(data))
	phone.PCMU.Decode(pcm, data)
	for i := 0; i+1 < len(pcm); i += 2 {
		left, right = append(left, pcm[i]), append(right, pcm[i+1])
	}
	return left, right
}
