package plane

import (
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Stats are the plane's figures: what is now, and totals since the start.
type Stats struct {
	Customers, Operators int // legs
	Browsers             int // of the operators' legs, over a wire
	Bridged              int // customers
	OneWay               int // legs that should send and have not for 2.5 s
	PortsFree            int // pairs; -1 where the system chooses

	Received, Sent       uint64 // packets, since the start
	Lost, Foreign        uint64
	Relayed, RelayedLost uint64

	Recordings        int    // running
	RecordingQueue    int    // packets that wait for the disk
	RecordingDropped  uint64 // packets that did not reach it
	RecordingFailures uint64

	TicksLate    uint64        // ticks more than 10 ms late
	TickLateness time.Duration // the worst since Stats was last called
}

// Stats returns the figures of now.
func (p *Plane) Stats() Stats {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	total := p.past
	s := Stats{
		PortsFree: p.pool.Free(now), Recordings: len(p.recordings), RecordingDropped: p.dropped,
		RecordingFailures: p.recordFailures.Load(),
		TicksLate:         p.wheel.late.Load(), TickLateness: time.Duration(p.wheel.maxLate.Swap(0)),
	}
	for _, l := range p.legs {
		add(&total, l.stats())
		s.count(l, now)
	}
	for r := range p.recordings {
		s.RecordingQueue += r.Queued()
		s.RecordingDropped += r.Dropped()
	}
	s.Received, s.Sent, s.Lost, s.Foreign = total.Received, total.Sent, total.Lost, total.Foreign
	s.Relayed, s.RelayedLost = total.RelayedFromThere, total.RelayedLost
	return s
}

func (s *Stats) count(l *leg, now time.Time) {
	if l.spec.Kind == media.Operator {
		s.Operators++
		if l.wire != nil {
			s.Browsers++
		}
	} else {
		s.Customers++
		if l.pairing.Load() != nil {
			s.Bridged++
		}
	}
	if !l.session.Quiet() && l.watch.oneWay(now, l.session.LastHeard()) {
		s.OneWay++
	}
}

func add(total *media.LegStats, l media.LegStats) {
	total.Received += l.Received
	total.Sent += l.Sent
	total.Lost += l.Lost
	total.Foreign += l.Foreign
	total.RelayedLost += l.RelayedLost
	total.RelayedFromThere += l.RelayedFromThere
}

// LegStats are the figures of one leg; false where there is none.
func (p *Plane) LegStats(id media.LegID) (stats media.LegStats, ok bool) {
	p.with(id, func(l *leg) { stats, ok = l.stats(), true })
	return stats, ok
}

// Heard says whether any audio packet has come from a leg.
func (p *Plane) Heard(id media.LegID) bool {
	heard := false
	p.with(id, func(l *leg) { heard = l.stats().Received > 0 })
	return heard
}
