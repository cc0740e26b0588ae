package detect

import (
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

func length(l *line) time.Duration { return time.Duration(len(l.pcm)) * time.Second / media.SampleRate }

// Who hears a machine says so at some moment of its greeting, in its beep or after it, to a
// detector that listened all the time or to one that listens from then on. No person is told
// any more; its message may begin when the beep is over, at once where that was, or after a
// long quiet.
func TestSomebodyHearsAMachine(t *testing.T) {
	const beep = 400 * ms
	for name, tt := range map[string]struct {
		anew          bool
		after, before time.Duration // the end of the beep, or of the greeting where there is none
		speech, gap   time.Duration
		at            time.Duration // when it is said
		silent        bool
	}{
		"in the greeting":                      {speech: 6 * time.Second, at: 3 * time.Second, after: 100 * ms, before: 600 * ms},
		"in the greeting, nobody listened":     {speech: 6 * time.Second, at: 3 * time.Second, after: 100 * ms, before: 600 * ms, anew: true},
		"in the pause before the beep":         {speech: 3 * time.Second, gap: 2 * time.Second, at: 4500 * ms, after: 100 * ms, before: 600 * ms},
		"the same, nobody listened":            {speech: 3 * time.Second, gap: 2 * time.Second, at: 4500 * ms, after: 100 * ms, before: 600 * ms, anew: true},
		"in the beep":                          {speech: 3 * time.Second, gap: 500 * ms, at: 4 * time.Second, after: 100 * ms, before: 600 * ms},
		"after a beep that was taken for none": {speech: 600 * ms, gap: 2 * time.Second, at: 5 * time.Second, after: 1500 * ms, before: 2 * time.Second},
		"there is no beep":                     {speech: 5 * time.Second, at: 3 * time.Second, after: 3500 * ms, before: 4500 * ms, silent: true},
		"it is quiet already, nobody listened": {speech: 2 * time.Second, at: 5 * time.Second, after: 6500 * ms, before: 7500 * ms, silent: true, anew: true},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLine(3).quiet(300 * ms).speech(tt.speech).quiet(tt.gap)
			if !tt.silent {
				l.tone(tone.Sine(1000, beep), beep)
			}
			over := length(l)
			l.quiet(9 * time.Second).noise(-60)
			d, begun := New(Config{}), time.Duration(0)
			d.Answered()
			var may []time.Duration // when its message may begin
			for i := 0; i+media.SamplesPerFrame <= len(l.pcm); i += media.SamplesPerFrame {
				now := time.Duration(i) * time.Second / media.SampleRate
				if now == tt.at {
					if tt.anew {
						d, begun = New(Config{}), now
						d.Answered()
					}
					d.Machine()
				}
				f, ok := d.Hear(l.pcm[i : i+media.SamplesPerFrame])
				if ok && now < tt.at && f.Kind == media.Person {
					d.Connected()
				}
				if !ok || now < tt.at {
					continue
				}
				if f.Kind != media.Machine || f.Provisional {
					t.Errorf("told at %v: %+v", now, f)
				}
				quiet := f.GreetingEnd > 0 && f.At-f.GreetingEnd >= 3*time.Second
				if f.Records || !f.Beep && quiet {
					may = append(may, f.At+begun-over)
				}
			}
			if len(may) == 0 || slices.Min(may) < tt.after || slices.Min(may) > tt.before {
				t.Errorf("its message may begin at %v after the end, want one at %v to %v", may, tt.after, tt.before)
			}
		})
	}
}

// A detector that is made with its first frame knows what was said before.
func TestLaterKnowsTheMachine(t *testing.T) {
	l := NewLater(Config{})
	l.Answered()
	l.Connected()
	l.Machine()
	sound := newLine(4).quiet(300 * ms).speech(700 * ms).quiet(6 * time.Second).noise(-55)
	var told []Finding
	for i := 0; i+media.SamplesPerFrame <= len(sound.pcm); i += media.SamplesPerFrame {
		if f, ok := l.Hear(sound.pcm[i : i+media.SamplesPerFrame]); ok {
			told = append(told, f)
		}
	}
	if got := say(told); got != "machine" {
		t.Errorf("told %q, want one machine that is quiet", got)
	}
}
