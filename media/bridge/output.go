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
	"bytes"
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
	tap     Tap
	noise   noise
	packet  media.Packet
	digits  digits
}

// sheet is where a packet is made that is not sent on as it came, or is not silence.
// Legs share a few: one of their own would be far from the processor each time.
type sheet struct {
	payload   [maxPayload]byte
	pcm, clip [maxPayload]int16
}

var sheets = sync.Pool{New: func() any { return new(sheet) }}

// quiet is a frame of silence in each law.
var quiet = [2][]byte{
	media.ULaw: bytes.Repeat([]byte{media.ULaw.Silence()}, media.SamplesPerFrame),
	media.ALaw: bytes.Repeat([]byte{media.ALaw.Silence()}, media.SamplesPerFrame),
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
	var err error
	if p.Event {
		err = o.port.Send(&o.packet)
	} else {
		o.noise.level = 0
		err = o.sendAudio(now, true)
		span = media.Span(len(p.Payload))
	}
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
	o.packet = media.Packet{Law: o.law, Payload: quiet[o.law], Marker: o.fresh}
	o.fresh = false
	o.numbers.next(&o.packet, media.SamplesPerFrame)
	if o.noise.level == 0 {
		_ = o.sendAudio(now, false) // the next frame is due in 20 ms
		return
	}
	s := sheets.Get().(*sheet)
	o.packet.Payload = s.payload[:media.SamplesPerFrame]
	o.noise.fill(o.law, o.packet.Payload, s.pcm[:media.SamplesPerFrame])
	_ = o.sendAudio(now, false)
	sheets.Put(s)
}

// sendAudio sends o.packet in the leg's law, with prompts and other voices mixed into
// it where there are some. heard says that it is for the tap even without these.
func (o *Output) sendAudio(now time.Time, heard bool) error {
	mixed := !o.plays.empty() || !o.others.empty()
	if !mixed && o.packet.Law == o.law {
		return o.sendPayload(now, heard)
	}
	s := sheets.Get().(*sheet)
	payload := s.payload[:len(o.packet.Payload)]
	codec.Convert(o.law, o.packet.Law, payload, o.packet.Payload)
	if mixed {
		o.mix(s, payload)
	}
	o.packet.Law, o.packet.Payload = o.law, payload
	err := o.sendPayload(now, heard || mixed)
	sheets.Put(s)
	return err
}

func (o *Output) sendPayload(now time.Time, heard bool) error {
	err := o.port.Send(&o.packet)
	if heard && o.tap != nil {
		o.tap.Hear(now, o.law, o.packet.Payload)
	}
	o.packet.Payload = nil // it is another's
	return err
}

// mix adds prompts and other voices to payload.
func (o *Output) mix(s *sheet, payload []byte) {
	pcm := s.pcm[:len(payload)]
	codec.Decode(o.law, pcm, payload)
	o.plays.mix(pcm, s.clip[:])
	o.others.mix(pcm)
	codec.Encode(o.law, payload, pcm)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
