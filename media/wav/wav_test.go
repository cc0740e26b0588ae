package wav

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openRoot(t *testing.T) *os.Root {
	t.Helper()
	root, err := os.OpenRoot(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { root.Close() })
	return root
}

func read(t *testing.T, root *os.Root, name string) (left, right []byte) {
	t.Helper()
	b, err := root.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := readLayout(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	if l.format != formatULaw || l.channels != 2 || l.rate != 8000 || l.bits != 8 || l.size != int64(len(b))-l.data {
		t.Fatalf("layout %+v of a file of %d bytes", l, len(b))
	}
	if riff := binary.LittleEndian.Uint32(b[4:]); int(riff) != len(b)-8 {
		t.Errorf("RIFF size %d of a file of %d bytes", riff, len(b))
	}
	if moments := binary.LittleEndian.Uint32(b[l.fact:]); int64(moments) != l.size/2 {
		t.Errorf("fact says %d, want %d", moments, l.size/2)
	}
	for i := l.data; i < int64(len(b)); i += 2 {
		left, right = append(left, b[i]), append(right, b[i+1])
	}
	return left, right
}

func record(root *os.Root, name string, start time.Time) *Recorder {
	return new(Writer).Record(root, name, start, nil)
}

func frame(b byte) []byte { return bytes.Repeat([]byte{b}, 160) }

// Two sides with jitter, a gap and a burst land where they came.
func TestRecorderAlignsBothSides(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := openRoot(t)
		start := time.Now()
		r := record(root, "2026/call.wav", start)
		at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
		for _, p := range []struct {
			side Channel
			ms   int
			b    byte
		}{
			{Left, 0, 1}, {Left, 35, 2}, {Left, 41, 3}, // jitter: closed up
			{Right, 105, 9},                // began later: on the grid
			{Left, 500, 4}, {Left, 520, 5}, // after a gap
		} {
			time.Sleep(time.Until(at(p.ms)))
			r.Hear(p.side, time.Now(), media.ULaw, frame(p.b))
		}
		time.Sleep(time.Until(at(1000)))
		r.Stop(time.Now())
		<-r.Done()
		if duration, err := r.Result(); err != nil || duration != time.Second || r.Dropped() != 0 {
			t.Errorf("duration %v, error %v, dropped %d, want 1s, nil, 0", duration, err, r.Dropped())
		}
		left, right := read(t, root, "2026/call.wav")
		want := func(side []byte, sample int, b byte) {
			t.Helper()
			if !bytes.Equal(side[sample:sample+160], frame(b)) {
				t.Errorf("at sample %d: % x, want %x", sample, side[sample:sample+4], b)
			}
		}
		want(left, 0, 1)
		want(left, 160, 2)
		want(left, 320, 3)
		want(left, 480, silence)
		want(left, 4000, 4)
		want(left, 4160, 5)
		want(right, 640, silence)
		want(right, 800, 9)
		want(right, 960, silence)
	})
}

func TestALawIsConverted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := openRoot(t)
		r := record(root, "a.wav", time.Now())
		r.Hear(Right, time.Now(), media.ALaw, frame(0xD5))
		r.Hear(Right, time.Now(), media.ALaw, bytes.Repeat([]byte{0x2A}, 480)) // 60 ms in one packet
		r.Stop(time.Now().Add(80 * time.Millisecond))
		<-r.Done()
		_, right := read(t, root, "a.wav")
		if right[10] != 0xFE || right[200] != 0x00 || right[639] != 0x00 {
			t.Errorf("samples %#x, %#x, %#x, want 0xfe, 0, 0", right[10], right[200], right[639])
		}
	})
}

// When the disk does not keep up, the caller goes on and the rest is in place.
func TestQueueNeverBlocks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		root := openRoot(t)
		start := time.Now()
		r := record(root, "a.wav", start)
		for i := range queueLength + 50 { // all at once: the writer sleeps
			r.Hear(Left, start.Add(time.Duration(i)*media.FrameDuration), media.ULaw, frame(1))
		}
		if r.Dropped() != 50 || r.Queued() != queueLength {
			t.Errorf("dropped %d, queued %d, want 50 and %d", r.Dropped(), r.Queued(), queueLength)
		}
		time.Sleep(time.Second)
		after := start.Add((queueLength + 100) * media.FrameDuration)
		r.Hear(Left, after, media.ULaw, frame(2))
		r.Stop(after.Add(media.FrameDuration))
		<-r.Done()
		left, _ := read(t, root, "a.wav")
		if n := bytes.Index(left, frame(2)); n != (queueLength+100)*160 {
			t.Errorf("what came after the drops is at %d, want %d", n, (queueLength+100)*160)
		}
	})
}

func TestRecordFails(t *testing.T) {
	root := openRoot(t)
	if err := root.WriteFile("taken.wav", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"../out.wav", "/etc/out.wav", "taken.wav", "", "a\x00b.wav"} {
		r := record(root, name, time.Now())
		r.Hear(Left, time.Now(), media.ULaw, frame(1))
		r.Stop(time.Now())
		<-r.Done()
		if _, err := r.Result(); err == nil {
			t.Errorf("%q was recorded", name)
		}
	}
}

func TestHearDoesNotAllocate(t *testing.T) {
	r := &Recorder{}
	b, now := frame(1), time.Now()
	var taken []byte
	hear := func() {
		for range 12 { // what comes between two turns of the writer
			r.Hear(Left, now, media.ULaw, b)
		}
		taken = r.queues[Left].take(taken)
	}
	hear()
	hear() // both buffers have their size
	if n := testing.AllocsPerRun(100, hear); n != 0 {
		t.Errorf("allocations per 12 packets = %v, want 0", n)
	}
}

func TestRepair(t *testing.T) {
	whole := append(header(320), bytes.Repeat([]byte{7}, 320)...)
	tests := map[string]struct {
		file    []byte
		changed bool
		size    int
		bad     bool
	}{
		"whole":              {file: whole, size: 320},
		"no sizes":           {file: append(header(0), whole[headerSize:]...), changed: true, size: 320},
		"half a moment":      {file: append(header(0), whole[headerSize:headerSize+101]...), changed: true, size: 100},
		"too short":          {file: whole[:200], changed: true, size: 142},
		"cut in its header":  {file: whole[:20], changed: true},
		"empty":              {file: nil, changed: true},
		"not a recording":    {file: bytes.Repeat([]byte("x"), 100), bad: true},
		"another one's file": {file: append([]byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data"), make([]byte, 50)...), bad: true},
	}
	for name, tt := range tests {
		root := openRoot(t)
		if err := root.WriteFile("a.wav", tt.file, 0o600); err != nil {
			t.Fatal(err)
		}
		changed, err := Repair(root, "a.wav")
		if changed != tt.changed || errors.Is(err, ErrFormat) != tt.bad {
			t.Errorf("%s: changed %v, error %v", name, changed, err)
		}
		if tt.bad {
			if b, err := root.ReadFile("a.wav"); err != nil || !bytes.Equal(b, tt.file) {
				t.Errorf("%s: the file was changed: %v", name, err)
			}
			continue
		}
		if left, _ := read(t, root, "a.wav"); len(left) != tt.size/2 {
			t.Errorf("%s: %d moments, want %d", name, len(left), tt.size/2)
		}
	}
}

func TestRepairDir(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := root.MkdirAll("2026/11", 0o700); err != nil {
		t.Fatal(err)
	}
	cut := append(header(0), make([]byte, 320)...)
	for name, b := range map[string][]byte{
		"a.wav": cut, "2026/11/b.wav": cut, "whole.wav": append(header(320), make([]byte, 320)...),
		"broken.wav": bytes.Repeat([]byte("x"), 99), "note.txt": cut,
	} {
		if err := root.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	repaired, err := RepairDir(dir)
	if len(repaired) != 2 || repaired[0] != "2026/11/b.wav" || repaired[1] != "a.wav" {
		t.Errorf("repaired %v, want both cut ones", repaired)
	}
	if !errors.Is(err, ErrFormat) {
		t.Errorf("error = %v, want one for broken.wav", err)
	}
}

// prompt file of a format, with 10 ms of audio.
func promptFile(format, channels, bits uint16, rate uint32, audio []byte) []byte {
	le := binary.LittleEndian
	b := []byte("RIFF\x00\x00\x00\x00WAVELIST\x03\x00\x00\x00abc\x00fmt \x10\x00\x00\x00")
	b = le.AppendUint16(b, format)
	b = le.AppendUint16(b, channels)
	b = le.AppendUint32(b, rate)
	b = le.AppendUint32(b, rate*uint32(channels)*uint32(bits)/8)
	b = le.AppendUint16(b, channels*bits/8)
	b = le.AppendUint16(b, bits)
	b = append(b, "data"...)
	b = le.AppendUint32(b, uint32(len(audio)))
	return append(b, audio...)
}

func TestLoadPrompts(t *testing.T) {
	pcm := bytes.Repeat([]byte{0x84, 0x00}, 80) // 132: µ-law 0xEF
	prompts, err := Load(fstest.MapFS{
		"pcm.wav":  {Data: promptFile(1, 1, 16, 8000, pcm)},
		"ulaw.wav": {Data: promptFile(7, 1, 8, 8000, bytes.Repeat([]byte{0xEF}, 80))},
		"alaw.wav": {Data: promptFile(6, 1, 8, 8000, bytes.Repeat([]byte{0xD5}, 80))},
		"make.sh":  {Data: []byte("#!/bin/sh")},
	})
	if err != nil || len(prompts) != 3 {
		t.Fatalf("%d prompts, %v, want 3", len(prompts), err)
	}
	for name, want := range map[string]byte{"pcm": 0xEF, "ulaw": 0xEF, "alaw": 0xFE} {
		p := prompts[name]
		if p.Duration() != 10*time.Millisecond || p.Name != name || p.Bytes(media.ULaw)[0] != want {
			t.Errorf("%s: %v long, first byte %#x, want 10ms and %#x", name, p.Duration(), p.Bytes(media.ULaw)[0], want)
		}
	}
	for name, file := range map[string][]byte{
		"stereo": promptFile(7, 2, 8, 8000, nil), "16 kHz": promptFile(1, 1, 16, 16000, nil), "float": promptFile(3, 1, 32, 8000, nil),
		"empty": nil, "no data": promptFile(7, 1, 8, 8000, nil)[:50],
	} {
		if _, err := Load(fstest.MapFS{"p.wav": {Data: file}}); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
}

func FuzzDecodePrompt(f *testing.F) {
	f.Add(promptFile(7, 1, 8, 8000, frame(1)))
	f.Add(promptFile(1, 1, 16, 8000, frame(1)))
	f.Add(header(2))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodePrompt("p", b)
		if err == nil && (len(p.Bytes(media.ULaw)) > len(b) || len(p.Bytes(media.ULaw)) != len(p.Bytes(media.ALaw))) {
			t.Errorf("%d samples of %d bytes", len(p.Bytes(media.ULaw)), len(b))
		}
	})
}
