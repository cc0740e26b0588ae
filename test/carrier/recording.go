package carrier

import (
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// Recording is a call that is played from a recording, sample for sample: who
// calls hears it from its first packet on.
type Recording struct {
	Sound  []int16       // 8 kHz
	Answer time.Duration // when the 200 follows; what is before is early media
	Stays  time.Duration // how long the line stays up, with a slight noise, after Sound
	Talks  time.Duration // and after the operator's tone began
	Law    phone.Law
	Path   phone.Path
}

// playRecording lives through a Recorded call. It hangs up at its end.
func (s *script) playRecording() {
	r := s.plan.Recording
	s.call.Speak(r.Law)
	s.call.Audio.Route(r.Path)
	if r.Answer == 0 {
		s.ring()
		if !s.pause(s.plan.Ring) {
			return
		}
	}
	over := s.call.Audio.Play(&phone.Clip{Samples: r.Sound})
	if r.Answer > 0 {
		s.ringing(183, "Session Progress", true)
		// Between the last packet before the answer and the first after it.
		if !s.pause(r.Answer - 10*time.Millisecond) {
			return
		}
	}
	if !s.answer() {
		return
	}
	select {
	case <-over:
		s.note(Event{Event: "greeting_end", Mark: s.call.Audio.Sent().Count})
		s.call.Audio.Play(s.background())
		s.silenceUntilTone(r)
	case h := <-s.ear.tone:
		s.toneOver(h, r)
	case <-s.call.Done():
	case <-s.ending:
	}
}

// silenceUntilTone stays on the line after the recording.
func (s *script) silenceUntilTone(r *Recording) {
	timer := time.NewTimer(r.Stays)
	defer timer.Stop()
	select {
	case h := <-s.ear.tone:
		s.toneOver(h, r)
	case <-timer.C:
	case <-s.call.Done():
	case <-s.ending:
	}
}

// toneOver is an operator on the line of a recording.
func (s *script) toneOver(h heard, r *Recording) {
	s.noteTone(h)
	s.pause(r.Talks)
}
