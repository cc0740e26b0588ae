package detect

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

// Whatever it is told before the first frame and after it, it says what a Detector says.
func TestLaterSaysTheSame(t *testing.T) {
	sound := newLine(5).quiet(300*ms).speech(1800*ms).quiet(250*ms).tone(tone.Beep(), 400*ms).quiet(2 * time.Second)
	for _, mode := range []Mode{Before, With, Off} {
		for _, at := range []struct{ answered, connected int }{{0, -1}, {0, 0}, {0, 60}, {20, 60}, {-1, -1}} { // frames
			said := 0
			d, l := New(Config{Mode: mode}), NewLater(Config{Mode: mode})
			for i := 0; (i+1)*media.SamplesPerFrame <= len(sound.pcm); i++ {
				if i == at.answered {
					d.Answered()
					l.Answered()
				}
				if i == at.connected {
					d.Connected()
					l.Connected()
				}
				frame := sound.pcm[i*media.SamplesPerFrame : (i+1)*media.SamplesPerFrame]
				want, told := d.Hear(frame)
				if got, too := l.Hear(frame); got != want || too != told {
					t.Fatalf("mode %s, %+v, frame %d: %+v %v, want %+v %v", mode, at, i, got, too, want, told)
				}
				var wantOf, gotOf Features
				if known, too := d.Features(&wantOf), l.Features(&gotOf); known != too || wantOf != gotOf {
					t.Fatalf("mode %s, %+v, frame %d: features %v %v, want %v %v", mode, at, i, too, gotOf, known, wantOf)
				}
				if told {
					said++
				}
			}
			if said == 0 && at.answered >= 0 {
				t.Errorf("mode %s, %+v: nothing was said, so nothing was shown", mode, at)
			}
		}
	}
}

// A call that is dialled and never heard from holds no detector.
func TestLaterIsSmall(t *testing.T) {
	var l *Later
	if n := testing.AllocsPerRun(10, func() { l = NewLater(Config{}); l.Answered(); l.Connected() }); n != 1 || l.detector != nil {
		t.Errorf("%v allocations, detector %v", n, l.detector)
	}
	if l.Features(&Features{}) {
		t.Error("features of nothing")
	}
}
