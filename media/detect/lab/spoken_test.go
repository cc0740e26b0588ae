package main

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/test/tool"
)

// Each language has greetings of every kind, and words for all that is filled in.
func TestTongues(t *testing.T) {
	slot := regexp.MustCompile(`\{\w+\}`)
	known := map[string]bool{"{name}": true, "{company}": true, "{digits}": true}
	for _, l := range tongues {
		kinds := [][]string{l.hello, l.again, l.business, l.machine, l.short, l.network, l.asks}
		if len(l.names) == 0 || len(l.companies) == 0 || len(l.digits) != 10 {
			t.Errorf("%s: %d names, %d companies, %d digits", l.code, len(l.names), len(l.companies), len(l.digits))
		}
		for k, texts := range kinds {
			if len(texts) == 0 {
				t.Errorf("%s: no greeting of kind %d", l.code, k)
			}
			for _, text := range texts {
				for _, s := range slot.FindAllString(text, -1) {
					if !known[s] {
						t.Errorf("%s: nothing fills in %s of %q", l.code, s, text)
					}
				}
				for _, part := range strings.Split(text, "|") {
					if strings.TrimSpace(part) == "" {
						t.Errorf("%s: %q has an empty part", l.code, text)
					}
				}
			}
		}
	}
}

// Bringing sound to 8 kHz keeps a tone that a telephone passes, and nothing of one that it does not.
func TestNarrow(t *testing.T) {
	for _, rate := range []int{8000, 16000, 22050, 44100} {
		for _, c := range []struct{ hz, least, most float64 }{{1000, 0.98, 1.02}, {3850, 0, 0.12}, {7000, 0, 0.03}} {
			if c.hz > float64(rate)/2 {
				continue
			}
			x := make([]float64, rate)
			for i := range x {
				x[i] = math.Sqrt2 * math.Sin(2*math.Pi*c.hz*float64(i)/float64(rate))
			}
			y := narrow(x, rate)
			if got := len(y); got != media.SampleRate {
				t.Errorf("%d Hz: a second is %d samples", rate, got)
			}
			if got := rms(y[200 : len(y)-200]); got < c.least || got > c.most {
				t.Errorf("%v Hz from %d Hz: level %.3f, want %v to %v", c.hz, rate, got, c.least, c.most)
			}
		}
	}
}

func TestTrim(t *testing.T) {
	x := []float64{0, 1, 0, 100, 0, -60, 1, 0}
	if got := trim(x); !slices.Equal(got, x[3:6]) {
		t.Errorf("trim = %v, want what is between the first and the last sound", got)
	}
	if got := trim(make([]float64, 5)); len(got) != 0 {
		t.Errorf("trim of quiet = %v, want nothing", got)
	}
}

// Spoken calls move no recorded call to another fold, and are kept back with the voice that they are in.
func TestPartWithSpoken(t *testing.T) {
	var calls []*call
	for i := range 60 {
		calls = append(calls, &call{speaker: string(rune('a' + i%13))})
	}
	part(calls, (*call).voice)
	var before []int
	of := map[string]int{}
	for _, c := range calls {
		before, of[c.speaker] = append(before, c.fold), c.fold
	}
	for i := range 90 {
		calls = append(calls, &call{made: true, source: "tts", speaker: string(rune('a' + i%17))})
	}
	part(calls, (*call).voice)
	for i, c := range calls {
		if i < len(before) && c.fold != before[i] {
			t.Fatalf("call %d went from fold %d to %d", i, before[i], c.fold)
		}
		if f, known := of[c.speaker]; known && f != c.fold {
			t.Fatalf("speaker %s is in folds %d and %d", c.speaker, f, c.fold)
		}
		of[c.speaker] = c.fold
	}
}

// The same seed speaks the same calls; their speech is where they say it is.
func TestSpoken(t *testing.T) {
	tool.Path(t, "espeak-ng", "spoken greetings to learn from")
	voices := slices.DeleteFunc(speakers(), func(s speaker) bool { return s.source != "tts-espeak" })
	for i := range 20 { // each kind once, and more
		make := func() *call {
			c, err := speakCall(i, voices[i%len(voices)], rand.New(rand.NewPCG(1, uint64(i))))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		c := make()
		if i%5 == 0 && !slices.Equal(c.pcm, make().pcm) {
			t.Errorf("call %d: the same seed gives another call", i)
		}
		if length := c.end - c.start; length < 80*time.Millisecond || length > 30*time.Second || samples(c.end) > len(c.pcm) {
			t.Errorf("call %d: a %s from %v to %v of %d samples", i, c.kind, c.start, c.end, len(c.pcm))
		}
		if !c.spoken() || c.origin() != "tts-espeak" {
			t.Errorf("call %d: spoken %v, of %s", i, c.spoken(), c.origin())
		}
	}
}
