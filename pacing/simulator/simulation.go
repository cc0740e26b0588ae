package simulator

import (
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// decideEvery is the longest time between two questions to the controller.
const decideEvery = 500 * time.Millisecond

// askAtMost bounds how often the controller is asked at one moment. It is never
// reached by one that keeps to the room.
const askAtMost = 10000

// Simulation is one day under one policy. It is not safe for concurrent use.
type Simulation struct {
	scenario   *Scenario
	laws       laws
	policy     Policy
	seed       uint64
	controller pacing.Controller
	node       part

	origin  time.Time     // the start
	now     time.Duration // since the start
	end     time.Duration
	agenda  agenda
	touched bool // something happened that the controller should be asked about

	operators []*operator
	ready     []*operator      // the longest ready first
	calls     map[string]*call // before they end or reach an operator
	waiting   []*call          // people without an operator, the first first
	records   *uint64          // of the list that were looked at, by all nodes
	list      list
	reel      *reel // of a replay: then there is no list
	trunk     trunk
	tally     tally
}

// New prepares a day. The scenario is one that Parse returned; it is not changed
// and may be shared by simulations that run side by side.
func New(s *Scenario, p Policy, seed uint64) (*Simulation, error) {
	return newSimulation(s, p, seed, part{of: 1}, new(uint64))
}

// newSimulation prepares the day of a part of the operators, over a list of which
// so many records were looked at.
func newSimulation(s *Scenario, p Policy, seed uint64, node part, records *uint64) (*Simulation, error) {
	laws, err := compile(s)
	if err != nil {
		return nil, err
	}
	controller, err := p.controller(s, laws)
	if err != nil {
		return nil, err
	}
	sim := &Simulation{
		scenario:   s,
		laws:       laws,
		policy:     p,
		seed:       seed,
		controller: controller,
		node:       node,
		records:    records,
		origin:     moment(0),
		end:        s.Duration.Duration(),
		calls:      map[string]*call{},
		trunk:      newTrunk(node.trunks(s.Trunks)),
		tally:      newTally(s),
	}
	sim.fill()
	sim.planDay()
	return sim, nil
}

// moment is a time of the virtual clock. The origin means nothing.
func moment(at time.Duration) time.Time { return time.Unix(0, 0).UTC().Add(at) }

// moment is a time of the day as the controller sees it.
func (s *Simulation) moment(at time.Duration) time.Time { return s.origin.Add(at) }

// planDay puts what the scenario announces on the agenda.
func (s *Simulation) planDay() {
	most := 0
	for _, step := range s.scenario.Agents.Schedule {
		n := s.node.share(step.N)
		most = max(most, n)
		s.agenda.plan(step.At.Duration(), func() { s.staff(n) })
	}
	for i := range most {
		s.operators = append(s.operators, newOperator(s.seed, s.node.nth(i), s.scenario.Agents.SpeedSpread))
	}
	for _, e := range s.scenario.Events {
		if e.Type == AgentsBreak {
			s.agenda.plan(e.At.Duration(), func() { s.sendOnBreak(e) })
		}
	}
	s.after(0, s.tick)
}

func (s *Simulation) tick() {
	s.touched = true
	s.after(decideEvery, s.tick)
}

func (s *Simulation) after(d time.Duration, do func()) { s.agenda.plan(s.now+d, do) }

// Advance simulates up to a time since the start, and says whether there is more
// of the day.
func (s *Simulation) Advance(to time.Duration) bool {
	to = min(to, s.end)
	for s.step(to) {
	}
	s.now = to
	return to < s.end
}

// step does what happens next, if it happens before a time.
func (s *Simulation) step(before time.Duration) bool {
	h, ok := s.agenda.next(before)
	if !ok {
		return false
	}
	s.now = h.at
	h.do()
	if s.touched {
		s.pace()
	}
	return true
}

// observe tells the controller.
func (s *Simulation) observe(ev pacing.Event) {
	s.controller.Observe(s.moment(s.now), ev)
	s.touched = true
}

// pace asks the controller and does what it says, until it wants nothing more.
func (s *Simulation) pace() {
	for range askAtMost {
		d := s.controller.Decide(s.moment(s.now), s.view())
		done := 0
		for _, id := range d.Cancel {
			if s.cancel(id) {
				done++
			}
		}
		for n := 0; n < d.Dial && s.trunk.room(s.now) != 0; n++ {
			s.dial(d.Record)
			done++
		}
		if done == 0 {
			break
		}
	}
	s.touched = false // what we did ourselves needs no second question
}

func (s *Simulation) view() pacing.View {
	v := pacing.View{Records: s.upcoming()}
	v.Room, v.Bound = s.trunk.room(s.now), s.trunk.bound(s.now)
	if s.reel != nil && s.reel.trace.shutAt(s.now) {
		v.Room, v.Bound = 0, pacing.BoundLeads
	}
	if wait, again := s.trunk.wakeIn(s.now); again {
		s.after(wait, func() { s.touched, s.trunk.waking = true, false })
	}
	return v
}

// lastStep is the index of the last of n steps that has begun, 0 before the first.
func lastStep(n int, now time.Duration, at func(i int) Seconds) int {
	i := n - 1
	for i > 0 && at(i).Duration() > now {
		i--
	}
	return i
}

// trunk is the room for calls: channels, and a bucket of tokens for the rate.
type trunk struct {
	Trunks
	lines  int // calls that hold a channel
	tokens float64
	filled time.Duration // when tokens was right
	waking bool          // a wake-up is planned
}

// burstOf is how much of a second's rate may be spent at once.
const burstOf = 0.2

// longestWait bounds the wait for a token: a rate may be as good as none.
const longestWait = time.Hour

func newTrunk(t Trunks) trunk {
	return trunk{Trunks: t, tokens: burst(t)}
}

func burst(t Trunks) float64 { return max(1, burstOf*t.CPS) }

func (t *trunk) fill(now time.Duration) {
	t.tokens = min(burst(t.Trunks), t.tokens+(now-t.filled).Seconds()*t.CPS)
	t.filled = now
}

// room is how many calls may be placed now, -1 without a limit.
func (t *trunk) room(now time.Duration) int {
	room := -1
	if t.Channels > 0 {
		room = max(0, t.Channels-t.lines)
	}
	if t.CPS > 0 {
		t.fill(now)
		if n := int(t.tokens); room < 0 || n < room {
			room = n
		}
	}
	return room
}

// bound is what limits room.
func (t *trunk) bound(now time.Duration) pacing.Bound {
	switch {
	case t.CPS > 0 && (t.Channels == 0 || int(t.tokens) < t.Channels-t.lines):
		return pacing.BoundCPS
	case t.Channels > 0:
		return pacing.BoundChannels
	}
	return pacing.BoundFree
}

// wakeIn is when to ask again because a token returns, once for each wait.
func (t *trunk) wakeIn(now time.Duration) (time.Duration, bool) {
	if t.CPS == 0 || t.tokens >= 1 || t.waking {
		return 0, false
	}
	t.waking = true
	wait := min((1-t.tokens)/t.CPS, longestWait.Seconds())
	return Seconds(wait).Duration() + time.Microsecond, true
}

func (t *trunk) take() {
	t.lines++
	if t.CPS > 0 {
		t.tokens--
	}
}
