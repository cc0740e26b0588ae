package simulator

import (
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// Nodes is one day of a campaign for which several nodes dial, as on a store that
// they share: the operators are dealt out, each node paces its own with a controller
// of its own, over one list and one budget of abandoned calls (see Book). Trunks are
// shared out equally. It is not safe for concurrent use.
//
// What it leaves out: a message to the store takes no time, and no node dies.
type Nodes struct {
	scenario *Scenario
	seed     uint64
	nodes    []*Simulation
	end      time.Duration
}

// How nodes share a budget: each renews its part this often, and at once when a call
// of its own was abandoned. As the product does.
const shareEvery = time.Second

// NewNodes prepares a day of n nodes, n in [1, the most operators of the day]. One
// alone has the whole budget, and its day is that of New.
func NewNodes(s *Scenario, p Policy, seed uint64, n int) (*Nodes, error) {
	if most := s.mostOperators(); n < 1 || n > most {
		return nil, fmt.Errorf("%d nodes for %d operators: it is not in [1, %d]", n, most, most)
	}
	if s.Trunks.Channels > 0 && s.Trunks.Channels < n {
		return nil, fmt.Errorf("trunks.channels: %d are too few for %d nodes", s.Trunks.Channels, n)
	}
	d := &Nodes{scenario: s, seed: seed, end: s.Duration.Duration()}
	records, shared := new(uint64), NewBook(n)
	for i := range n {
		sim, err := newSimulation(s, p, seed, part{node: i, of: n}, records)
		if err != nil {
			return nil, err
		}
		d.nodes = append(d.nodes, sim)
		if n > 1 {
			sim.shareBudget(shared)
		}
	}
	return d, nil
}

func (s *Scenario) mostOperators() int {
	most := 0
	for _, step := range s.Agents.Schedule {
		most = max(most, step.N)
	}
	return most
}

// Advance simulates up to a time since the start, and says whether there is more
// of the day. What happens first, on whichever node, is done first.
func (d *Nodes) Advance(to time.Duration) bool {
	to = min(to, d.end)
	for {
		var next *Simulation
		soonest := to
		for _, s := range d.nodes {
			if at, any := s.agenda.first(); any && at < soonest {
				next, soonest = s, at
			}
		}
		if next == nil {
			break
		}
		next.step(to)
	}
	for _, s := range d.nodes {
		s.now = to
	}
	return to < d.end
}

// Result is what the day gave, on all nodes together. Ask when Advance has returned
// false.
func (d *Nodes) Result() Run {
	all := newTally(d.scenario)
	for _, s := range d.nodes {
		s.bookRest()
		all.add(&s.tally)
	}
	r := all.run(d.scenario)
	r.Seed = d.seed
	return r
}

// part is which of several nodes a simulation is; of one, it is the whole.
type part struct{ node, of int }

// share is how many of n things the node has, where they are dealt out one by one.
func (p part) share(n int) int { return (n - p.node + p.of - 1) / p.of }

// nth is the number among all of the node's i-th thing.
func (p part) nth(i int) int { return i*p.of + p.node }

func (p part) trunks(t Trunks) Trunks {
	return Trunks{Channels: p.share(t.Channels), CPS: t.CPS / float64(p.of)}
}

// shareBudget makes the simulation renew its part of a budget. The nodes do so one
// after the other.
func (s *Simulation) shareBudget(b *Book) {
	s.controller.Observe(s.moment(0), pacing.Shared{Part: 1}) // nothing, until it is given something
	renew := func() {
		b.Renew(s.node.node, s.moment(s.now), s.controller)
		s.touched = true
	}
	soon := false // a renewal is planned
	s.controller = hurrying{s.controller, func() {
		if soon {
			return
		}
		soon = true
		s.after(0, func() {
			soon = false
			renew()
		})
	}}
	var often func()
	often = func() {
		renew()
		s.after(shareEvery, often)
	}
	s.after(shareEvery*time.Duration(s.node.node)/time.Duration(s.node.of), often)
}

// hurrying is a controller that has others told as soon as it lost somebody.
type hurrying struct {
	pacing.Controller
	lost func()
}

func (h hurrying) Observe(now time.Time, ev pacing.Event) {
	h.Controller.Observe(now, ev)
	if _, abandoned := ev.(pacing.Abandoned); abandoned {
		h.lost()
	}
}
