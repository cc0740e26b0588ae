package pacing

import (
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// floor is who and what is there now: operators, calls in flight, people
// waiting. It keeps slices in the order of events, never ranges over a map, so
// that sums come out the same at every replay.
type floor struct {
	operators map[string]*operator
	staff     []*operator // all ever seen
	calls     map[string]*call
	inFlight  []*call // dialled, no verdict yet
	waiting   []*call // people without an operator
	inbound   int     // people who wait and were not dialled
}

type operator struct {
	id             string
	state          OperatorState
	since          time.Time
	pauseRequested bool
	segment        int // of the person they talk with; -1 unknown
	stage          string
	stageSince     time.Time
	restUntil      time.Time
	pace           *estimate.Pace
	ends           float64 // of their talk, expected and booked already, see model.accrueTalks
}

// rests says whether a ready operator takes no call yet.
func (o *operator) rests(now time.Time) bool { return o.state == Ready && now.Before(o.restUntil) }

type call struct {
	id       string
	segment  int // index in model
	record   Record
	lift     float64 // of its chance to be answered, over that of its segment
	place    int     // in inFlight
	trunk    int     // index in model.delays
	placed   time.Time
	dialled  time.Time // as its age is counted: placed, or later where its trunk takes longer to ring than the first
	ringing  time.Time // zero: not yet
	answered time.Time // zero: not yet picked up
	human    time.Time // zero: no verdict yet
	givenUp  time.Time // zero: we did not ask to cancel it
	answers  float64   // expected live answers already booked, see model.accrue
	chance   float64   // of abandonment, when it was placed
	failures float64   // expected early failures already booked
	signs    float64   // expected signs of life already booked, see life
}

func newFloor() floor {
	return floor{operators: map[string]*operator{}, calls: map[string]*call{}}
}

// setOperator applies a change of state and returns the operator as they were;
// their state is "" where none ended. One not seen before takes their pace.
func (f *floor) setOperator(now time.Time, ev Operator, known *paces) (was operator) {
	o := f.operators[ev.ID]
	if o == nil {
		o = &operator{id: ev.ID, state: Off, since: now, segment: -1, pace: known.of(ev.ID)}
		f.operators[ev.ID] = o
		f.staff = append(f.staff, o)
	}
	was = *o
	o.pauseRequested, o.restUntil = ev.PauseRequested, ev.RestUntil
	if o.stage != ev.Stage || o.state != ev.State {
		o.stage, o.stageSince = ev.Stage, now
	}
	if o.state == ev.State {
		return operator{}
	}
	o.state, o.since = ev.State, now
	if ev.State == Talking {
		o.segment, o.ends = -1, 0
	}
	return was
}

// dial puts a call in flight, unless it is known already.
func (f *floor) dial(now time.Time, id string, r Record, segment int, lift float64) *call {
	if f.calls[id] != nil {
		return nil
	}
	c := &call{id: id, record: r, segment: segment, lift: lift, place: len(f.inFlight), placed: now, dialled: now}
	f.calls[id] = c
	f.inFlight = append(f.inFlight, c)
	return c
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

// allSegments is running of every segment.
const allSegments = -1

// running are the ages in seconds of the wrap-ups that go on, and of the talks
// with people of a segment.
func (f *floor) running(now time.Time, segment int) (talking, wrapping []float64) {
	for _, o := range f.staff {
		switch {
		case o.state == Talking && (segment == allSegments || o.segment == segment):
			talking = append(talking, seconds(now, o.since))
		case o.state == Wrapping:
			wrapping = append(wrapping, seconds(now, o.since))
		}
	}
	return talking, wrapping
}

// staffing is how many operators are in each of the states that count.
type staffing struct {
	ready, atWork int
	resting       int
	// free is the number of ready operators that nobody waits for; negative when
	// people wait. An operator who goes on pause at the next chance is not free.
	// Neither is one who rests. People who wait and were not dialled come first.
	free int
	busy float64 // share of those at work who talk or wrap up
}

func (f *floor) staffing(now time.Time) staffing {
	s := staffing{free: -len(f.waiting) - f.inbound}
	for _, o := range f.staff {
		switch o.state {
		case Ready:
			s.ready++
			s.atWork++
			if o.rests(now) {
				s.resting++
			} else if !o.pauseRequested {
				s.free++
			}
		case Talking, Wrapping:
			s.atWork++
		}
	}
	if s.atWork > 0 {
		s.busy = float64(s.atWork-s.ready) / float64(s.atWork)
	}
	return s
}

// seconds from then to now, never negative. It is asked for every operator and
// call at every decision: nanoseconds since 1970 are faster than Time.Sub.
func seconds(now, then time.Time) float64 {
	if d := now.UnixNano() - then.UnixNano(); d > 0 {
		return float64(d) * 1e-9
	}
	return 0
}
