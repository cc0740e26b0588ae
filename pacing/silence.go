package pacing

import "math"

// An outage of the carrier ends as suddenly as it began, and so does the silence
// of a list that gets poorer for a while. Those who believe in the silence fill
// the lines, and the first seconds after it bring more people than operators. So
// while answers are much rarer than usual, the calls that are young enough to be
// answered then are held against the operators as if the silence ended now. Where the
// carrier's signs of life are gone too, their return shows the end (see pulse): then only
// calls too young for that are held so, and once it shows, they count as usual.
const (
	usualRise   = 120.0  // seconds in which the usual share of answers follows a rise
	usualFall   = 2400.0 // and a fall
	silence     = 1.7    // usual over present share of answers that is unusual
	maxRecovery = 40.0
	young       = 20.0 // seconds: longer than it takes to notice the end by answers
	failsEarly  = 5.0  // seconds: an older call has outlived what fails at once
	illHealth   = 1.5  // early failures over usual ones, of a carrier that fails at once
	bearable    = 6.0  // seconds of live answers that may be too many when it ends
	proof       = 40.0 // seconds of silence with signs of life: the list is poorer, nothing will end suddenly
)

// follow is what is usual so many seconds later, where the present is so.
func follow(usual, present, seconds float64) float64 {
	over := usualFall
	if usual < present {
		over = usualRise
	}
	return usual + (present-usual)*(1-math.Exp(-seconds/over))
}

// silent says whether answers are much rarer than usual.
func (s *segment) silent() bool { return s.usual >= silence*s.answer }

// follow lets so many seconds pass for what is usual in a segment, and for how long
// its silence looks like a poorer list.
func (s *segment) follow(l *life, seconds float64) {
	s.usual = follow(s.usual, s.answer, seconds)
	s.listen(l)
	if s.silent() && l.goesOn(s.answer/s.usual) {
		s.poorer += seconds
	} else {
		s.poorer = 0
	}
}

// listen follows whether the carrier itself is silent, and whether it is back. At a cold
// start nothing is usual yet.
func (s *segment) listen(l *life) {
	if !s.silent() || l.known <= coldStart {
		s.mute, s.back = false, false
		return
	}
	gone := l.pulse.share() < math.Sqrt(s.answer/s.usual) // the middle, as in goesOn
	s.back = s.mute && !gone
	s.mute = s.mute || gone
}

// recovery is by how much more often calls of a segment and an age in seconds are
// answered than the answers so far tell, 1 where nothing is unusual: lift since a
// silence has ended, after once it ends.
func (m *model) recovery(segment int, age float64) (lift, after float64) {
	s := &m.segments[segment]
	switch {
	case !s.silent() || age > young || s.mute && !s.back && age > m.life.pulse.notices(m.followed):
		return 1, 1
	case m.health.Value() > illHealth:
		if age > failsEarly {
			return 1, 1
		}
	case s.poorer > proof:
		return 1, 1
	}
	after = min(s.usual/s.answer, maxRecovery)
	if s.back {
		return after, 1
	}
	return 1, after
}

// exposure is what the calls in flight would bring were the world to change now.
type exposure struct {
	answers  float64 // expected, as things are
	leave    float64 // answers that would be payable were the operators to leave
	after    float64 // expected, were a silence to end
	bearable float64 // answers that operators who are or come free can take then, and a few
}

// add counts n calls with these chances, and recovery times those after a silence.
func (e *exposure) add(answered *chances, n int, recovery float64) {
	q := answered[points-1]
	e.answers += float64(n) * q
	if recovery != 1 {
		q = min(1, q*recovery)
	}
	e.after += float64(n) * q
}

// bears says whether one more call may be placed: were the operators to leave now,
// or a silence to end, what is lost could be borne.
func (e *exposure) bears(answered *chances, recovery float64) bool {
	q := answered[points-1]
	if e.answers+q > e.leave {
		return false
	}
	return recovery == 1 || e.after+min(1, q*recovery) <= e.bearable
}
