package plane

import (
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/bridge"
	"github.com/outpace-dialer/outpace/media/rtp"
)

// A leg over a wire is that of a browser which is connected before the engine wants
// it: nothing is described, and it is up as soon as it is opened. Its connection may
// go and come again while the leg, its bridge and its recording stay.

// awayAfter is how long nothing may come from a browser until it counts as away: it
// sends 50 packets a second, silence included.
const awayAfter = time.Second

func newWiredLeg(id media.LegID, spec media.LegSpec, w media.Wire, post func(media.Event)) *leg {
	l := &leg{
		id: id, spec: spec, post: post, session: rtp.NewWiredSession(w), wire: w,
		hears: map[*leg]*bridge.Voice{}, heardBy: map[*leg]*bridge.Voice{},
	}
	l.output = bridge.NewOutput(l.session)
	l.found = l.report
	l.watch.away = awayAfter
	return l
}

var _ media.WireEnd = (*leg)(nil)

// Follow takes what the wire's present connection agreed on.
func (l *leg) Follow(f media.WireFormat) {
	l.session.Describe(rtp.Follow(f))
	l.output.Open(f.Law, time.Now())
}

// HearRTP and HearRTCP take one datagram of the wire.
func (l *leg) HearRTP(b []byte, now time.Time) {
	if p := l.session.Hear(b, now); p != nil {
		l.hear(now, p)
	}
}

// HearRTCP takes one report of the wire.
func (l *leg) HearRTCP(b []byte, now time.Time) { l.session.HearReport(b, now) }

// wireOf is the wire of a leg's owner, nil where there is none.
func (p *Plane) wireOf(spec media.LegSpec) media.Wire {
	if spec.Owner == "" || p.Wire == nil {
		return nil
	}
	return p.Wire(spec.Owner)
}

// openWired makes a leg over a wire and brings it up. p.mu is held.
func (p *Plane) openWired(id media.LegID, spec media.LegSpec, w media.Wire) *leg {
	l := newWiredLeg(id, spec, w, p.outbox.post)
	p.legs[id] = l
	p.wheel.add(l)
	l.agreed.Receiving = true
	w.Attach(l)
	p.goUp(l)
	return l
}
