package detect

import (
	"encoding/binary"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// A recording that ends 20 ms after the verdict has the same verdict at the
// same time: nothing is read ahead.
func TestCut(t *testing.T) {
	checkCut(t, made(12))
}

func checkCut(t *testing.T, calls []call) {
	t.Helper()
	for i, c := range calls {
		_, whole := run(Config{}, c.sound, c.answer)
		want := whole.Final()
		end := int((want.At+media.FrameDuration).Seconds()*media.SampleRate + 0.5)
		_, cut := run(Config{}, &line{pcm: c.sound.pcm[:min(end, len(c.sound.pcm))]}, c.answer)
		if got := cut.Final(); got.Kind != want.Kind || got.At != want.At {
			t.Errorf("call %d (%s): cut = %v at %v, whole = %v at %v", i, c.label, got.Kind, got.At, want.Kind, want.At)
		}
	}
}

// There is a verdict by the deadline, whatever is heard, and never a crash.
func TestVerdictByDeadline(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	dc := func(v int16) func(int) int16 { return func(int) int16 { return v } }
	sounds := map[string]func(at int) int16{
		"silence":       dc(0),
		"DC, clipped":   dc(32767),
		"DC, negative":  dc(-32768),
		"noise":         func(int) int16 { return int16(random.IntN(65536) - 32768) },
		"noise, hard":   func(int) int16 { return []int16{-32768, 32767}[random.IntN(2)] },
		"square":        func(at int) int16 { return []int16{-32768, 32767}[at/9%2] },
		"clicks":        func(at int) int16 { return []int16{0, 32767}[min(1, max(0, at%4000-3999+1))] },
		"noise, on off": func(at int) int16 { return int16((random.IntN(65536) - 32768) * (at / 3200 % 2)) },
	}
	for name, sound := range sounds {
		for _, mode := range []Mode{Before, With, Off} {
			d := New(Config{Mode: mode})
			d.Answered()
			hear := func(from, to time.Duration) {
				frame := make(media.Frame, media.SamplesPerFrame)
				for at := from; at < to; at += media.FrameDuration {
					for i := range frame {
						frame[i] = sound(int(at/media.FrameDuration)*len(frame) + i)
					}
					d.Hear(frame)
				}
			}
			hear(0, 5100*ms)
			if d.Final().Kind == "" {
				t.Errorf("%s, %s: no verdict after %v", name, mode, d.now)
			}
			hear(5100*ms, 20*time.Second)
		}
	}
}

// An hour costs no memory, and silence stays silence.
func TestHourOfSilence(t *testing.T) {
	d := New(Config{})
	d.Answered()
	frame := make(media.Frame, media.SamplesPerFrame)
	told := 0
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range int(time.Hour / media.FrameDuration) {
		if _, ok := d.Hear(frame); ok {
			told++
		}
	}
	runtime.ReadMemStats(&after)
	if told != 1 || d.Final().Kind != media.Silence || d.Final().At != 2500*ms {
		t.Errorf("%d findings, the last %+v", told, d.Final())
	}
	if grown := after.Mallocs - before.Mallocs; grown > 1000 {
		t.Errorf("%d allocations in an hour", grown)
	}
}

func FuzzHear(f *testing.F) {
	speech := newLine(1).speech(600 * ms).quiet(time.Second).pcm
	b, _ := binary.Append(nil, binary.LittleEndian, speech)
	f.Add(b, uint8(0), 160)
	f.Add([]byte{0, 128, 255, 127}, uint8(3), 1)
	f.Fuzz(func(t *testing.T, b []byte, answer uint8, length int) {
		d := New(Config{})
		length = max(1, min(length, 400)) // of a frame; the detector wants 160
		pcm := make([]int16, len(b)/2)
		for i := range pcm {
			pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
		}
		for i := 0; len(pcm) > 0; i++ {
			if i == int(answer) {
				d.Answered()
			}
			n := min(length, len(pcm))
			if f, ok := d.Hear(pcm[:n]); ok && !(f.Probability >= 0 && f.Probability <= 1 && f.GreetingEnd <= f.At) {
				t.Fatalf("finding = %+v", f)
			}
			pcm = pcm[n:]
		}
		if d.answered && d.now-d.answer > 6*time.Second && d.Final().Kind == "" {
			t.Fatalf("no verdict after %v", d.now-d.answer)
		}
	})
}

// Thousands of calls are heard at once.
func TestSize(t *testing.T) {
	kind := reflect.TypeFor[Detector]()
	if size := kind.Size(); size > 8<<10 {
		t.Errorf("a detector has %d bytes, want at most 8 kB", size)
	}
}

// An operator that costs more makes people wait longer; a person that costs
// more is given up later.
func TestPrices(t *testing.T) {
	usual := DefaultBounds.at(Prices{})
	if usual != DefaultBounds || DefaultBounds.at(Prices{DeadAir: 1, Operator: 5, Person: 20}) != usual {
		t.Errorf("bounds at the default prices = %v, want %v", usual, DefaultBounds)
	}
	if dear := DefaultBounds.at(Prices{Operator: 20}); dear.Person[0] <= usual.Person[0] || dear.Talking <= usual.Talking || dear.Machine <= usual.Machine {
		t.Errorf("bounds at a dear operator = %v, usual %v", dear, usual)
	}
	if dear := DefaultBounds.at(Prices{Person: 100}); dear.Person != usual.Person || dear.Machine >= usual.Machine {
		t.Errorf("bounds at a dear person = %v, usual %v", dear, usual)
	}
	for _, quiet := range []time.Duration{0, 299 * ms, 300 * ms, 600 * ms, 1200 * ms, time.Hour} {
		if later := quiet + 100*ms; usual.After(later) > usual.After(quiet) {
			t.Errorf("bound after %v is above that after %v", later, quiet)
		}
	}
}

// A person who is likely enough is told while they talk, after Hurry and no sooner: where
// others talk on behind them, no pause is heard.
func TestHurry(t *testing.T) {
	l := newLine(1).speech(4 * time.Second)
	for odds, want := range map[float32]bool{1: true, 0.5: false} {
		var always Tree
		for i := range always.Leaf {
			always.Leaf[i] = odds
		}
		d := NewWith(Config{}, Forest{always}, DefaultBounds)
		d.Answered()
		for i := 0; i+media.SamplesPerFrame <= len(l.pcm) && d.Final().Kind == ""; i += media.SamplesPerFrame {
			d.Hear(l.pcm[i : i+media.SamplesPerFrame])
		}
		if got := d.Final().Kind == media.Person; got != want {
			t.Errorf("odds %v: %+v, want a person: %v", odds, d.Final(), want)
		}
		if since := d.Final().At - d.voice.onset; want && since != Hurry {
			t.Errorf("odds %v: told after %v, want %v", odds, since, Hurry)
		}
	}
}

func TestParseForest(t *testing.T) {
	if f, err := ParseForest(learnt.Bytes()); err != nil || len(f) != len(learnt) || len(f) == 0 {
		t.Errorf("%d trees of %d, error %v", len(f), len(learnt), err)
	}
	bad := learnt[:1].Bytes()
	if _, err := ParseForest(bad[1:]); err == nil {
		t.Error("half a tree is read")
	}
	broken := Forest{learnt[0]}
	broken[0].Feature[3] = 200
	if _, err := ParseForest(broken.Bytes()); err == nil {
		t.Error("a feature that does not exist is read")
	}
}
