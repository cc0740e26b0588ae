package fault

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
)

const (
	// Audio is written four times a second, half a second after it came; more is
	// missing only where the machine let nobody write (diskWatch).
	unwritten = 1200 * time.Millisecond
	// Bridging and recording begin within a packet or two of each other.
	slack = 400 * time.Millisecond
)

// judgeRecordings: each file in the recording folder is a whole WAV file, as
// long as its talk was, with sound on it. It returns how many there are, and
// how many of them a kill cut short in the middle of a talk.
func judgeRecordings(t testing.TB, w *world, attempts []campaigns.Attempt, events []carrier.Event, lives []life) (all, cut int) {
	t.Helper()
	bridgedAt := map[string]time.Time{}
	for _, e := range events {
		if e.Event == "operator_state" && !e.BridgedAt.IsZero() {
			bridgedAt[e.Call] = e.BridgedAt
		}
	}
	attempt := map[string]campaigns.Attempt{}
	for _, a := range attempts {
		attempt[string(a.ID)] = a
	}
	root, found := filepath.Join(w.dir, "recordings"), map[string]bool{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		id := strings.TrimSuffix(filepath.Base(path), ".wav")
		found[id] = true
		length, err := playLength(path)
		if err != nil {
			t.Errorf("recording %s: %v", id, err)
			return nil
		}
		a, known := attempt[id]
		if !known {
			t.Errorf("recording %s belongs to no attempt", id)
			return nil
		}
		if a.Recording == "" || filepath.Base(a.Recording) != id+".wav" {
			t.Errorf("attempt %s (%s) does not name its recording: %q", id, a.Outcome, a.Recording)
		}
		from, to, early, late := bridgedAt[id], a.EndedAt, slack, slack
		if a.Outcome == campaigns.Interrupted {
			l := diedAfter(lives, a.BeganAt)
			stalled := w.disk.stalled(l.killed)
			to, early, late = l.killed, unwritten+stalled, slack+l.died.Sub(l.killed)
			if stalled > slack {
				t.Logf("recording %s: nobody could write for %v before the kill; the process was gone %v after it", id, stalled, l.died.Sub(l.killed))
			}
			if length > 0 {
				cut++
			}
		}
		if from.IsZero() {
			return nil // the product died before it could tell the operator
		}
		if want := to.Sub(from); length < want-early || length > want+late {
			t.Errorf("recording %s (%s) plays %v, the talk was %v", id, a.Outcome, length, want)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, a := range attempts {
		if a.Recording != "" && !found[string(a.ID)] {
			t.Errorf("attempt %s names the recording %s, which is not there", a.ID, a.Recording)
		}
	}
	return len(found), cut
}

// diedAfter is the life of the process that began something at a time.
func diedAfter(lives []life, at time.Time) life {
	for _, l := range lives {
		if l.died.After(at) {
			return l
		}
	}
	return life{}
}

// playLength reads a recording as any player does, by its header (RIFF, µ-law,
// stereo, 8 kHz), and says how long it plays.
func playLength(path string) (time.Duration, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	le := binary.LittleEndian
	if len(b) < 12 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WAVE" || int(le.Uint32(b[4:]))+8 != len(b) {
		return 0, fmt.Errorf("%d bytes: no RIFF file of that size", len(b))
	}
	var rate, align, samples, data int
	for at := 12; at+8 <= len(b); {
		name, size := string(b[at:at+4]), int(le.Uint32(b[at+4:]))
		at += 8
		if at+size > len(b) {
			return 0, fmt.Errorf("chunk %q of %d bytes ends behind the file", name, size)
		}
		switch name {
		case "fmt ":
			if tag := le.Uint16(b[at:]); tag != 7 {
				return 0, fmt.Errorf("format %d is not µ-law", tag)
			}
			rate, align = int(le.Uint32(b[at+4:])), int(le.Uint16(b[at+12:]))
		case "fact":
			samples = int(le.Uint32(b[at:]))
		case "data":
			if data = size; at+size != len(b) {
				return 0, errors.New("something follows the audio")
			}
		}
		at += size + size%2
	}
	if rate != 8000 || align != 2 || samples*align != data {
		return 0, fmt.Errorf("%d Hz, %d bytes a moment, %d samples in %d bytes", rate, align, samples, data)
	}
	length := time.Duration(samples) * time.Second / 8000
	if length > time.Second && !sounds(b[len(b)-data:]) {
		return 0, fmt.Errorf("%v of silence", length)
	}
	return length, nil
}

// sounds says whether a tenth of some µ-law audio is louder than noise: its
// bytes are turned round, so quiet ones have the high bits set.
func sounds(ulaw []byte) bool {
	loud := 0
	for _, b := range ulaw {
		if b&0x70 < 0x50 {
			loud++
		}
	}
	return loud > len(ulaw)/10
}
