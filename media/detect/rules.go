package detect

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

// tone says what a tone means at this point of the call.
func (d *Detector) tone(h tone.Heard) (Finding, bool) {
	f, ok := d.meaning(h)
	if h.Kind == tone.FaxTone && h.Code == "CNG" {
		d.callAt = h.From
	}
	return f, ok
}

func (d *Detector) meaning(h tone.Heard) (Finding, bool) {
	if !d.open() && h.Kind != tone.BeepTone && !d.faxAfterAll(h) && !(d.trial && (h.Kind == tone.SITTone || h.Kind == tone.FaxTone)) {
		return Finding{}, false
	}
	d.voice.cut(h.From - frame)
	switch h.Kind {
	case tone.SITTone:
		return Finding{Kind: media.Announcement, SIT: h.Code, Probability: 0.99}, true
	case tone.BusyTone, tone.ReorderTone:
		return Finding{Kind: media.BusyTone, Probability: 0.97}, true
	case tone.FaxTone:
		certain := d.answered && (h.Code != "CNG" || d.calledBefore(h) || d.voice.total < leastBeforeBeep)
		return Finding{Kind: media.Fax, Probability: 0.98}, certain
	case tone.RingbackTone:
		if !d.answered || d.voice.total >= leastBeforeBeep || d.final.Kind == media.Ringback {
			return Finding{}, false
		}
		d.voice.restart() // what was taken for speech was the line behind the ring
		d.beepAt, d.rang = 0, true
		return Finding{Kind: media.Ringback, Probability: 0.9}, true
	case tone.BeepTone:
		return d.beep(h.From)
	}
	return Finding{}, false
}

// faxAfterAll is a fax whose first tone was taken for a beep: it answers, or
// calls a second time 3.5 s after the first.
func (d *Detector) faxAfterAll(h tone.Heard) bool {
	return h.Kind == tone.FaxTone && d.final.Kind == media.Machine && (h.Code != "CNG" || d.calledBefore(h))
}

func (d *Detector) calledBefore(h tone.Heard) bool {
	return d.callAt > 0 && around(h.From-d.callAt, 3500*time.Millisecond)
}

func around(got, want time.Duration) bool { return (got - want).Abs() < want/10 }

// leastGreeting is the speech that a beep needs before it to mean a machine.
const leastGreeting = 300 * time.Millisecond

// leastBeforeBeep is the speech after which a tone that could also be a fax or
// ringback is the beep of a machine.
const leastBeforeBeep = 800 * time.Millisecond

// leastOnTrial is the speech after which a beep takes back a person who talks with an
// operator: shorter greetings are those of people, and a whistle is no reason to hang up.
const leastOnTrial = 1500 * time.Millisecond

// longestBeep is how long machines beep, and a little: what sounds on is a tone of
// something else.
const longestBeep = 1600 * time.Millisecond

// toneGap is the longest off inside a busy tone or a tri-tone, nearly.
const toneGap = 600 * time.Millisecond

// beep ends a machine's greeting. It takes back a person, whose greeting it then
// was that the machine played. Before a verdict it may also be the start of
// a tri-tone or of a busy tone: it waits until it is clear that no more comes.
func (d *Detector) beep(onset time.Duration) (Finding, bool) {
	switch {
	case !d.answered:
	case d.withOperator():
		if d.heldAt == 0 {
			d.heldAt = onset
		}
	case d.final.Kind == media.Machine:
		return Finding{Kind: media.Machine, Probability: 0.99, Beep: true}, true
	case d.final.Kind == media.Person:
		return Finding{Kind: media.Machine, Probability: 0.9, Beep: true}, d.cfg.Mode == Before
	case d.open() && d.voice.total >= leastBeforeBeep:
		d.beepAt = 0 // nobody talks before a tri-tone or a busy tone
		return Finding{Kind: media.Machine, Probability: 0.95, Beep: true}, true
	case d.open() && d.beepAt == 0:
		d.beepAt = onset
	}
	return Finding{}, false
}

// withOperator says that an operator has the call and it is not settled whom they talk with.
func (d *Detector) withOperator() bool {
	switch d.final.Kind {
	case media.Person:
		return d.trial || d.talking && d.cfg.Mode == Before
	case media.Machine:
		return d.cfg.Mode == With && d.final.Provisional
	}
	return false
}

// afterHeld judges a tone that began while an operator had the call. Nobody is hung up on
// before it is over: only then it is known for a beep.
func (d *Detector) afterHeld() (Finding, bool) {
	switch {
	case d.toneAt-d.heldAt > longestBeep:
		d.heldAt = 0
		return d.likely(media.Person), true // whom to hang up on is the operator's business then
	case d.now-d.toneAt < betweenBeeps:
	case d.final.Kind == media.Person && d.voice.total < leastOnTrial:
		d.heldAt, d.unheeded = 0, true
	default:
		d.heldAt = 0
		return Finding{Kind: media.Machine, Probability: 0.95, Beep: true}, true
	}
	return Finding{}, false
}

// afterBeep judges a beep that waited: quiet after it and speech before it
// make a machine; speech after it means that it was something else.
func (d *Detector) afterBeep() (Finding, bool) {
	switch {
	case d.voice.end > d.beepAt && d.voice.speaking:
		d.beepAt = 0
	case d.now-d.toneAt < toneGap:
		if d.final.Kind == "" && d.now-d.answer >= d.cfg.Deadline {
			d.beepAt = 0 // a tone without end: nobody is there
			return Finding{Kind: media.Silence, Probability: 0.6}, true
		}
	case d.voice.total >= leastGreeting:
		d.beepAt = 0
		return Finding{Kind: media.Machine, Probability: 0.95, Beep: true}, true
	default:
		d.beepAt, d.lone = 0, true
	}
	return Finding{}, false
}

// open says that there is no verdict yet on who answered.
func (d *Detector) open() bool {
	switch d.final.Kind {
	case "", media.Ringback, media.Silence:
		return true
	}
	return false
}

const (
	sureSilence   = 0.8
	firstSyllable = 0.5 // nothing is known yet
)

// rules judges by the times of the greeting.
func (d *Detector) rules() (Finding, bool) {
	switch {
	case !d.answered:
		return Finding{}, false
	case d.open() && d.beepAt > 0:
		return d.afterBeep()
	case d.open():
		return d.first()
	case d.heldAt > 0 && d.withOperator():
		return d.afterHeld()
	case d.sounds && d.final.Kind == media.Machine:
		return d.afterTold()
	case d.word && d.final.Kind == media.Machine:
		return d.afterWord()
	case d.final.Kind == media.Machine:
		return d.second()
	case d.trial:
		return d.onTrial()
	}
	return Finding{}, false
}

// first looks for the first verdict.
func (d *Detector) first() (Finding, bool) {
	since := d.now - d.answer
	d.judge()
	switch {
	case d.cfg.Mode == Off:
		return Finding{Kind: media.Person, Probability: firstSyllable}, true
	case !d.voice.heard():
		return d.nobody(since)
	case d.cfg.Mode == With:
		return Finding{Kind: media.Person, Probability: firstSyllable, Provisional: true}, true
	case d.person() || d.hurried():
		return d.likely(media.Person), true
	case d.machine():
		return d.likely(media.Machine), true
	case since >= d.cfg.Deadline && d.final.Kind == "":
		return d.atDeadline(), true
	}
	return Finding{}, false
}

// nobody tells silence once; a machine may have no greeting but its beep.
func (d *Detector) nobody(since time.Duration) (Finding, bool) {
	if d.final.Kind != "" || since < d.cfg.Silence {
		return Finding{}, false
	}
	if d.lone {
		return Finding{Kind: media.Machine, Probability: sureSilence, Beep: true}, true
	}
	return Finding{Kind: media.Silence, Probability: sureSilence}, true
}

// onTrial listens on to a person who was told at the first speech (mode with),
// until they wait for an answer, or talk on as machines do.
func (d *Detector) onTrial() (Finding, bool) {
	d.judge()
	switch {
	case d.person():
		return d.likely(media.Person), true
	case d.machine():
		return d.likely(media.Machine), true
	}
	return Finding{}, false
}

// judge asks the forest.
func (d *Detector) judge() {
	if d.Features(&d.features) {
		d.odds = d.forest.Odds(&d.features)
	}
}

// likely is a finding with the probability that the forest gives it.
func (d *Detector) likely(k media.VerdictKind) Finding {
	p := 1 / (1 + math.Exp(-d.odds))
	if k == media.Machine {
		p = 1 - p
	}
	return Finding{Kind: k, Probability: p, Provisional: k == media.Machine}
}

// person says that somebody waits for an answer: neither voice nor tone, and
// odds that are good enough after a pause of this length.
func (d *Detector) person() bool {
	return d.odds >= d.bounds.After(d.Quiet())
}

// Hurry is the time after the first syllable in which a pause is waited for. Where others talk
// behind a person there may be none that is heard.
const Hurry = 2300 * time.Millisecond

// hurried says that a person is likely enough to be told while they talk.
func (d *Detector) hurried() bool {
	return d.odds >= d.bounds.Talking && d.voice.now-d.voice.onset >= Hurry
}

// Patience is the time after the first sound in which there is no hurry to
// tell a machine: what was taken for speech may yet be a tri-tone or a fax.
const Patience = 1500 * time.Millisecond

// machine says that the odds of a person are too low to wait on.
func (d *Detector) machine() bool {
	return d.odds <= d.bounds.Machine && d.voice.now-d.voice.onset >= Patience
}

// atDeadline tells the likelier where pauses are heard: a machine may yet be
// taken back. Where none was, it may be for the noise, so it fails open: a
// person lost costs more than a machine let through.
func (d *Detector) atDeadline() Finding {
	least := 0.0
	if !d.Clear() || d.features[Phrases] < 2 {
		least = d.bounds.Deadline
	}
	if d.odds < least {
		return d.likely(media.Machine)
	}
	return d.likely(media.Person)
}

// betweenBeeps is the quiet after which no more of a beep comes.
const betweenBeeps = 240 * time.Millisecond

// afterTold tells the end of a beep: what is said from then on is recorded.
func (d *Detector) afterTold() (Finding, bool) {
	if d.now-max(d.toneAt, d.voice.end) < betweenBeeps {
		return Finding{}, false
	}
	d.sounds = false
	return Finding{Kind: media.Machine, Probability: 0.99, Records: true}, true
}

// giveUp is the quiet after which a machine that was not taken back stays one.
const giveUp = 4 * time.Second

// second takes back a machine, or makes an assistant of it that asks again: a business says more than a person at home but
// then waits, and no beep comes. It tells when that can no longer be, and when
// a machine is quiet for long without a beep: some have none.
func (d *Detector) second() (Finding, bool) {
	if !d.final.Beep && d.voice.script.again() {
		return Finding{Kind: media.Screening, Probability: 0.8}, true
	}
	if !d.waited && !d.final.Beep && d.Quiet() >= giveUp {
		d.waited = true
		return Finding{Kind: media.Machine, Probability: 0.9}, true
	}
	if d.final.Beep || d.voice.greeting() > d.cfg.Revise {
		return Finding{Kind: media.Machine, Probability: 0.95}, d.final.Provisional
	}
	d.judge()
	return d.likely(media.Person), !d.waited && d.person()
}
