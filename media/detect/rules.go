package detect

import (
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/tone"
)

// tone says what a tone means at this point of the call.
func (d *Detector) tone(h tone.Heard) (Finding, bool) {
	if d.settled() && h.Kind != tone.BeepTone {
		return Finding{}, false
	}
	switch h.Kind {
	case tone.SITTone:
		return Finding{Kind: media.Announcement, SIT: h.Code, Probability: 0.99}, true
	case tone.BusyTone, tone.ReorderTone:
		return Finding{Kind: media.BusyTone, Probability: 0.97}, !d.voice.heard()
	case tone.FaxTone:
		certain := d.answered && (h.Code != "CNG" || !d.voice.heard())
		return Finding{Kind: media.Fax, Probability: 0.98}, certain
	case tone.RingbackTone:
		news := d.answered && !d.voice.heard() && d.final.Kind != media.Ringback
		return Finding{Kind: media.Ringback, Probability: 0.9}, news
	case tone.BeepTone:
		return d.beep()
	}
	return Finding{}, false
}

// beep ends a machine's greeting. Before any speech it may be anything: it is
// remembered for the case that nobody speaks after it either.
func (d *Detector) beep() (Finding, bool) {
	if !d.answered {
		return Finding{}, false
	}
	switch d.final.Kind {
	case media.Machine:
		return Finding{Kind: media.Machine, Probability: 0.99, Beep: true}, true
	case media.Person:
		return Finding{Kind: media.Machine, Probability: 0.9, Beep: true}, d.cfg.Mode == With
	case "", media.Silence, media.Ringback:
		if d.voice.heard() {
			return Finding{Kind: media.Machine, Probability: 0.95, Beep: true}, true
		}
		d.lone = true
	}
	return Finding{}, false
}

// settled says that nothing but a beep or a revision is to come.
func (d *Detector) settled() bool {
	switch d.final.Kind {
	case "", media.Ringback, media.Silence:
		return false
	}
	return true
}

// rules judges by the times of the greeting.
func (d *Detector) rules() (Finding, bool) {
	if !d.answered {
		return Finding{}, false
	}
	switch d.final.Kind {
	case "", media.Ringback, media.Silence:
		return d.first()
	case media.Machine:
		return d.second()
	}
	return Finding{}, false
}

// first looks for the first verdict.
func (d *Detector) first() (Finding, bool) {
	v, since := &d.voice, d.now-d.answer
	switch {
	case d.cfg.Mode == Off:
		return Finding{Kind: media.Person, Probability: 0.5}, true
	case !v.heard():
		if d.final.Kind == "" && since >= d.cfg.Silence {
			if d.lone {
				return Finding{Kind: media.Machine, Probability: 0.8, Beep: true}, true
			}
			return Finding{Kind: media.Silence, Probability: 0.8}, true
		}
	case v.greeting() > d.cfg.Greeting:
		return Finding{Kind: media.Machine, Probability: 0.85}, true
	case v.quiet() >= d.pause():
		return Finding{Kind: media.Person, Probability: 0.9}, true
	case since >= d.cfg.Deadline && d.final.Kind == "":
		return Finding{Kind: media.Person, Probability: 0.6}, true
	}
	return Finding{}, false
}

// pause is the quiet that ends this greeting: the longer it was, the more.
func (d *Detector) pause() time.Duration {
	long := max(0, d.voice.greeting()-1500*time.Millisecond)
	return d.cfg.Pause + long/3
}

// second takes back a machine: a business says more than a person at home but
// then waits, and no beep comes.
func (d *Detector) second() (Finding, bool) {
	v := &d.voice
	if d.final.Beep || v.greeting() > d.cfg.Revise || v.quiet() < time.Second {
		return Finding{}, false
	}
	return Finding{Kind: media.Person, Probability: 0.7}, true
}
