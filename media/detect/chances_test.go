package detect

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

// wantChances wants numbers in bounds that sum to one.
func wantChances(t interface {
	Helper()
	Fatalf(string, ...any)
}, p Chances) {
	t.Helper()
	sum := 0.0
	for c, v := range p {
		if !(v >= 0 && v <= 1) {
			t.Fatalf("chance of %s is %v", ClassNames[c], v)
		}
		sum += v
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Fatalf("chances %v sum to %v", p, sum)
	}
}

// Whatever is heard, chances are chances, and to ask for them changes nothing.
func TestChancesAreChances(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLine(rapid.Uint64().Draw(t, "seed"))
		for range rapid.IntRange(1, 4).Draw(t, "pieces") {
			d := time.Duration(rapid.IntRange(2, 60).Draw(t, "frames")) * media.FrameDuration
			switch rapid.IntRange(0, 4).Draw(t, "piece") {
			case 0:
				l.quiet(d)
			case 1:
				l.speech(d)
			case 2:
				l.tone(tone.Busy("US"), d)
			case 3:
				l.tone(tone.FaxCED(), d)
			case 4:
				l.tone(tone.Sine(1000, d), d)
			}
		}
		mode := rapid.SampledFrom([]Mode{Before, With, Off}).Draw(t, "mode")
		asked, unasked := New(Config{Mode: mode}), New(Config{Mode: mode})
		answer := rapid.IntRange(0, 50).Draw(t, "answer")
		for i := 0; i+media.SamplesPerFrame <= len(l.pcm); i += media.SamplesPerFrame {
			if i/media.SamplesPerFrame == answer {
				asked.Answered()
				unasked.Answered()
			}
			wantChances(t, asked.Chances())
			f, ok := asked.Hear(l.pcm[i : i+media.SamplesPerFrame])
			g, also := unasked.Hear(l.pcm[i : i+media.SamplesPerFrame])
			if f != g || ok != also {
				t.Fatalf("asked: %+v, not asked: %+v", f, g)
			}
			if asked.Chances() != unasked.Chances() {
				t.Fatal("chances depend on whether they were asked for")
			}
		}
	})
}

// What is plain is plain in the chances.
func TestChances(t *testing.T) {
	for name, tt := range map[string]struct {
		sound *line
		want  []Class // one of them is the likeliest
		least float64 // of them together
	}{
		"fax":                   {newLine(1).quiet(500*ms).tone(tone.FaxCED(), 2*time.Second), []Class{Fax}, 0.95},
		"intercept":             {newLine(1).quiet(300*ms).tone(tone.SIT("IC"), 928*ms), []Class{Network}, 0.95},
		"busy":                  {newLine(1).quiet(300*ms).tone(tone.Busy("US"), 3*time.Second), []Class{Network}, 0.95},
		"long quiet":            {newLine(1).quiet(6 * time.Second), []Class{Silence}, 0.5},
		"machine with its beep": {newLine(5).quiet(300*ms).speech(5*time.Second).quiet(700*ms).tone(tone.Beep(), 300*ms), []Class{Machine}, 0.94},
		"talks on":              {newLine(5).quiet(300 * ms).speech(6 * time.Second), []Class{Machine, Screening, Network}, 0.75},
		"hello":                 {newLine(1).quiet(300 * ms).speech(600 * ms).quiet(1500 * ms), []Class{AtHome, Business}, 0.75},
	} {
		t.Run(name, func(t *testing.T) {
			_, d := run(Config{}, tt.sound, 0)
			p := d.Chances()
			sum, best := 0.0, Class(0)
			for c, v := range p {
				if v > p[best] {
					best = Class(c)
				}
			}
			likeliest := false
			for _, c := range tt.want {
				sum += p[c]
				likeliest = likeliest || c == best
			}
			if sum < tt.least || !likeliest {
				t.Errorf("chances %.3f of %v, want %v of %v", p, ClassNames, tt.least, tt.want)
			}
		})
	}
}

func TestChancesAllocate(t *testing.T) {
	d := New(Config{})
	d.Answered()
	l := newLine(1).speech(time.Second)
	for i := 0; i+media.SamplesPerFrame <= len(l.pcm); i += media.SamplesPerFrame {
		d.Hear(l.pcm[i : i+media.SamplesPerFrame])
	}
	var p Chances
	if n := testing.AllocsPerRun(100, func() { p = d.Chances() }); n != 0 {
		t.Errorf("%v allocations, want none (%v)", n, p)
	}
}

// All that is kept of a call.
func TestStateSize(t *testing.T) {
	if size := unsafe.Sizeof(Detector{}); size > 8<<10 {
		t.Errorf("a detector has %d bytes, want 8,192 at most", size)
	} else {
		t.Logf("a detector has %d bytes", size)
	}
}

func TestParseSplits(t *testing.T) {
	if string(classes.Bytes()) != string(classWeights) {
		t.Error("the round trip changes the weights")
	}
	if _, err := ParseSplits(classWeights[1:]); err == nil {
		t.Error("cut weights are read")
	}
}

// An assistant that asks, waits and asks again word for word is told from a machine, where it
// is listened to for so long; what is said anew, goes round at once, or beeps, is a machine.
func TestAsksAgain(t *testing.T) {
	question := func(seed uint64) *line {
		l := newLine(seed)
		for range 4 {
			l.speech(time.Duration(500+l.random.IntN(900)) * ms).quiet(time.Duration(180+l.random.IntN(120)) * ms)
		}
		return l
	}
	again, wrong := 0, 0
	for seed := range uint64(8) {
		twice := func(wait time.Duration, second uint64, between ...int16) []Finding {
			l := newLine(seed).quiet(300 * ms)
			l.pcm = append(l.pcm, question(seed).pcm...)
			l.quiet(wait / 2)
			l.pcm = append(l.pcm, between...)
			l.quiet(wait / 2)
			l.pcm = append(l.pcm, question(second).pcm...)
			all, d := run(Config{}, l.quiet(time.Second).noise(-55), 0)
			wantChances(t, d.Chances())
			return all
		}
		is := func(all []Finding) int {
			for _, f := range all {
				if f.Kind == media.Screening {
					return 1
				}
			}
			return 0
		}
		again += is(twice(5*time.Second, seed))
		wrong += is(twice(5*time.Second, seed+500)) + is(twice(time.Second, seed)) + is(twice(5*time.Second, seed, tone.Beep().Samples(300*ms)...))
	}
	if again < 7 || wrong > 0 {
		t.Errorf("%d of 8 assistants told, %d of 24 others taken for one", again, wrong)
	}
}
