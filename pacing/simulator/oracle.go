package simulator

import (
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// oracle knows the laws of the scenario, not what chance will bring, nor breaks
// and sign-outs. It dials while the chance that the answer of one more call finds
// nobody is at most a constant threshold.
type oracle struct {
	baseline
	sight     *foresight
	threshold float64
	segments  []string
	tags      map[string]int // segment of each call that waits or was just connected
	work      []*workOdds    // of each operator
	fates     []*dialOdds    // of the calls in flight, by seenCall.tag
	view      outlook
	seen      time.Time // when view was right
	stale     bool
}

func newOracle(s *Scenario, l laws, threshold float64) *oracle {
	p := &oracle{
		baseline: newBaseline(), sight: newForesight(s, l), threshold: threshold,
		tags: map[string]int{}, stale: true,
	}
	for _, g := range s.Segments {
		p.segments = append(p.segments, g.Name)
	}
	return p
}

// Observe implements pacing.Controller.
func (p *oracle) Observe(now time.Time, ev pacing.Event) {
	p.baseline.Observe(now, ev)
	switch ev := ev.(type) {
	case pacing.Dialed:
		p.dialled(now, ev)
		return
	case pacing.Connected:
		i := p.operator(ev.Operator)
		for len(p.work) <= i {
			p.work = append(p.work, nil)
		}
		p.work[i] = p.sight.handling(p.tags[ev.Call], sinceStart(now))
		delete(p.tags, ev.Call)
	case pacing.Machine:
		delete(p.tags, ev.Call)
	case pacing.Ended:
		delete(p.tags, ev.Call)
	case pacing.Abandoned:
		delete(p.tags, ev.Call)
	}
	p.stale = true
}

// dialled adds a call to the view, which stays right.
func (p *oracle) dialled(now time.Time, ev pacing.Dialed) {
	segment := max(0, slices.Index(p.segments, ev.Segment))
	p.tags[ev.Call] = segment
	fate := p.sight.dial(segment, sinceStart(now))
	i := slices.Index(p.fates, fate)
	if i < 0 {
		i = len(p.fates)
		p.fates = append(p.fates, fate)
	}
	p.flying(ev.Call).tag = i
	p.view.add(-1, fate.at(0))
}

// sinceStart is the time since the start of the simulated day.
func sinceStart(t time.Time) time.Duration { return t.Sub(moment(0)) }

// Decide implements pacing.Controller. It asks for one call at a time: the next
// may be of another segment.
func (p *oracle) Decide(now time.Time, v pacing.View) pacing.Decision {
	if v.Room == 0 || p.signedIn() == 0 {
		return pacing.Decision{Room: v.Room}
	}
	if p.stale || !p.seen.Equal(now) {
		p.look(now)
	}
	d := pacing.Decision{Room: v.Room, AbandonChance: p.view.nobody(), Threshold: p.threshold}
	if d.AbandonChance <= p.threshold {
		d.Dial = 1
	}
	return d
}

func (p *oracle) look(now time.Time) {
	p.seen, p.stale = now, false
	p.view.reset(p.count[pacing.Ready] - len(p.waiting))
	for i, o := range p.operators {
		if i >= len(p.work) || p.work[i] == nil {
			continue
		}
		switch age := now.Sub(o.since); o.state {
		case pacing.Talking:
			p.view.add(1, oddsAt(p.work[i].talk, age))
		case pacing.Wrapping:
			p.view.add(1, oddsAt(p.work[i].wrap, age))
		}
	}
	for i := range p.baseline.calls {
		c := &p.baseline.calls[i]
		p.view.add(-1, p.fates[c.tag].at(now.Sub(c.dialled)))
	}
}
