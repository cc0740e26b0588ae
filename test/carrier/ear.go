package carrier

import (
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// A frame sounds above loud (root mean square, of 32767); it is the tone when
// that holds most of its energy.
const (
	loud      = 300
	toneShare = 0.8
	toneRun   = 3  // frames in a row: 60 ms
	voiceRun  = 10 // frames, with pauses under 200 ms: 200 ms
)

// heard is when something was first heard, and which mark had been sent last.
type heard struct {
	at   time.Time
	mark uint32
}

// ear listens for the operator's tone and for any other voice. Hear runs on
// the call's receiving goroutine; tone and voice get one value each.
type ear struct {
	hz    float64
	audio *phone.Audio
	tone  chan heard
	voice chan heard

	toneFrames int
	began      heard
	sounding   int
	quiet      int
	spoken     bool
	toned      bool
}

func newEar(audio *phone.Audio, hz float64) *ear {
	e := &ear{hz: hz, audio: audio, tone: make(chan heard, 1), voice: make(chan heard, 1)}
	audio.Listen(e.hear)
	return e
}

func (e *ear) hear(p *phone.Packet) {
	if e.toned && e.spoken {
		return
	}
	if phone.Level(p.PCM) < loud {
		e.toneFrames = 0
		if e.quiet++; e.quiet > 10 {
			e.sounding = 0
		}
		return
	}
	e.quiet = 0
	if phone.ToneShare(p.PCM, e.hz) > toneShare {
		e.hearTone(p)
		return
	}
	e.toneFrames = 0
	if e.sounding++; e.sounding == voiceRun && !e.spoken {
		e.spoken = true
		e.voice <- heard{p.At, e.audio.Sent().Count}
	}
}

func (e *ear) hearTone(p *phone.Packet) {
	if e.toneFrames++; e.toneFrames == 1 && !e.toned {
		e.began = heard{p.At, e.audio.Sent().Count}
	}
	if e.toneFrames == toneRun && !e.toned {
		e.toned = true
		e.tone <- e.began
	}
}
