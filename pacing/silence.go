package pacing

import "math"

// An outage of the carrier ends as suddenly as it began, and so does the silence
// of a list that gets poorer for a while. Those who believe in the silence fill
// the lines, and the first seconds after it bring more people than operators. So
// while answers are much rarer than usual, the calls that are young enough to be
// answered then are held against the operators as if the silence ended now.
const (
	usualRise   = 120.0 // seconds in which the usual share of answers follows a rise
	usualFall   = 900.0 // and a fall
	silence     = 1.7   // usual over present share of answers that is unusual
	maxRecovery = 10.0
	young       = 20.0 // seconds: longer than it takes to notice the end
	failsEarly  = 5.0  // seconds: an older call has outlived what fails at once
	illHealth   = 1.5  // early failures over usual ones, of a carrier that fails at once
	bearable    = 6.0  // seconds of live answers that may be too many when it ends
)

// follow lets so many seconds pass for what is usual.
func (s *segment) follow(seconds float64) {
	over := usualFall
	if s.usual < s.answer {
		over = usualRise
	}
	s.usual += (s.answer - s.usual) * (1 - math.Exp(-seconds/over))
}

// recovery is by how much more often calls of a segment and an age in seconds are
// answered once an unusual silence ends, 1 where there is none.
func (m *model) recovery(segment int, age float64) float64 {
	s := &m.segments[segment]
	x := s.usual / s.answer
	switch {
	case x < silence || age > young:
		return 1
	case age > failsEarly && m.health.Value() > illHealth:
		return 1
	}
	return min(x, maxRecovery)
}

// exposure is how many live answers the calls in flight would bring were a silence
// to end now.
type exposure struct {
	answers  float64
	bearable float64 // answers that operators who are or come free can take, and a few
}

func (e *exposure) reset(bearable float64) { *e = exposure{bearable: bearable} }

// add counts a call with these chances, times recovery.
func (e *exposure) add(answered *chances, recovery float64) {
	e.answers += min(1, answered[points-1]*recovery)
}

// bears says whether one more call may be placed. Where no silence is to end, the
// look-ahead alone decides.
func (e *exposure) bears(answered *chances, recovery float64) bool {
	return recovery == 1 || e.answers+min(1, answered[points-1]*recovery) <= e.bearable
}
