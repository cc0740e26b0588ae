package e2e

import (
	"encoding/csv"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/phone"
)

// clip is what a called line says, from the first packet on.
type clip struct {
	name   string
	label  string        // as outpace detect names it
	answer time.Duration // what is before it is early media
	speech time.Duration // where its greeting starts
	pcm    []int16       // as µ-law has it
}

// newClip joins the parts, with the noise of a line under them.
func newClip(name, label string, answer time.Duration, parts ...[]int16) clip {
	pcm := slices.Concat(parts...)
	state := uint32(len(name) + len(pcm))
	for i := range pcm {
		state = 1664525*state + 1013904223
		pcm[i] += int16(state>>16)%20 - 10
	}
	return clip{name: name, label: label, answer: answer, pcm: asMuLaw(pcm)}
}

func asMuLaw(pcm []int16) []int16 {
	b := make([]byte, len(pcm)/phone.FrameSamples*phone.FrameSamples)
	phone.PCMU.Encode(b, pcm[:len(b)])
	out := make([]int16, len(b))
	phone.PCMU.Decode(out, b)
	return out
}

// madeClips are people, businesses, machines and lines; n of the first three.
func madeClips(n int) (clips []clip) {
	say := func(seed int, milliseconds int, phrased bool) []int16 {
		return carrier.Speech(uint64(seed), time.Duration(milliseconds)*time.Millisecond, phrased)
	}
	for i := range n {
		wait := quiet(250 + 90*(i%7))
		clips = append(clips,
			newClip(fmt.Sprint("person/", i), "human", 0, wait, say(i, 350+70*(i%9), false), quiet(4000)),
			newClip(fmt.Sprint("business/", i), "human", 0, wait, say(100+i, 1800+200*(i%6), false), quiet(4000)),
			newClip(fmt.Sprint("machine/", i), "machine", 0, wait, say(200+i, 3500+150*(i%9), true), quiet(300+100*(i%5)),
				carrier.Tones(6000, 400*time.Millisecond, 900+40*float64(i%8)), quiet(800)))
	}
	tritone := slices.Concat(carrier.Tones(6000, 330*time.Millisecond, 950), carrier.Tones(6000, 330*time.Millisecond, 1400), carrier.Tones(6000, 330*time.Millisecond, 1800))
	busy := slices.Repeat(append(carrier.Tones(5000, 500*time.Millisecond, 425), quiet(500)...), 5)
	ring := append(carrier.Tones(4000, time.Second, 425), quiet(1000)...)
	return append(clips,
		newClip("fax", "fax", 0, quiet(300), carrier.Tones(6000, 3*time.Second, 2100), quiet(500)),
		newClip("tritone", "sit", 0, quiet(200), tritone, quiet(200), say(301, 2000, false)),
		newClip("tritone before the answer", "sit", 6*time.Second, quiet(400), tritone, quiet(300), say(302, 3000, true), quiet(3000)),
		newClip("busy", "busy", 0, quiet(100), busy),
		newClip("person after ringback", "human", 2*time.Second, ring, quiet(300), say(303, 600, false), quiet(3000)),
		newClip("silence", "silence", 0, quiet(4000)))
}

// recordedClips are those of $SHARED/audio, where present: each nth.
func recordedClips(t *testing.T, nth int) (clips []clip) {
	t.Helper()
	manifests, err := filepath.Glob(filepath.Join(os.Getenv("SHARED"), "audio", "*", "manifest.csv"))
	must(t, err)
	for _, m := range manifests {
		f, err := os.Open(m)
		must(t, err)
		rows, err := csv.NewReader(f).ReadAll()
		must(t, err)
		must(t, f.Close())
		column := map[string]int{}
		for i, name := range rows[0] {
			column[name] = i
		}
		for i, row := range rows[1:] {
			if i%nth != 0 {
				continue
			}
			file := row[column["file"]]
			c := clip{name: filepath.Join(filepath.Base(filepath.Dir(m)), file), label: row[column["label"]]}
			c.answer, c.speech = milliseconds(row[column["answer_ms"]]), milliseconds(row[column["greeting_start_ms"]])
			c.answer = (c.answer + packetTime - 1).Truncate(packetTime) // between two packets, where outpace detect has it
			c.pcm = readMuLaw(t, filepath.Join(filepath.Dir(m), file))
			clips = append(clips, c)
		}
	}
	return clips
}

func milliseconds(s string) time.Duration {
	ms, _ := strconv.Atoi(s) // empty is 0
	return time.Duration(ms) * time.Millisecond
}

// readMuLaw reads a mono µ-law file, in whole frames.
func readMuLaw(t *testing.T, path string) []int16 {
	t.Helper()
	b, err := os.ReadFile(path)
	must(t, err)
	code, channels, data := waveData(t, b)
	if code != formatMuLaw || channels != 1 {
		t.Fatalf("%s: format %d, %d channels; want µ-law mono", path, code, channels)
	}
	pcm := make([]int16, len(data)/phone.FrameSamples*phone.FrameSamples)
	phone.PCMU.Decode(pcm, data[:len(pcm)])
	return pcm
}

// opinion is something that the detector said of a call, on the clip's time line.
type opinion struct {
	kind        string
	provisional bool
	at          time.Duration
}

// opinions are what the detector says of a clip as outpace detect plays it.
func opinions(c clip) (all []opinion) {
	d := detect.New(detect.Config{})
	for at := 0; at+phone.FrameSamples <= len(c.pcm); at += phone.FrameSamples {
		if spokenUntil(at) >= c.answer {
			d.Answered()
		}
		if f, ok := d.Hear(c.pcm[at : at+phone.FrameSamples]); ok && !f.Records {
			all = append(all, opinion{string(f.Kind), f.Provisional, f.At})
		}
	}
	return all
}

// spokenUntil is how long n samples last.
func spokenUntil(n int) time.Duration { return time.Duration(n) * time.Second / 8000 }

// acted is the opinion that the product acts on: a person is put through and
// the rest hung up on, but for a machine that may yet be a person. A machine was
// told when it was first told.
func acted(all []opinion) (o opinion) {
	for _, next := range all {
		switch {
		case next.kind == "ringback" && o.kind != "":
			continue
		case next.kind == "machine" && o.kind == "machine":
			o.provisional = next.provisional
		default:
			o = next
		}
		if o.kind != "ringback" && !o.provisional {
			return o
		}
	}
	return o
}

// firstWord is where the first word of a clip ends: the first pause of 200 ms
// after its greeting started. A frame sounds 9 dB over the quietest tenth of the
// frames and not 25 dB under the loudest.
func firstWord(c clip) time.Duration {
	var levels []float64
	for at := 0; at+phone.FrameSamples <= len(c.pcm); at += phone.FrameSamples {
		levels = append(levels, 20*math.Log10(max(1, phone.Level(c.pcm[at:at+phone.FrameSamples]))))
	}
	sorted := slices.Sorted(slices.Values(levels))
	least := max(sorted[len(sorted)/10]+9, sorted[len(sorted)-1]-25)
	end, run := time.Duration(0), 0
	for i, l := range levels {
		at := spokenUntil((i + 1) * phone.FrameSamples)
		switch {
		case at <= max(c.speech, c.answer):
		case l >= least:
			if run++; run >= 3 { // a click is no word
				end = at
			}
		default:
			run = 0
			if end > 0 && at-end >= 200*time.Millisecond {
				return end
			}
		}
	}
	return end
}
