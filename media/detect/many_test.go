package detect

import (
	"encoding/binary"
	"encoding/csv"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

// call is a labelled sound track.
type call struct {
	label  string // as Label names it
	answer time.Duration
	beep   bool
	sound  *line
}

// made are two calls for each of n voices, at different pitch, noise and length: short
// greetings are people, long ones with a beep are machines.
func made(n uint64) (calls []call) {
	for seed := range n {
		l := newLine(seed)
		noise := -60 + 25*l.random.Float64()
		short := time.Duration(250+l.random.IntN(1000)) * ms
		beep := tone.Sine(500+40*float64(seed%40), 300*ms)
		calls = append(calls,
			call{label: "human", sound: l.quiet(200 * ms).speech(short).quiet(2 * time.Second).noise(noise)},
			call{label: "machine", beep: true, sound: newLine(seed+1000).quiet(400*ms).
				speech(4500*ms).quiet(400*ms).tone(beep, 300*ms).quiet(time.Second).noise(noise)})
	}
	return calls
}

// limits are the worst shares that a set may have.
type limits struct{ lost, slipped, beeps, other float64 }

// check runs every call and compares the shares with the limits: people lost
// to a machine verdict, machines held to be people, beeps missed, and other
// calls (tones, silence) with a wrong label.
func check(t *testing.T, calls []call, most limits) {
	t.Helper()
	var people, lost, machines, slipped, beeps, missed, others, wrong float64
	for _, c := range calls {
		all, d := run(Config{}, c.sound, c.answer)
		got := Label(d.Final())
		switch c.label {
		case "human":
			people++
			lost += one(got != "human" && got != "silence" && got != "ringback")
		case "machine", "screening":
			machines++
			slipped += one(got == "human")
		default:
			others++
			wrong += one(got != c.label)
		}
		if c.beep {
			beeps++
			heard := false
			for _, f := range all {
				heard = heard || f.Beep
			}
			missed += one(!heard)
		}
	}
	t.Logf("people lost %v of %v, machines let through %v of %v, beeps missed %v of %v, others wrong %v of %v",
		lost, people, slipped, machines, missed, beeps, wrong, others)
	if lost > most.lost*people || slipped > most.slipped*machines || missed > most.beeps*beeps || wrong > most.other*others {
		t.Errorf("shares over the limits %+v", most)
	}
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Machines breathe. A pause of theirs is no wait for an answer, or an operator
// gets the call until the beep takes the verdict back; a soft end of a phrase is no pause.
func TestBreaths(t *testing.T) {
	const voices = 30
	through := 0
	for seed := range uint64(voices) {
		l := newLine(seed).quiet(500 * ms)
		for range 6 {
			l.speech(time.Duration(700+l.random.IntN(1000)) * ms)
			soft := newLine(seed + 500).speech(time.Duration(l.random.IntN(700)) * ms)
			for _, v := range soft.pcm {
				l.pcm = append(l.pcm, v/5) // 14 dB
			}
			l.quiet(time.Duration(150+l.random.IntN(250)) * ms)
		}
		all, _ := run(Config{}, l.tone(tone.Beep(), 300*ms).quiet(2*time.Second).noise(-60), 0)
		for _, f := range all {
			if f.Kind == media.Person {
				through++
				break
			}
		}
	}
	if through > voices/15 {
		t.Errorf("%d of %d machines are put through", through, voices)
	}
}

// A message begins when the machine records: after its beep, of whatever kind,
// and over none of its greeting. The engine and the wire take 50 ms at most of
// the 100 to 600 ms.
func TestRecords(t *testing.T) {
	const machines = 100
	right := 0
	for seed := range uint64(machines) {
		l := newLine(seed).quiet(300 * ms)
		for range 2 + l.random.IntN(4) {
			l.speech(time.Duration(800+l.random.IntN(1500)) * ms).quiet(time.Duration(150+l.random.IntN(350)) * ms)
		}
		l.quiet(time.Duration(l.random.IntN(900)) * ms)
		length := time.Duration(80+l.random.IntN(1400)) * ms
		beep := tone.Sine(400+1600*l.random.Float64(), length)
		switch seed % 5 {
		case 3:
			beep = tone.Dual(500+300*l.random.Float64(), 900+600*l.random.Float64(), length)
		case 4: // two short ones
			beep.Parts = append(beep.Parts, tone.Part{For: 120 * ms}, beep.Parts[0])
			length = beep.Length()
		}
		l.tone(beep, length)
		over := time.Duration(len(l.pcm)) * time.Second / media.SampleRate
		all, _ := run(Config{}, l.quiet(3*time.Second).noise(-65+25*l.random.Float64()), 0)
		var told []time.Duration
		for _, f := range all {
			if f.Records {
				told = append(told, f.At-over)
			}
		}
		if len(told) == 1 && told[0] >= 100*ms && told[0] <= 550*ms {
			right++
		} else {
			t.Logf("seed %d: beep of %v ends at %v, told %v after it; %s", seed, length, over, told, say(all))
		}
	}
	if right < 97 {
		t.Errorf("right after the beep of %d of %d machines, want 97", right, machines)
	}
}

func TestManyVoices(t *testing.T) { check(t, made(40), limits{lost: 0.05, slipped: 0.05, beeps: 0.05}) }

// SHARED may name a folder with more labelled calls: audio/*/manifest.csv with
// the columns file, label, answer_ms, beep_ms, and µ-law WAV beside it. The
// limits are where this detector stands, with room for another draw.
func TestRecordedCalls(t *testing.T) {
	manifests, err := filepath.Glob(filepath.Join(os.Getenv("SHARED"), "audio", "*", "manifest.csv"))
	if err != nil {
		t.Fatal(err)
	}
	sets := map[string][]call{"made/calls": made(8)}
	for _, m := range manifests {
		sets[m] = readCalls(t, m)
	}
	for name, calls := range sets {
		t.Run(filepath.Base(filepath.Dir(name)), func(t *testing.T) {
			checkCut(t, calls)
			check(t, calls, limits{lost: 0.08, slipped: 0.12, beeps: 0.25, other: 0.14})
		})
	}
}

func readCalls(t *testing.T, manifest string) (calls []call) {
	t.Helper()
	f, err := os.Open(manifest)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for _, row := range rows[1:] {
		pcm, err := readWAV(filepath.Join(filepath.Dir(manifest), row[column["file"]]))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := strconv.Atoi(row[column["answer_ms"]])
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, call{
			label: row[column["label"]], answer: time.Duration(answer) * ms,
			beep: row[column["beep_ms"]] != "", sound: &line{pcm: pcm},
		})
	}
	return calls
}

// readWAV reads the samples of a µ-law WAV file.
func readWAV(path string) ([]int16, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	for at := 12; at+8 <= len(b); {
		size := int(binary.LittleEndian.Uint32(b[at+4:]))
		if string(b[at:at+4]) == "data" {
			body := b[at+8 : min(len(b), at+8+size)]
			pcm := make([]int16, len(body))
			for i, u := range body {
				pcm[i] = linear(u)
			}
			return pcm, nil
		}
		at += 8 + size + size&1
	}
	return nil, errors.New("no data chunk")
}

// linear expands one µ-law byte (ITU-T G.711).
func linear(u byte) int16 {
	u = ^u
	v := (int16(u&15)<<3+0x84)<<(u>>4&7) - 0x84
	if u&0x80 != 0 {
		return -v
	}
	return v
}
