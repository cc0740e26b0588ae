// Package detect hears who answered a call: a person, a machine and its beep,
// a fax, an announcement of the network, a busy line, nobody.
//
// It is not the one who acts: it tells findings, the engine decides. It knows
// no words, so an assistant that screens calls sounds like a machine to it until it
// waits and asks again. It is pure and causal: no clock, no goroutine, no look ahead;
// time is the count of frames.
//
//	frame ─► tone.Ear (10 ms) ─► tones ─────────────► what they mean here ──────┐
//	                 └─ level ─► voice: noise floor, rhythm ─► features ─► forest ─► rules ─► Finding
//	                                                                         └─► classes ─► Chances
//
// People say a word or two and wait; machines talk on. The forest learnt from
// labelled calls how much so: it makes odds of the timing. A person is told in
// a pause, the longer it is the sooner; a machine when the odds are hopeless.
package detect

import (
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

// Finding is something new that the detector holds a call to be. Times are
// stream time: since the first sample of the first frame.
type Finding struct {
	Kind        media.VerdictKind
	Probability float64       // of Kind, in [0, 1]
	Early       bool          // heard before the answer
	SIT         string        // code of the tri-tone, with Announcement
	Revised     bool          // takes back an earlier finding of another kind
	Provisional bool          // a machine that may yet be taken back, or a person on trial; told again without it when they no longer may
	GreetingEnd time.Duration // last syllable so far; 0 where nobody spoke
	At          time.Duration // now
	Records     bool          // its beep is over and it is quiet: a message may begin; told after each beep
	Beep        bool          // the machine's greeting is over, it records now; told again for each further beep
}

// Detector listens to one call. One goroutine at a time.
type Detector struct {
	cfg      Config
	ear      tone.Ear
	voice    voice
	now      time.Duration
	answered bool
	answer   time.Duration // when
	final    Finding
	toneAt   time.Duration // when a tone last sounded
	beepAt   time.Duration // onset of a beep that waits for what comes after it, or 0
	heldAt   time.Duration // likewise, of a tone that began while an operator had the call
	callAt   time.Duration // onset of the last calling tone of a fax, or 0
	lone     bool          // a beep came before any speech
	sounds   bool          // a beep was told, and its end was not
	waited   bool          // a quiet without a beep was told
	trial    bool          // mode with: a person on trial
	talking  bool          // an operator has the call
	word     bool          // somebody heard that it is a machine
	unheeded bool          // a beep was heard that did not take a person back
	toned    time.Duration // how long tones sounded since the answer
	rang     bool          // ringback since the answer
	forest   Forest
	bounds   Bounds
	features Features
	odds     float64 // logarithm of the odds of a person, by the features
}

const hop = media.SamplesPerFrame / 2 // 10 ms

// New makes a detector for one call.
func New(cfg Config) *Detector { return NewWith(cfg, learnt, DefaultBounds) }

// NewWith makes a detector that judges by another forest and other bounds.
func NewWith(cfg Config, f Forest, b Bounds) *Detector {
	return &Detector{cfg: cfg.withDefaults(), voice: newVoice(), forest: f, bounds: b.at(cfg.Prices)}
}

// Answered says that the frames from now on are after the answer. What was
// heard before it, other than a tri-tone, does not count.
func (d *Detector) Answered() {
	if d.answered {
		return
	}
	d.answered, d.answer, d.beepAt, d.toned = true, d.now, 0, 0
	d.voice.restart()
	d.voice.lowest = unheard
	if d.final.Kind != media.Announcement {
		d.final = Finding{} // a busy tone that is answered was none
	}
}

// Connected says that an operator has the call from now on. A beep then takes back
// a person only where it is over and much was said before it.
func (d *Detector) Connected() { d.talking = true }

// Hear takes the next 20 ms of linear audio and tells what is new, if
// anything. It does not allocate and does not keep f. A frame of any other
// length counts as 20 ms.
func (d *Detector) Hear(f media.Frame) (Finding, bool) {
	d.now += media.FrameDuration
	if d.cfg.Mode == Off && d.final.Kind == media.Person {
		return Finding{}, false
	}
	level, found, ok := d.listen(f)
	sounding := d.ear.Tone()
	if sounding > 0 {
		d.toneAt = d.now
		d.toned += frame
	}
	d.voice.step(level, d.ear.Purity(), sounding)
	if !ok {
		found, ok = d.rules()
	}
	if !ok {
		return Finding{}, false
	}
	return d.tell(found), true
}

// listen gives the ear its hops: the louder level of them, and what their
// tones mean.
func (d *Detector) listen(f media.Frame) (level float64, found Finding, ok bool) {
	level = -120
	for ; len(f) >= hop; f = f[hop:] {
		d.ear.Hop(f[:hop])
		level = max(level, d.ear.Level())
		for h, more := d.ear.Next(); more; h, more = d.ear.Next() {
			if x, is := d.tone(h); is {
				found, ok = x, true
			}
		}
	}
	return level, found, ok
}

// Final is what the call is held to be now; Kind is empty while unknown.
func (d *Detector) Final() Finding { return d.final }

// tell completes a finding and remembers it. A beep, or the end of doubt, does
// not change the time of a verdict.
func (d *Detector) tell(f Finding) Finding {
	f.At, f.Early = d.now, !d.answered
	d.trial = f.Kind == media.Person && f.Provisional
	f.Revised = d.final.Kind != "" && d.final.Kind != f.Kind
	if d.voice.heard() && f.GreetingEnd == 0 {
		f.GreetingEnd = d.voice.end
	}
	if f.Kind == media.Machine && d.final.Kind == f.Kind {
		d.final.Beep, d.final.Provisional = d.final.Beep || f.Beep, false
		d.sounds = d.sounds || f.Beep
		return f
	}
	d.final = f
	d.sounds = d.sounds || f.Beep
	return f
}

// Label is the class name that recorded calls are scored by: human, machine,
// screening, sit, fax, busy, ringback, silence, unknown.
func Label(f Finding) string {
	switch f.Kind {
	case media.Person:
		return "human"
	case media.Machine:
		return "machine"
	case media.Screening:
		return "screening"
	case media.Announcement:
		return "sit"
	case media.Fax:
		return "fax"
	case media.BusyTone:
		return "busy"
	case media.Ringback:
		return "ringback"
	case media.Silence:
		return "silence"
	default:
		return "unknown"
	}
}
