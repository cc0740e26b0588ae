package pacing

import "time"

// floor is who and what is there now: operators, calls in flight, people
// waiting. It keeps slices in the order of events, never ranges over a map, so
// that sums come out the same at every replay.
type floor struct {
	operators map[string]*operator
	staff     []*operator // all ever seen
	calls     map[string]*call
	inFlight  []*call // dialled, no verdict yet
	waiting   []*call // people without an operator
}

type operator struct {
	id             string
	state          OperatorState
	since          time.Time
	pauseRequested bool
}

type call struct {
	id       string
	segment  int // index in model
	place    int // in inFlight
	dialled  time.Time
	ringing  time.Time // zero: not yet
	answered time.Time // zero: not yet picked up
	human    time.Time // zero: no verdict yet
	givenUp  time.Time // zero: we did not ask to cancel it
	answers  float64   // expected live answers already booked, see model.accrue
	failures float64   // expected early failures already booked
}

func newFloor() floor {
	return floor{operators: map[string]*operator{}, calls: map[string]*call{}}
}

// setOperator applies a change of state and returns the state that ended with
// its length in seconds; "" where nothing ended.
func (f *floor) setOperator(now time.Time, ev Operator) (was OperatorState, lasted float64) {
	o := f.operators[ev.ID]
	if o == nil {
		o = &operator{id: ev.ID, state: Off, since: now}
		f.operators[ev.ID] = o
		f.staff = append(f.staff, o)
	}
	o.pauseRequested = ev.PauseRequested
	if o.state == ev.State {
		return "", 0
	}
	was, lasted = o.state, seconds(now, o.since)
	o.state, o.since = ev.State, now
	return was, lasted
}

// dial puts a call in flight, unless it is known already.
func (f *floor) dial(now time.Time, id string, segment int) {
	if f.calls[id] != nil {
		return
	}
	c := &call{id: id, segment: segment, place: len(f.inFlight), dialled: now}
	f.calls[id] = c
	f.inFlight = append(f.inFlight, c)
}

// land takes a call out of flight: it has a verdict or is over.
func (f *floor) land(c *call) {
	last := f.inFlight[len(f.inFlight)-1]
	f.inFlight[c.place] = last
	last.place = c.place
	f.inFlight[len(f.inFlight)-1] = nil
	f.inFlight = f.inFlight[:len(f.inFlight)-1]
}

// wait puts a call that has landed among the people waiting.
func (f *floor) wait(now time.Time, c *call) {
	c.human = now
	f.waiting = append(f.waiting, c)
}

// forget drops a call that is not in flight.
func (f *floor) forget(c *call) {
	delete(f.calls, c.id)
	for i, w := range f.waiting {
		if w == c {
			f.waiting = append(f.waiting[:i], f.waiting[i+1:]...)
			return
		}
	}
}

// running are the ages in seconds of the talks and wrap-ups that go on.
func (f *floor) running(now time.Time) (talking, wrapping []float64) {
	for _, o := range f.staff {
		switch o.state {
		case Talking:
			talking = append(talking, seconds(now, o.since))
		case Wrapping:
			wrapping = append(wrapping, seconds(now, o.since))
		}
	}
	return talking, wrapping
}

// staffing is how many operators are in each of the states that count.
type staffing struct {
	ready, atWork int
	busy          float64 // share of those at work who talk or wrap up
}

func (f *floor) staffing() staffing {
	var s staffing
	for _, o := range f.staff {
		switch o.state {
		case Ready:
			s.ready++
			s.atWork++
		case Talking, Wrapping:
			s.atWork++
		}
	}
	if s.atWork > 0 {
		s.busy = float64(s.atWork-s.ready) / float64(s.atWork)
	}
	return s
}

// free is the number of ready operators that nobody waits for; negative when
// people wait. An operator who goes on pause at the next chance is not free.
func (f *floor) free() int {
	n := -len(f.waiting)
	for _, o := range f.staff {
		if o.state == Ready && !o.pauseRequested {
			n++
		}
	}
	return n
}

// seconds from then to now, never negative.
func seconds(now, then time.Time) float64 { return max(0, now.Sub(then).Seconds()) }
