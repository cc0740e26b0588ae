package plane

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
	"github.com/outpace-dialer/outpace/media/detect"
)

// lag is how far a stream may fall behind the clock before what lacks is made
// up: 40 ms of jitter, a packet of 20 ms, a tick. A phone that sends nothing is
// silent, and time goes on for it.
const lag = 80 * time.Millisecond

// adrift is how far a packet may be from its time by the clock. One that is
// further is of a stream that began anew, such as another fork's.
const adrift = time.Second

// stalled is how late a tick may be. After a later one nothing is made up for a
// while: we stood still ourselves, and packets wait in the socket.
const stalled = 3 * media.FrameDuration

// ear feeds a leg's audio to its detector in frames of 20 ms, in the order of
// its timestamps: a packet that is overtaken waits for its turn, one that is
// lost is made up. What comes in order is fed at once. Its lock is taken for
// packets only while a detector listens.
type ear struct {
	on atomic.Bool

	mu       sync.Mutex
	detector Detector
	answered bool
	start    time.Time // of the first frame, as the fastest packet so far tells it
	base     uint32    // timestamp of the first sample, while placed
	placed   bool      // a packet has come
	top      uint16    // the newest sequence number, while placed
	ticked   time.Time // when the last tick was
	patient  time.Time // until when nothing is made up
	heard    int       // samples since the start that were fed
	told     media.VerdictKind
	filled   int // of frame
	*hearing
}

// hearing is what an ear needs only once there is something to hear, which for most
// calls that ring there is not: 11 kB.
type hearing struct {
	frame   [media.SamplesPerFrame]int16
	pcm     [960]int16
	waiting waiting
	gap     gap
}

// listen starts the detector; one that listens already goes on.
func (e *ear) listen(d Detector) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.on.Load() || d == nil {
		return
	}
	e.detector, e.start, e.placed, e.heard, e.filled, e.told = d, time.Time{}, false, 0, 0, ""
	e.hearing = nil
	if e.answered {
		d.Answered()
	}
	e.on.Store(true)
}

func (e *ear) stop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.on.Store(false)
	e.detector, e.hearing = nil, nil
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

// connect tells the detector that an operator has the call.
func (e *ear) connect() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.detector != nil {
		e.detector.Connected()
	}
}

// machine tells the detector that a machine answered.
func (e *ear) machine() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.detector != nil {
		e.told = media.Machine
		e.detector.Machine()
	}
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
	e.begin()
	pcm := e.pcm[:codec.Decode(p.Law, e.pcm[:], p.Payload)]
	at := e.place(now, p, len(pcm))
	if at < e.heard { // it is late, at least in part
		pcm, at = pcm[min(len(pcm), e.heard-at):], e.heard
	}
	for at > e.heard {
		if e.waiting.add(at, pcm) {
			return
		}
		e.fill(min(at, e.waiting.first())-e.heard, found)
		e.release(found)
	}
	e.take(pcm, found)
	e.release(found)
}

func (e *ear) begin() {
	if e.hearing == nil {
		e.hearing = &hearing{}
	}
}

// place says where in the stream a packet of n samples belongs. What comes after all
// that was sent before and yet too late follows what was made up in its place: it was
// held up, or its sender lets timestamps stand still in pauses.
func (e *ear) place(now time.Time, p *media.Packet, n int) (at int) {
	span := media.Span(n)
	if !e.placed && e.heard == 0 { // until then the start was a guess
		e.start = now.Add(-span)
	}
	at = int(int32(p.Timestamp - e.base))
	off := now.Sub(e.start) - media.Span(at+n)
	newest := int16(p.Sequence-e.top) > 0
	switch {
	case !e.placed || off.Abs() > adrift:
		at = max(e.heard, media.Samples(now.Sub(e.start)-span))
		e.waiting.clear()
		e.placed, newest = true, true
	case newest && at < e.heard:
		at = e.heard
	case off < 0:
		e.start = e.start.Add(off)
	}
	if newest {
		e.base, e.top = p.Timestamp-uint32(at), p.Sequence
	}
	return at
}

// tick makes up what the stream lacks against the clock.
func (e *ear) tick(now time.Time, found func(detect.Finding, time.Time)) {
	if !e.on.Load() {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if now.Sub(e.ticked) > stalled {
		e.patient = now.Add(stalled)
	}
	e.ticked = now
	if e.detector == nil || (e.start.IsZero() && !e.answered) || now.Before(e.patient) {
		return
	}
	e.begin()
	if e.start.IsZero() {
		e.start = now
	}
	for behind := now.Sub(e.start) - lag; media.Span(e.heard) < behind && e.detector != nil; {
		e.fill(min(media.SamplesPerFrame, e.waiting.first()-e.heard), found)
		e.release(found)
	}
}

// release feeds the packets whose turn it is.
func (e *ear) release(found func(detect.Finding, time.Time)) {
	for {
		pcm, ok := e.waiting.next(e.heard)
		if !ok {
			return
		}
		e.take(pcm, found)
	}
}

// take feeds what was received, fill what was not.
func (e *ear) take(pcm []int16, found func(detect.Finding, time.Time)) {
	e.gap.hear(pcm)
	e.feed(pcm, found)
}

func (e *ear) fill(n int, found func(detect.Finding, time.Time)) {
	for n > 0 {
		part := e.gap.made[:min(n, len(e.gap.made))]
		e.gap.fill(part)
		e.feed(part, found)
		n -= len(part)
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
		if e.detector == nil {
			return
		}
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
