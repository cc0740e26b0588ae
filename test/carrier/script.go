package carrier

import (
	"fmt"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// byeLimit is how long a dialer may take to end what it does not want.
const byeLimit = 2 * time.Second

// voicemail is how long a machine records before it hangs up.
const voicemail = time.Minute

// script lives through one call.
type script struct {
	*Carrier
	call    *phone.Call
	plan    Behaviour
	attempt int // which call of the number, from 1
	ear     *ear
	fork    int
	up      bool // we have answered, or the dialer has
	talked  bool // an operator was heard
}

// serve is the life of one INVITE.
func (c *Carrier) serve(call *phone.Call) {
	if !c.enter() {
		call.Reject(503, "Service Unavailable")
		return
	}
	defer c.scripts.Done()
	c.invites.Add(1)
	s := &script{Carrier: c, call: call}
	s.plan, s.attempt = c.behaviour(call.Number)
	s.note(Event{Event: "invite", Number: call.Number, Caller: call.Caller, FromAddr: call.From, Kind: string(s.plan.Kind)})
	s.inspect()
	if _, known := c.onTheLine(call.Number); known {
		s.wrong("called_caller", call.Number+" is on the line with the dialer, which calls them")
	}
	s.ear = newEar(call.Audio, c.cfg.OperatorHz)
	s.live()
	s.leave()
	s.mayCallBack()
}

func (s *script) note(e Event) {
	e.Call, e.Fork = s.call.ID, s.fork
	s.journal.Note(e)
}

func (s *script) wrong(what, detail string) {
	s.fault(phone.Fault{Call: s.call.ID, What: what, Detail: detail})
}

// inspect looks for what a carrier would stumble over in an INVITE.
func (s *script) inspect() {
	m := s.call.Invite
	if m.Get("Contact") == "" {
		s.wrong("malformed", "INVITE without Contact")
	}
	if len(m.Body) > 0 && !strings.EqualFold(m.Get("Content-Type"), "application/sdp") {
		s.wrong("malformed", "body of type "+m.Get("Content-Type"))
	}
	if strings.Trim(s.call.Number, "+0123456789") != "" || s.call.Number == "" {
		s.wrong("malformed", "Request-URI is no number: "+m.URI)
	}
	for _, h := range m.Headers {
		if strings.ContainsFunc(h.Value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			s.wrong("malformed", "control character in "+h.Name)
		}
	}
}

// refusals are the behaviours that end in a final response after Ring.
var refusals = map[Kind]struct {
	code          int
	reason        string
	header, value string
}{
	Busy:       {486, "Busy Here", "Reason", `Q.850;cause=17;text="User busy"`},
	Absent:     {480, "Temporarily Unavailable", "Reason", `Q.850;cause=20;text="Subscriber absent"`},
	Invalid:    {404, "Not Found", "Reason", `Q.850;cause=1;text="Unallocated number"`},
	SIT:        {404, "Not Found", "Reason", `Q.850;cause=1;text="Unallocated number"`},
	Declined:   {603, "Decline", "Reason", `Q.850;cause=21;text="Call rejected"`},
	Congestion: {503, "Service Unavailable", "", ""},
	Redirect:   {302, "Moved Temporarily", "Contact", "<sip:+19005550199@192.0.2.1>"},
}

// live plays the plan until nothing more happens in it.
func (s *script) live() {
	switch s.plan.Kind {
	case Busy, Absent, Invalid, Congestion, Redirect:
		s.pause(100 * time.Millisecond)
		s.refuse()
	case Declined:
		s.ring()
		s.pause(min(s.plan.Ring, 3*time.Second))
		s.refuse()
	case SIT:
		s.early(&line{samples: s.voices.sit, noise: 1, floor: 8})
		s.refuse()
	case Announcement:
		s.early(&line{samples: s.voices.message, noise: 1, floor: 8, loop: true})
	case NoAnswer:
		s.ring()
		s.rest()
	case LateAnswer:
		s.answerLate()
	case TwoAnswers:
		s.answerTwice()
	case Recorded:
		s.playRecording()
	default:
		s.ring()
		if s.pause(s.plan.Ring) && s.answer() {
			s.talk()
		}
	}
}

// talk is what follows an answer, by kind.
func (s *script) talk() {
	switch s.plan.Kind {
	case Machine:
		s.say(s.pick(s.voices.machine), 500*time.Millisecond)
		s.note(Event{Event: "greeting_end", Mark: s.call.Audio.Sent().Count})
		s.silence(voicemail)
	case Fax:
		s.say(s.voices.ced, 200*time.Millisecond)
		s.silence(30 * time.Second)
	case Silent:
		s.silence(voicemail)
	case FalseAnswer:
		s.pause(500 * time.Millisecond)
	default:
		s.converse()
	}
}

// ring sends 180, or 183 with ringback where the plan says so.
func (s *script) ring() {
	if s.plan.Ringback {
		s.call.Audio.Play(&line{samples: s.voices.ringback, noise: 1, floor: 8, loop: true})
		s.ringing(183, "Session Progress", true)
		return
	}
	s.ringing(180, "Ringing", false)
}

func (s *script) ringing(code int, reason string, early bool) {
	if err := s.call.Ring(code, reason, early); err == nil {
		s.note(Event{Event: "ringing", Code: code})
	}
}

// early plays a message before any answer and waits for its end.
func (s *script) early(source *line) {
	over := s.call.Audio.Play(source)
	s.ringing(183, "Session Progress", true)
	select {
	case <-over:
	case <-s.call.Done():
	case <-s.ending:
	}
}

func (s *script) refuse() {
	r := refusals[s.plan.Kind]
	var headers []phone.Header
	if r.header != "" {
		headers = append(headers, phone.Header{Name: r.header, Value: r.value})
	}
	if s.plan.RetryAfter > 0 {
		headers = append(headers, phone.Header{Name: "Retry-After", Value: fmt.Sprint(s.plan.RetryAfter)})
	}
	s.call.Reject(r.code, r.reason, headers...)
}

// answer sends the 200; false where the caller was faster to leave.
func (s *script) answer() bool {
	if s.plan.Kind != FalseAnswer && s.plan.Kind != Recorded {
		s.call.Audio.Play(s.background())
	}
	if err := s.call.Answer(); err != nil {
		return false
	}
	s.up = true
	s.answered.Add(1)
	s.note(Event{Event: "answer", Kind: string(s.plan.Kind), Number: s.call.Number, Stream: s.call.Audio.Stream()})
	return true
}

// answerLate sends a 200 that crosses the CANCEL, and expects to be ended.
func (s *script) answerLate() {
	s.call.HoldCancel()
	s.ring()
	select {
	case <-s.call.Cancelled():
	case <-s.call.Done():
		return
	case <-s.ending:
		return
	}
	if s.call.Answer() != nil {
		return
	}
	s.up = true
	s.lateAnswers.Add(1)
	s.note(Event{Event: "late_answer", Kind: string(Person), Number: s.call.Number, Stream: s.call.Audio.Stream()})
	if s.pause(byeLimit) {
		s.wrong("bye_missing", "a call answered after its CANCEL is still up")
	}
}

// answerTwice answers as two devices; the dialer must end one of them.
func (s *script) answerTwice() {
	s.ring()
	if !s.pause(s.plan.Ring) {
		return
	}
	other, err := s.call.Fork()
	if err != nil {
		s.wrong("refused", err.Error())
		return
	}
	second := &script{Carrier: s.Carrier, call: other, plan: s.plan, ear: newEar(other.Audio, s.cfg.OperatorHz), fork: 1}
	if !s.answer() || !second.answer() {
		return
	}
	survivor := s
	select {
	case <-other.Done():
		second.leave()
	case <-s.call.Done():
		survivor = second
	case <-time.After(byeLimit):
		s.wrong("bye_missing", "both answers of one INVITE are still up")
		other.Hangup()
		<-other.Done()
		second.leave()
	}
	survivor.converse()
	if survivor == second {
		second.hangup()
		second.leave()
	}
}

// pause waits; false when the call is over or given up before.
func (s *script) pause(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-s.call.Done():
	case <-s.ending:
	}
	return false
}

// rest waits for the call's end.
func (s *script) rest() {
	select {
	case <-s.call.Done():
	case <-s.ending:
	}
}

// leave ends the call if it is still up, and closes its account.
func (s *script) leave() {
	s.hangup()
	select {
	case <-s.call.Cancelled():
		s.cancelled.Add(1)
		s.note(Event{Event: "cancel"})
	default:
	}
	end := s.call.End()
	sent := s.call.Audio.Sent()
	if sent.Count > 0 {
		s.note(Event{Event: "marks", Stream: s.call.Audio.Stream(), First: 1, Last: sent.Count, Sent: sent.Count, FirstAt: sent.First.UTC(), LastAt: sent.Last.UTC(), Late: sent.Late})
	}
	if s.plan.Kind == Recorded {
		s.ear.tellSounds(s.note)
	}
	if n := s.call.Audio.Foreign(); n > phone.Stragglers {
		s.wrong("rtp_source", fmt.Sprintf("%d packets from another address than announced", n))
	}
	if end.WasUp {
		s.note(Event{T: end.At, Event: "bye", By: sideOf(end), Detail: end.Reason})
		return
	}
	s.note(Event{T: end.At, Event: "final", Code: end.Code})
}

// hangup ends the call by whatever fits and waits for its end. A call that is
// up when the carrier closes should have been ended by the dialer.
func (s *script) hangup() {
	select {
	case <-s.call.Done():
		return
	default: // with both in one select, one that has ended might be blamed
	}
	select {
	case <-s.ending:
		if s.up {
			s.wrong("bye_missing", "still up when the carrier closed")
		}
	default:
	}
	s.call.Hangup()
	<-s.call.Done()
}
