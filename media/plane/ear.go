package plane

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/media/detect"
)

// lag is how far a stream may fall behind the clock before the detector is
// told silence: a phone that sends nothing is silent, and time goes on for it.
const lag = 60 * time.Millisecond

// ear feeds a leg's audio to its detector in frames of 20 ms. Its lock is
// taken for packets only while a detector listens.
type ear struct {
	on atomic.Bool

	mu       sync.Mutex
	detector Detector
	answered bool
	start    time.Time // of the first frame
	heard    int       // samples since
	told     media.VerdictKind
	frame    [media.SamplesPerFrame]int16
	filled   int // of frame
	pcm      [960]int16
}

// listen starts the detector; one that listens already goes on.
func (e *ear) listen(d Detector) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.on.Load() || d == nil {
		return
	}
	e.detector, e.start, e.heard, e.filled, e.told = d, time.Time{}, 0, 0, ""
	if e.answered {
		d.Answered()
	}
	e.on.Store(true)
}

func (e *ear) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.on.Store(false)
	e.detector = nil
}

// answer tells the detector that what it hears from now on is after the answer.
func (e *ear) answer() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !e.answered && e.detector != nil {
		e.detector.Answered()
	}
	e.answered = true
}

// hear takes a packet that came at now.
func (e *ear) hear(now time.Time, p *media.Packet, found func(detect.Finding, time.Time)) {
	if !e.on.Load() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.detector == nil {
		return
	}
	if e.start.IsZero() {
		e.start = now.Add(-media.Span(len(p.Payload)))
	}
	e.feed(e.pcm[:codec.Decode(p.Law, e.pcm[:], p.Payload)], found)
}

// tick fills what the stream lacks against the clock.
func (e *ear) tick(now time.Time, found func(detect.Finding, time.Time)) {
	if !e.on.Load() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.detector == nil || (e.start.IsZero() && !e.answered) {
		return
	}
	if e.start.IsZero() {
		e.start = now
	}
	for behind := now.Sub(e.start) - lag; media.Span(e.heard) < behind && e.detector != nil; {
		clear(e.pcm[:media.SamplesPerFrame])
		e.feed(e.pcm[:media.SamplesPerFrame], found)
	}
}

// feed cuts pcm into frames.
func (e *ear) feed(pcm []int16, found func(detect.Finding, time.Time)) {
	e.heard += len(pcm)
	for len(pcm) > 0 {
		n := copy(e.frame[e.filled:], pcm)
		e.filled, pcm = e.filled+n, pcm[n:]
		if e.filled < len(e.frame) {
			return
		}
		e.filled = 0
		if finding, ok := e.detector.Hear(e.frame[:]); ok {
			found(finding, e.start)
		}
	}
}

// report turns a finding into events. It is called with the ear's lock held.
func (l *leg) report(f detect.Finding, start time.Time) {
	if f.Records {
		l.post(media.Recording{Leg: l.id, At: start.Add(f.At)})
		return
	}
	if f.Kind != "" && (f.Kind != l.ear.told || f.Revised || !f.Beep) {
		l.ear.told = f.Kind
		v := media.Verdict{
			Leg: l.id, Kind: f.Kind, Early: f.Early, SIT: f.SIT,
			Probability: f.Probability, Revised: f.Revised, Provisional: f.Provisional, At: start.Add(f.At),
		}
		var features detect.Features
		if l.ear.detector.Features(&features) {
			v.Features = features[:]
		}
		if f.GreetingEnd > 0 {
			v.GreetingEnd = start.Add(f.GreetingEnd)
		}
		l.post(v)
	}
	if f.Beep {
		l.post(media.Beep{Leg: l.id, At: start.Add(f.At)})
	}
}
