package simulator

import "time"

// Minute is what one minute of a day was like.
type Minute struct {
	Busy      float64 `json:"busy_s"` // seconds of all operators in calls and wrap-up
	Idle      float64 `json:"idle_s"` // seconds that they were ready
	InFlight  float64 `json:"in_flight"`
	Dials     int     `json:"dials"`
	Live      int     `json:"live"`
	Abandoned int     `json:"abandoned"`
}

// AtWork is how many operators were ready or busy, on average.
func (m Minute) AtWork() float64 { return (m.Busy + m.Idle) / time.Minute.Seconds() }

// Course is the day minute by minute, the warm-up too; InFlight is the mean
// number of calls that neither ended nor reached an operator. Ask when Advance
// has returned false.
func (s *Simulation) Course() []Minute {
	s.bookRest()
	course := make([]Minute, 0, len(s.tally.minutes))
	for _, m := range s.tally.minutes[:(s.end+time.Minute-1)/time.Minute] {
		course = append(course, Minute{
			Busy: m.talking + m.wrapping, Idle: m.idle, InFlight: m.flight.Minutes(),
			Dials: m.dials, Live: m.live, Abandoned: m.abandoned,
		})
	}
	return course
}

// bookRest books what goes on at the end of the day.
func (s *Simulation) bookRest() {
	for _, o := range s.operators {
		s.tally.spent(o, s.now)
		o.since = s.now
	}
	for _, c := range s.calls {
		s.tally.flew(c, s.now)
		c.dialled = s.now
	}
}
