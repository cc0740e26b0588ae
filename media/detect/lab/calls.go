package main

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/wav"
)

// call is a labelled recording, or made here.
type call struct {
	made                       bool // here, not recorded
	file, label, kind, speaker string
	source                     string        // of the last voice
	answer, start, end         time.Duration // start and end of the greeting
	spans                      []span        // of speech, where the line is clear
	pcm                        []int16
	fold                       int
	forest                     detect.Forest // that did not learn from this speaker, or from all
	heard                      []moment      // of the recording itself
	tones                      []finding     // what needs no learning
	lessons                    []lesson
}

// moment is what is known at a time.
type moment struct {
	at, quiet time.Duration
	clear     bool
	features  detect.Features
	odds      float64 // by a forest that did not learn from this speaker
}

type finding struct {
	at   time.Duration
	kind media.VerdictKind
	beep bool
}

func readCalls(dir string) (calls []*call, err error) {
	f, err := os.Open(filepath.Join(dir, "manifest.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, err
	}
	for _, r := range all[1:] {
		value := func(column string) string { return r[slices.Index(all[0], column)] }
		ms := func(column string) time.Duration {
			v, _ := strconv.ParseFloat(value(column), 64) // empty: nobody speaks
			return time.Duration(v) * time.Millisecond
		}
		kind, _, _ := strings.Cut(value("subtype"), "+")
		c := &call{file: filepath.Join(dir, value("file")), label: value("label"), kind: kind, speaker: value("speaker"),
			source: value("source"), answer: ms("answer_ms"), start: ms("greeting_start_ms"), end: ms("greeting_end_ms")}
		b, err := os.ReadFile(c.file)
		if err != nil {
			return nil, err
		}
		sound, err := wav.DecodePrompt(filepath.Base(c.file), b)
		if err != nil {
			return nil, err
		}
		ulaw := sound.Bytes(media.ULaw)
		c.pcm = make([]int16, len(ulaw))
		codec.DecodeULaw(c.pcm, ulaw)
		calls = append(calls, c)
	}
	return calls, nil
}

// never lets no verdict fall on odds.
var never = detect.Bounds{Person: [6]float64{100, 100, 100, 100, 100, 100}, Talking: 100, Machine: -100, Deadline: -100}

// hear runs the front end of the detector.
func hear(pcm []int16, answer time.Duration) (heard []moment, tones []finding) {
	d := detect.NewWith(detect.Config{}, nil, never)
	var at time.Duration
	for ; len(pcm) >= media.SamplesPerFrame; pcm = pcm[media.SamplesPerFrame:] {
		if at >= answer {
			d.Answered()
		}
		at += media.FrameDuration
		if f, ok := d.Hear(pcm[:media.SamplesPerFrame]); ok && (f.Kind != media.Person && f.Kind != media.Silence) {
			tones = append(tones, finding{at, f.Kind, f.Beep})
		}
		m := moment{at: at, quiet: d.Quiet(), clear: d.Clear()}
		if d.Features(&m.features) {
			heard = append(heard, m)
		}
	}
	return heard, tones
}

// folds are how many parts the speakers are put into: each is judged by what
// learnt from the others.
const folds = 5

func split(calls []*call, fold int) (kept, rest []*call) {
	for _, c := range calls {
		if c.fold == fold {
			kept = append(kept, c)
		} else {
			rest = append(rest, c)
		}
	}
	return kept, rest
}

// part gives every call a fold; no speaker is in two, or no source. Calls that synthesizers spoke
// do not move the others.
func part(calls []*call, by func(*call) string) {
	speakers := map[string]int{}
	for _, c := range calls {
		if !c.spoken() {
			speakers[by(c)]++
		}
	}
	names := make([]string, 0, len(speakers))
	for s := range speakers {
		names = append(names, s)
	}
	slices.SortFunc(names, func(a, b string) int {
		if d := speakers[b] - speakers[a]; d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	of, size := map[string]int{}, make([]int, folds)
	for _, s := range names {
		least := slices.Index(size, slices.Min(size))
		of[s] = least
		size[least] += speakers[s]
	}
	for _, c := range calls {
		name := by(c)
		if _, known := of[name]; !known {
			of[name] = len(of) % folds
		}
		c.fold = of[name]
	}
}

// spoken says that a synthesizer said the greeting for the lab.
func (c *call) spoken() bool { return c.made && c.source != "" }

// origin is the source of the voices, or the call where nobody speaks. The made-up voices
// are one, and the smaller engines another.
func (c *call) origin() string {
	switch {
	case c.made && !c.spoken():
		return "made"
	case c.source == "tts-flite" || c.source == "tts-fest" || c.source == "fsdd":
		return "small"
	case c.source == "":
		return c.file
	}
	return c.source
}

// voice is the speaker, or the call where nobody speaks.
func (c *call) voice() string {
	if c.speaker == "" {
		return c.file
	}
	return c.speaker
}
