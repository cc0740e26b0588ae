package carrier

import (
	"sync"
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

	mu     sync.Mutex
	sounds []sound
}

// sound is a stretch of what was heard, other than the operator's tone: its first and
// last sounding packet.
type sound struct{ first, last time.Time }

// apart is the pause that parts two sounds.
const apart = 200 * time.Millisecond

func newEar(audio *phone.Audio, hz float64) *ear {
	e := &ear{hz: hz, audio: audio, tone: make(chan heard, 1), voice: make(chan heard, 1)}
	audio.Listen(e.hear)
	return e
}

func (e *ear) hear(p *phone.Packet) {
	sounds := phone.Level(p.PCM) >= loud
	tone := sounds && phone.ToneShare(p.PCM, e.hz) > toneShare
	if sounds && !tone {
		e.keep(p.At)
	}
	if e.toned && e.spoken {
		return
	}
	if !sounds {
		e.toneFrames = 0
		if e.quiet++; e.quiet > 10 {
			e.sounding = 0
		}
		return
	}
	e.quiet = 0
	if tone {
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

// keep writes a sounding packet down.
func (e *ear) keep(at time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if last := len(e.sounds) - 1; last >= 0 && at.Sub(e.sounds[last].last) < apart {
		e.sounds[last].last = at
		return
	}
	e.sounds = append(e.sounds, sound{at, at})
}

// tellSounds notes all that was heard.
func (e *ear) tellSounds(note func(Event)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, s := range e.sounds {
		note(Event{Event: "sound", FirstAt: s.first.UTC(), LastAt: s.last.UTC()})
	}
}
