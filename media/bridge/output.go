// Package bridge decides what a leg hears: the packets of the leg it is joined
// with, prompts and other voices mixed over them, silence where nothing
// comes, or the noise of a pause that comfort noise announces. It joins any two ports,
// RTP or browser.
//
// It is not a conference server: no jitter is removed from what is relayed,
// the far end's phone does that. It neither receives nor opens sockets.
//
//	far end A ─► Path.Relay ─► Output of B ─► media.Port of B
//	prompt, whisper ────────►      │
//	20 ms tick ─► silence ──►──────┘
package bridge

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

const (
	// patience is how long nothing may come from the joined leg before its
	// gap is filled with silence; less is jitter.
	patience = 60 * time.Millisecond
	// ahead is how much audio beyond now a burst may count for.
	ahead = 100 * time.Millisecond
	// catchUp is how many frames a late tick may send at once.
	catchUp = 5
)

// maxPayload is 120 ms: more than anyone packs into one packet.
const maxPayload = 960

// Tap gets a copy of what a leg hears, apart from silence.
type Tap interface {
	Hear(now time.Time, law media.Law, payload []byte)
}

// Output is what one leg hears. Its packets are one stream: sequence numbers
// and timestamps go on through every splice. The lock is the leg's own; whoever
// has something for the leg to hear holds it for one packet.
type Output struct {
	port media.Port

	mu      sync.Mutex
	open    bool      // the far end wants audio
	fresh   bool      // opened, and nothing sent since
	law     media.Law // in which it wants it
	numbers numbers
	due     time.Time // when the audio sent so far has been heard
	relayed time.Time // when the joined leg's last packet went out
	plays   plays
	others  voices
	digits  digits
	tap     Tap
	noise   noise

	packet  media.Packet
	payload [maxPayload]byte
	pcm     [maxPayload]int16
}

// NewOutput makes the output of a leg. Nothing is sent before Open.
func NewOutput(port media.Port) *Output {
	return &Output{port: port, numbers: numbers{
		sequence: uint16(rand.Uint32()), timestamp: rand.Uint32(),
	}}
}

// Open starts the stream, or goes on after Hold, in law.
func (o *Output) Open(law media.Law, now time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.open {
		o.due, o.fresh = now, true
	}
	o.open, o.law = true, law
}

// Hold stops the stream: the far end wants no audio.
func (o *Output) Hold() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.open = false
}

// Splice lets the next relayed packet be the first of another leg: it follows
// what was sent before, with the marker set. flowing says that packets are on
// their way, so that silence does not double them.
func (o *Output) Splice(now time.Time, flowing bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.numbers.splice()
	o.noise.level = 0
	if flowing {
		o.relayed = now
	}
}

// Unsplice goes back to silence at once.
func (o *Output) Unsplice() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.numbers.anchored = false
	o.relayed = time.Time{}
	o.noise.level = 0
}

// SetTap copies what the leg hears to t; nil ends it.
func (o *Output) SetTap(t Tap) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.tap = t
}

// Relay sends a packet of the joined leg on at once and says whether it went
// out. p is not changed.
func (o *Output) Relay(now time.Time, p *media.Packet) bool {
	o.mu.Lock()
	if !o.open || len(p.Payload) > maxPayload {
		o.mu.Unlock()
		return false
	}
	o.packet = *p
	if !o.numbers.follow(&o.packet) {
		o.mu.Unlock()
		return true // a duplicate: nothing is lost
	}
	o.fresh = false
	span := media.FrameDuration
	if !p.Event {
		o.noise.level = 0
		o.packet.Law, o.packet.Payload = o.law, o.payload[:len(p.Payload)]
		codec.Convert(o.law, p.Law, o.packet.Payload, p.Payload)
		o.over(now, o.packet.Payload)
		o.hear(now)
		span = media.Span(len(p.Payload))
	}
	err := o.port.Send(&o.packet)
	o.relayed = now
	o.due = later(o.due, now).Add(span)
	if limit := now.Add(ahead); o.due.After(limit) {
		o.due = limit
	}
	o.mu.Unlock()
	return err == nil
}

// Tick sends what is due now: our own digits, prompts, silence in a gap. Call
// it every 20 ms.
func (o *Output) Tick(now time.Time) {
	o.mu.Lock()
	if !o.open {
		o.mu.Unlock()
		return
	}
	pressing := o.pressDigit(now)
	if pressing {
		o.due = later(o.due, now.Add(media.FrameDuration))
	}
	if now.Sub(o.relayed) > patience {
		o.due = later(o.due, now.Add(-ahead))
		for range catchUp {
			if now.Add(media.FrameDuration / 2).Before(o.due) {
				break
			}
			o.sendFrame(now)
			o.due = o.due.Add(media.FrameDuration)
		}
	}
	o.mu.Unlock()
}

// sendFrame sends 20 ms of whatever plays, else silence or the noise of a pause.
func (o *Output) sendFrame(now time.Time) {
	frame := o.payload[:media.SamplesPerFrame]
	quiet := o.law.Silence()
	for i := range frame {
		frame[i] = quiet
	}
	o.packet = media.Packet{Law: o.law, Payload: frame, Marker: o.fresh}
	o.fresh = false
	o.noise.fill(o.law, frame, o.pcm[:len(frame)])
	o.numbers.next(&o.packet, len(frame))
	if o.over(now, frame) {
		o.hear(now)
	}
	_ = o.port.Send(&o.packet) // the next frame is due in 20 ms
}

// over mixes prompts and other voices into payload; false where there are
// none, and payload is as it was.
func (o *Output) over(now time.Time, payload []byte) bool {
	if o.plays.empty() && o.others.empty() {
		return false
	}
	pcm := o.pcm[:len(payload)]
	codec.Decode(o.law, pcm, payload)
	o.plays.mix(pcm)
	o.others.mix(pcm)
	codec.Encode(o.law, payload, pcm)
	return true
}

func (o *Output) hear(now time.Time) {
	if o.tap != nil {
		o.tap.Hear(now, o.law, o.packet.Payload)
	}
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
