package doctor

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
	"github.com/outpace-dialer/outpace/test/phone"
)

// delayLine is what is heard, given back.
type delayLine struct {
	mu      sync.Mutex
	waiting []int16
}

func (d *delayLine) take(p *phone.Packet) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting = append(d.waiting, p.PCM...)
}

// Next gives back what has come, silence where nothing has.
func (d *delayLine) Next(frame []int16) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	clear(frame)
	n := copy(frame, d.waiting)
	d.waiting = d.waiting[:copy(d.waiting, d.waiting[n:])]
	return true
}

// played plays the whole probe to a listener through a line.
func played(delay time.Duration, line func(n int, pcm media.Frame)) echo {
	began := time.Unix(0, 0)
	l := &listening{began: began}
	pcm := make(media.Frame, media.SamplesPerFrame)
	for n := range int(probeTime / media.FrameDuration) {
		probe(n, pcm)
		line(n, pcm)
		l.hear(pcm, began.Add(delay+time.Duration(n)*media.FrameDuration))
	}
	return l.result()
}

func TestProbe(t *testing.T) {
	noise := rand.New(rand.NewPCG(1, 2))
	for _, row := range []struct {
		name   string
		delay  time.Duration
		line   func(int, media.Frame)
		bursts int // at least
	}{
		{"at once", 0, func(int, media.Frame) {}, bursts},
		{"far away", 900 * time.Millisecond, func(int, media.Frame) {}, bursts},
		{"faint and noisy", 120 * time.Millisecond, func(_ int, pcm media.Frame) {
			for i := range pcm {
				pcm[i] = pcm[i]/20 + int16(noise.NormFloat64()*30)
			}
		}, bursts - 1},
		{"a quarter lost", 60 * time.Millisecond, func(n int, pcm media.Frame) {
			if n%16 < 4 {
				clear(pcm)
			}
		}, bursts / 2},
	} {
		got := played(row.delay, row.line)
		if got.bursts < row.bursts || got.bursts > bursts {
			t.Errorf("%s: %d tones came back, want %d to %d", row.name, got.bursts, row.bursts, bursts)
		}
		if d := got.delay - row.delay; d.Abs() > 2*media.FrameDuration {
			t.Errorf("%s: delay %v, want %v", row.name, got.delay, row.delay)
		}
	}
	loud := played(0, func(_ int, pcm media.Frame) {
		for i := range pcm {
			pcm[i] = int16(noise.NormFloat64() * 3000)
		}
	})
	if loud.bursts != 0 || loud.frames == 0 {
		t.Errorf("noise alone: %+v, want sound and no tone", loud)
	}
}

func TestJudge(t *testing.T) {
	whole := echo{bursts: bursts, frames: 300, delay: 40 * time.Millisecond}
	for _, row := range []struct {
		name    string
		heard   echo
		stats   media.LegStats
		verdict Verdict
		words   string
	}{
		{"no audio", echo{}, media.LegStats{Sent: 400}, Fail, "no audio came"},
		{"no audio, but ours arrives", echo{}, media.LegStats{Sent: 400, RoundTrip: time.Millisecond}, Fail, "the far end gets our audio"},
		{"audio from elsewhere", echo{}, media.LegStats{Sent: 400, Foreign: 300}, Fail, "media_networks"},
		{"one way", echo{frames: 200}, media.LegStats{Sent: 400, Received: 400}, Fail, "goes one way"},
		{"good", whole, media.LegStats{Sent: 400, Received: 400}, OK, "15 of 15 tones came back after 40ms, in PCMU, 0.0 % of packets lost"},
		{"lossy", whole, media.LegStats{Sent: 400, Received: 380, Lost: 20}, Warn, "5.0 % of packets lost"},
		{"slow", echo{bursts: bursts, delay: time.Second}, media.LegStats{Sent: 400, Received: 400}, Warn, "nearer server"},
	} {
		t.Run(row.name, func(t *testing.T) {
			e := &examination{}
			e.judge("a", row.heard, row.stats, sdp.Agreed{})
			want(t, e.found, CheckCall, row.verdict, row.words)
		})
	}
}

func TestJudgeClock(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	for _, row := range []struct {
		ahead   time.Duration
		verdict Verdict
	}{{0, OK}, {-3 * time.Second, OK}, {10 * time.Second, Warn}, {-2 * time.Minute, Fail}} {
		e := &examination{}
		e.checkDate("a", now.Add(row.ahead), now, 10*time.Millisecond)
		if got := Worst(e.found); got != row.verdict {
			t.Errorf("%v ahead: %s, want %s", row.ahead, got, row.verdict)
		}
	}
	e := &examination{}
	e.checkDate("a", time.Time{}, now, 0)
	if len(e.found) != 0 {
		t.Errorf("without a Date: %v, want nothing", e.found)
	}
	e.judgeStep(-time.Minute, time.Minute)
	if got := Worst(e.found); got != Warn {
		t.Errorf("a clock set back: %s, want %s", got, Warn)
	}
}
