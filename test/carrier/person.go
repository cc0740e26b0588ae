package carrier

import (
	"context"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// safeHarbor is how long a person listens on after the first voice that is no
// operator's.
const safeHarbor = 12 * time.Second

// background is the slight noise of the callee's line.
func (s *script) background() *line {
	return &line{noise: uint32(s.plan.Greeting)*2 + 1, floor: int32(8 + s.plan.Greeting%64), loop: true}
}

func (s *script) pick(from [][]int16) []int16 { return from[s.plan.Greeting%len(from)] }

// say plays samples after a wait and goes back to the background. It returns
// when all is said or the call is over.
func (s *script) say(samples []int16, after time.Duration) {
	speech := s.background()
	speech.samples, speech.loop = samples, false
	speech.at = -int(after * rate / time.Second)
	over := s.call.Audio.Play(speech)
	select {
	case <-over:
	case <-s.call.Done():
	case <-s.ending:
		return
	}
	s.call.Audio.Play(s.background())
}

// silence listens for a while; it notes what it hears.
func (s *script) silence(limit time.Duration) {
	timer := time.NewTimer(limit)
	defer timer.Stop()
	for {
		select {
		case h := <-s.ear.tone:
			s.noteTone(h)
		case h := <-s.ear.voice:
			s.note(Event{T: h.at, Event: "voice_heard", Mark: h.mark})
		case <-timer.C:
			return
		case <-s.call.Done():
			return
		case <-s.ending:
			return
		}
	}
}

func (s *script) noteTone(h heard) {
	s.talked = true
	s.note(Event{T: h.at, Event: "first_tone", From: "operator", Hz: s.cfg.OperatorHz, Mark: h.mark})
}

// converse is a person who picked up: a greeting, then the wait for a voice.
func (s *script) converse() {
	s.persons.Add(1)
	greeting := s.pick(s.voices.hello)
	if s.plan.Kind == BusinessLine {
		greeting = s.pick(s.voices.business)
	}
	s.say(greeting, time.Duration(150+s.plan.Greeting%350)*time.Millisecond)
	select {
	case <-s.call.Done():
		return
	default:
	}
	s.note(Event{Event: "greeting_end", Mark: s.call.Audio.Sent().Count})
	if s.awaitOperator(safeHarbor) {
		s.bridged.Add(1)
		s.conversation()
	}
}

// awaitOperator waits in silence for the operator's tone. A voice that is not
// the operator's keeps a person on the line for a while longer, in place of the rest of
// their patience; zero leaves that as it is.
func (s *script) awaitOperator(longer time.Duration) bool {
	timer := time.NewTimer(s.plan.Patience)
	defer timer.Stop()
	for {
		select {
		case h := <-s.ear.tone:
			s.noteTone(h)
			return true
		case h := <-s.ear.voice:
			s.note(Event{T: h.at, Event: "voice_heard", Mark: h.mark})
			if longer > 0 {
				timer.Reset(longer)
			}
		case <-timer.C:
			return false
		case <-s.call.Done():
			return false
		case <-s.ending:
			return false
		}
	}
}

// conversation is the person talking until the talk time or the call is over.
func (s *script) conversation() {
	s.call.Audio.Play(&phone.Tone{Hz: s.cfg.CustomerHz, Peak: 8000})
	switch s.plan.Kind {
	case HoldsPerson:
		s.reinvite("sendonly", false)
		s.pause(time.Second)
		s.reinvite("sendrecv", false)
	case OfferPerson:
		s.reinvite("sendrecv", true)
	}
	s.silence(s.plan.Talk)
}

// reinvite changes the session after a second of talk.
func (s *script) reinvite(direction string, offerless bool) {
	if !s.pause(time.Second) {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := s.call.Reinvite(ctx, direction, offerless); err != nil {
		select {
		case <-s.call.Done():
		default:
			s.wrong("reinvite", direction+": "+err.Error())
		}
	}
}
