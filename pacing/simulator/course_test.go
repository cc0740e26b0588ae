package simulator

import (
	"math"
	"testing"
)

// The course adds up to the day, and calls in flight are dials times how long
// they fly (Little's law).
func TestCourse(t *testing.T) {
	s := steady(6, 0.3, 1.01)
	r, _, sim := run(t, s, ratioTwo, 4)
	course := sim.Course()
	if want := 61; len(course) != want {
		t.Fatalf("%d minutes, want %d", len(course), want)
	}
	var all Minute
	for _, m := range course {
		all.Busy += m.Busy
		all.Idle += m.Idle
		all.InFlight += m.InFlight
		all.Dials += m.Dials
		all.Live += m.Live
		all.Abandoned += m.Abandoned
	}
	if all.Dials != r.Dials || all.Live != r.Live || all.Abandoned != r.Abandoned {
		t.Errorf("course %+v, day %+v", all, r)
	}
	if got := all.Busy / (all.Busy + all.Idle); math.Abs(got-r.Utilisation) > 1e-9 {
		t.Errorf("utilisation %v, of the day %v", got, r.Utilisation)
	}
	if at := course[30].AtWork(); math.Abs(at-6) > 1e-9 {
		t.Errorf("%v operators at work", at)
	}
	flight := all.InFlight * 60 / float64(r.Dials) // seconds of a call, between those of a failure and of no answer
	if flight < 8 || flight > 27 {
		t.Errorf("a call flies %.1f s", flight)
	}
	again := sim.Course()
	if again[59] != course[59] {
		t.Errorf("asked again: %+v, first %+v", again[59], course[59])
	}
}
