package detect

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

// say writes findings as one line: "machine, machine+beep, person(revised)".
func say(all []Finding) string {
	var words []string
	for _, f := range all {
		w := string(f.Kind)
		if f.SIT != "" {
			w += ":" + f.SIT
		}
		if f.Early {
			w += "(early)"
		}
		if f.Revised {
			w += "(revised)"
		}
		if f.Provisional {
			w += "?"
		}
		if f.Beep {
			w += "+beep"
		}
		words = append(words, w)
	}
	return strings.Join(words, ", ")
}

func TestVerdicts(t *testing.T) {
	hello := func(seed uint64) *line { return newLine(seed).quiet(300 * ms).speech(600 * ms).quiet(2 * time.Second) }
	greeting := func(d time.Duration) *line { return newLine(5).quiet(300 * ms).speech(d) }
	tests := []struct {
		name   string
		cfg    Config
		sound  *line
		answer time.Duration
		want   string
		last   time.Duration // of the last finding, at most
	}{
		{name: "hello", sound: hello(1), want: "person", last: 1650 * ms},
		{name: "hello in noise", sound: hello(2).noise(-35), want: "person", last: 1750 * ms},
		{name: "late hello", sound: newLine(1).quiet(3 * time.Second).speech(600 * ms).quiet(2 * time.Second), want: "silence, person(revised)", last: 4400 * ms},
		{name: "hello at once", sound: newLine(3).speech(400 * ms).quiet(2 * time.Second), want: "person", last: 1200 * ms},
		{name: "hello after ringback", sound: newLine(4).tone(tone.Ringback("US"), 2500*ms).speech(500 * ms).quiet(2 * time.Second), want: "ringback, person(revised)", last: 3800 * ms},
		{name: "long greeting", sound: greeting(6 * time.Second), want: "machine?", last: 4 * time.Second},
		{name: "greeting too long for a person", sound: greeting(9 * time.Second), want: "machine?, machine", last: 7400 * ms},
		{name: "machine that stays quiet", sound: greeting(6500 * ms).quiet(7 * time.Second), want: "machine?, machine", last: 10900 * ms},
		{name: "machine with beep", sound: greeting(5*time.Second).quiet(700*ms).tone(tone.Beep(), 200*ms).quiet(3 * time.Second), want: "machine?, machine+beep", last: 6120 * ms},
		{name: "machine with beep in noise", sound: greeting(5*time.Second).quiet(700*ms).tone(tone.Beep(), 200*ms).quiet(3 * time.Second).noise(-38), want: "machine?, machine+beep", last: 6120 * ms},
		{name: "short machine", sound: greeting(1500*ms).quiet(300*ms).tone(tone.Sine(1400, 300*ms), 300*ms).quiet(2 * time.Second), want: "machine+beep", last: 3100 * ms},
		{name: "business", sound: greeting(1800 * ms).quiet(3 * time.Second), want: "person", last: 3600 * ms},
		{name: "business that says more", sound: newLine(3).quiet(300 * ms).speech(3050 * ms).quiet(3 * time.Second), want: "person", last: 5 * time.Second},
		{name: "business taken for a machine at first", cfg: Config{Prices: Prices{Person: 10}}, sound: newLine(3).quiet(300 * ms).speech(3050 * ms).quiet(3 * time.Second), want: "machine?, person(revised)", last: 5 * time.Second},
		{name: "beep alone", sound: newLine(1).quiet(time.Second).tone(tone.Beep(), 200*ms).quiet(3 * time.Second), want: "machine+beep", last: 2500 * ms},
		{name: "silence", sound: newLine(1).quiet(8 * time.Second), want: "silence", last: 2500 * ms},
		{name: "noise", sound: newLine(1).quiet(8 * time.Second).noise(-25), want: "silence", last: 2500 * ms},
		{name: "endless tone", sound: newLine(1).quiet(300*ms).tone(tone.Sine(1000, 9*time.Second), 9*time.Second), want: "silence", last: 5 * time.Second},
		{name: "fax answers", sound: newLine(1).quiet(500*ms).tone(tone.FaxCED(), 3*time.Second), want: "fax", last: 1100 * ms},
		{name: "fax calls", sound: newLine(1).quiet(500*ms).tone(tone.FaxCNG(), 4*time.Second), want: "fax", last: 1100 * ms},
		{name: "fax calls behind voices", sound: newLine(1).quiet(200*ms).speech(1200*ms).quiet(200*ms).tone(tone.FaxCNG(), 5*time.Second), want: "machine+beep, machine+beep, fax(revised)", last: 5900 * ms},
		{name: "a person, then a beep", sound: newLine(1).quiet(300*ms).speech(900*ms).quiet(1500*ms).tone(tone.Beep(), 300*ms).quiet(time.Second), want: "person, machine(revised)+beep", last: 2900 * ms},
		{name: "busy", sound: newLine(1).quiet(300*ms).tone(tone.Busy("US"), 5*time.Second), want: "busy_tone", last: 2 * time.Second},
		{name: "vacant code early", sound: newLine(1).quiet(300*ms).tone(tone.SIT("VC"), 1034*ms).quiet(400 * ms).speech(2 * time.Second), answer: time.Hour, want: "announcement:VC(early)", last: 1150 * ms},
		{name: "intercept after the answer", sound: newLine(1).quiet(300*ms).tone(tone.SIT("IC"), 928*ms).quiet(400 * ms).speech(5 * time.Second), want: "announcement:IC", last: 1100 * ms},
		{name: "intercept, then answered", sound: newLine(1).quiet(300*ms).tone(tone.SIT("IC"), 928*ms).quiet(400 * ms).speech(5 * time.Second), answer: 2 * time.Second, want: "announcement:IC(early)", last: 1100 * ms},
		{name: "early ringback", sound: newLine(2).tone(tone.Ringback("GB"), 3*time.Second).speech(600 * ms).quiet(2 * time.Second), answer: 3 * time.Second, want: "person", last: 4400 * ms},
		{name: "early busy, answered", sound: newLine(2).tone(tone.Busy("DE"), 3*time.Second).quiet(300 * ms).speech(600 * ms).quiet(2 * time.Second), answer: 3 * time.Second, want: "busy_tone(early), person", last: 4700 * ms},
		{name: "off", cfg: Config{Mode: Off}, sound: greeting(5 * time.Second), want: "person", last: 20 * ms},
		{name: "with person", cfg: Config{Mode: With}, sound: hello(1), want: "person?, person", last: 1650 * ms},
		{name: "with machine", cfg: Config{Mode: With}, sound: greeting(6 * time.Second), want: "person?, machine(revised)?", last: 4 * time.Second},
		{name: "with machine and its beep", cfg: Config{Mode: With}, sound: greeting(5*time.Second).quiet(700*ms).tone(tone.Beep(), 200*ms).quiet(3 * time.Second), want: "person?, machine(revised)?, machine+beep", last: 6500 * ms},
		{name: "with short machine", cfg: Config{Mode: With}, sound: greeting(1800*ms).quiet(250*ms).tone(tone.Sine(1400, 300*ms), 300*ms).quiet(2 * time.Second), want: "person?, machine(revised)+beep", last: 3200 * ms},
		{name: "with machine and the longest beep", cfg: Config{Mode: With}, sound: greeting(1800*ms).quiet(250*ms).tone(tone.Sine(1000, 1500*ms), 1500*ms).quiet(2 * time.Second), want: "person?, machine(revised)+beep", last: 4400 * ms},
		{name: "with a steady tone", cfg: Config{Mode: With}, sound: greeting(1800*ms).quiet(150*ms).tone(tone.Sine(1000, 9*time.Second), 9*time.Second), want: "person?, person", last: 4200 * ms},
		{name: "with a whistle", cfg: Config{Mode: With}, sound: newLine(1).quiet(300*ms).speech(600*ms).quiet(150*ms).tone(tone.Sine(1000, 300*ms), 300*ms).quiet(2 * time.Second), want: "person?, person", last: 3 * time.Second},
		{name: "with talk and then a steady tone", cfg: Config{Mode: With}, sound: greeting(5*time.Second).quiet(150*ms).tone(tone.Sine(1000, 9*time.Second), 9*time.Second), want: "person?, machine(revised)?, person(revised)", last: 7200 * ms},
		{name: "with intercept", cfg: Config{Mode: With}, sound: greeting(800*ms).quiet(100*ms).tone(tone.SIT("IC"), 928*ms).quiet(time.Second), want: "person?, announcement:IC(revised)", last: 2300 * ms},
		{name: "with fax", cfg: Config{Mode: With}, sound: greeting(600*ms).quiet(200*ms).tone(tone.FaxCED(), 3*time.Second), want: "person?, fax(revised)", last: 1800 * ms},
		{name: "deadline", cfg: Config{Deadline: 2 * time.Second}, sound: greeting(5 * time.Second), want: "machine?", last: 2 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			all, d := run(tt.cfg, tt.sound, tt.answer)
			all = slices.DeleteFunc(all, func(f Finding) bool { return f.Records }) // see TestRecords
			if got := say(all); got != tt.want {
				t.Fatalf("findings = %q, want %q\n%+v", got, tt.want, all)
			}
			if last := all[len(all)-1].At; last > tt.last {
				t.Errorf("last finding at %v, want by %v", last, tt.last)
			}
			if got, want := d.Final().Kind, all[len(all)-1].Kind; got != want {
				t.Errorf("final = %v, want %v", got, want)
			}
		})
	}
}

// Who talks with an operator is taken back by the beep of a machine only: one that is
// over, after a greeting that is long enough.
func TestBeepInATalk(t *testing.T) {
	for name, tt := range map[string]struct {
		speech, beep time.Duration
		want         string
	}{
		"beep after a greeting": {speech: 1800 * ms, beep: 400 * ms, want: "machine(revised)+beep"},
		"whistle after a hello": {speech: 600 * ms, beep: 400 * ms},
		"steady tone":           {speech: 1800 * ms, beep: 4 * time.Second, want: "person"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(1).quiet(300 * ms).speech(tt.speech).quiet(2 * time.Second)
			talk := len(l.pcm)
			l.tone(tone.Sine(1000, tt.beep), tt.beep)
			over := time.Duration(len(l.pcm)) * time.Second / media.SampleRate
			l.quiet(time.Second)
			d := New(Config{})
			d.Answered()
			var all []Finding
			for i := 0; i+media.SamplesPerFrame <= len(l.pcm); i += media.SamplesPerFrame {
				if f, ok := d.Hear(l.pcm[i : i+media.SamplesPerFrame]); ok && !f.Records {
					if i < talk {
						d.Connected()
						continue
					}
					all = append(all, f)
					if f.Beep && f.At < over {
						t.Errorf("taken back at %v, before the beep was over at %v", f.At, over)
					}
				}
			}
			if got := say(all); got != tt.want {
				t.Errorf("findings in the talk = %q, want %q", got, tt.want)
			}
		})
	}
}

// The abandonment clock starts where the greeting ends, so that moment counts.
func TestGreetingEnd(t *testing.T) {
	for seed := range uint64(12) {
		all, _ := run(Config{}, newLine(seed).quiet(300*ms).speech(700*ms).quiet(2*time.Second).noise(-50), 0)
		if len(all) != 1 || all[0].Kind != media.Person {
			t.Fatalf("seed %d: %s", seed, say(all))
		}
		if off := (all[0].GreetingEnd - time.Second).Abs(); off > 100*ms {
			t.Errorf("seed %d: greeting ends at %v, want 1s", seed, all[0].GreetingEnd)
		}
	}
}

// What is told by a moment does not depend on what comes after it.
func TestCausal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := newLine(rapid.Uint64().Draw(t, "seed"))
		for range rapid.IntRange(1, 4).Draw(t, "pieces") {
			d := time.Duration(rapid.IntRange(2, 40).Draw(t, "frames")) * media.FrameDuration
			switch rapid.IntRange(0, 3).Draw(t, "piece") {
			case 0:
				l.quiet(d)
			case 1:
				l.speech(d)
			case 2:
				l.tone(tone.Busy("US"), d)
			case 3:
				l.tone(tone.Sine(1000, d), d)
			}
		}
		whole, d := run(Config{}, l, 0)
		cut := *l
		cut.pcm = l.pcm[:len(l.pcm)/2/media.SamplesPerFrame*media.SamplesPerFrame]
		part, _ := run(Config{}, &cut, 0)
		if len(part) > len(whole) || say(part) != say(whole[:len(part)]) {
			t.Fatalf("half = %q, whole = %q", say(part), say(whole))
		}
		if len(whole) > 0 && d.Final().Kind == "" {
			t.Fatal("findings without a final one")
		}
		for _, f := range whole {
			if f.Probability < 0 || f.Probability > 1 || f.GreetingEnd > f.At {
				t.Fatalf("finding = %+v", f)
			}
		}
	})
}

func TestHearAllocates(t *testing.T) {
	d := New(Config{})
	d.Answered()
	pcm := newLine(1).speech(time.Second).tone(tone.Busy("US"), time.Second).pcm
	at := 0
	n := testing.AllocsPerRun(1000, func() {
		d.Hear(pcm[at : at+media.SamplesPerFrame])
		at = (at + media.SamplesPerFrame) % (len(pcm) - media.SamplesPerFrame)
	})
	if n != 0 {
		t.Errorf("allocs per frame = %v, want 0", n)
	}
}

func TestLabel(t *testing.T) {
	labels := map[media.VerdictKind]string{
		media.Person: "human", media.Machine: "machine", media.Screening: "screening",
		media.Announcement: "sit", media.Fax: "fax", media.Ringback: "ringback",
		media.BusyTone: "busy", media.Silence: "silence", "": "unknown",
	}
	for kind, want := range labels {
		if got := Label(Finding{Kind: kind}); got != want {
			t.Errorf("Label(%q) = %q, want %q", kind, got, want)
		}
	}
}

func TestValidate(t *testing.T) {
	tests := map[string]struct {
		cfg  Config
		want string // start of the error; empty: none
	}{
		"zero":     {Config{}, ""},
		"with":     {Config{Mode: With, Prices: Prices{Person: 100}}, ""},
		"mode":     {Config{Mode: "maybe"}, "mode:"},
		"silence":  {Config{Silence: time.Minute}, "silence:"},
		"deadline": {Config{Deadline: time.Millisecond}, "deadline:"},
		"prices":   {Config{Prices: Prices{DeadAir: -1}}, "prices: dead_air:"},
		"revise":   {Config{Revise: 1}, "revise:"},
	}
	for name, tt := range tests {
		err := tt.cfg.Validate()
		if (err == nil) != (tt.want == "") || err != nil && !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%s: error = %v, want %q", name, err, tt.want)
		}
	}
}

// BenchmarkHear is the undecided part of calls, which asks the forest at each
// frame: 5 s of a greeting with pauses. The goal is 0.4 ms per second of audio.
func BenchmarkHear(b *testing.B) {
	l := newLine(1)
	for range 4 {
		l.speech(900 * ms).quiet(350 * ms)
	}
	d, at := New(Config{}), len(l.pcm)
	for b.Loop() {
		if at+media.SamplesPerFrame > len(l.pcm) {
			*d = *New(Config{Deadline: 30 * time.Second})
			d.Answered()
			at = 0
		}
		d.Hear(l.pcm[at : at+media.SamplesPerFrame])
		at += media.SamplesPerFrame
	}
	perFrame := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(1000*perFrame/media.FrameDuration.Seconds(), "ms/s")
}
